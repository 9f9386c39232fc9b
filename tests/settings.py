"""Settings of the tests: the real ones, with keys of their own and a folder that is thrown away."""

import os
import tempfile

from cryptography.fernet import Fernet

os.environ.setdefault("SECRET_KEY", "only-for-tests")
os.environ.setdefault("ENCRYPTION_KEYS", Fernet.generate_key().decode())
_folder = tempfile.TemporaryDirectory(prefix="trustai-tests-")  # removed when the tests end
os.environ.setdefault("TRUSTAI_VAR_DIR", _folder.name)

from trustai_web.settings import *  # noqa: E402, F403

if DATABASES["default"]["ENGINE"].endswith("sqlite3"):  # noqa: F405
    # In a file, as the real one: one in memory cannot be written to by several threads.
    DATABASES["default"]["TEST"] = {"NAME": str(VAR_DIR / "tests.sqlite3")}  # noqa: F405

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES["staticfiles"] = {  # noqa: F405
    "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
}
# Nothing listens there: a test that sends work to a broker says so itself.
CELERY_BROKER_URL = "memory://"
