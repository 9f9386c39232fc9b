"""All settings, from the environment; `.env.example` and the README's table list every name."""

from pathlib import Path

import dj_database_url
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from environs import Env

BASE_DIR = Path(__file__).resolve().parent.parent

env = Env()
env.read_env(str(BASE_DIR / ".env"), recurse=False)
VAR_DIR = Path(env.str("TRUSTAI_VAR_DIR", str(BASE_DIR / "var"))).resolve()
# Keys that `make run` and `make demo` made on their first start; the environment and .env go first.
env.read_env(str(VAR_DIR / "secrets.env"), recurse=False)

# --- secrets -----------------------------------------------------------------------------------------------
SECRET_KEY = env.str("SECRET_KEY", "")
ENCRYPTION_KEYS: list[str] = env.list("ENCRYPTION_KEYS", [])
if not SECRET_KEY or not ENCRYPTION_KEYS:
    raise ImproperlyConfigured(
        "SECRET_KEY and ENCRYPTION_KEYS are not set. `make secrets` makes them under var/; "
        "for your own deployment set them in the environment (see .env.example)."
    )

# --- site --------------------------------------------------------------------------------------------------
DEBUG = env.bool("DEBUG", False)
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", ["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS: list[str] = env.list("CSRF_TRUSTED_ORIGINS", [])
SITE_URL = env.str("SITE_URL", "").rstrip("/")
"""Where ML backends reach this site, to say that a training has ended; empty: they are not asked to."""
HTTPS = env.bool("HTTPS", False)
"""Served over https: secure cookies, HSTS, redirects from http."""

INSTALLED_APPS = [
    "trustai_web.common",
    "trustai_web.accounts",
    "trustai_web.connections",
    "trustai_web.campaigns",
    "trustai_web.dashboard",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "csp",
    "django_htmx",
    "template_partials",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]
ROOT_URLCONF = "trustai_web.urls"
WSGI_APPLICATION = "trustai_web.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]

# --- data --------------------------------------------------------------------------------------------------
DATABASE_URL = env.str("DATABASE_URL", f"sqlite:///{VAR_DIR / 'trustai.sqlite3'}")
DATABASES = {"default": dj_database_url.parse(DATABASE_URL)}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # Several processes write: readers must not block, and a writer must queue rather than fail.
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 30,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }
else:
    DATABASES["default"]["CONN_MAX_AGE"] = 60
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
MEDIA_ROOT = Path(env.str("FILES_DIR", str(VAR_DIR / "files"))).resolve()
"""What rounds keep, and what scoring has read and predicted; workers on several machines share it."""
STATIC_URL = "static/"
STATIC_ROOT = VAR_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if not DEBUG
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}

# --- people ------------------------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "login"

# --- browser security --------------------------------------------------------------------------------------
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        # Tasks show images from wherever the labelling team keeps them.
        "img-src": [SELF, "data:", "https:", "http:"],
        "connect-src": [SELF],
        "font-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
    }
}
X_FRAME_OPTIONS = "DENY"
# Names of our own: a cookie knows no port, and a Label Studio on the same host would overwrite Django's defaults.
SESSION_COOKIE_NAME = "trustai_session"
CSRF_COOKIE_NAME = "trustai_csrf"
SESSION_COOKIE_HTTPONLY = True
CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = HTTPS
SECURE_HSTS_SECONDS = 60 * 60 * 24 * 365 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
if env.bool("BEHIND_PROXY", False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# --- work in the background --------------------------------------------------------------------------------
CELERY_BROKER_URL = env.str("REDIS_URL", "redis://127.0.0.1:6390/0")
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {"socket_connect_timeout": 3}
CELERY_TASK_IGNORE_RESULT = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BEAT_SCHEDULE_FILENAME = str(VAR_DIR / "beat-schedule")
CELERY_BEAT_SCHEDULE = {
    name: {
        "task": f"trustai_web.campaigns.tasks.{name}",
        "schedule": seconds,
        # What a busy worker could not do in time is worth nothing any more.
        "options": {"expires": seconds},
    }
    for name, seconds in (("jobs_sweep", 5.0), ("rounds_sync", 3.0))
}
JOB_HEARTBEAT_SECONDS = env.float("JOB_HEARTBEAT_SECONDS", 2.0)
JOB_STALE_SECONDS = env.float("JOB_STALE_SECONDS", 20.0)
JOB_MAX_TRIES = env.int("JOB_MAX_TRIES", 6)
JOB_RETRY_SECONDS = env.float("JOB_RETRY_SECONDS", 5.0)
TRAIN_TIMEOUT_SECONDS = env.float("TRAIN_TIMEOUT_SECONDS", 600.0)

# --- the rest ----------------------------------------------------------------------------------------------
LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = True
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", "INFO")},
    "filters": {"no_secret_addresses": {"()": "trustai_web.common.logs.HideSecretAddresses"}},
    "loggers": {
        # httpx logs every address it calls, with its query.
        "httpx": {"level": "WARNING"},
        # Django logs the addresses that it refuses; some have a secret in them.
        "django.request": {"filters": ["no_secret_addresses"]},
    },
}
