from django.apps import AppConfig


class ChannelsConfig(AppConfig):
    name = "stallkeeper.channels"
    label = "channels"

    def ready(self) -> None:
        """Register the hook that refreshes offers before a use case commits."""
        from stallkeeper.channels import refresh  # noqa: F401
