from django.apps import AppConfig


class OrdersConfig(AppConfig):
    name = "stallkeeper.orders"
    label = "orders"

    def ready(self) -> None:
        """Register the hook that serves shortages before a use case commits."""
        from stallkeeper.orders import lines  # noqa: F401
