"""What people write and keep at their desks: notes about orders, views of the list, the carrier of the last sheet."""

from __future__ import annotations

from stallkeeper.core import audit
from stallkeeper.core.models import User
from stallkeeper.core.use_case import use_case
from stallkeeper.orders.models import Order, OrderDesk, OrderNote, OrderView
from stallkit.words import said as _

LONGEST_NOTE = 2000
MOST_VIEWS = 20
"""Of one person, and of the organisation: each is counted whenever the list is opened."""


class DeskError(ValueError):
    """A note or view cannot be kept as asked; the text says why."""


def note(organisation_id: int, order_id: int, text: str, *, key: str, actor: str) -> OrderNote:
    """Keep a note about an order. The same ``key`` again returns the first note. DeskError for one that is empty or too long."""
    text = text.strip()
    if not text:
        raise DeskError(_("Note: write something."))
    if len(text) > LONGEST_NOTE:
        raise DeskError(_("Note: {length} characters are too many; {most} fit.", length=len(text), most=LONGEST_NOTE))
    with use_case("write.order_note", organisation_id=organisation_id, actor=actor) as uc:
        order = Order.objects.get(pk=order_id)
        kept = {"organisation_id": organisation_id, "at": uc.at, "actor": actor, "text": text}
        row, new = OrderNote.objects.get_or_create(order=order, key=key, defaults=kept)
        if new:
            audit.record(uc, "write.order_note", "order", order.pk, number=order.number, length=len(text))
    return row


def keep_view(organisation_id: int, user_id: int, name: str, query: str, *, for_all: bool, actor: str) -> OrderView:
    """Keep filters under a name, for one person or for everybody; the same name again takes the place of the first.

    DeskError for a name that is empty or too long, or one view too many.
    """
    name = name.strip()
    if not name or len(name) > 60:
        raise DeskError(_("Name: give the view one of at most 60 characters."))
    owner = None if for_all else User.objects.get(pk=user_id)
    with use_case("keep.order_view", organisation_id=organisation_id, actor=actor) as uc:
        others = OrderView.objects.filter(user=owner).exclude(name=name)
        if others.count() >= MOST_VIEWS:
            raise DeskError(_("There are {most} views already; delete one first.", most=MOST_VIEWS))
        kept = {"query": query[:500], "actor": actor}
        row, _new = OrderView.objects.update_or_create(organisation_id=organisation_id, user=owner, name=name, defaults=kept)
        audit.record(uc, "keep.order_view", "order_view", row.pk, name=name, query=row.query, for_all=for_all)
    return row


def drop_view(organisation_id: int, view_id: int, *, actor: str) -> None:
    """Delete a view; nothing happens if it is gone already."""
    with use_case("drop.order_view", organisation_id=organisation_id, actor=actor) as uc:
        row = OrderView.objects.filter(pk=view_id).first()
        if row is not None:
            audit.record(uc, "drop.order_view", "order_view", row.pk, name=row.name)
            row.delete()


def like(organisation_id: int, user_id: int, actor: str, **wishes: str) -> None:
    """Remember how a person likes the list: ``opens_with`` or ``carrier``."""
    with use_case("like.orders", organisation_id=organisation_id, actor=actor):
        OrderDesk.objects.update_or_create(organisation_id=organisation_id, user_id=user_id, defaults=wishes)
