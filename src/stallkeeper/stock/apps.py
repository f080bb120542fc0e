from django.apps import AppConfig


class StockConfig(AppConfig):
    name = "stallkeeper.stock"
    label = "stock"
