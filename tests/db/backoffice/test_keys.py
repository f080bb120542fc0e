"""Keys of programs on the screen: for owners, shown once, ended (ADR 0065)."""

from __future__ import annotations

import re

from django.test import Client
from django.urls import reverse

from stallkeeper.core.models import ApiKey, AuditEntry, Role, User
from tests.busy_shop import BusyShop, signed_in, text
from tests.shop import join


def test_a_key_is_made_shown_once_opens_the_api_and_is_ended(busy: BusyShop, client: Client) -> None:
    address = reverse("backoffice:keys")
    assert "No program has a key yet" in text(client.get(address))
    made = client.post(address, {"name": "Repricer", "may": ["view_stock", "send"]})
    token = re.search(r"sk_[\w-]{40,}", made.content.decode())
    assert token is not None
    listed = text(client.get(address))
    assert ("Repricer" in listed, token[0] in listed, "apply plans" in listed) == (True, False, True)
    head = {"Authorization": f"Bearer {token[0]}"}
    assert len(Client().get("/api/v1/channels/", headers=head).json()) == 2
    with busy.shop.scope():
        key = ApiKey.objects.get()
        assert (key.permissions, key.created_by) == (["send", "view_stock"], busy.owner.actor)
    for wrong, why in (
        ({"name": "Repricer", "may": ["send"]}, "There is a key 'Repricer' already"),
        ({"name": "Other"}, "This field is required"),
        ({"name": "Other", "may": ["manage_users"]}, "not one of the available choices"),
    ):
        refused = client.post(address, wrong)
        assert (refused.status_code, why in text(refused)) == (422, True), why
    end = reverse("backoffice:end_key", args=[key.pk])
    assert "opens nothing any more" in text(client.post(end, follow=True))
    assert "was ended before" in text(client.post(end, follow=True))
    assert Client().get("/api/v1/channels/", headers=head).status_code == 401
    with busy.shop.scope():
        assert set(AuditEntry.objects.filter(subject_type="api_key").values_list("action", flat=True)) == {"make.api_key", "end.api_key"}


def test_only_owners_see_keys(busy: BusyShop) -> None:
    helper = User.objects.create_user("helper@example.com")
    join(busy.organisation, helper, Role.OPERATIONS)
    theirs = signed_in(helper)
    assert theirs.get(reverse("backoffice:keys")).status_code == 403
    assert theirs.post(reverse("backoffice:keys"), {"name": "Mine", "may": ["send"]}).status_code == 403
