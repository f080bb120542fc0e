from django.apps import AppConfig


class OrdersConfig(AppConfig):
    name = "stallkeeper.orders"
    label = "orders"

    def ready(self) -> None:
        """Register the hooks that answer and serve what waits for a switch, a link or stock before a use case commits."""
        from stallkeeper.orders import acknowledging, lately, lines, linking  # noqa: F401
