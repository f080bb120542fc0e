from django.apps import AppConfig


class BackofficeConfig(AppConfig):
    name = "stallkeeper.backoffice"
    label = "backoffice"
