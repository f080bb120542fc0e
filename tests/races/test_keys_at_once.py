"""Two people make a key of the same name at once: one has it, the other hears that the name is taken."""

from __future__ import annotations

import pytest
from django.urls import reverse

from stallkeeper.backoffice import programs
from stallkeeper.core.models import ApiKey, Role, User
from stallkeeper.core.retry import again_on_conflict
from tests.busy_shop import signed_in
from tests.shop import Shop, join

AT_ONCE = 6


def made_at_once(race_db) -> list[int]:
    shop = Shop.open()
    owner = User.objects.create_user(f"{shop.organisation.slug}@example.com")
    join(shop.organisation, owner, Role.OWNER)
    clients = [signed_in(owner) for _ in range(AT_ONCE)]

    def make(client):
        return lambda: client.post(reverse("backoffice:keys"), {"name": "Repricer", "may": ["send"]}).status_code

    statuses = race_db.together(*[make(client) for client in clients])
    with shop.scope():
        assert ApiKey.objects.count() == 1
    return sorted(statuses)


@pytest.fixture(autouse=True)
def _folders(settings, tmp_path) -> None:
    settings.STATIC_ROOT = tmp_path


def test_the_second_hears_that_the_name_is_taken(race_db) -> None:
    assert made_at_once(race_db) == [200] + [422] * (AT_ONCE - 1)


def test_without_another_try_the_database_says_it(race_db, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "_made", again_on_conflict(programs._made.__wrapped__))
    with pytest.raises(Exception, match="api_key_name_once"):
        [made_at_once(race_db) for _ in range(20)]
