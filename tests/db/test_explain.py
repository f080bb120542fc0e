"""Every number opens its working, and the working ends at the number (C20, D1)."""

from __future__ import annotations

import pytest

from stallkeeper.channels import explain, rules
from stallkeeper.channels.rules import RuleError
from stallkeeper.core.models import AuditEntry
from stallkeeper.orders import intake
from tests.shop import Shop, remote_order


@pytest.fixture
def shop() -> Shop:
    return Shop.open()


def test_the_steps_lead_from_the_shelf_to_the_offer(shop: Shop) -> None:
    unit = shop.unit("MUG", 20)
    channel = shop.channel(buffer=2, max_publish=12, share=75)
    offer = shop.offer(channel, unit)
    with shop.use_case() as uc:
        intake.accept(uc, channel.connection_id, [remote_order("1", [("MUG", 3)])], shop.at)
    found = explain.explain(shop.organisation.pk, "MUG")
    assert len(found) == 1
    steps = {step.name: step.after for step in found[0].steps}
    assert steps == {
        "on_hand": 20, "allocated": 17, "holds": 17, "ring_fence": 17, "incoming": 17, "kit": 17,
        "share": 12, "buffer": 10, "velocity": 10, "cap": 10, "zero_at": 10, "pack_factor": 10, "limit": 10, "basis": 10,
    }  # fmt: skip
    assert found[0].intended == found[0].stored == shop.intended(offer) == 10
    assert [(spot.on_hand, spot.allocated) for spot in found[0].spots] == [(20, 3)]
    assert [(promise.kind, promise.quantity) for promise in found[0].promises] == [("allocated", 3)]
    assert found[0].movements[0].quantity == 20


def test_a_kit_is_worked_out_place_by_place(shop: Shop) -> None:
    """The sum over places of the minimum over components, unless the channel allows splits."""
    shop.add_place("B")
    cup, saucer = shop.unit("CUP", {"MAIN": 4, "B": 1}), shop.unit("SAUCER", {"MAIN": 1, "B": 9})
    kit = shop.kit("SET", {cup: 1, saucer: 1})
    with shop.scope():
        both = [level.location for level in cup.levels.select_related("location").order_by("location_id")]
    together, apart = shop.channel(locations=both), shop.channel(locations=both, allow_splits=True)
    assert shop.offer(together, kit).intended_qty == 2
    assert shop.offer(apart, kit).intended_qty == 5


def test_a_kit_whose_parts_lie_apart_is_none(shop: Shop) -> None:
    """Each place has only one of the two components, and no level of the other: nobody can pack the kit anywhere."""
    far = shop.add_place("B")
    kit = shop.kit("SET", {shop.unit("CUP", {"MAIN": 4}): 1, shop.unit("SAUCER", {"B": 9}): 1})
    both = [shop.place, far]
    assert shop.offer(shop.channel(locations=both), kit).intended_qty == 0
    assert shop.offer(shop.channel(locations=both, allow_splits=True), kit).intended_qty == 4


def test_rules_are_kept_as_versions_and_applied_at_once(shop: Shop) -> None:
    unit = shop.unit("MUG", 20)
    channel = shop.channel()
    offer = shop.offer(channel, unit)
    with shop.use_case() as uc:
        rules.save(uc, channel.pk, buffer=5, zero_at=3)
    assert shop.intended(offer) == 15
    with shop.scope():
        assert AuditEntry.objects.get(action="channel.rules").detail == {"buffer": 5, "zero_at": 3}
    with pytest.raises(RuleError, match="share"), shop.use_case() as uc:
        rules.save(uc, channel.pk, share=140)
    with pytest.raises(RuleError, match="no rule 'bufer'"), shop.use_case() as uc:
        rules.save(uc, channel.pk, bufer=1)


def test_a_sku_that_nobody_offers_is_said_so(shop: Shop) -> None:
    with pytest.raises(explain.NothingToExplain, match="NOPE"):
        explain.explain(shop.organisation.pk, "NOPE")
