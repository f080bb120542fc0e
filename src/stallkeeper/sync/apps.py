from django.apps import AppConfig


class SyncConfig(AppConfig):
    name = "stallkeeper.sync"
    label = "sync"

    def ready(self) -> None:
        """Register the hook that wakes lanes after a use case."""
        from stallkeeper.sync import wake  # noqa: F401
