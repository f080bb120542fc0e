"""What waits for a person, put together by kind, place and cause: 400 offers refused for one reason are one group (S4.30)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property

from django.db import connection
from django.utils.functional import Promise

from stallkeeper.backoffice import problem_queries
from stallkeeper.backoffice.problems import GRAVITY, KINDS, ProblemKind, open_notices
from stallkeeper.channels.models import Channel, Connection
from stallkeeper.core import clock, snoozes
from stallkeeper.core.models import Notification
from stallkeeper.core.notice_models import Snooze
from stallkeeper.core.people import Permission
from stallkeeper.core.sql import Cursor

StrOrPromise = str | Promise


@dataclass(frozen=True)
class Act:
    """One thing to do about a group. With ``name`` it is done to all of the group (``problem_acts``); else ``href`` leads on, by a form if
    ``post``."""

    label: StrOrPromise
    href: str = ""
    permission: Permission = Permission.VIEW_ORDERS
    name: str = ""
    post: bool = False
    main: bool = False


@dataclass(frozen=True)
class Group:
    """Problems of one kind with one cause. ``part`` names it within its kind; ``words`` are the channel's own, ``remedy`` is ours.

    ``capped``: there are at least ``count``. ``seen_id``: a notification that can be set aside.
    """

    kind: ProblemKind
    part: str
    title: StrOrPromise
    count: int = 1
    oldest: datetime | None = None
    place: str = ""
    channels: frozenset[int] = frozenset()
    words: str = ""
    remedy: StrOrPromise = ""
    link: str = ""
    acts: tuple[Act, ...] = ()
    tone: str = ""
    capped: bool = False
    opens: bool = False
    seen_id: int | None = None
    line: int | None = None
    snooze: Snooze | None = None

    @property
    def key(self) -> str:
        return f"{self.kind.key}:{self.part}"[:200]

    @property
    def colour(self) -> str:
        return self.tone or self.kind.tone

    @property
    def gravity(self) -> int:
        return GRAVITY[self.colour]


@dataclass
class Scene:
    """What all readers look at: the organisation, its channels and accounts, each read once."""

    organisation_id: int
    cursor: Cursor
    now: datetime = field(default_factory=clock.now)

    @cached_property
    def channels(self) -> dict[int, Channel]:
        return {channel.pk: channel for channel in Channel.objects.select_related("connection").order_by("pk")}

    @cached_property
    def accounts(self) -> dict[int, Connection]:
        return {account.pk: account for account in Connection.objects.order_by("pk")}

    @cached_property
    def notices(self) -> list[Notification]:
        return open_notices()

    def channels_of(self, account: int) -> frozenset[int]:
        return frozenset(channel.pk for channel in self.channels.values() if channel.connection_id == account)


Reader = Callable[[Scene, ProblemKind], Iterable[Group]]


@dataclass(frozen=True)
class Board:
    """Everything that waits, the gravest first, and apart what was put off."""

    groups: list[Group]
    snoozed: list[Group]

    def by_kind(self) -> list[tuple[ProblemKind, list[Group]]]:
        found = ((kind, [group for group in self.groups if group.kind is kind]) for kind in KINDS)
        return [(kind, groups) for kind, groups in found if groups]

    def is_cut(self, kind: ProblemKind) -> bool:
        """Whether the kind has as many groups as are read of it: there may be more, smaller ones."""
        read = sum(group.kind is kind for group in (*self.groups, *self.snoozed))
        return kind.key in problem_queries.CUT and read >= problem_queries.TOP


def board(organisation_id: int) -> Board:
    """All groups of the organisation in scope. A fixed number of statements, each bounded."""
    from stallkeeper.backoffice.problem_readers import READERS

    with connection.cursor() as cursor:
        scene = Scene(organisation_id, cursor)
        groups = [group for kind in KINDS if kind.key in READERS for group in READERS[kind.key](scene, kind)]
    return _apart(groups, scene.now)


def groups_of(organisation_id: int, kind: ProblemKind) -> list[Group]:
    """The groups of one kind, those that were put off included."""
    from stallkeeper.backoffice.problem_readers import READERS

    with connection.cursor() as cursor:
        return list(READERS[kind.key](Scene(organisation_id, cursor), kind)) if kind.key in READERS else []


def _apart(groups: Iterable[Group], now: datetime) -> Board:
    off = {snooze.key: snooze for snooze in Snooze.objects.filter(ended_at=None, until__gt=now)}
    shown: list[Group] = []
    put_off: list[Group] = []
    for group in groups:
        snooze = off.get(group.key)
        if snooze is not None and snoozes.holds(snooze, group.gravity, group.count, now):
            put_off.append(replace(group, snooze=snooze))
        else:
            shown.append(group)
    order = {kind.key: number for number, kind in enumerate(KINDS)}
    shown.sort(key=lambda group: (-group.gravity, order[group.kind.key], -group.count, group.part))
    return Board(shown, put_off)


def snoozed_counts(organisation_id: int) -> dict[str, int]:
    """How much of each kind was put off now. One statement where nothing was."""
    kinds = {key.partition(":")[0] for key in Snooze.objects.filter(ended_at=None, until__gt=clock.now()).values_list("key", flat=True)}
    if not kinds:
        return {}
    groups = [group for kind in KINDS if kind.key in kinds for group in groups_of(organisation_id, kind)]
    counts: Counter[str] = Counter()
    for group in _apart(groups, clock.now()).snoozed:
        counts[group.kind.key] += group.count
    return dict(counts)
