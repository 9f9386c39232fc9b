"""The browser side of TrustAI: Django and Celery over al_core."""

from trustai_web.celery import app as celery_app

__all__ = ["celery_app"]
