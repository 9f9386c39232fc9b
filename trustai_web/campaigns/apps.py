from django.apps import AppConfig


class CampaignsConfig(AppConfig):
    name = "trustai_web.campaigns"
