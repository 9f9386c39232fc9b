from django.apps import AppConfig


class DashboardConfig(AppConfig):
    name = "trustai_web.dashboard"
