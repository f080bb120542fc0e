from django.apps import AppConfig


class ChannelsConfig(AppConfig):
    name = "stallkeeper.channels"
    label = "channels"

    def ready(self) -> None:
        """Register the hooks that refresh offers and their prices before a use case commits."""
        from stallkeeper.channels import pricing, refresh  # noqa: F401
