"""The first organisation of an installation. A database of its own, which no other test of the file has open."""

from __future__ import annotations

from django.urls import reverse

from stallkeeper.core.models import Organisation, User
from tests.busy_shop import signed_in
from tests.conftest import RaceDatabase


def test_the_first_to_sign_in_makes_the_organisation(race_db: RaceDatabase) -> None:
    """Twice is once; whoever comes after is told that an owner adds people."""
    first, second = (User.objects.create_user(f"{name}@example.com") for name in ("first", "second"))
    client = signed_in(first)
    assert client.get("/").url == reverse("backoffice:found")
    wrong = client.post(reverse("backoffice:found"), {"name": "", "time_zone": "UTC"})
    assert wrong.status_code == 422
    for _ in range(2):
        assert client.post(reverse("backoffice:found"), {"name": "Ada's", "time_zone": "Europe/Rome"}).url == reverse("backoffice:start")
    made = Organisation.objects.get()
    assert (made.name, made.time_zone, made.start_passed) == ("Ada's", "Europe/Rome", ["company"])
    assert client.get("/start/").url.startswith(reverse("backoffice:start_stall"))
    late = signed_in(second)
    assert late.get("/").status_code == 403
    assert late.post(reverse("backoffice:found"), {"name": "Mine", "time_zone": "UTC"}).status_code == 403
    assert Organisation.objects.count() == 1
