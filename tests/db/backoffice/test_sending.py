"""The sending table: what is shown, saved, sent, followed and undone on the screen (S3.23-S3.41)."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext, override_settings
from django.urls import reverse

from stallkeeper.backoffice import sending_rows
from stallkeeper.catalog.models import StockUnit
from stallkeeper.channels import overrides, plans, proposals, rules, send_tasks, switches
from stallkeeper.channels.models import Channel, Offer, SendingColumns, SendPlan, SendTask
from stallkeeper.channels.overriding import Own
from stallkeeper.channels.plan_stale import Stale
from stallkeeper.core import api_keys, notify
from stallkeeper.core.models import ApiKey, Notification, Organisation, Role, Severity, User
from tests.busy_shop import BusyShop, member, text
from tests.said import LANGUAGE, unsaid, write_language

TABLE = "backoffice:sending"


def settings_of(client: Client, **changed: str) -> dict[str, str]:
    """What the settings' form would send, with some fields changed ("" takes a tick away)."""
    page = client.get(reverse(TABLE)).content.decode()
    form = page[page.index('action="/sending/save/"') :]
    form = form[: form.index("</form>")]
    found: dict[str, str] = {}
    for tag in re.findall(r"<input[^>]*>", form):
        name, value = re.search(r'name="([^"]+)"', tag), re.search(r'value="([^"]*)"', tag)
        if name and name[1] != "csrfmiddlewaretoken" and ('type="checkbox"' not in tag or "checked" in tag):
            found[name[1]] = value[1] if value else ("on" if "checkbox" in tag else "")
    for name, options in re.findall(r'<select name="([^"]+)".*?>(.*?)</select>', form, re.DOTALL):
        found[name] = re.search(r'value="(\w+)" selected', options)[1]  # type: ignore[index]
    return {name: value for name, value in (found | changed).items() if value or name.endswith(("max_publish", "fixed"))}


def cells(client: Client, query: str = "") -> str:
    page = client.get(reverse(TABLE) + query)
    assert page.status_code == 200
    return page.content.decode()


def test_a_plan_is_saved_looked_at_sent_and_followed(busy: BusyShop, client: Client) -> None:
    """S3.34, S3.35, S3.38-S3.40: "Save" shows both figures and sends nothing; "Save and send" asks with counts, then a task tells."""
    near = busy.near.pk
    with busy.shop.scope():
        offer = Offer.objects.filter(channel=near, stock_excluded=False, intended_qty__gt=3, open_qty=0).order_by("pk")[0]
        before = offer.intended_qty
    save = reverse("backoffice:save_plan")
    assert client.post(save, settings_of(client, **{f"c{near}-max_publish": "1"}) | {"then": "look"}).url == "/sending/"
    page = cells(client, f"?q={offer.sku}&channel={near}")
    assert "saved and not sent" in page
    assert "→ 1" in page
    assert "changed by the plan" in page
    with busy.shop.scope():
        offer.refresh_from_db()
        assert offer.intended_qty == before, "nothing is in force"

    paced = {f"c{near}-max_publish": "2", f"c{near}-velocity_share": "25"}
    answer = client.post(reverse("backoffice:save_plan"), settings_of(client, **paced) | {"then": "send"})
    assert answer.url == "/sending/plan/"
    shown = client.get(answer.url).content.decode()
    assert "Cap: – → 2" in shown
    assert "0 % → 25 %" in shown
    plan_id, fingerprint = re.search(r"/plan/(\d+)/apply/", shown)[1], re.search(r'name="fingerprint" value="(\w+)"', shown)[1]  # type: ignore[index]
    apply = reverse("backoffice:apply_plan", args=[plan_id])
    sent = client.post(apply, {"fingerprint": fingerprint})
    with busy.shop.scope():
        task = SendTask.objects.get(kind="plan")
        offer.refresh_from_db()
        assert Channel.objects.get(pk=near).velocity_share == 25
    assert sent.url == reverse("backoffice:send_task", args=[task.pk])
    assert offer.intended_qty == 2
    details = text(client.get(sent.url))
    assert "under way" in details
    assert "read back" in details
    assert "Sends under way" in text(client.get(reverse("backoffice:problem_board")))
    assert client.get(sent.url, headers={"HX-Request": "true"}).content.lstrip().startswith(b"<section")
    assert "plan" in text(client.get(reverse("backoffice:send_tasks")))
    again = client.post(apply, {"fingerprint": fingerprint})
    assert again.url == sent.url, "a second press does nothing"

    undo = client.get(reverse("backoffice:undo_send")).content.decode()
    assert f"Plan {plan_id}, sent" in undo
    back = client.post(reverse("backoffice:undo_send"))
    assert back.url == "/sending/plan/"
    assert f"undoes plan {plan_id}" in text(client.get(back.url))


def test_the_list_of_sends_names_who_asked(busy: BusyShop, client: Client) -> None:
    """A person or a program, by name; ten people cost no more statements than one."""
    mia = User.objects.create_user("mia@example.com", name="Mia Member")
    with busy.shop.use_case("test.key") as uc:
        api_keys.make(uc, "Our ERP", ["send"])
        key = ApiKey.objects.get()
        for actor in (mia.actor, key.actor, "system"):
            SendTask.objects.create(organisation=busy.organisation, kind="chosen", asked_at=uc.at, asked_by=actor, outcome=[])
    client.get(reverse("backoffice:send_tasks"))
    with CaptureQueriesContext(connection) as few:
        page = client.get(reverse("backoffice:send_tasks"))
    assert [row.by for row in page.context["rows"]] == ["Stallkeeper", "Our ERP", "Mia Member"]
    with busy.shop.scope():
        for number in range(10):
            actor = User.objects.create_user(f"{number}@example.com").actor
            SendTask.objects.create(organisation=busy.organisation, kind="chosen", asked_at=busy.now, asked_by=actor, outcome=[])
    with CaptureQueriesContext(connection) as many:
        client.get(reverse("backoffice:send_tasks"))
    assert len(many) == len(few)


def saved_and_moved(busy: BusyShop, client: Client) -> tuple[SendPlan, Offer]:
    """A plan of another buffer, after which the stock of one of its offers becomes another one."""
    near = busy.near.pk
    client.post(reverse("backoffice:save_plan"), settings_of(client, **{f"c{near}-buffer": "3"}) | {"then": "look"})
    with busy.shop.scope():
        plan = plans.open_plan()
        assert plan is not None
        offers = Offer.objects.filter(channel=near, stock_unit__kind="single", stock_unit__stocked=True, intended_qty__gt=5)
        moved = offers.select_related("stock_unit")[0]
    busy.shop.stock(moved.stock_unit, 1234)
    return plan, moved


def test_a_stale_plan_is_refused_on_the_screen_with_what_moved_and_the_new_one(busy: BusyShop, client: Client) -> None:
    plan, moved = saved_and_moved(busy, client)
    answer = client.post(reverse("backoffice:apply_plan", args=[plan.pk]), {"fingerprint": plan.fingerprint})
    assert answer.status_code == 409
    page = text(answer)
    assert "out of date" in page
    assert moved.sku in page
    with busy.shop.scope():
        fresh = plans.open_plan()
        assert fresh is not None
        assert fresh.pk != plan.pk
        assert fresh.fingerprint in answer.content.decode(), "the new plan is offered at once"
        assert Channel.objects.get(pk=busy.near.pk).buffer == busy.near.buffer
        assert client.post(reverse("backoffice:discard_plan", args=[fresh.pk])).status_code == 302
        fresh.refresh_from_db()
        assert fresh.state == SendPlan.State.DISCARDED
    assert "No plan is saved" in text(client.get(reverse("backoffice:plan")))


def test_what_moved_is_said_in_the_language_of_whoever_looks(busy: BusyShop, client: Client, tmp_path: Path) -> None:
    """ADR 0062: other settings and the offers that moved, each with its figures; the refusal on the command line stays English."""
    plan, moved = saved_and_moved(busy, client)
    with busy.shop.use_case() as uc:
        rules.save(uc, busy.near.pk, price_drop_limit=Decimal(20))
        switches.set_company(uc, False)
    with busy.shop.scope(), pytest.raises(Stale) as stale:
        plans.apply(busy.organisation.pk, plan.pk, plan.fingerprint, busy.owner.actor)
    assert unsaid(str(stale.value)) == []
    write_language(tmp_path)
    with override_settings(LANGUAGES=[*settings.LANGUAGES, (LANGUAGE, "Bracketed")], LOCALE_PATHS=[tmp_path]):
        head = {"Accept-Language": LANGUAGE}
        answer = client.post(reverse("backoffice:apply_plan", args=[plan.pk]), {"fingerprint": plan.fingerprint}, headers=head)
    page = text(answer)
    assert "⟦the switch of the company was turned⟧" in page
    assert f"⟦of channel {busy.near.code} other settings hold: price_drop_limit⟧" in page
    assert f"⟦{busy.near.code} {moved.sku}: the plan says " in page


def test_why_nothing_is_sent_is_said_in_the_language_of_whoever_looks(busy: BusyShop, client: Client, tmp_path: Path) -> None:
    """On the channel's page, in the lists of channels and offers, in the sending table."""
    with busy.shop.use_case() as uc:
        switches.set_company(uc, False)
    write_language(tmp_path)
    with override_settings(LANGUAGES=[*settings.LANGUAGES, (LANGUAGE, "Bracketed")], LOCALE_PATHS=[tmp_path]):
        for address in (reverse("backoffice:channel", args=[busy.near.pk]), reverse("backoffice:channels"), reverse("backoffice:offers")):
            assert "⟦sending is off for the whole company⟧" in text(client.get(address, headers={"Accept-Language": LANGUAGE})), address
        table = client.get(reverse(TABLE), headers={"Accept-Language": LANGUAGE}).content.decode()
    assert 'title="⟦sending is off for the whole company⟧"' in table


def test_settings_that_cannot_be_are_said_and_nothing_is_saved(busy: BusyShop, client: Client) -> None:
    near = busy.near.pk
    for wrong in ({f"c{near}-share": "101"}, {f"c{near}-buffer": "-1"}, {f"c{near}-max_publish": "many"}):
        answer = client.post(reverse("backoffice:save_plan"), settings_of(client, **wrong), follow=True)
        assert busy.near.name in text(answer)
    with busy.shop.scope():
        assert not SendPlan.objects.exists()


def test_columns_are_hidden_per_person_and_cells_are_empty_where_nothing_is_sent(busy: BusyShop, client: Client) -> None:
    """S3.24, S3.25, S3.27-S3.30."""
    near, far = busy.near, busy.far
    table = cells(client)
    assert table.count("<th") >= 4
    assert "For sale" in table
    assert client.post(reverse("backoffice:sending_columns"), {"shown": [far.pk, "x", 10**6]}).status_code == 302
    with busy.shop.scope():
        assert SendingColumns.objects.get(user=busy.owner).hidden == [near.pk]
    head = re.search(r"<th class=\"sk-num\" title=\"the most.*?</tr>", cells(client), re.DOTALL)
    assert head is not None
    assert far.name in head[0]
    assert near.name not in head[0]
    client.post(reverse("backoffice:save_plan"), settings_of(client, **{f"c{near.pk}-max_publish": "1"}) | {"then": "look"})
    assert f"whose columns you have hidden: {near.code}" in cells(client), "every planned channel has a column, or that is said (S3.25)"
    other = member(busy.organisation, Role.READ_ONLY)
    page = cells(other)
    assert near.name in page
    assert "Save and send" not in page, "who may not edit sees no buttons"
    assert other.post(reverse("backoffice:save_plan"), {}).status_code == 403
    assert other.post(reverse("backoffice:send_stock"), {"everything": "1"}).status_code == 403
    Organisation.objects.filter(pk=busy.organisation.pk).update(sending_enabled=False)
    table = cells(client)
    assert "sending is off for the company: nothing leaves" in table
    body = table[table.index("<tbody>", table.index("For sale")) : table.index("Large: what")]
    assert re.search(r'<strong class="sk-subtle">\d', body), "what would be sent can be checked before the switch is turned (S3.30, S3.34)"
    assert not re.search(r"<strong( class=\"sk-differs\")?>\d", body), "and none of it looks as if it left"
    with busy.shop.scope():
        Channel.objects.filter(pk=far.pk).update(stock_enabled=False)
    table = cells(client)
    body = table[table.index("<tbody>", table.index("For sale")) : table.index("Large: what")]
    assert not re.search(r"<strong[^>]*>\d", body), "a channel whose own switch is off stays empty (S3.24)"


@pytest.mark.parametrize("state", ["differs", "zero", "refused", "unknown", "planned", "made-up"])
def test_filters_show_the_products_they_promise(busy: BusyShop, client: Client, state: str) -> None:
    page = cells(client, f"?state={state}")
    shown = set(re.findall(r'aria-label="([A-Z0-9-]+)"', page))
    with busy.shop.scope():
        offers = Offer.objects.filter(stock_excluded=False)
        wanted = {
            "zero": offers.filter(intended_qty=0),
            "refused": offers.filter(refused_at__isnull=False),
            "unknown": offers.filter(believed_qty=None, intended_qty__isnull=False),
        }.get(state)
        if wanted is not None:
            assert shown == set(wanted.values_list("stock_unit__sku", flat=True)) if len(shown) < 50 else shown
    assert client.get(reverse(TABLE), {"q": "no such thing"}).status_code == 200


@pytest.mark.parametrize("state", ["zero", "unknown"])
def test_what_no_index_knows_is_found_alike_however_many_there_are(
    busy: BusyShop, client: Client, monkeypatch: pytest.MonkeyPatch, state: str
) -> None:
    """Few are found by themselves, more are counted by the look that finds them, of many only the page is looked for (must show 2)."""

    def shown() -> tuple[list[str], int]:
        page = client.get(reverse(TABLE), {"state": state}).context["page"]
        return [unit.sku for unit in page.rows], page.total

    few = shown()
    assert few[1] == len(few[0]) > 1
    monkeypatch.setattr(sending_rows, "MATCHES", 1)
    assert shown() == few
    monkeypatch.setattr(sending_rows, "MANY", 1)
    assert shown() == few
    sku = few[0][0]
    assert [unit.sku for unit in client.get(reverse(TABLE), {"state": state, "q": sku}).context["page"].rows] == [sku]


def test_stock_of_a_selection_is_sent(busy: BusyShop, client: Client) -> None:
    """S3.37: chosen products on the shown channels; refusals are forgotten; a task follows."""
    with busy.shop.scope():
        refused = Offer.objects.filter(refused_at__isnull=False, stock_excluded=False)[0]
    assert "Choose at least one" in text(client.post(reverse("backoffice:send_stock"), {}, follow=True))
    answer = client.post(reverse("backoffice:send_stock"), {"unit": [refused.stock_unit_id, "x"]})
    with busy.shop.scope():
        refused.refresh_from_db()
        assert refused.refused_at is None
        task = SendTask.objects.get()
        assert (task.kind, answer.url) == ("chosen", reverse("backoffice:send_task", args=[task.pk]))
    client.post(reverse("backoffice:sending_columns"), {"shown": [busy.near.pk]})
    assert "not only what this filter finds" in cells(client, "?state=zero")
    client.post(reverse("backoffice:send_stock") + "?state=zero", {"everything": "1"})
    with busy.shop.scope():
        whole = SendTask.objects.get(kind="channels")
        about = set(whole.parts.values_list("channel_id", flat=True))
        assert about == {busy.near.pk, busy.far.pk}, "all is all: hidden columns too"
        Channel.objects.filter(pk=busy.far.pk).update(stock_enabled=False)
    assert f"a switch is off: {busy.far.code}" in text(client.post(reverse("backoffice:send_stock"), {"everything": "1"}, follow=True))
    with busy.shop.scope():
        latest = SendTask.objects.latest("pk")
        assert list(latest.parts.values_list("channel_id", flat=True)) == [busy.near.pk], "what is switched off is not waited for"
    with busy.shop.use_case() as uc:
        SendTask.objects.filter(pk=latest.pk).update(ended_at=uc.at)
        notify.raise_(uc, send_tasks.notice_key(latest), Severity.INFO, "Send is done")
    client.get(reverse("backoffice:send_task", args=[latest.pk]))
    with busy.shop.scope():
        assert Notification.objects.get(key=send_tasks.notice_key(latest)).seen_at is not None, "who asked has seen it"


def test_all_buffers_are_raised_in_one_plan(busy: BusyShop, client: Client) -> None:
    """Nothing is in force before the plan is sent; a switched-off channel is left alone, and rules of products keep theirs."""
    with busy.shop.scope():
        unit = StockUnit.objects.order_by("pk")[0]
        Channel.objects.filter(pk=busy.far.pk).update(buffer=4)
    with busy.shop.use_case() as uc:
        overrides.say(uc, busy.near.pk, [Own(categories=[], units=[unit.pk], rules={"buffer": 9})])
    shown = text(client.post(reverse("backoffice:raise_buffers"), {"more": "2"}, follow=True))
    for words in ("Buffer: 1 → 3", "Buffer: 4 → 6", "1 rule of a category or product has a buffer of its own"):
        assert words in shown
    with busy.shop.scope():
        plan = plans.open_plan()
        assert {pk: change.rules for pk, change in proposals.decode(plan.proposal).channels.items()} == {
            busy.near.pk: {"buffer": 3},
            busy.far.pk: {"buffer": 6},
        }
        assert sorted(Channel.objects.values_list("buffer", flat=True)) == [1, 4]


@pytest.mark.parametrize(("more", "said"), [("0", "0 changes nothing"), ("", "This field is required"), ("x", "Enter a whole number")])
def test_buffers_by_nothing_are_refused(busy: BusyShop, client: Client, more: str, said: str) -> None:
    assert said in text(client.post(reverse("backoffice:raise_buffers"), {"more": more}, follow=True))
    with busy.shop.scope():
        assert plans.open_plan() is None


def test_no_buffer_falls_below_zero(busy: BusyShop, client: Client) -> None:
    with busy.shop.scope():
        Channel.objects.filter(pk=busy.far.pk).update(buffer=0)
    client.post(reverse("backoffice:raise_buffers"), {"more": "-5"})
    with busy.shop.scope():
        assert {pk: change.rules for pk, change in proposals.decode(plans.open_plan().proposal).channels.items()} == {
            busy.near.pk: {"buffer": 0}
        }
        Channel.objects.update(buffer=0)
    assert "nothing is below zero" in text(client.post(reverse("backoffice:raise_buffers"), {"more": "-5"}, follow=True))
