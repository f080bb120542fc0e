"""The table of permissions: every address, what it asks for, and which role may. Printed as docs/permissions.md:

    python -m tests.db.security.permissions

What a screen asks for is read from the view itself, what a role may from ``core.people``. Addresses that are no screens of ours stand in
``OPEN`` with what guards them. An address that has neither is an error, and so is a page that says something else than the program.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parents[3] / "docs" / "permissions.md"
OWN = "own"
SAFE = {"get", "head"}
PROGRAMS = "api/v1/"

OPEN = {
    "login/": "anybody: here people sign in",
    "code/": "whoever has done the first step of signing in",
    "sign-in/<str:token>/": "whoever has the link, once",
    "join/<str:token>/": "whoever has the invitation, once",
    "password/": "whoever is signed in and has no password yet",
    "organisation/": "whoever is signed in; only organisations of one's own can be chosen",
    "start/organisation/": "whoever is signed in to an installation that has no organisation yet",
    "hints/<token>/": "platforms: a secret address and a signature",
    "hints/<token>/<path:rest>": "platforms: a secret address and a signature",
    "1c/<str:token>/": "1C: a secret address, a name and a password",
    "api/openapi.json": "anybody: the contract, without data",
    PROGRAMS: "programs: a key, for what it may",
    "logout/": "whoever is signed in",
    "password_change/done/": "whoever is signed in",
    "jsi18n/": "anybody: words for scripts, without data",
    "autocomplete/": "nobody: the theme's site has no tables here",
    "r/<path:content_type_id>/<path:object_id>/": "nobody: the theme's site has no tables here",
    "(?P<url>.*)$": "nobody: there is nothing",
}
"""Addresses that are no screens of ours, by their route (of programs: by how it begins), and who gets in."""
NARROWER = {
    "exports/<slug:kind>/": "what the list itself asks for",
    "listings/action/": "what the act asks for",
    "orders/many/": "what the act asks for",
    "problems/act/": "what the act asks for",
    "sending/plan/<int:pk>/apply/": "`send` for a plan of more than places",
    "sending/plan/<int:pk>/discard/": "`send` for a plan of more than places",
    "start/later/": "what the step asks for",
}
"""Screens that ask for more, depending on what one wants there."""
SOURCE = "the key of the source"
PROGRAM = {
    "GET /api/v1/channels/": "view_stock",
    "GET /api/v1/channels/{code}/": "view_stock",
    "GET /api/v1/channels/{code}/own/": "view_stock",
    "POST /api/v1/plans/": "view_stock edit_rules",
    "POST /api/v1/plans/undo/": "send",
    "GET /api/v1/plans/open/": "view_stock",
    "GET /api/v1/plans/{fingerprint}/": "view_stock",
    "DELETE /api/v1/plans/{fingerprint}/": "view_stock send",
    "POST /api/v1/plans/{fingerprint}/apply/": "view_stock send",
    "POST /api/v1/stock/": SOURCE,
}
"""What each operation of the API asks of a key; a plan of nothing but places asks for ``edit_stock`` in place of the second."""


@dataclass(frozen=True)
class Rule:
    """What an address asks for: a permission of ``core.people``, "" for every member, ``own`` for one's own things, or what guards it.

    ``changing``: the permission that every method but GET and HEAD asks for besides; "": none.
    """

    route: str
    asks: str
    screen: bool
    changing: str = ""

    def roles(self, method: str = "get") -> list[str]:
        """Roles that may ask it so, of a screen."""
        from stallkeeper.core.models import Role
        from stallkeeper.core.people import PERMISSIONS

        needed = {self.asks, "" if method in SAFE else self.changing} - {"", OWN}
        return [role.value for role in Role if needed <= PERMISSIONS[role]]


def rule_of(route: str, callback: Callable[..., Any]) -> Rule | None:
    """The rule of an address; None if nobody has said any."""
    route = route.removeprefix("^/")
    if hasattr(callback, "permission"):
        return Rule(route, str(callback.permission or ""), screen=True, changing=str(getattr(callback, "changing", None) or ""))
    guarded = next((text for known, text in OPEN.items() if route == known or (known == PROGRAMS and route.startswith(known))), None)
    return None if guarded is None else Rule(route, guarded, screen=False)


def fault(rule: Rule | None, actor: str, method: str, status: int) -> str:
    """What is wrong with an answer to somebody: a role, ``nobody's`` (signed in, member of nothing) or ``anonymous``. Empty: nothing."""
    assert rule is not None, "an address without a rule: see rules()"
    if status in {404, 405}:
        return ""
    if not rule.screen:
        open_to_all = rule.asks.startswith(("anybody", "whoever has"))
        return "" if open_to_all or status in {302, 401} or (actor != "anonymous" and not rule.route.startswith(PROGRAMS)) else "for nobody"
    if actor == "anonymous":
        return "" if status == 302 else "for nobody"
    if actor == "nobody's":
        return "" if status in {302, 403} or rule.asks == OWN else "for a member of nothing"
    if actor in rule.roles(method):
        return "although the role may" if status == 403 and rule.route not in NARROWER else ""
    return "" if status == 403 else "although the role may not"


@cache
def rules() -> dict[str, Rule]:
    """Every address that can be reached, with its rule. ValueError for one without: a screen needs ``screen(…)``, others a line in OPEN."""
    from tests.db.security.walk import every_route

    found: dict[str, Rule] = {}
    for route, pattern in every_route():
        if (path := route.removeprefix("^/")) in found:
            continue  # of two patterns for one path the first answers
        rule = rule_of(route, pattern.callback)
        if rule is None:
            raise ValueError(f"{path}: nobody has said who may open it; decorate its view with screen(…), or say it in {__name__}.OPEN")
        found[path] = rule
    if gone := (OPEN.keys() | NARROWER.keys()) - found.keys() - {PROGRAMS}:
        raise ValueError(f"{sorted(gone)}: no address is called so any more; take it out of {__name__}")
    return found


def page() -> str:
    """docs/permissions.md."""
    from stallkeeper.core.models import Role

    screens = sorted((rule for rule in rules().values() if rule.screen), key=lambda rule: rule.route)
    others = [rule for rule in rules().values() if not rule.screen and not rule.route.startswith(PROGRAMS)]
    others.sort(key=lambda rule: rule.route)
    heads = [role.value.replace("_", " ") for role in Role]
    lines = [*HEAD, f"| Address | Asks for | {' | '.join(heads)} |", "| --- " * (len(heads) + 2) + "|"]
    lines += [f"| `/{rule.route}` | {_asks(rule)} | {' | '.join(_may(rule, role) for role in Role.values)} |" for rule in screens]
    lines += [*OTHERS, "| Address | Who gets in |", "| --- | --- |", *(f"| `/{_plain(rule.route)}` | {rule.asks} |" for rule in others)]
    lines += [
        *KEYS,
        "| Operation | Asks for |",
        "| --- | --- |",
        *(f"| `{operation}` | {_key(asks)} |" for operation, asks in PROGRAM.items()),
    ]
    return "\n".join(lines) + "\n"


def _key(asks: str) -> str:
    return asks if asks == SOURCE else " and ".join(f"`{each}`" for each in asks.split())


def _asks(rule: Rule) -> str:
    said = {"": "membership", OWN: "signing in: one's own account"}.get(rule.asks, f"`{rule.asks}`")
    changing = f"to change `{rule.changing}`" if rule.changing else ""
    return ", and ".join(part for part in (said, changing, NARROWER.get(rule.route, "")) if part)


def _may(rule: Rule, role: str) -> str:
    if role not in rule.roles("get"):
        return "–"
    return "✓" if role in rule.roles("post") else "looks"


def _plain(route: str) -> str:
    return "…" if route.startswith("(?P") else route


HEAD = (
    "# Who may open what",
    "",
    "Written by `python -m tests.db.security.permissions` from the views and from `core.people`; a test compares. Every role tries every",
    "address, by every method, with rows of its own organisation and of another one (`tests/db/tenancy/test_matrix.py`): who may not is",
    "refused, and rows of others are not there. *looks*: this role sees the page and cannot change anything on it.",
    "",
)
OTHERS = ("", "Addresses that are no screens:", "")
KEYS = ("", "Programs, by what their key may. A plan of nothing but places asks for `edit_stock` in place of the second:", "")


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "stallkeeper.settings")
    import django

    django.setup()
    PAGE.write_text(page(), encoding="utf-8")
    print(f"{PAGE.name}: {len(rules())} addresses")
