"""What roles and permissions are called, and which role may do what: the table that people see, made from the one that decides."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from stallkeeper.core.models import Role
from stallkeeper.core.people import PERMISSIONS, Permission

MEANINGS: dict[Permission, str | Promise] = {
    Permission.VIEW_ORDERS: _("see orders and problems"),
    Permission.ACT_ORDERS: _("ship and cancel orders, link their lines"),
    Permission.VIEW_STOCK: _("see products, stock, offers and channels"),
    Permission.EDIT_STOCK: _("change stock, count it, keep units back"),
    Permission.EDIT_CATALOGUE: _("import products, link listings"),
    Permission.EDIT_RULES: _("change rules, plan changes of switches"),
    Permission.CONNECT: _("connect accounts and change their settings"),
    Permission.SEND: _("switch sending on and off, apply plans"),
    Permission.SEE_PERSONAL_DATA: _("see names and addresses of buyers (each look is written down)"),
    Permission.SEE_MONEY: _("see amounts of orders"),
    Permission.SEE_AUDIT: _("see who did what"),
    Permission.MANAGE_USERS: _("invite people, change roles, make keys, rename the company"),
}

SUMMARIES: dict[Role, str | Promise] = {
    Role.OWNER: _("Everything, also people and keys."),
    Role.OPERATIONS: _("Everything but people and keys."),
    Role.WAREHOUSE: _("Ships, cancels, counts; sees addresses, no money."),
    Role.ACCOUNTANT: _("Looks at orders, money and the audit; changes nothing."),
    Role.READ_ONLY: _("Looks at orders and stock; changes nothing."),
}


def role_table() -> list[tuple[str | Promise, list[bool]]]:
    """(what may be done, for each role in the order of ``Role`` whether it may)."""
    return [(MEANINGS[permission], [permission in PERMISSIONS[role] for role in Role]) for permission in Permission]
