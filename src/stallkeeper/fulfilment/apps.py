from django.apps import AppConfig


class FulfilmentConfig(AppConfig):
    name = "stallkeeper.fulfilment"
    label = "fulfilment"
