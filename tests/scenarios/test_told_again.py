"""What a channel refused about an order, or what was given up, is put right and told again by a person: on the screen or at a terminal."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from django.test import Client
from django.urls import reverse

from stallkeeper.__main__ import run
from stallkeeper.core import audit
from stallkeeper.core.models import AuditEntry, Role, User
from stallkeeper.stock.models import Level
from stallkit.testing.shop import Fault
from tests.busy_shop import signed_in, text
from tests.scenarios.town import Stall, Town, assert_adds_up, assert_true, notices
from tests.shop import Shop, join


@pytest.fixture
def stall(town: Town, firm: Shop, settings, tmp_path) -> Stall:
    settings.ENV = replace(settings.ENV, keyring=tmp_path / "keyring.json")
    settings.STATIC_ROOT = tmp_path
    firm.unit("MUG", 10)
    opened = town.stall(firm, "walmart", goods={"MUG": 10})
    town.work(40)
    return opened


@pytest.fixture
def says(stall: Stall, capsys: pytest.CaptureFixture[str]):
    """Run a command line; what it printed."""

    def call(*arguments: str, status: int = 0) -> str:
        capsys.readouterr()
        assert run(arguments) == status
        printed = capsys.readouterr()
        return printed.out + printed.err

    return call


def client_of(firm: Shop, role: str = Role.OPERATIONS) -> Client:
    user = User.objects.create_user(f"{role}@example.com")
    join(firm.organisation, user, role)
    return signed_in(user)


def refused_shipment(town: Town, stall: Stall) -> str:
    """Walmart wants a tracking address for couriers that it does not know."""
    order = stall.emulator.place_order([("MUG", 2)])
    town.work(10)
    stall.ship(order, carrier="Pigeon Post", tracking="P1")
    town.work(20)
    assert stall.command(order, "ship").state == "refused"
    return order


def given_up(town: Town, stall: Stall, kind: str, path: str) -> str:
    """A message that Walmart could not be given for more than a day."""
    order = stall.emulator.place_order([("MUG", 2)])
    if kind == "cancel":
        town.work(10)
        stall.cancel(order, {"1": 1})
    stall.emulator.fail_next(Fault.SERVER_ERROR, times=10_000, path=path)
    town.work(10)
    for _ in range(3):
        town.clock.tick(15 * 3600)
        town.work(20)
    assert stall.command(order, kind).state == "dead"
    stall.emulator.clear_faults()
    return order


def address(stall: Stall, order: str, kind: str) -> str:
    return reverse("backoffice:retry", args=[stall.order(order).pk, stall.command(order, kind).pk])


def test_a_shipment_is_put_right_on_the_screen(town: Town, firm: Shop, stall: Stall) -> None:
    order = refused_shipment(town, stall)
    client = client_of(firm)
    page = reverse("backoffice:order", args=[stall.order(order).pk])
    shown = client.get(page)
    assert "give the tracking URL too" in text(shown)
    assert "Tell the channel again" in text(shown)
    assert 'value="Pigeon Post"' in shown.content.decode()

    prefix = f"command_{stall.command(order, 'ship').pk}"
    told = {f"{prefix}-carrier": "Pigeon Post", f"{prefix}-tracking_number": "P2"}
    wrong = client.post(address(stall, order, "ship"), told | {f"{prefix}-tracking_url": "no address"})
    assert (wrong.status_code, "Enter a valid URL" in text(wrong)) == (422, True)
    right = told | {f"{prefix}-tracking_url": "https://pigeons.example/P2"}
    assert "is told again in the next run" in text(client.post(address(stall, order, "ship"), right, follow=True))
    town.work(30)

    parcel = stall.emulator.parcels[order][0].tracking
    assert (parcel.tracking_number, parcel.carrier_name.other_carrier) == ("P2", "Pigeon Post")
    assert stall.emulator.orders[order].ship_calls == 1
    assert not notices(firm)
    with firm.scope():
        assert Level.objects.get(stock_unit__sku="MUG").on_hand == 8, "goods left once"
        entry = AuditEntry.objects.get(action="retry.command")
        assert entry.actor == f"user:{User.objects.get().pk}"
        assert (entry.detail["kind"], entry.detail["was"], entry.detail["code"]) == ("ship", "refused", "TRACKING_URL")
        assert audit.verify_chain(firm.organisation.pk) == []
    after = text(client.get(page))
    assert "The shipment is told again" in after
    assert "Tell the channel again" not in after
    assert "nothing to be told again" in text(client.post(address(stall, order, "ship"), right, follow=True))
    assert_true(stall)
    assert_adds_up(firm, calm=True)


def test_only_who_may_act_on_orders_tells_again(town: Town, firm: Shop, stall: Stall) -> None:
    order = refused_shipment(town, stall)
    reader = client_of(firm, Role.READ_ONLY)
    assert reader.post(address(stall, order, "ship")).status_code == 403
    shown = text(reader.get(reverse("backoffice:order", args=[stall.order(order).pk])))
    assert "give the tracking URL too" in shown
    assert "Tell the channel again" not in shown
    stranger = client_of(Shop.open())
    assert stranger.post(address(stall, order, "ship")).status_code == 404
    assert stall.command(order, "ship").state == "refused"


def test_what_was_given_up_is_told_again(town: Town, firm: Shop, stall: Stall) -> None:
    order = given_up(town, stall, "acknowledge", "/acknowledge")
    client = client_of(firm)
    page = reverse("backoffice:order", args=[stall.order(order).pk])
    assert "Acknowledgement to the channel gave up" in text(client.get(page))
    client.post(address(stall, order, "acknowledge"))
    town.work(90)
    assert stall.emulator.orders[order].acknowledge_calls == 1
    assert stall.command(order, "acknowledge").state == "done"
    assert not notices(firm)
    assert "The acknowledgement is told again" in text(client.get(page))
    assert_true(stall)


def test_a_cancellation_that_was_given_up_was_undone_and_is_not_repeated(town: Town, firm: Shop, stall: Stall, says) -> None:
    """Its units are reserved again, and may be on their way by now: whoever still wants it cancels anew."""
    order = given_up(town, stall, "cancel", "/cancel")
    assert [line.cancelled for line in stall.lines(order)] == [0]
    client = client_of(firm)
    page = text(client.get(reverse("backoffice:order", args=[stall.order(order).pk])))
    assert "ave up on telling the channel of the cancellation" in page
    assert "Tell the channel again" not in page
    client.post(address(stall, order, "cancel"))
    assert "nothing that the channel refused" in says("retry", order, status=1)
    assert stall.command(order, "cancel").state == "dead"
    stall.cancel(order, {"1": 1})
    town.work(30)
    assert stall.emulator.orders[order].cancel_calls == 1
    assert_true(stall)


def test_a_refused_cancellation_was_undone_and_is_not_repeated(town: Town, firm: Shop, stall: Stall, says) -> None:
    order = stall.emulator.place_order([("MUG", 2)])
    town.work(10)
    stall.emulator.buyer_cancels(order)
    stall.cancel(order, {"1": 1})
    stall.run()
    assert stall.command(order, "cancel").state == "refused"
    client = client_of(firm)
    assert "Tell the channel again" not in text(client.get(reverse("backoffice:order", args=[stall.order(order).pk])))
    client.post(address(stall, order, "cancel"))
    assert "nothing that the channel refused" in says("retry", order, status=1)
    assert stall.command(order, "cancel").state == "refused"


def test_the_command_line_tells_again(town: Town, firm: Shop, stall: Stall, says) -> None:
    order = refused_shipment(town, stall)
    row = json.loads(says("retry", order, "--url", "https://pigeons.example/P1", "--json"))[0]
    assert (row["message"], row["said"].split()[0]) == ("ship", "TRACKING_URL")
    town.work(30)
    assert [line.shipped for line in stall.emulator.orders[order].lines] == [2]
    assert stall.emulator.parcels[order][0].tracking.tracking_number == "P1", "what was not named stays"
    with firm.scope():
        assert AuditEntry.objects.get(action="retry.command").actor.startswith("console:")
    assert "nothing that the channel refused" in says("retry", order, status=1)
    assert "There is no order 'X'" in says("retry", "X", status=1)


def test_of_two_refused_shipments_one_is_named(town: Town, firm: Shop, stall: Stall, says) -> None:
    order = stall.emulator.place_order([("MUG", 2)])
    town.work(10)
    for tracking in ("P1", "P2"):
        stall.ship(order, {"1": 1}, carrier="Pigeon Post", tracking=tracking, reference=f"parcel-{tracking}")
        town.work(20)
    refusal = says("retry", order, "--carrier", "UPS", status=1)
    assert "--shipment with one of parcel-P1, parcel-P2" in refusal
    says("retry", order, "--carrier", "UPS", "--shipment", "parcel-P2")
    town.work(30)
    assert [parcel.tracking.tracking_number for parcel in stall.emulator.parcels[order]] == ["P2"]
