from django.apps import AppConfig


class CommonConfig(AppConfig):
    name = "trustai_web.common"

    def ready(self) -> None:
        from trustai_web.common import checks  # noqa: F401  registers the system checks
