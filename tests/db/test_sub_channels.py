"""Sub-channels have the rules, limits and places of their main channel, but for what they say themselves (S5.19, S5.20)."""

from __future__ import annotations

import random

import pytest

from stallkeeper.__main__ import run
from stallkeeper.channels import inheritance, plans, refresh, rules
from stallkeeper.channels.models import Channel, Offer, RuleVersion, SendPlan
from stallkeeper.channels.plan_stale import PlanError
from stallkeeper.channels.proposals import ChannelChange, Proposal, ProposalError
from stallkeeper.channels.rules import RuleError
from stallkeeper.stock.models import Location
from tests.shop import Shop

ACTOR = "user:1"


class Family:
    """A main channel with two sub-channels, which all show the same five units."""

    def __init__(self) -> None:
        self.shop = Shop.open()
        self.units = [self.shop.unit(f"U{number}", 10) for number in range(5)]
        self.main, self.one, self.other = (self.shop.channel() for _ in range(3))
        for channel in (self.main, self.one, self.other):
            for unit in self.units:
                self.shop.offer(channel, unit)

    def attach(self, sub: Channel, main: Channel | None) -> None:
        with self.shop.use_case() as uc:
            inheritance.attach(uc, sub.pk, main.pk if main else None)

    def save(self, channel: Channel, **given: object) -> None:
        with self.shop.use_case() as uc:
            rules.save(uc, channel.pk, locations=None, follow=(), **given)

    def plan(self, changes: dict[int, ChannelChange]) -> SendPlan:
        with self.shop.scope():
            return plans.save(self.shop.organisation.pk, Proposal(channels=changes), ACTOR)

    def apply(self, plan: SendPlan) -> None:
        with self.shop.scope():
            plans.apply(self.shop.organisation.pk, plan.pk, plan.fingerprint, ACTOR, sure=True)

    def buffers(self) -> list[int]:
        with self.shop.scope():
            return [Channel.objects.get(pk=each.pk).buffer for each in (self.main, self.one, self.other)]

    def intended(self, channel: Channel) -> set[int | None]:
        with self.shop.scope():
            return set(Offer.objects.filter(channel=channel).values_list("intended_qty", flat=True))

    def own(self, channel: Channel) -> list[str]:
        with self.shop.scope():
            return list(Channel.objects.get(pk=channel.pk).own_rules)

    def hold(self) -> None:
        """The invariant, over everything that rests on rules: the kept versions, and the figures of offers."""
        with self.shop.scope():
            every = {each.pk: each for each in Channel.objects.all()}
            said = {pk: rules.snapshot(each) for pk, each in every.items()}
            for pk, each in every.items():
                if each.parent_id:
                    main = said[each.parent_id]
                    assert {n: v for n, v in said[pk].items() if n not in each.own_rules and v != main[n]} == {}
                else:
                    assert each.own_rules == []
                kept = RuleVersion.objects.filter(channel=pk).order_by("-pk").first()
                assert kept is None or kept.rules == said[pk]
        for channel in (self.main, self.one, self.other):
            with self.shop.use_case() as uc:
                difference, _after = refresh.refresh_channel(uc, channel.pk, dry_run=True)
                assert len(difference) == 0


@pytest.fixture
def family() -> Family:
    made = Family()
    made.attach(made.one, made.main)
    made.attach(made.other, made.main)
    return made


def test_becoming_a_sub_channel_moves_no_figure() -> None:
    """What differs is its own from the start."""
    family = Family()
    family.save(family.one, buffer=4)
    before = [family.intended(each) for each in (family.main, family.one)]
    family.attach(family.one, family.main)
    assert family.own(family.one) == ["buffer"]
    assert [family.intended(each) for each in (family.main, family.one)] == before
    family.hold()
    family.attach(family.one, None)
    assert (family.own(family.one), family.buffers()[1]) == ([], 4)
    family.hold()


def test_a_rule_of_the_main_channel_is_the_sub_channels_too(family: Family) -> None:
    family.save(family.other, buffer=5)
    family.save(family.main, buffer=2)
    assert family.buffers() == [2, 2, 5]
    assert [family.intended(each) for each in (family.main, family.one, family.other)] == [{8}, {8}, {5}]
    assert (family.own(family.one), family.own(family.other)) == ([], ["buffer"])
    family.hold()


def test_the_plan_shows_the_sub_channels_that_a_change_touches_and_undoing_takes_them_along(family: Family) -> None:
    family.save(family.other, buffer=5)
    plan = family.plan({family.main.pk: ChannelChange(rules={"buffer": 3})})
    with family.shop.scope():
        assert set(plans.parts_of(plan)) == {family.main.pk, family.one.pk}
    family.apply(plan)
    assert family.buffers() == [3, 3, 5]
    family.hold()
    with family.shop.scope():
        undone = plans.undo(family.shop.organisation.pk, ACTOR)
    family.apply(undone)
    assert family.buffers() == [0, 0, 5]
    assert family.own(family.one) == []
    family.hold()


def test_back_to_the_main_channels_value_and_undone(family: Family) -> None:
    family.save(family.main, buffer=1)
    family.save(family.one, buffer=5, zero_at=1)
    family.apply(family.plan({family.one.pk: ChannelChange(follow=["buffer"])}))
    assert (family.buffers()[:2], family.own(family.one)) == ([1, 1], ["zero_at"])
    family.save(family.main, buffer=2)
    assert family.buffers()[:2] == [2, 2]
    family.save(family.main, buffer=1)
    with family.shop.scope():
        undone = plans.undo(family.shop.organisation.pk, ACTOR)
    family.apply(undone)
    assert (family.buffers()[:2], family.own(family.one)) == ([1, 5], ["buffer", "zero_at"])
    family.hold()


def test_a_plan_is_refused_if_a_sub_channel_speaks_for_itself_by_now(family: Family) -> None:
    plan = family.plan({family.main.pk: ChannelChange(rules={"buffer": 3})})
    family.save(family.one, buffer=7)
    with pytest.raises(PlanError):
        family.apply(plan)
    assert family.buffers() == [0, 7, 0]


def test_a_plan_is_refused_if_there_is_another_sub_channel_by_now() -> None:
    """It would change more than was looked at."""
    family = Family()
    plan = family.plan({family.main.pk: ChannelChange(rules={"buffer": 3})})
    family.attach(family.one, family.main)
    with pytest.raises(PlanError):
        family.apply(plan)


def test_places_follow_too(family: Family) -> None:
    with family.shop.scope():
        east = Location.objects.create(organisation=family.shop.organisation, code="EAST", name="East")
    family.apply(family.plan({family.main.pk: ChannelChange(locations=[east.pk])}))
    assert family.intended(family.one) == {0}
    family.hold()


def test_who_has_no_main_channel_follows_none(family: Family) -> None:
    with pytest.raises(ProposalError, match="has no main channel"):
        family.plan({family.main.pk: ChannelChange(follow=["buffer"])})
    with pytest.raises(ProposalError, match="no rule 'colour'"):
        family.plan({family.one.pk: ChannelChange(follow=["colour"])})


@pytest.mark.parametrize("what", ["itself", "a sub-channel", "with subs of its own", "of another platform"])
def test_families_have_two_generations_of_one_platform(what: str) -> None:
    family = Family()
    family.attach(family.one, family.main)
    far = family.shop.channel("walmart", currency="USD")
    pairs = {
        "itself": (family.other, family.other),
        "a sub-channel": (family.other, family.one),
        "with subs of its own": (family.main, family.other),
        "of another platform": (far, family.main),
    }
    with pytest.raises(inheritance.ParentError):
        family.attach(*pairs[what])


def test_a_rule_that_a_sub_channel_cannot_have_names_it(family: Family) -> None:
    with family.shop.use_case() as uc, pytest.raises(RuleError, match="share"):
        rules.save(uc, family.main.pk, share=200)
    family.hold()


@pytest.mark.parametrize("seed", range(4))
def test_whatever_is_done_the_two_stay_the_same_but_for_what_is_own(seed: int) -> None:
    """Saving, planning, going back, attaching and detaching in any order."""
    family, dice = Family(), random.Random(seed)
    family.attach(family.one, family.main)
    for _ in range(12):
        channel = dice.choice((family.main, family.one, family.other))
        given = {dice.choice(("buffer", "zero_at", "max_publish")): dice.randrange(1, 4)}
        act = dice.choice(("save", "save", "plan", "follow", "attach", "detach"))
        with family.shop.scope():
            now = Channel.objects.get(pk=channel.pk)
        if act == "save":
            family.save(channel, **given)
        elif act == "plan":
            family.apply(family.plan({channel.pk: ChannelChange(rules=given), family.main.pk: ChannelChange(rules={"buffer": 2})}))
        elif act == "follow" and now.own_rules:
            family.apply(family.plan({channel.pk: ChannelChange(follow=[dice.choice(now.own_rules)])}))
        elif act == "attach" and channel != family.main:
            family.attach(channel, family.main)
        elif act == "detach":
            family.attach(channel, None)
        family.hold()


def test_the_command_line_makes_sub_channels_and_lets_them_follow(family: Family, capsys: pytest.CaptureFixture[str]) -> None:
    organisation = ["--organisation", family.shop.organisation.slug]
    with family.shop.scope():
        main, one = (Channel.objects.get(pk=each.pk) for each in (family.main, family.one))
    family.save(family.one, buffer=4)
    assert run(["channel", one.code, "--follow", "buffer", "--yes", *organisation]) == 0
    assert (family.buffers()[1], family.own(family.one)) == (0, [])
    assert run(["channel", one.code, "--main", "none", *organisation]) == 0
    assert run(["channel", one.code, "--follow", "buffer", "--yes", *organisation]) == 1
    assert "has no main channel" in capsys.readouterr().err
    assert run(["channel", main.code, "--main", one.code, *organisation]) == 1
    assert "cannot be under that one" in capsys.readouterr().err
    assert run(["channel", one.code, "--main", main.code, *organisation]) == 0
    assert main.code in capsys.readouterr().out
    family.hold()
