from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "trustai_web.accounts"
