from django.apps import AppConfig


class CoreConfig(AppConfig):
    name = "stallkeeper.core"
    label = "core"
