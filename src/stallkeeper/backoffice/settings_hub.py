"""Settings: one page that leads to everything that is set up once. What a person may not open is not shown."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpResponse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from stallkeeper.backoffice.screens import MemberRequest, screen, show
from stallkeeper.core.people import Permission, can


@dataclass(frozen=True, slots=True)
class Card:
    """One subject: the screen that it opens and who may open that. ``permission`` None: every member."""

    title: str | Promise
    about: str | Promise
    icon: str
    view: str
    permission: Permission | None

    @property
    def address(self) -> str:
        return f"backoffice:{self.view}"


CARDS = (
    Card(
        gettext_lazy("My account"),
        gettext_lazy("Your name, language and time zone, password, two-step sign-in, and where you are signed in."),
        "person",
        "account",
        None,
    ),
    Card(
        gettext_lazy("Company"),
        gettext_lazy("Its name and time zone; whether members sign in in two steps."),
        "storefront",
        "company",
        Permission.MANAGE_USERS,
    ),
    Card(
        gettext_lazy("People"),
        gettext_lazy("Who works here, with which role; invitations."),
        "group",
        "people",
        Permission.MANAGE_USERS,
    ),
    Card(
        gettext_lazy("Notifications"),
        gettext_lazy("Who is told of problems by e-mail, in a chat or on a phone, and when."),
        "campaign",
        "targets",
        Permission.CONNECT,
    ),
    Card(
        gettext_lazy("Keys of programs"),
        gettext_lazy("What programs of yours may read and change."),
        "key",
        "keys",
        Permission.MANAGE_USERS,
    ),
    Card(
        gettext_lazy("Audit"),
        gettext_lazy("Who did what, when, to what. Nobody can change it."),
        "history",
        "audit",
        Permission.SEE_AUDIT,
    ),
    Card(
        gettext_lazy("Further fields"),
        gettext_lazy("Fields of your own that every channel has."),
        "edit_note",
        "further_fields",
        Permission.CONNECT,
    ),
    Card(
        gettext_lazy("Set up, step by step"),
        gettext_lazy("From the account of a stall to the first figures that are sent; it goes on where somebody left it."),
        "flag",
        "start",
        Permission.VIEW_STOCK,
    ),
)


@screen(None)
def settings_hub(request: MemberRequest) -> HttpResponse:
    """The cards that this person may open."""
    cards = [card for card in CARDS if card.permission is None or can(request.membership, card.permission)]
    return show(request, "backoffice/settings.html", {"title": _("Settings"), "cards": cards})
