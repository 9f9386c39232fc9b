"""The WSGI entry point: ``gunicorn trustai_web.wsgi``."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "trustai_web.settings")
application = get_wsgi_application()
