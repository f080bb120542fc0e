"""The case file of an oversell stands behind the line on the order and on the problem board, and tells what the command tells."""

from __future__ import annotations

from html import unescape
from io import StringIO

from django.urls import reverse
from django.utils import translation
from rich.console import Console

from stallkeeper.channels.models import Offer, WriteWindow
from stallkeeper.core.models import Role, User
from stallkeeper.ops import case_file
from stallkeeper.orders import cases
from stallkeeper.orders.case_words import WINDOW_TITLE, words_of
from stallkeeper.orders.models import OrderLine, Shortage
from tests.busy_shop import signed_in
from tests.market import Market
from tests.shop import join


def test_the_page_and_the_command_tell_the_same(market: Market) -> None:
    first, second = market.stall(), market.stall()
    mug = market.shop.unit("MUG", 3)
    for stall in (first, second):
        stall.offer(mug, shown=0)
    market.settle(4)
    first.emulator.place_order([("MUG", 3)])
    second.emulator.place_order([("MUG", 2)])
    market.settle(3)
    with market.shop.scope():
        shortage = Shortage.objects.get()
        shortage.window = WriteWindow.objects.create(
            organisation=market.shop.organisation,
            offer=Offer.objects.get(channel=first.channel),
            **{name: market.clock() for name in ("read_at", "sent_at", "written_at")},
            value=40_177,
        )
        shortage.save(update_fields=["window"])
        case = cases.open_case(market.shop.organisation.pk, shortage.line_id)
        other = OrderLine.objects.filter(short=0).first()
    user = User.objects.create_user("watch@example.com", name="Wanda Watch")
    join(market.shop.organisation, user, Role.OWNER)
    client, address = signed_in(user), reverse("backoffice:case", args=[case.order_id, case.line_id])
    page = unescape(client.get(address).content.decode())
    assert words_of(case) in page
    assert str(WINDOW_TITLE) in page
    assert "40,177" in page
    assert address in client.get(reverse("backoffice:order", args=[case.order_id])).content.decode()
    assert address in client.get(reverse("backoffice:problem_list", args=["shortages"])).content.decode()
    assert client.get(reverse("backoffice:case", args=[other.order_id, other.pk])).status_code == 404
    console = Console(width=200, record=True, file=StringIO())
    console.print(case_file.render(case))
    text = console.export_text().replace("\n", " ")
    assert words_of(case) in text
    assert str(WINDOW_TITLE) in text
    assert "40177" in text
    assert case_file.as_data(case)["ours_ms"] == case.verdict.ours
    User.objects.filter(pk=user.pk).update(language="pl")
    assert case.verdict.ours > 999
    with translation.override("en"):
        assert f"{case.verdict.ours:,}" not in client.get(address).content.decode(), "a comma is a decimal point there"
