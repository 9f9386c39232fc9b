"""Settings of the tests: the real ones, with keys of their own and a folder that is thrown away."""

import os
import tempfile

from cryptography.fernet import Fernet

os.environ.setdefault("SECRET_KEY", "only-for-tests")
os.environ.setdefault("ENCRYPTION_KEYS", Fernet.generate_key().decode())
os.environ.setdefault("TRUSTAI_VAR_DIR", tempfile.mkdtemp(prefix="trustai-tests-"))

from trustai_web.settings import *  # noqa: F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES["staticfiles"] = {  # noqa: F405
    "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
}
# Nothing listens there: a test that sends work to a broker says so itself.
CELERY_BROKER_URL = "memory://"
