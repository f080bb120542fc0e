"""Several processes start on a restored database at once: one notices the copy, the others find that it was noticed."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from stallkeeper.core.models import DatabaseIdentity
from stallkeeper.ops import restoring
from tests.races.explorer import Race, explore
from tests.shop import NOON


@pytest.fixture
def started_twice(monkeypatch: pytest.MonkeyPatch) -> Callable[[], Race]:
    """The quarantine itself, which goes through all organisations, is only counted."""
    noticed: list[str] = []
    monkeypatch.setattr(restoring, "quarantine", lambda why: noticed.append(why) or 0)

    def race() -> Race:
        noticed.clear()
        DatabaseIdentity.objects.update_or_create(pk=1, defaults={"system_identifier": 1, "database_oid": 1, "seen_at": NOON})
        return Race(restoring.notice_copy, restoring.notice_copy, lambda: "" if len(noticed) == 1 else f"noticed {len(noticed)} times")

    return race


def test_a_copy_is_noticed_once(race_db, started_twice: Callable[[], Race]) -> None:
    found = explore(started_twice, race_db, every=True)
    assert (found.broken, found.schedule) == ("", ())
    assert found.schedules > 2


def test_without_the_lock_both_notice_the_copy(race_db, started_twice: Callable[[], Race]) -> None:
    assert explore(started_twice, race_db, without=r"SELECT pg_advisory_lock").broken == "noticed 2 times"
