"""What every command needs before it starts: the database, Django, a schema of this release, and the organisation it works for."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, ParamSpec, TypeVar

import click

from stallkeeper import embedded, env

if TYPE_CHECKING:
    from stallkeeper.core.models import Organisation

P = ParamSpec("P")
R = TypeVar("R")


class BootError(RuntimeError):
    """The installation is not ready for the command. The text says what to do first."""


def start(*, quiet: bool = True, migrate: bool = False) -> None:
    """Make Django usable in this process; the embedded database is started if no other is named, and stays until the process ends.

    A new database gets its tables. One of an older release is brought up to date only with ``migrate``, because other processes may be
    using it: BootError otherwise, and for one of a newer release always. Data that lies in another database than it was
    last used in is a copy, and put into quarantine.
    """
    if quiet:
        os.environ.setdefault("STALLKEEPER_LOG_LEVEL", "WARNING")
    if not os.environ.get("DATABASE_URL"):
        os.environ["DATABASE_URL"] = embedded.ensure(env.home())
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "stallkeeper.settings")
    import django
    from django.apps import apps

    if not apps.ready:
        django.setup()
    if quiet:
        _one_event()
    _schema(migrate)
    from stallkeeper.ops import restoring

    restoring.notice_copy()


def _one_event() -> None:
    """All that this command does goes back to it: an id until the command ends, or the process where no command began it."""
    from stallkeeper.core import correlation

    command = click.get_current_context(silent=True)
    if command is None:
        correlation.begin()
    else:
        command.with_resource(correlation.born())


def _schema(migrate: bool) -> None:
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    executor = MigrationExecutor(connection)
    loader = executor.loader
    newer = sorted(
        f"{app}.{name}" for app, name in loader.applied_migrations if app in loader.migrated_apps and (app, name) not in loader.graph
    )
    if newer:
        raise BootError(
            f"The database is of a newer release than this program ({len(newer)} changes are unknown here, such as {newer[-1]}). "
            "Bring this machine up to the release that the others run, or restore the backup made before the update."
        )
    plan = executor.migration_plan(loader.graph.leaf_nodes())
    if not plan:
        _walls()
        return
    if loader.applied_migrations and not migrate:
        raise BootError(
            f"The database is of an older release ({len(plan)} changes are missing). Stop all its processes, make a backup, and start "
            "'stallkeeper run' or 'stallkeeper migrate'."
        )
    apply_migrations()
    _walls()


def _walls() -> None:
    """Close gaps in the walls (ADR 0035). Where our role passes them all: a warning, BootError if there are several organisations."""
    from django.db import connection

    from stallkeeper.core import walls
    from stallkeeper.core.models import Organisation
    from stallkeeper.ops import queries

    if walls.gaps():
        with connection.cursor() as cursor:
            queries.lock_migrations(cursor)
            try:
                walls.build()
            finally:
                queries.unlock_migrations(cursor)
    if walls.bypassed():
        if Organisation.objects.count() > 1:
            raise BootError(walls.BYPASSED)
        click.echo(f"Warning: {walls.BYPASSED}", err=True)


def apply_migrations() -> None:
    """Bring the schema up to this release. Two processes at once: the second waits and finds nothing to do."""
    from django.core.management import call_command
    from django.db import connection

    from stallkeeper.ops import fresh, queries

    with connection.cursor() as cursor:
        queries.lock_migrations(cursor)
        try:
            fresh.lay(cursor)
            call_command("migrate", verbosity=0, interactive=False)
        finally:
            queries.unlock_migrations(cursor)


def organisation(slug: str | None) -> Organisation:
    """The organisation with this short name, or the only one there is; BootError that lists them otherwise."""
    from stallkeeper.core.models import Organisation

    found = list(Organisation.objects.order_by("slug"))
    if slug:
        found = [one for one in found if one.slug == slug]
    if len(found) == 1:
        return found[0]
    known = ", ".join(Organisation.objects.order_by("slug").values_list("slug", flat=True))
    if not known:
        raise BootError(
            "There is no organisation yet: start 'stallkeeper run' once, or 'stallkeeper users add you@example.com --role owner'."
        )
    if slug:
        raise BootError(f"There is no organisation {slug!r}. Known are: {known}.")
    raise BootError(f"There are several organisations; choose one with --organisation: {known}.")


def for_organisation(command: Callable[..., R]) -> Callable[..., R]:
    """A command for one organisation: adds ``--organisation``, starts Django, opens the scope, hands the organisation on as first."""

    @click.option("--organisation", "slug", metavar="NAME", help="Short name of the organisation; not needed if there is only one.")
    @functools.wraps(command)
    def started(*args: object, slug: str | None = None, **options: object) -> R:
        start()
        from stallkeeper.core.tenancy import organisation_scope

        chosen = organisation(slug)
        with organisation_scope(chosen.pk):
            return command(chosen, *args, **options)

    return started


def actor() -> str:
    """How audit entries name what is done from the command line."""
    import getpass

    try:
        return f"console:{getpass.getuser()}"[:60]
    except (KeyError, OSError):  # an account without a name, as in some containers
        return f"console:{os.getuid()}"
