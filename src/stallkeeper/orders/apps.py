from django.apps import AppConfig


class OrdersConfig(AppConfig):
    name = "stallkeeper.orders"
    label = "orders"
