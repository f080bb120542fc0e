from django.apps import AppConfig


class OpsConfig(AppConfig):
    name = "stallkeeper.ops"
    label = "ops"
