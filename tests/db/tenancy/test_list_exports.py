"""Lists that are taken away hold nothing of another organisation."""

from __future__ import annotations

import pytest
from django.urls import reverse

from stallkeeper.backoffice.export_lists import LISTS
from tests.busy_shop import signed_in
from tests.canaries import unpacked
from tests.db.tenancy.furnished import Neighbours


@pytest.mark.parametrize("kind", LISTS)
@pytest.mark.parametrize("form", ["xlsx", "csv"])
def test_nothing_of_another_organisation_is_in_a_file(neighbours: Neighbours, kind: str, form: str) -> None:
    answer = signed_in(neighbours.ours.owner).post(reverse("backoffice:export", args=[kind]), {"form": form})
    body = answer.content
    assert len(body) > 100
    found = [(place, canary) for place, part in unpacked(kind, body) for canary in neighbours.canaries if canary.encode() in part]
    assert found == []
