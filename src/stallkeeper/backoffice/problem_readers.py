"""The groups of each kind, as they stand in the tables."""

from __future__ import annotations

from collections.abc import Iterator

from django.urls import reverse
from django.utils.translation import gettext as _

from stallkeeper.backoffice import problem_queries as queries
from stallkeeper.backoffice.lanes import STEP_NAMES, lane_rows
from stallkeeper.backoffice.order_messages import COMMAND_NAMES
from stallkeeper.backoffice.problem_groups import Act, Group, Reader, Scene
from stallkeeper.backoffice.problem_notices import noticed
from stallkeeper.backoffice.problem_words import PARKED_NAMES, VERDICTS, error_said
from stallkeeper.backoffice.problems import COMMAND_DAYS, ProblemKind, parked_documents, stopped_imports
from stallkeeper.backoffice.remedies import remedy
from stallkeeper.channels.models import Connection, SendTask
from stallkeeper.core.people import Permission
from stallkeeper.orders.models import Shortage
from stallkeeper.sync.alarms import DUE_SOON, STILL_OWED
from stallkeeper.sync.models import ExchangeParked


def reconnect(scene: Scene, kind: ProblemKind) -> Iterator[Group]:
    """Accounts that no call may be made to until a person acts."""
    for account in scene.accounts.values():
        if account.state == Connection.State.NEEDS_RECONNECT:
            link = reverse("backoffice:connection", args=[account.pk])
            renew = Act(_("Connect again"), link, Permission.CONNECT, main=True)
            yield Group(
                kind,
                str(account.pk),
                account.name,
                1,
                None,
                account.name,
                scene.channels_of(account.pk),
                account.state_reason,
                kind.advice,
                link,
                (renew,),
            )


def stopped(scene: Scene, kind: ProblemKind) -> Iterator[Group]:
    """Channels whose plan was too much at once; the plan is released where it is shown."""
    for channel in scene.channels.values():
        if channel.active and channel.stopped_at is not None:
            link = reverse("backoffice:channel", args=[channel.pk])
            acts = (
                Act(_("Look at the plan"), link, main=True),
                Act(_("Look again"), reverse("backoffice:look_again", args=[channel.pk]), Permission.SEND, post=True),
            )
            yield Group(
                kind,
                str(channel.pk),
                channel.name,
                1,
                channel.stopped_at,
                channel.name,
                frozenset({channel.pk}),
                channel.stop_reason,
                kind.advice,
                link,
                acts,
            )


def lanes(scene: Scene, kind: ProblemKind) -> Iterator[Group]:
    """Accounts whose runs, or steps of them, fail."""
    for row in lane_rows():
        failing = [step for step in row.failing if step.last_error]
        if row.connection is None or not row.lane.enabled or not (row.lane.failures or failing):
            continue
        account = row.connection
        names = ", ".join(str(STEP_NAMES.get(step.step, step.step)) for step in failing)
        since = min((step.last_success_at or account.created_at for step in failing), default=row.lane.last_success_at)
        title = _("{account}: {steps}").format(account=account.name, steps=names) if names else account.name
        run = Act(_("Run now"), reverse("backoffice:run_now", args=[account.pk]), Permission.SEND, post=True)
        yield Group(
            kind,
            f"{account.pk}:{row.lane.kind}",
            title,
            1,
            since,
            account.name,
            scene.channels_of(account.pk),
            error_said(row.error),
            kind.advice,
            reverse("backoffice:connection", args=[account.pk]),
            (run,),
        )


def shortages(scene: Scene, kind: ProblemKind) -> Iterator[Group]:
    """Lines whose units are not there, by channel and why."""
    verdicts = dict(Shortage.Verdict.choices)
    for channel, verdict, lines, _units, oldest, capped in queries.shortages(scene.cursor, scene.organisation_id):
        yield Group(
            kind,
            f"{channel}:{verdict}",
            scene.channels[channel].name,
            lines,
            oldest,
            scene.channels[channel].name,
            frozenset({channel}),
            str(verdicts.get(verdict, verdict)),
            kind.advice,
            opens=True,
            capped=capped,
        )


def acknowledge(scene: Scene, kind: ProblemKind) -> Iterator[Group]:
    """Orders that their channel may cancel soon."""
    found = queries.owed(scene.cursor, scene.organisation_id, scene.now + DUE_SOON, scene.now - STILL_OWED)
    for channel, orders, first, number in found:
        link = reverse("backoffice:orders") + f"?state=new&channel={channel}"
        words = _("The most urgent: {number}").format(number=number)
        yield Group(
            kind,
            str(channel),
            scene.channels[channel].name,
            orders,
            first,
            scene.channels[channel].name,
            frozenset({channel}),
            words,
            kind.advice,
            link,
            (Act(_("Orders"), link, main=True),),
        )


def unmapped(scene: Scene, kind: ProblemKind) -> Iterator[Group]:
    """Lines whose SKU nobody knows, by channel and SKU: linked once, all of them find their unit."""
    for channel, sku, lines, oldest, line, order, capped in queries.unmapped(scene.cursor, scene.organisation_id):
        yield Group(
            kind,
            f"{channel}:{sku}",
            sku,
            lines,
            oldest,
            scene.channels[channel].name,
            frozenset({channel}),
            "",
            kind.advice,
            reverse("backoffice:order", args=[order]),
            opens=True,
            line=line,
            capped=capped,
        )


def refused(scene: Scene, kind: ProblemKind) -> Iterator[Group]:
    """Values that a channel refused, by its reason."""
    leave_out = {"quantity": _("Leave out of stock sending"), "price": _("Leave out of price sending")}
    for channel, what, part, code, words, sku, offers, oldest, capped in queries.refused(scene.cursor, scene.organisation_id):
        name = scene.channels[channel].name
        pattern = _("{channel}: quantities, for instance {sku}") if what == "quantity" else _("{channel}: prices, for instance {sku}")
        acts = (
            Act(_("Send again"), permission=Permission.SEND, name="resend", main=True),
            Act(leave_out[what], permission=Permission.SEND, name="stock_out" if what == "quantity" else "price_out"),
        )
        yield Group(
            kind,
            f"{channel}:{what}:{part}",
            pattern.format(channel=name, sku=sku),
            offers,
            oldest,
            name,
            frozenset({channel}),
            " ".join(text for text in (code, words) if text),
            remedy(code, kind.advice),
            acts=acts,
            opens=True,
            capped=capped,
        )


def commands(scene: Scene, kind: ProblemKind) -> Iterator[Group]:
    """Messages about orders that a channel refused, or that gave up, by its reason."""
    failed = queries.commands(scene.cursor, scene.organisation_id, scene.now - COMMAND_DAYS)
    for account, what, part, code, words, count, oldest, capped in failed:
        name = scene.accounts[account].name
        again = (Act(_("Tell the channel again"), permission=Permission.ACT_ORDERS, name="retell", main=True),) if what != "cancel" else ()
        advice = kind.advice if what != "cancel" else _("The cancellation was undone here. If it must not go out, cancel it again.")
        yield Group(
            kind,
            f"{account}:{what}:{part}",
            f"{name}: {COMMAND_NAMES.get(what, what)}",
            count,
            oldest,
            name,
            scene.channels_of(account),
            " ".join(text for text in (code, words) if text),
            remedy(code, advice),
            acts=again,
            opens=True,
            capped=capped,
        )


def parked(scene: Scene, kind: ProblemKind) -> Iterator[Group]:
    """Objects of channels that could not be understood, by the reason."""
    for account, what, part, reason, count, oldest, capped in queries.parked(scene.cursor, scene.organisation_id):
        name = scene.accounts[account].name
        yield Group(
            kind,
            f"{account}:{what}:{part}",
            f"{name}: {PARKED_NAMES.get(what, what)}",
            count,
            oldest,
            name,
            scene.channels_of(account),
            reason,
            kind.advice,
            opens=True,
            capped=capped,
            acts=(Act(_("Ask for them again"), permission=Permission.SEND, name="ask_again", main=True),),
        )


def exchange(scene: Scene, kind: ProblemKind) -> Iterator[Group]:
    """Documents that 1C sent lately and that fit nothing here."""
    by_exchange: dict[int, list[ExchangeParked]] = {}
    for document in parked_documents(scene.now):
        by_exchange.setdefault(document.exchange_id, []).append(document)
    for pk, documents in by_exchange.items():
        source = documents[0].exchange.source
        link = reverse("backoffice:exchange", args=[source.pk])
        yield Group(
            kind,
            str(pk),
            source.name,
            len(documents),
            documents[0].at,
            source.name,
            words=documents[-1].message,
            remedy=kind.advice,
            link=link,
            acts=(Act(_("Documents"), link, main=True),),
        )


def drift(scene: Scene, kind: ProblemKind) -> Iterator[Group]:
    """Reads that differed from what we believed, by channel and verdict."""
    for channel, what, verdict, count, oldest, sku, capped in queries.drift(scene.cursor, scene.organisation_id):
        name = scene.channels[channel].name
        pattern = _("{channel}: quantities, for instance {sku}") if what == "quantity" else _("{channel}: prices, for instance {sku}")
        yield Group(
            kind,
            f"{channel}:{what}:{verdict}",
            pattern.format(channel=name, sku=sku),
            count,
            oldest,
            name,
            frozenset({channel}),
            str(VERDICTS.get(verdict, verdict)),
            kind.advice,
            opens=True,
            capped=capped,
            acts=(Act(_("Read now"), permission=Permission.SEND, name="read", main=True),),
        )


def imports(scene: Scene, kind: ProblemKind) -> Iterator[Group]:
    """Imports of these days that stopped, and that nobody has repeated."""
    for run in stopped_imports(scene.now):
        link = reverse("backoffice:import", args=[run.pk])
        yield Group(
            kind,
            str(run.pk),
            run.file_name,
            1,
            run.started_at,
            words=run.told,
            remedy=kind.advice,
            link=link,
            acts=(Act(_("Look at the report"), link, main=True),),
        )


def ambiguous(scene: Scene, kind: ProblemKind) -> Iterator[Group]:
    """Listings that several products fit."""
    for channel, count in queries.ambiguous(scene.cursor, scene.organisation_id):
        link = reverse("backoffice:listings") + f"?state=ambiguous&channel={channel}"
        yield Group(
            kind,
            str(channel),
            scene.channels[channel].name,
            count,
            None,
            scene.channels[channel].name,
            frozenset({channel}),
            remedy=kind.advice,
            link=link,
            acts=(Act(_("Choose"), link, main=True),),
            capped=count >= queries.MOST,
        )


def sends(_scene: Scene, kind: ProblemKind) -> Iterator[Group]:
    """Sends that people asked for and that are under way."""
    for task in SendTask.objects.filter(ended_at=None).order_by("asked_at", "pk")[: queries.TOP]:
        link = reverse("backoffice:send_task", args=[task.pk])
        title = _("Send {number}").format(number=task.pk)
        yield Group(kind, str(task.pk), title, 1, task.asked_at, link=link, acts=(Act(_("Details"), link, main=True),))


READERS: dict[str, Reader] = {
    "reconnect": reconnect,
    "stopped": stopped,
    "lanes": lanes,
    "shortages": shortages,
    "acknowledge": acknowledge,
    "unmapped": unmapped,
    "refused": refused,
    "commands": commands,
    "parked": parked,
    "exchange": exchange,
    "drift": drift,
    "imports": imports,
    "ambiguous": ambiguous,
    "sends": sends,
    **dict.fromkeys(("restored", "silent", "sources", "disputed", "sending", "expiring", "targets", "notifications"), noticed),
}
