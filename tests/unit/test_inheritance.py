"""What a change of a main channel brings to its sub-channels (S5.19, S5.20): the pure core."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stallkeeper.channels.inheritance import Sub, names_of, spread
from stallkeeper.channels.proposals import ChannelChange

pytestmark = pytest.mark.unit

MAIN, SUBS, ALONE = 1, (2, 3), 4
NAMES = ("buffer", "share", "max_publish")
some_names = st.sets(st.sampled_from((*NAMES, "locations")))
values = st.dictionaries(st.sampled_from(NAMES), st.integers(0, 3))
places = st.one_of(st.none(), st.lists(st.integers(1, 3), unique=True).map(sorted))
now = st.fixed_dictionaries(
    {name: st.integers(0, 3) for name in NAMES} | {"locations": st.lists(st.integers(1, 3), unique=True).map(sorted)}
)
said = st.builds(ChannelChange, rules=values, locations=places)
said_of_sub = st.builds(ChannelChange, rules=values, locations=places, follow=some_names.map(sorted))
changes = st.fixed_dictionaries({}, optional={MAIN: said, ALONE: said, **dict.fromkeys(SUBS, said_of_sub)})
subs = st.tuples(*(some_names.map(lambda own, pk=pk: Sub(pk, MAIN, frozenset(own))) for pk in SUBS))


def brought(change: ChannelChange) -> dict[str, object]:
    return {**change.rules, **({} if change.locations is None else {"locations": change.locations})}


def then(change: ChannelChange, before: dict[str, object]) -> dict[str, object]:
    return {**before, **brought(change)}


@given(changes, subs, now)
def test_what_a_sub_channel_does_not_say_itself_is_what_the_main_channel_says(
    given_: dict[int, ChannelChange], family: tuple[Sub, ...], main: dict[str, object]
) -> None:
    """The invariant: after any change, each name of a sub-channel is its own, or has the main channel's value."""
    found = spread(given_, family, {MAIN: main})
    would = then(found.get(MAIN, ChannelChange()), main)
    for sub in family:
        change = found.get(sub.channel, ChannelChange())
        before = {name: main[name] if name not in sub.own else f"own {name}" for name in main}
        after, own = then(change, before), (sub.own | names_of(change)) - set(change.follow)
        assert {name: value for name, value in after.items() if name not in own} == {n: v for n, v in would.items() if n not in own}
        asked = given_.get(sub.channel, ChannelChange())
        untouched = sub.own - names_of(asked) - set(asked.follow)
        assert all(after[name] == f"own {name}" for name in untouched)


@given(changes, subs, now)
def test_spreading_twice_is_spreading_once(given_: dict[int, ChannelChange], family: tuple[Sub, ...], main: dict[str, object]) -> None:
    """A plan keeps what was spread, and is spread again when it is applied."""
    once = spread(given_, family, {MAIN: main})
    assert spread(once, family, {MAIN: main}) == once


@given(changes, subs, now)
def test_what_is_said_of_the_main_channel_and_of_others_stays(
    given_: dict[int, ChannelChange], family: tuple[Sub, ...], main: dict[str, object]
) -> None:
    found = spread(given_, family, {MAIN: main})
    assert {pk: change for pk, change in found.items() if pk in (MAIN, ALONE)} == {
        pk: change for pk, change in given_.items() if pk in (MAIN, ALONE)
    }


@given(values, subs, now)
def test_what_is_said_of_all_alike_makes_nothing_a_channels_own(
    alike: dict[str, int], family: tuple[Sub, ...], main: dict[str, object]
) -> None:
    """One buffer for all channels: who followed follows on."""
    found = spread({pk: ChannelChange(rules=dict(alike)) for pk in (MAIN, *SUBS)}, family, {MAIN: main})
    for sub in family:
        assert set(found[sub.channel].follow) == alike.keys() - sub.own
