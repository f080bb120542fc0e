"""Whatever a person can start leaves an audit entry in its transaction: every use case with a person as its actor is listed here.

``DONE`` does it through the entry that people use; a use case that is in none of the lists is one that nobody has thought about.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.test import Client
from django.urls import reverse
from django.utils import timezone

import stallkeeper
from stallkeeper.__main__ import run
from stallkeeper.channels.models import Command, Offer
from stallkeeper.core import audit_queries
from stallkeeper.core.models import AuditEntry, Invitation, Membership, Role, User
from stallkeeper.orders.models import Order, OrderLine, OrderView
from stallkeeper.stock.models import Level
from tests.busy_shop import BusyShop, signed_in
from tests.shop import join

ROOT = Path(stallkeeper.__file__).parent
BY_PEOPLE = (
    "backoffice",
    "ops/commands",
    "ops/connections.py",
    "ops/views.py",
    "orders",
    "fulfilment",
    "core/own_account.py",
    "channels/breaker.py",
    "channels/plans.py",
)
"""Where people start use cases."""
NOTHING_DECIDED = {
    "propose.links": "works out what fits; linking is another use case",
    "show.columns": "what one person sees of a table",
    "read.listings": "reads the catalogue, as the background run does",
    "like.orders": "what one person sees first, and the carrier that stands in his form",
    "wake.connection": "has a run begin now that would begin anyway",
}
RECORDED_BY = {
    "connect.account": ("channels/connect.py", "connection.create"),
    "reconnect.account": ("channels/connect.py", "connection.reconnect"),
    "confirm.links": ("channels/links.py", "offers.link"),
    "choose.link": ("channels/links.py", "offers.link"),
    "create.products": ("channels/links.py", "products.create"),
    "change.listings": ("channels/links.py", "listings.leave_out"),
    "channel.release": ("channels/breaker.py", "channel.release"),
    "channel.look_again": ("channels/breaker.py", "channel.look_again"),
    "answer.cutover": ("channels/cutover.py", "channel.cutover"),
    "command.tell_again": ("channels/commands.py", "retry.command"),
    "ship.tell_again": ("channels/commands.py", "retry.command"),
    "set.channel": ("channels/general.py", "channel.general"),
    "set.further_field": ("channels/general.py", "further_field.define"),
    "copy.channel": ("channels/general.py", "channel.copy"),
    "add.channel": ("channels/connect.py", "channel.create"),
    "turn.balancer": ("channels/balancer.py", "channel.balancer"),
    "release.observed_hold": ("channels/observed.py", "release.observed_hold"),
    "send.stock": ("channels/send_tasks.py", "offers.send"),
    "plan.save": ("channels/plans.py", "plan.save"),
    "plan.apply": ("channels/plans.py", "plan.apply"),
    "plan.at_once": ("channels/plans.py", "plan.apply"),
    "plan.discard": ("channels/plans.py", "plan.discard"),
    "set.source": ("stock/source_setup.py", "add.source"),
    "settle.source_run": ("stock/sources.py", "allow.source_run"),
    "set.exchange": ("sync/exchange/accounts.py", "open.exchange"),
    "set.price": ("catalog/prices.py", "set.price"),
    "ask.export": ("core/file_exports.py", "export.list"),
    "note.export": ("core/file_exports.py", "export.list"),
    "add.target": ("core/targets.py", "add.target"),
    "change.target": ("core/targets.py", "change.target"),
    "remove.target": ("core/targets.py", "remove.target"),
    "test.target": ("core/targets.py", "test.target"),
    "snooze.problem": ("core/snoozes.py", "snooze.problem"),
    "wake.problem": ("core/snoozes.py", "wake.problem"),
    "save.rules": ("channels/rules.py", "channel.rules"),
    "pass.start": ("core/first_run.py", "start.pass"),
    "end.start": ("core/first_run.py", "start.end"),
    "read.parked": ("core/personal.py", "read.personal_data"),
}
"""Those that need more than a busy shop: the function that they all go through, with the entry that it writes."""


@pytest.fixture
def client(busy: BusyShop, settings, tmp_path) -> Client:
    settings.STATIC_ROOT = tmp_path
    return signed_in(busy.owner)


def person_use_cases() -> set[str]:
    """Names of the use cases that are opened with an actor, read from the source."""
    names = set()
    for place in BY_PEOPLE:
        files = sorted((ROOT / place).rglob("*.py")) if (ROOT / place).is_dir() else [ROOT / place]
        for node in (node for file in files for node in ast.walk(ast.parse(file.read_text()))):
            called = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "use_case"
            if called and any(keyword.arg == "actor" for keyword in node.keywords) and isinstance(node.args[0], ast.Constant):
                names.add(str(node.args[0].value))
    return names


class Person:
    """What a person does, on a screen or on the command line."""

    def __init__(self, busy: BusyShop, client: Client) -> None:
        self.busy, self.client = busy, client
        with busy.shop.scope():
            open_ = Order.objects.filter(state__in=["new", "acknowledged"], lines__short=0, lines__stock_unit__isnull=False)
            self.order = open_.order_by("-pk")[0]
            self.line = self.order.lines.filter(stock_unit__isnull=False)[0]
            level = Level.objects.filter(on_hand__gt=3, allocated=0, held=0).select_related("stock_unit", "location").order_by("pk")[0]
            self.unit, self.place = level.stock_unit, level.location
            self.offer = Offer.objects.filter(channel=busy.near).order_by("pk")[0]
            unknown = OrderLine.objects.filter(stock_unit=None, ordered__gt=0).select_related("order").first()
        self.unknown = unknown

    def post(self, view: str, *args: int, **data: object) -> None:
        assert self.client.post(reverse(f"backoffice:{view}", args=args), data).status_code in {200, 302}

    def command(self, *words: object) -> None:
        assert run([str(word) for word in words]) == 0

    def ship(self) -> None:
        self.post("ship", self.order.pk, carrier="UPS", reference="r", **{f"quantity_{self.line.pk}": self.line.open})

    def cancel(self) -> None:
        self.post("cancel", self.order.pk, sure="1", reason="buyer_asked", **{f"quantity_{self.line.pk}": self.line.open})

    def not_left(self) -> None:
        self.ship()
        with self.busy.shop.scope():
            OrderLine.objects.filter(pk=self.line.pk).update(taken_back=self.line.open)
        self.post("not_left", self.order.pk)

    def acknowledge(self) -> None:
        with self.busy.shop.scope():
            Command.objects.filter(kind="acknowledge").delete()
            new = Order.objects.filter(state="new")[0]
        self.post("order_bulk", action="acknowledge", order=new.pk)

    def note(self) -> None:
        self.post("write_note", self.order.pk, text="Gift wrap", key="k")

    def view(self) -> None:
        self.post("keep_order_view", name="Mine", filters="state=new")

    def no_view(self) -> None:
        self.view()
        with self.busy.shop.scope():
            view = OrderView.objects.latest("pk")
        self.post("drop_order_view", view.pk)

    def link(self) -> None:
        assert self.unknown is not None
        self.post("link_line", self.unknown.order_id, self.unknown.pk, sku=self.unit.sku)

    def adjust(self) -> None:
        self.post("adjust", self.unit.pk, self.place.pk, on_hand=3, reason="two broke")

    def adjust_by_command(self) -> None:
        self.command("adjust", self.unit.sku, "--location", self.place.code, "--on-hand", 2, "--reason", "one broke")

    def edit_table(self) -> None:
        with self.busy.shop.scope():
            seen = Level.objects.get(stock_unit=self.unit, location=self.place).on_hand
        cell = f"cell_{self.unit.pk}_{self.place.pk}_{seen}"
        self.post("stock_table", reason="counted", **{cell: 41})

    def hold(self) -> None:
        self.command("hold", self.unit.sku, "--location", self.place.code, "--units", 1, "--reason", "fair")

    def count(self) -> None:
        file = Path(django_settings.STATIC_ROOT) / "count.csv"
        file.write_text(f"sku,counted\n{self.unit.sku},1\n")
        self.command("count", file, "--location", self.place.code, "--as-of", f"{timezone.now() - timedelta(minutes=1):%Y-%m-%d %H:%M}")

    def make_place(self) -> None:
        self.command("location", "SHOP", "--name", "High Street")

    def change_place(self) -> None:
        self.command("location", self.place.code, "--priority", 7, "--yes", "--sure")

    def make_key(self) -> None:
        self.command("keys", "make", "Repricer", "--may", "view_stock")

    def end_key(self) -> None:
        self.make_key()
        self.command("keys", "end", "Repricer")

    def company(self) -> None:
        self.post("company_switch")

    def resync(self) -> None:
        self.command("resync")

    def read_again(self) -> None:
        self.post("offer_action", action="read", offer=self.offer.pk)

    def rules(self) -> None:
        self.command("channel", self.busy.near.code, "--rule", "buffer=2", "--yes")

    def own_rules(self) -> None:
        self.command("rules", self.busy.near.code, "--sku", self.unit.sku, "--set", "buffer=2", "--yes")

    def no_own_rules(self) -> None:
        self.own_rules()
        self.command("rules", self.busy.near.code, "--sku", self.unit.sku, "--remove", "--yes")

    def rotate(self) -> None:
        self.command("rotate-keys", "--data-keys")

    def turn(self) -> None:
        self.post("turn", self.busy.near.pk, switch="acknowledge", on="0")

    def turn_by_command(self) -> None:
        self.command("channel", self.busy.near.code, "--acknowledge", "off")

    def stop(self) -> None:
        self.command("channel", self.busy.near.code, "--stock", "off")

    def writes(self) -> None:
        self.post("allow_writes", self.busy.near.connection_id, allowed="0")

    def buyer(self) -> None:
        self.post("buyer", self.order.pk)

    def search_buyers(self) -> None:
        self.post("search_buyers", q="Ada")

    def fence(self) -> None:
        self.post("fence", self.unit.pk, channel=self.busy.near.pk, units=1)

    def guard(self) -> None:
        self.post("guard", self.unit.pk, guarded="1")

    def guard_by_command(self) -> None:
        self.command("guard", self.unit.sku)

    def guard_below(self) -> None:
        self.post("guard_below", below=2)

    def incoming(self) -> None:
        self.post("incoming", self.unit.pk, place=self.place.pk, units=5, expected_on="2099-01-01")

    def invite(self) -> None:
        self.post("people", email="new@example.com", role="warehouse")

    def withdraw(self) -> None:
        self.invite()
        with self.busy.shop.scope():
            self.post("withdraw_invitation", Invitation.objects.get().pk)

    def accept(self) -> None:
        link = self.client.post(reverse("backoffice:people"), {"email": "new@example.com", "role": "warehouse"}).context["link"]
        password = {"new_password1": "correct horse battery", "new_password2": "correct horse battery"}
        assert Client().post(f"/join/{link.rsplit('/', 2)[1]}/", {"name": "New", **password}).status_code == 302

    def member(self) -> int:
        user = User.objects.create_user("member@example.com")
        join(self.busy.organisation, user, Role.WAREHOUSE)
        with self.busy.shop.scope():
            return Membership.objects.get(user=user).pk

    def change_role(self) -> None:
        self.post("person", self.member(), role="operations")

    def shut_out(self) -> None:
        self.post("turn_person", self.member(), on="0", sure="1")

    def remove(self) -> None:
        self.post("remove_person", self.member(), sure="1")

    def sign_in_link(self) -> None:
        self.post("person_link", self.member())

    def account(self) -> None:
        self.post("account", name="Olga O.", language="", time_zone="Europe/Rome")

    def password(self) -> None:
        self.post("first_password", new_password1="correct horse battery", new_password2="correct horse battery")

    def one_step(self) -> None:
        self.command("users", "one-step", self.busy.owner.email, "--yes")

    def end_sessions(self) -> None:
        other = signed_in(self.busy.owner)
        other.get("/")
        self.post("end_sessions")

    def promise(self) -> None:
        self.client.post(reverse("backoffice:delay_promise", args=["stock"]), {"seconds": "60"})

    def organisation(self) -> None:
        self.post("company", name="Other name", time_zone="Europe/Paris")


DONE: dict[str, tuple[Callable[[Person], None], ...]] = {
    "ship.order": (Person.ship,),
    "ship.not_left": (Person.not_left,),
    "cancel.lines": (Person.cancel,),
    "acknowledge.order": (Person.acknowledge,),
    "write.order_note": (Person.note,),
    "keep.order_view": (Person.view,),
    "drop.order_view": (Person.no_view,),
    "link.line": (Person.link,),
    "adjust.stock": (Person.adjust, Person.adjust_by_command),
    "edit.stock": (Person.edit_table,),
    "set.hold": (Person.hold,),
    "record.count": (Person.count,),
    "set.place": (Person.make_place, Person.change_place),
    "create.place": (Person.make_place,),
    "change.place": (Person.change_place,),
    "make.api_key": (Person.make_key,),
    "end.api_key": (Person.end_key,),
    "switch.company": (Person.company,),
    "switch.connection": (Person.writes,),
    "switch.channel": (Person.turn,),
    "resync.channel": (Person.resync,),
    "change.offers": (Person.read_again,),
    "change.channel": (Person.turn_by_command,),
    "stop.channel": (Person.stop,),
    "read.buyer": (Person.buyer,),
    "search.buyers": (Person.search_buyers,),
    "set.fence": (Person.fence,),
    "set.guard": (Person.guard, Person.guard_by_command),
    "turn.guard": (Person.guard_below,),
    "set.incoming": (Person.incoming,),
    "change.organisation": (Person.organisation,),
    "promise.delay": (Person.promise,),
    "invite.member": (Person.invite,),
    "withdraw.invitation": (Person.withdraw,),
    "accept.invitation": (Person.accept,),
    "change.member": (Person.change_role, Person.shut_out, Person.remove),
    "make.sign_in_link": (Person.sign_in_link,),
    "change.account": (Person.account, Person.password, Person.one_step, Person.end_sessions),
}
ALSO = (Person.rotate, Person.rules, Person.own_rules, Person.no_own_rules)


def test_every_use_case_of_people_is_thought_of() -> None:
    known = [*DONE, *NOTHING_DECIDED, *RECORDED_BY]
    assert person_use_cases() <= set(known), "say which entry it leaves, or why it needs none"
    assert len(known) == len(set(known))
    for file, action in RECORDED_BY.values():
        written = re.sub(r"\s+", " ", (ROOT / file).read_text())
        assert re.search(rf'audit\.record(_many)?\([^)]*"{re.escape(action)}"|Entry\("{re.escape(action)}"', written), (file, action)


@pytest.mark.parametrize(
    "act", list(dict.fromkeys([*(act for acts in DONE.values() for act in acts), *ALSO])), ids=lambda act: act.__name__
)
def test_what_a_person_does_leaves_an_entry(busy: BusyShop, client: Client, act: Callable[[Person], None]) -> None:
    person = Person(busy, client)
    with busy.shop.scope():
        before = set(AuditEntry.objects.values_list("pk", flat=True))
    act(person)
    with busy.shop.scope():
        actors = set(AuditEntry.objects.exclude(pk__in=before).values_list("actor", flat=True))
    assert actors, "no entry"
    assert all(actor.startswith(("user:", "console:")) for actor in actors), actors


def test_entry_and_change_stand_or_fall_together(busy: BusyShop, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    person = Person(busy, client)

    def fail(*_args: object) -> None:
        raise OSError("the disk of the audit log is full")

    monkeypatch.setattr(audit_queries, "add", fail)
    with pytest.raises(OSError, match="the disk of the audit log is full"):
        person.adjust()
    with busy.shop.scope():
        assert Level.objects.get(stock_unit=person.unit, location=person.place).on_hand > 3
