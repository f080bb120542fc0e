"""Plans of what is sent: saved without effect, applied by their fingerprint, refused when out of date, stopped by limits, undone."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest
from _pytest.outcomes import Failed

from stallkeeper.catalog import prices
from stallkeeper.catalog.models import PriceList, StockUnit
from stallkeeper.channels import guarding, plans, quarantine, rules, send_tasks, switches
from stallkeeper.channels.models import Channel, Connection, LaneKind, OfferPrice, RuleVersion, SendPlan, SendPlanPart, SendTask
from stallkeeper.channels.plan_stale import PlanError, Stale
from stallkeeper.channels.plans import Held
from stallkeeper.channels.proposals import ChannelChange, Proposal, ProposalError
from stallkeeper.core.models import AuditEntry, Notification, Organisation
from stallkeeper.stock import ledger, taking_back
from stallkeeper.stock.ledger import Target
from stallkeeper.stock.models import Cause, Movement
from tests import own_rules
from tests.market import Market, Stall
from tests.planted.plant import Bug, planted
from tests.shop import Shop

ACTOR = "user:1"


def stocked(market: Market, *stalls: Stall, count: int = 12, on_hand: int = 10) -> list[StockUnit]:
    """Units that every stall offers and shows as they are."""
    units = [market.shop.unit(f"U{number:03d}", on_hand) for number in range(count)]
    for stall in stalls:
        for unit in units:
            stall.offer(unit, shown=on_hand)
        stall.run()
    return units


def shown(stall: Stall) -> list[int]:
    return sorted(offer.quantity for offer in stall.emulator.offers.values())


def propose(stall: Stall, **change: object) -> Proposal:
    """Other rules (by name) for one stall."""
    return Proposal(channels={stall.channel.pk: ChannelChange(rules=change)})  # type: ignore[arg-type]


def save(market: Market, proposal: Proposal) -> SendPlan:
    with market.shop.scope():
        return plans.save(market.shop.organisation.pk, proposal, ACTOR)


def apply(market: Market, plan: SendPlan, **how: bool) -> SendPlan:
    with market.shop.scope():
        return plans.apply(market.shop.organisation.pk, plan.pk, plan.fingerprint, ACTOR, **how)


def test_a_plan_says_what_would_change_and_changes_nothing_before_it_is_applied_once(market: Market, stall: Stall) -> None:
    """S3.34, S3.35: "Save" works the table out; "Save and send" sends exactly that, and a second press does nothing."""
    other = market.stall()
    stocked(market, stall, other)
    with market.shop.scope():
        left_out = stall.channel.offers.get(sku="U000")
        left_out.stock_excluded = True
        left_out.save(update_fields=["stock_excluded"])
    plan = save(market, propose(stall, share="50", zero_at=5))
    market.shop.reload(plan)
    (counts,) = plans.counts_of(plan)
    assert (counts.offers, counts.live, counts.falls, counts.to_zero, counts.rises, counts.unknown) == (12, 11, 11, 11, 0, 0)
    with market.shop.scope():
        items = plans.parts_of(plan)[stall.channel.pk].quantities
        assert set(items.before.tolist()) == {10}
        assert set(items.after.tolist()) == {0}
    market.settle(2)
    assert shown(stall) == shown(other) == [10] * 12, "a plan that is saved is not in force"

    plan = save(market, propose(stall, share="50"))
    assert plans.counts_of(plan)[0].falls == 11
    with market.shop.scope():
        assert SendPlan.objects.filter(state=SendPlan.State.OPEN).count() == 1, "the newest replaces the one before"
    apply(market, plan)
    with market.shop.scope():
        versions, entries = RuleVersion.objects.count(), AuditEntry.objects.count()
    apply(market, plan)
    with market.shop.scope():
        assert (RuleVersion.objects.count(), AuditEntry.objects.count()) == (versions, entries), "applied twice is a no-op"
        task = SendTask.objects.get()
        assert (task.kind, task.asked_by, task.ended_at) == (SendTask.Kind.PLAN, ACTOR, None)
        (before,) = send_tasks.progress(task)
        assert (before.wanted, before.waiting, before.done) == (11, 11, False), "asked for is not done"
    stall.run()
    assert shown(stall) == [5] * 11 + [10]
    assert shown(other) == [10] * 12
    with market.shop.scope():
        (sent,) = send_tasks.progress(task)
        assert (sent.accepted, sent.shown, sent.done) == (11, 0, True), "accepted; nobody has looked yet (S3.40)"
    market.clock.tick(60)
    stall.run(LaneKind.BACKGROUND)
    with market.shop.scope():
        (read,) = send_tasks.progress(task)
        assert (read.accepted, read.shown) == (11, 11), "read back"
    market.clock.tick(90)
    stall.run(LaneKind.BACKGROUND)
    with market.shop.scope():
        task.refresh_from_db()
        assert task.ended_at is not None, "the background run closes what is done and read back"
        assert send_tasks.summary(task) == [read]


def test_a_plan_that_no_longer_says_the_same_is_refused_and_says_what_moved(market: Market, stall: Stall) -> None:
    units = stocked(market, stall)
    plan = save(market, propose(stall, share="50"))
    market.stock(units[3], 30)
    with pytest.raises(Stale) as stale:
        apply(market, plan)
    assert stale.value.offers == 1
    (move,) = stale.value.moves
    assert (move.sku, move.then_before, move.then_after, move.now_before, move.now_after) == ("U003", 10, 5, 10, 15)
    with pytest.raises(Stale):
        apply(market, plan, lower_is_fine=True)
    market.shop.reload(plan)
    assert plan.state == SendPlan.State.OPEN
    assert shown(stall) == [10] * 12

    market.stock(units[3], 10)
    market.stock(units[4], 8)
    with pytest.raises(Stale):
        apply(market, plan)
    apply(market, plan, lower_is_fine=True)
    stall.run()
    assert shown(stall) == [4] + [5] * 11, "sales may go on: what is lower than the plan says is fine where a person says so"


def test_a_plan_made_from_other_rules_or_switches_is_refused(market: Market, stall: Stall) -> None:
    stocked(market, stall, count=2)
    plan = save(market, propose(stall, max_publish=7))
    with market.shop.use_case() as uc:
        rules.save(uc, stall.channel.pk, price_drop_limit=Decimal(20))
    with pytest.raises(Stale, match=r"of channel \w+ other settings hold: price_drop_limit"):
        apply(market, plan)
    plan = save(market, propose(stall, max_publish=7))
    with pytest.raises(PlanError, match="not the plan that you looked at"):
        plans.apply(market.shop.organisation.pk, plan.pk, "made up", ACTOR)
    newer = save(market, propose(stall, max_publish=6))
    with pytest.raises(PlanError, match="replaced"):
        apply(market, plan)
    with market.shop.scope():
        assert plans.discard(market.shop.organisation.pk, newer.pk, ACTOR)
        assert not SendPlanPart.objects.filter(plan=newer).exists()
    with pytest.raises(PlanError, match="discarded"):
        apply(market, newer)


@pytest.mark.parametrize(
    ("proposal", "why"),
    [
        (Proposal(channels={10**9: ChannelChange(switches={"stock": True})}), "no channel"),
        (Proposal(channels={0: ChannelChange(switches={"orders": True})}), "switches stock, prices, active"),
        (Proposal(channels={0: ChannelChange(rules={"colour": "red"})}), "no rule 'colour'"),
        (Proposal(channels={0: ChannelChange(rules={"share": "101"})}), "share"),
        (Proposal(channels={0: ChannelChange(rules={"share": "much"})}), "share"),
    ],
)
def test_a_proposal_that_makes_no_sense_is_refused_before_anything_is_worked_out(
    market: Market, stall: Stall, proposal: Proposal, why: str
) -> None:
    named = Proposal(channels={pk or stall.channel.pk: change for pk, change in proposal.channels.items()})
    with pytest.raises((ProposalError, rules.RuleError), match=why):
        save(market, named)
    with market.shop.scope():
        assert not SendPlan.objects.exists()


def test_the_plan_of_the_first_send_covers_switches_and_is_refused_before_the_cutover(market: Market) -> None:
    """S3.28-S3.30, S3.36, S3.41: nothing leaves until the channel's switch and the company's are on; the first send is by hand."""
    stall = market.stall(stock_enabled=False, cutover="")
    Organisation.objects.filter(pk=market.shop.organisation.pk).update(sending_enabled=False)
    stocked(market, stall, count=3)
    on = Proposal(sending=True, channels={stall.channel.pk: ChannelChange(switches={"stock": True}, rules={"buffer": 4})})
    with pytest.raises(switches.SwitchError, match="open there"):
        save(market, on)
    with market.shop.scope():
        Channel.objects.filter(pk=stall.channel.pk).update(cutover="include")
    plan = save(market, on)
    (counts,) = plans.counts_of(plan)
    assert (counts.sends, counts.unknown, counts.silent) == (True, 3, ())
    only_channel = save(market, Proposal(channels=on.channels))
    (counts,) = plans.counts_of(only_channel)
    assert (counts.sends, counts.silent) == (False, ("sending is off for the whole company",))
    apply(market, save(market, on))
    market.settle(3)
    assert shown(stall) == [6, 6, 6]


def writes(stall: Stall, allowed: bool) -> Proposal:
    return Proposal(writes={stall.connection_id: allowed})


def allowed(market: Market, stall: Stall) -> bool:
    with market.shop.scope():
        return Connection.objects.get(pk=stall.connection_id).writes_allowed


def test_writing_to_an_account_is_planned_sent_as_seen_and_undone(market: Market, stall: Stall) -> None:
    """S3.23-S3.43: what an account that is let write would be sent, by which fingerprint; undone like everything that a plan turned."""
    other = market.stall()
    units = stocked(market, stall, other, count=3)
    with market.shop.use_case() as uc:
        switches.set_writes(uc, stall.connection_id, False)
    for unit in units:
        market.stock(unit, 6)
    market.settle(2)
    assert (shown(stall), shown(other)) == ([10] * 3, [6] * 3)
    plan = save(market, writes(stall, True))
    (counts,) = plans.counts_of(plan)
    assert (counts.channel_id, counts.sends, counts.falls, counts.silent) == (stall.channel.pk, True, 3, ()), "of this account's channels"
    assert not allowed(market, stall)
    with market.shop.use_case() as uc:
        switches.set_company(uc, False)
    with pytest.raises(Stale, match="the switch of the company was turned"):
        apply(market, plan)
    with market.shop.use_case() as uc:
        switches.set_company(uc, True)
    apply(market, plan)
    market.settle(2)
    assert (allowed(market, stall), shown(stall)) == (True, [6] * 3)

    with market.shop.scope():
        back = plans.undo(market.shop.organisation.pk, ACTOR)
        assert back.proposal == {"writes": {str(stall.connection_id): False}}
        assert plans.undoing(back) == plans.Undoing(back=0, other=0, left=3), "what was sent stays there"
    with market.shop.use_case() as uc:
        switches.set_writes(uc, stall.connection_id, False)
    with pytest.raises(Stale, match=r"of channel \w+ other settings hold: writing to the account"):
        apply(market, back)
    assert not allowed(market, stall), "who stopped it did not wait for the plan"


def test_what_a_switch_waits_for_is_said_when_the_plan_is_made(market: Market, stall: Stall) -> None:
    """An account that there is not; a restored copy whose orders nobody has read since."""
    with pytest.raises(ProposalError, match="no account"):
        save(market, Proposal(writes={10**9: True}))
    foreign = Shop.open().channel()
    with pytest.raises(ProposalError, match="no account"):
        save(market, Proposal(writes={foreign.connection_id: True}))
    with market.shop.use_case() as uc:
        quarantine.begin(uc, "restored")
    with pytest.raises(switches.SwitchError, match="copy restored from a backup"):
        save(market, Proposal(sending=True))
    with market.shop.scope():
        assert not SendPlan.objects.exists()


def test_stock_without_orders_needs_its_own_word(market: Market, stall: Stall) -> None:
    """Being sure of the limits is not being sure of this."""
    stocked(market, stall, count=2)
    with market.shop.scope():
        Channel.objects.filter(pk=stall.channel.pk).update(stock_enabled=False, orders_enabled=False)
    plan = save(market, Proposal(channels={stall.channel.pk: ChannelChange(switches={"stock": True})}))
    assert [counts.without_orders for counts in plans.counts_of(plan)] == [True]
    with pytest.raises(switches.Unwatched, match="no orders of this account are taken"):
        apply(market, plan, sure=True)
    with market.shop.scope():
        assert not Channel.objects.get(pk=stall.channel.pk).stock_enabled
    apply(market, plan, without_orders=True)
    with market.shop.scope():
        assert Channel.objects.get(pk=stall.channel.pk).stock_enabled


def priced(market: Market, count: int = 12) -> tuple[Stall, PriceList, list[StockUnit]]:
    with market.shop.scope():
        price_list = PriceList.objects.create(organisation=market.shop.organisation, code="EUR", currency="EUR", tax_included=True)
    stall = market.stall(price_list=price_list, prices_enabled=True)
    units = [market.shop.unit(f"U{number:03d}", 10) for number in range(count)]
    with market.shop.use_case() as uc:
        prices.set_prices(uc, price_list.pk, {unit.pk: Decimal("20.00") for unit in units})
    for unit in units:
        stall.offer(unit, shown=10)
    with market.shop.use_case() as uc:
        rules.work_out_anew(uc, stall.channel)
    market.settle(3)
    return stall, price_list, units


def test_prices_are_planned_with_how_much_they_move(market: Market) -> None:
    stall, _list, units = priced(market)
    with market.shop.scope():
        assert set(OfferPrice.objects.values_list("believed", flat=True)) == {Decimal("20.0000")}
    plan = save(market, propose(stall, mark_up="-10"))
    (counts,) = plans.counts_of(plan)
    assert (counts.price_falls, counts.deepest, counts.held, counts.quantities) == (len(units), "10.0", (), 0)
    apply(market, plan)
    market.settle(3)
    with market.shop.scope():
        assert set(OfferPrice.objects.values_list("believed", flat=True)) == {Decimal("18.0000")}
        task = SendTask.objects.get()
        (done,) = send_tasks.progress(task)
        assert (done.wanted, done.accepted, done.done) == (len(units), len(units), True)


def run_import(shop: Shop, units: list[StockUnit], figures: list[int], run: int) -> None:
    """What an import of stock does to the ledger."""
    with shop.use_case("test.import") as uc:
        targets = [
            Target(unit.pk, shop.place.pk, figure, f"import:{run}:{row}")
            for row, (unit, figure) in enumerate(zip(units, figures, strict=True))
        ]
        ledger.set_on_hand(uc, targets, Cause.SOURCE, f"import {run}")


def test_undoing_restores_rules_switches_and_what_was_shown_on_every_channel(market: Market, stall: Stall) -> None:
    other = market.stall()
    stocked(market, stall, other)
    change = ChannelChange(rules={"share": "50", "buffer": 1})
    apply(market, save(market, Proposal(channels={stall.channel.pk: change, other.channel.pk: ChannelChange(rules={"max_publish": 3})})))
    market.settle(2)
    assert (shown(stall), shown(other)) == ([4] * 12, [3] * 12)

    with market.shop.scope():
        back = plans.undo(market.shop.organisation.pk, ACTOR)
        assert plans.undoing(back) == plans.Undoing(back=24, other=0, left=0)
    apply(market, back)
    market.settle(2)
    assert shown(stall) == shown(other) == [10] * 12
    with market.shop.scope():
        assert Channel.objects.get(pk=other.channel.pk).max_publish is None
        with pytest.raises(PlanError, match="No plan was applied"):
            plans.undo(market.shop.organisation.pk, ACTOR)


def test_a_stock_run_is_taken_back_by_counter_movements_and_sold_units_stay_sold(market: Market, stall: Stall) -> None:
    shop = market.shop
    units = stocked(market, stall, count=3)
    shop.at = market.clock()
    run_import(shop, units, [4, 10, 17], 7)
    stall.run()
    market.stock(units[2], 16)  # one of them went meanwhile
    with shop.scope():
        (run,) = [
            each for each in taking_back.runs_since(shop.organisation.pk, shop.organisation.created_at) if each.reference == "import:7"
        ]
        assert (run.units, run.rose, run.fell) == (2, 1, 1)
        plan = plans.take_back_run(shop.organisation.pk, "import:7", ACTOR)
        (counts,) = plans.counts_of(plan)
        assert (counts.rises, counts.falls) == (1, 1)
        items = plans.parts_of(plan)[stall.channel.pk].quantities
        assert items.after.tolist() == [10, 9]
    apply(market, plan)
    stall.run()
    assert shown(stall) == [9, 10, 10]
    with shop.scope():
        assert Movement.objects.filter(reference__startswith="back:import:7:").count() == 2
        with pytest.raises(PlanError, match="taken back already"):
            plans.take_back_run(shop.organisation.pk, "import:7", ACTOR)


def test_a_plan_beyond_the_limits_is_held_until_it_is_confirmed(market: Market, stall: Stall) -> None:
    stocked(market, stall, count=30)
    plan = save(market, propose(stall, share="0"))
    (counts,) = plans.counts_of(plan)
    assert counts.held == ("30 of 30 live offers would go to zero at once",)
    assert counts.held_items == 30
    with pytest.raises(Held, match="30 of 30"):
        apply(market, plan)
    market.settle(2)
    assert shown(stall) == [10] * 30
    apply(market, plan, sure=True)
    market.settle(2)
    assert shown(stall) == [0] * 30, "a person meant it: the breaker lets this through"


def test_sending_what_was_chosen_forgets_refusals_and_tells_reasons(market: Market, stall: Stall) -> None:
    """S3.37-S3.40."""
    shop = market.shop
    units = stocked(market, stall, count=3)
    with shop.scope():
        offers = list(stall.channel.offers.order_by("pk"))
        for offer in offers[:2]:
            offer.refused_qty, offer.refused_at, offer.refused_code, offer.refused_message = 6, shop.at, "no", "not in this season"
            offer.save()
    for unit in units[:2]:
        market.stock(unit, 6)
    stall.run()
    assert shown(stall) == [10, 10, 10], "refused once, not tried again"
    with shop.use_case() as uc:
        task = send_tasks.send_chosen(uc, [offers[0].pk, offers[2].pk])
    with shop.scope():
        (said,) = send_tasks.progress(task)
        assert (said.wanted, said.accepted, said.waiting) == (2, 1, 1)
    stall.run()
    assert shown(stall) == [6, 10, 10]
    with shop.use_case() as uc:
        whole = send_tasks.send_channels(uc, [stall.channel.pk])
        offers[1].refused_qty, offers[1].intended_qty = 6, 6
    with shop.scope():
        stall.channel.offers.filter(pk=offers[1].pk).update(refused_qty=6, refused_at=shop.at, refused_message="not in this season")
        (said,) = send_tasks.progress(whole)
        assert (said.wanted, said.refused, said.done) == (3, 1, True)
        assert send_tasks.reasons(whole) == [(stall.channel.pk, "not in this season", 1, "U001")]


def test_plans_know_of_rules_of_products_and_of_what_channels_share(market: Market, stall: Stall) -> None:
    """Rules of categories and products (ADR 0051) and quotas (ADR 0052) are part of what a plan works out, and it is applied with both."""
    shop, other = market.shop, market.stall()
    units = stocked(market, stall, other, count=3)
    with shop.use_case() as uc:
        own_rules.of_units(uc, stall.channel.pk, [units[0].pk], {"buffer": 7})
        guarding.set_unit(uc, units[1], True)
    market.settle(8)
    assert shown(stall)[0] == 3
    proposal = Proposal(channels={each.channel.pk: ChannelChange(rules={"share": "50"}) for each in (stall, other)})
    plan = save(market, proposal)
    with shop.scope():
        items = plans.parts_of(plan)[stall.channel.pk].quantities
        by_sku = {offer.sku: offer.pk for offer in stall.channel.offers.all()}
        figures = dict(zip(items.offer.tolist(), items.after.tolist(), strict=True))
        assert figures[by_sku["U000"]] == 0, "share 50, then the product's own buffer of 7"
        assert figures[by_sku["U002"]] == 5
    apply(market, plan)
    market.settle(8)
    with shop.scope():
        assert stall.channel.offers.get(sku="U000").intended_qty == 0
        both = [each.channel.offers.get(sku="U001").intended_qty for each in (stall, other)]
    assert sum(both) <= 10, "what is shared is shown once"


def test_old_sends_keep_what_they_came_to(market: Market, stall: Stall, monkeypatch: pytest.MonkeyPatch) -> None:
    stocked(market, stall, count=2)
    monkeypatch.setattr(send_tasks, "KEEP", 1)
    with market.shop.use_case() as uc:
        old = send_tasks.send_channels(uc, [stall.channel.pk])
    market.clock.tick(15 * 60)
    market.shop.at = market.clock()
    with market.shop.use_case() as uc:
        assert send_tasks.close_done(uc, stall.channel.connection) == 1
        assert send_tasks.close_done(uc, stall.channel.connection) == 0
    with market.shop.use_case() as uc:
        late = send_tasks.send_channels(uc, [stall.channel.pk])
    with market.shop.use_case() as uc:
        stall.channel.offers.update(believed_qty=None)
        assert send_tasks.close_done(uc, stall.channel.connection) == 0, "it waits for an answer"
        switches.set_channel(uc, stall.channel.pk, stock=False, prices=False)
        assert send_tasks.close_done(uc, stall.channel.connection) == 1, "what was switched off is not waited for"
    with market.shop.scope():
        late.refresh_from_db()
        assert late.ended_at is not None
        told = {notice.key: notice for notice in Notification.objects.filter(key__startswith="send:", resolved_at=None)}
        assert {key: notice.severity for key, notice in told.items()} == {f"send:{old.pk}": "info", f"send:{late.pk}": "warning"}
        assert "0 accepted, 0 refused, 2 not answered" in told[f"send:{late.pk}"].title, "that it has ended is told (S3.38)"
        Notification.objects.filter(key=f"send:{old.pk}").update(seen_at=market.clock())
        old.refresh_from_db()
        assert not old.parts.exists()
        assert [(each.wanted, each.accepted) for each in send_tasks.progress(old)] == [(2, 2)]
    with market.shop.use_case() as uc:
        send_tasks.close_done(uc, stall.channel.connection)
        assert Notification.objects.get(key__startswith="send:", resolved_at=None).key == f"send:{late.pk}"
    market.clock.tick(25 * 3600)
    market.shop.at = market.clock()
    with market.shop.use_case() as uc:
        send_tasks.close_done(uc, stall.channel.connection)
        assert not Notification.objects.filter(key__startswith="send:", resolved_at=None).exists(), "after a day it is told no more"


# --- these tests notice it when it goes wrong ---------------------------------------------------------------------------------------------

FAULTS = [
    (
        Bug(
            "stale plan applied",
            "A plan is put in force although it says something else by now.",
            (),
            "stallkeeper.channels.plan_stale:still_says",
            (("if worked.fingerprint == then.fingerprint:", "if worked.fingerprint:"),),
        ),
        test_a_plan_that_no_longer_says_the_same_is_refused_and_says_what_moved,
    ),
    (
        Bug(
            "undo forgets a channel",
            "Undoing puts back the rules of one channel of the plan only.",
            (),
            "stallkeeper.channels.plans:reverse_of",
            (
                (
                    "for pk, change in proposal.channels.items() if change}",
                    "for pk, change in list(proposal.channels.items())[:1] if change}",
                ),
            ),
        ),
        test_undoing_restores_rules_switches_and_what_was_shown_on_every_channel,
    ),
    (
        Bug(
            "undo forgets accounts",
            "Undoing leaves accounts writing that the plan let write.",
            (),
            "stallkeeper.channels.plans:reverse_of",
            (('before.get("accounts", {})', "{}"),),
        ),
        test_writing_to_an_account_is_planned_sent_as_seen_and_undone,
    ),
    (
        Bug(
            "writes as they are",
            "A plan counts what an account that may not be written to would be sent: nothing.",
            (),
            "stallkeeper.channels.proposals:as_if",
            (("if channel.connection_id in writes:", "if channel.pk in writes and not writes:"),),
        ),
        test_writing_to_an_account_is_planned_sent_as_seen_and_undone,
    ),
    (
        Bug(
            "sure is sure of everything",
            "Who confirms the limits lets stock out though nobody reads the orders.",
            (),
            "stallkeeper.channels.plans:apply",
            (("without_orders=without_orders", "without_orders=without_orders or sure"),),
        ),
        test_stock_without_orders_needs_its_own_word,
    ),
    (
        Bug(
            "plan applied twice",
            "A second press applies the plan again.",
            (),
            "stallkeeper.channels.plans:apply",
            (("if plan.state == SendPlan.State.APPLIED:", "if plan.state == SendPlan.State.DISCARDED:"),),
        ),
        test_a_plan_says_what_would_change_and_changes_nothing_before_it_is_applied_once,
    ),
    (
        Bug(
            "limits are not asked",
            "A plan beyond the limits is applied without a word.",
            (),
            "stallkeeper.channels.plans:_put_in_force",
            (("if worked.held and not sure:", "if worked.held and sure is None:"),),
        ),
        test_a_plan_beyond_the_limits_is_held_until_it_is_confirmed,
    ),
    (
        Bug(
            "sent counts as accepted",
            "A send is done as soon as it went out.",
            (),
            "stallkeeper.channels.send_task_queries:JUDGED",
            (("coalesce(accepted_at >= asked_at, false)", "coalesce(asked_at <= now(), false)"),),
        ),
        test_a_plan_says_what_would_change_and_changes_nothing_before_it_is_applied_once,
    ),
]


@pytest.mark.parametrize(("bug", "test"), FAULTS, ids=[bug.name for bug, _ in FAULTS])
def test_a_planted_fault_is_noticed(market: Market, stall: Stall, bug: Bug, test: Callable[[Market, Stall], None]) -> None:
    with planted(bug), pytest.raises((AssertionError, Failed, PlanError)):
        test(market, stall)
