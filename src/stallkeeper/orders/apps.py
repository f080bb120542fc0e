from django.apps import AppConfig


class OrdersConfig(AppConfig):
    name = "stallkeeper.orders"
    label = "orders"

    def ready(self) -> None:
        """Register the hooks that serve lines which wait for a link or for stock before a use case commits."""
        from stallkeeper.orders import lines, linking  # noqa: F401
