"""What must be right before the balancer starts (S3.47), and what is said when it starts too early."""

from __future__ import annotations

from datetime import timedelta

from stallkeeper.channels import balancer, preflight
from stallkeeper.channels.models import Channel, SendPlan
from stallkeeper.core import notify
from stallkeeper.core.models import Organisation, Severity
from stallkeeper.stock.models import SourceRun, StockSource
from tests.market import Market, Stall


def wrong(market: Market, stall: Stall) -> dict[str, str]:
    """What is not right, with what to do."""
    with market.shop.scope():
        channel = Channel.objects.select_related("connection").get(pk=stall.channel.pk)
        return {check.text: check.remedy for check in preflight.preflight(market.shop.organisation, [channel]) if not check.fine}


def test_each_thing_that_is_not_right_is_named(market: Market, stall: Stall) -> None:
    """S3.47: places and their numbers, sources, rules, switches."""
    shop, place = market.shop, market.shop.place
    stall.offer(shop.unit("MUG", 10), shown=10)
    market.settle(3)
    organisation = Organisation.objects.filter(pk=shop.organisation.pk)
    assert "Send the stock for the first time." in wrong(market, stall).values()
    with shop.scope():
        Channel.objects.filter(pk=stall.channel.pk).update(first_send_at=shop.at)
    assert list(wrong(market, stall)) == ["The balancer is switched on for the company"]
    organisation.update(balancer_enabled=True)
    assert wrong(market, stall) == {}

    with shop.scope():
        Channel.objects.filter(pk=stall.channel.pk).update(share=0, fixed=3, max_publish=2, zero_at=2)
    (rules,) = wrong(market, stall).values()
    assert "share is 0" in rules
    assert "2 at most, and zero at 2" in rules
    assert "a fixed number and a cap" in rules
    with shop.scope():
        Channel.objects.filter(pk=stall.channel.pk).update(share=100, fixed=3, max_publish=None, zero_at=0)
    assert "fixed number 3" in "".join(wrong(market, stall).values())
    with shop.scope():
        Channel.objects.filter(pk=stall.channel.pk).update(fixed=None)

    east = shop.add_place("EAST")
    with shop.scope():
        stall.channel.channel_locations.create(organisation=shop.organisation, location=east)
    assert list(wrong(market, stall)) == ["EAST: its numbers are entered"]
    shop.stock(shop.unit("JUG"), {"EAST": 1})
    with shop.scope():
        source = StockSource.objects.create(
            organisation=shop.organisation, location=place, name="Feed", kind="url", enabled=True, created_at=shop.at
        )
    assert list(wrong(market, stall).values()) == ["It has brought nothing yet."]
    with shop.use_case() as uc:
        StockSource.objects.filter(pk=source.pk).update(last_success_at=uc.at)
        notify.raise_(uc, f"source:{source.pk}:silent", Severity.ERROR, "silent")
    assert "silent" in "".join(wrong(market, stall).values())
    with shop.use_case() as uc:
        notify.resolve(uc, f"source:{source.pk}:silent")
        SourceRun.objects.create(
            organisation=shop.organisation, source=source, reference="a", as_of=uc.at, actor="system", started_at=uc.at, state="stopped"
        )
        SendPlan.objects.create(
            organisation=shop.organisation, proposal={}, base={}, counts=[], fingerprint="a", made_at=uc.at, made_by="x"
        )
    found = "".join(wrong(market, stall).values())
    assert "wait for a person" in found
    assert "A plan is saved" in found


def test_what_is_started_before_the_company_switch_is_said_to_wait(market: Market, stall: Stall) -> None:
    with market.shop.use_case() as uc:
        balancer.start(uc, [stall.channel], uc.at + timedelta(minutes=10))
        assert "waits until" in balancer.waits(market.shop.organisation)
        balancer.set_company(uc, True)
        assert balancer.waits(market.shop.organisation) == ""
