"""Who did something, as a name that people know."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.translation import gettext as _

from stallkeeper.channels.models import Channel, Connection
from stallkeeper.core.models import ApiKey, User
from stallkeeper.stock.models import StockSource


def names_of(actors: Iterable[str]) -> dict[str, str]:
    """Actor texts (``user:7``, ``key:2``, ``connection:3``, ``1c:4``, ``console:mia``, ``system``) to names; empty for the system. Five
    statements."""
    ids: dict[str, set[int]] = {}
    for actor in actors:
        kind, _colon, key = actor.partition(":")
        if key.isdecimal():
            ids.setdefault(kind, set()).add(int(key))
    names = {f"user:{pk}": str(user) for pk, user in User.objects.in_bulk(ids.get("user", ())).items()}
    names |= {f"key:{pk}": each.name for pk, each in ApiKey.objects.in_bulk(ids.get("key", ())).items()}
    names |= {f"connection:{pk}": each.name for pk, each in Connection.objects.in_bulk(ids.get("connection", ())).items()}
    names |= {f"channel:{pk}": each.name for pk, each in Channel.objects.in_bulk(ids.get("channel", ())).items()}
    sources = StockSource.objects.in_bulk(ids.get("source", set()) | ids.get("1c", set()))
    names |= {f"{kind}:{pk}": each.name for pk, each in sources.items() for kind in ("source", "1c")}
    return {actor: names.get(actor) or _others(actor) for actor in actors}


def _others(actor: str) -> str:
    """Who is no row of ours: the system, somebody at the command line, or nobody known."""
    kind, _colon, account = actor.partition(":")
    if kind == "console":
        return _("{account} (command line)").format(account=account)
    return "" if actor == "system" else actor or _("unknown")
