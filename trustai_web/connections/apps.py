from django.apps import AppConfig


class ConnectionsConfig(AppConfig):
    name = "trustai_web.connections"
