"""The Celery application. Celery only carries work; the Job rows are the truth about it."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "trustai_web.settings")

app = Celery("trustai_web")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
