from django.apps import AppConfig


class CoreConfig(AppConfig):
    name = "stallkeeper.core"
    label = "core"

    def ready(self) -> None:
        """Connections that are opened from here on can pass arrays of NumPy."""
        from stallkeeper.core import copy  # noqa: F401
