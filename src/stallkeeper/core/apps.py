from django.apps import AppConfig
from django.db.models.signals import post_migrate, pre_migrate


class CoreConfig(AppConfig):
    name = "stallkeeper.core"
    label = "core"

    def ready(self) -> None:
        """Connections that are opened from here on can pass arrays of NumPy; migrations run inside the walls and put them up again."""
        from stallkeeper.core import copy  # noqa: F401

        pre_migrate.connect(_before_migrations, sender=self, dispatch_uid="walls")
        post_migrate.connect(_after_migrations, sender=self, dispatch_uid="walls")


def _before_migrations(plan: list[object] | None = None, **_: object) -> None:
    from stallkeeper.core import walls

    if plan:
        walls.open_for_owner()


def _after_migrations(**_: object) -> None:
    from stallkeeper.core import walls

    walls.build()
