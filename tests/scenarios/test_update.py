"""A database of the release before is brought up to date: what it holds stays, and what is new works on it."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from axes.models import AccessAttempt
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.test import Client

from stallkeeper import embedded, env
from stallkeeper.channels import quarantine
from stallkeeper.core import walls
from stallkeeper.core.models import DatabaseIdentity, Organisation, Role, User
from stallkeeper.core.tenancy import organisation_scope
from stallkeeper.ops import boot
from tests.scenarios.test_restore import connected_to
from tests.shop import NOON, Shop, join

BEFORE = {
    "core": "0004_daily_run",
    "channels": "0008_fewer_look_ups",
    "stock": "0005_fewer_look_ups",
    "orders": "0007_told_shipped",
    "sync": None,
    "axes": None,
}
"""The last migrations of that release, where this one has more: sign-ins were not counted in the database, nothing was in quarantine."""


@pytest.fixture
def empty(django_db_blocker) -> Iterator[embedded.Cluster]:
    """A server of our own with an empty database."""
    home = env.home({name: value for name, value in os.environ.items() if name != "STALLKEEPER_HOME"})
    with embedded.temporary("update", home) as cluster, django_db_blocker.unblock(), connected_to(cluster.url):
        yield cluster


def migrate_to_the_release_before() -> None:
    executor = MigrationExecutor(connection)
    leaves = [(app, BEFORE.get(app, name)) for app, name in executor.loader.graph.leaf_nodes() if app not in BEFORE or BEFORE[app]]
    executor.migrate(leaves)
    tables = connection.introspection.table_names()
    assert "core_user" in tables
    assert not {"axes_accessattempt", "core_databaseidentity"} & set(tables)
    old = executor.loader.project_state(leaves).apps
    old.get_model("core", "Organisation").objects.create(name="Ada's", slug="adas", created_at=NOON)
    old.get_model("core", "User").objects.create(email="ada@example.com", name="Ada", password="!")


def test_a_database_of_the_release_before_is_brought_up_to_date(empty: embedded.Cluster, monkeypatch, settings, tmp_path) -> None:
    settings.STATIC_ROOT = tmp_path
    monkeypatch.setenv("DATABASE_URL", empty.url)
    migrate_to_the_release_before()
    with pytest.raises(boot.BootError, match="of an older release"):
        boot.start(quiet=False)
    boot.start(quiet=False, migrate=True)

    adas, ada = Organisation.objects.get(slug="adas"), User.objects.get(email="ada@example.com")
    assert walls.gaps() == []
    assert DatabaseIdentity.objects.count() == 1
    assert quarantine.since(adas.pk) is None, "an update is no copy"
    assert not MigrationExecutor(connection).migration_plan(MigrationExecutor(connection).loader.graph.leaf_nodes())

    assert AccessAttempt.objects.count() == 0
    Client().post("/login/", {"username": ada.email, "password": "wrong"})
    assert AccessAttempt.objects.get().failures_since_start == 1
    join(adas, ada, Role.OWNER)
    shop = Shop(adas)
    with organisation_scope(adas.pk):
        offer = shop.offer(shop.channel(), shop.unit("MUG", 5))
        assert offer.intended_qty == 5
