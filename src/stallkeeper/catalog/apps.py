from django.apps import AppConfig


class CatalogConfig(AppConfig):
    name = "stallkeeper.catalog"
    label = "catalog"
