"""What nobody could understand is kept as it came: sealed, for a month, for those who may see personal data (rule 4, C12, C27)."""

from __future__ import annotations

from datetime import timedelta

from django.urls import reverse

from stallkeeper.channels.models import Parked
from stallkeeper.core import housekeeping
from stallkeeper.core.models import AuditEntry, PersonalData, Role, User
from stallkit.testing.shop import Fault
from tests.busy_shop import signed_in, text
from tests.market import Market, Stall
from tests.shop import join


def parked_order(market: Market, stall: Stall) -> Parked:
    stall.emulator.add_offer("MUG", quantity=5)
    stall.emulator.place_order([("MUG", 1)])
    stall.emulator.fail_next(Fault.UNKNOWN_ENUM, times=50, path="/v1/orders")
    stall.run()
    with market.shop.scope():
        return Parked.objects.get(resolved_at=None)


def reader(market: Market, role: str):
    user = User.objects.create_user(f"{role}@example.com")
    join(market.shop.organisation, user, role)
    return signed_in(user)


def test_an_order_that_cannot_be_read_is_kept_as_it_came_and_shown(market: Market, stall: Stall, settings, tmp_path) -> None:
    settings.STATIC_ROOT = tmp_path
    parked = parked_order(market, stall)
    address = reverse("backoffice:parked_body", args=[parked.pk])
    with market.shop.scope():
        kept = PersonalData.objects.get(subject_type="parked", subject_id=parked.pk)
        assert parked.external_id.encode() not in bytes(kept.ciphertext)

    client = reader(market, Role.OPERATIONS)
    assert address in client.get(reverse("backoffice:problem_list", args=["parked"])).content.decode()
    shown = text(client.post(address))
    assert parked.external_id in shown
    assert "MUG" in shown
    assert client.get(address).status_code == 405, "looking is an act: it is recorded"
    with market.shop.scope():
        assert AuditEntry.objects.filter(action="read.personal_data", detail__reason="parked object").count() == 1

    stranger = reader(market, Role.READ_ONLY)
    assert stranger.post(address).status_code == 403
    assert address not in stranger.get(reverse("backoffice:problem_list", args=["parked"])).content.decode()


def test_its_body_goes_after_a_month_and_the_notice_stays(market: Market, stall: Stall, settings, tmp_path) -> None:
    settings.STATIC_ROOT = tmp_path
    parked = parked_order(market, stall)
    housekeeping.daily(market.clock.at + timedelta(days=29))
    with market.shop.scope():
        assert PersonalData.objects.filter(subject_type="parked").exists()
    housekeeping.daily(market.clock.at + timedelta(days=31))
    with market.shop.scope():
        assert not PersonalData.objects.filter(subject_type="parked").exists()
        assert Parked.objects.filter(pk=parked.pk, resolved_at=None).exists()
    shown = text(reader(market, Role.OPERATIONS).post(reverse("backoffice:parked_body", args=[parked.pk])))
    assert "its time to be kept is over" in shown
