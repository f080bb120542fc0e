"""The tasks, each from the screen Today on. Acts are counted by ``Person``; what it says on the page is checked, and in the database."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from playwright.sync_api import expect

from stallkeeper.channels.models import Channel, Connection, Lane, LaneStep, Offer, RemoteListing
from stallkeeper.core.tenancy import organisation_scope
from stallkeeper.fulfilment.models import Shipment
from stallkeeper.orders.models import Order, OrderLine
from stallkeeper.sync.runner import run_lane
from stallkit.adapters.walmart.emulator import CONFIG
from tests.busy_shop import BusyShop
from tests.tasks.person import Person

LISTED = 10
SHIPPED = 5
MORE = 2
ROUNDS = 60
FRESH = "N-"
"""What the SKUs of the listings begin with that nobody has linked yet."""


@dataclass(frozen=True)
class Stage:
    """Where it happens: the shop, and the address of an emulated stall that lists LISTED of its products."""

    busy: BusyShop
    stall: str

    def scope(self) -> AbstractContextManager[None]:
        return organisation_scope(self.busy.organisation.pk)


Task = Callable[[Person, Stage], None]


def connect(person: Person, stage: Stage) -> None:
    """Channels, the platform, its credentials; the account is asked who it is. Name, code and currency are filled in."""
    page = person.page
    person.click(page.locator("a[href='/channels/']").first)
    person.click(page.locator("a[href$='/connect/walmart/']"))
    person.paste(page.locator("[name=setting_client_id]"), CONFIG["client_id"])
    person.paste(page.locator("[name=setting_client_secret]"), CONFIG["client_secret"])
    page.locator("[name=base_url]").evaluate("(field, address) => { field.value = address }", stage.stall)  # a stall that is real has none
    person.click(page.locator("#step form button[type=submit]"))
    expect(page.locator("[data-connected]")).to_be_visible()


def connect_and_send(person: Person, stage: Stage) -> None:
    """On from there to the first figures that were read back: links, rules, open orders, plan, first send."""
    page = person.page
    with stage.scope():
        made = Channel.objects.latest("pk")
    page.goto(f"/start/stall/?channel={made.pk}")  # where the task before ended
    person.click(page.locator("[data-next]"))
    person.click(page.locator("[data-next]"))
    _work(made)
    person.click(page.locator("[name=act][value=certain]"))
    for _step in ("links", "rules"):
        person.click(page.locator("[data-next]"))
    person.click(page.locator("[name=answer][value=include]"))
    person.click(page.locator("button[form=do]"))
    _work(made)
    person.click(page.locator("[data-next]"))
    person.click(page.locator("[data-work-out]"))
    _send(person)
    for _round in range(ROUNDS):
        _work(made)
        if page.locator("[data-read-back]").count():
            break
        page.wait_for_timeout(300)
    expect(page.locator("[data-read-back]")).to_be_visible()


def why_so_few(person: Person, stage: Stage) -> None:
    """Ctrl+K, the SKU, Enter; then the number on the channel opens its working."""
    page, near = person.page, stage.busy.near
    with stage.scope():
        offer = Offer.objects.filter(channel=near, intended_qty__gt=0).select_related("stock_unit").order_by("pk")[3]
    person.press("Control+k")
    person.write(offer.stock_unit.sku)
    expect(page.locator("#palette").get_by_role("option").filter(has_text=offer.stock_unit.sku).first).to_be_visible()
    person.press("Enter")
    page.wait_for_url("**/stock/**")
    person.click(page.locator(f"a[href='/offers/{offer.pk}/']").first)
    expect(page.get_by_text("How the intended number comes about").first).to_be_visible()


def link_ten(person: Person, stage: Stage) -> None:
    """Listings, what is certain of the channel, and yes after seeing them."""
    page, near = person.page, stage.busy.near
    with stage.scope():
        waiting = list(RemoteListing.objects.filter(channel=near, sku__startswith=FRESH).values_list("pk", flat=True))
    assert len(waiting) == LISTED
    person.click(page.locator("a[href='/listings/']").first)
    person.click(page.locator(f"form[action='/channels/{near.pk}/listings/confirm/'] button"))
    person.click(page.locator("button[name=sure]"))
    with stage.scope():
        assert RemoteListing.objects.filter(pk__in=waiting, state="linked").count() == LISTED


def ship_five(person: Person, stage: Stage) -> None:
    """Orders, five ticked, Ship, the carrier once, the column of tracking numbers pasted into the first row."""
    page = person.page
    with stage.scope():
        short = OrderLine.objects.filter(short__gt=0).values("order_id")
        unmapped = OrderLine.objects.filter(stock_unit=None).values("order_id")
        whole = Order.objects.filter(state__in=["new", "acknowledged"]).exclude(pk__in=short).exclude(pk__in=unmapped)
        wanted = {str(pk) for pk in whole.values_list("pk", flat=True)}
    person.click(page.locator("a[href='/orders/']").first)
    boxes = [box for box in page.locator("[data-choose]").all() if box.get_attribute("value") in wanted][:SHIPPED]
    assert len(boxes) == SHIPPED, len(boxes)
    for box in boxes:
        person.click(box)
    person.click(page.locator("[data-chosen] button[value=ship]"))
    person.type(page.locator("#carrier"), "Cargus")
    numbers = [f"AWB-900{number}" for number in range(SHIPPED)]
    person.paste(page.locator("[data-paste-down]").first, "\n".join(numbers))
    person.click(page.locator("#sheet button[type=submit].sk-button--primary"))
    with stage.scope():
        left = Shipment.objects.filter(tracking_number__in=numbers, carrier="Cargus", order__state="shipped")
        assert {str(pk) for pk in left.values_list("order_id", flat=True)} <= wanted
        assert left.count() == SHIPPED


def stop_one(person: Person, stage: Stage) -> None:
    """Channels, and the button beside the channel: at once, no plan."""
    page, account = person.page, stage.busy.far.connection_id
    person.click(page.locator("a[href='/channels/']").first)
    person.click(page.locator(f"form[action='/channels/connections/{account}/writes/'] button"))
    with stage.scope():
        assert not Connection.objects.get(pk=account).writes_allowed


def raise_buffers(person: Person, stage: Stage) -> None:
    """Sending, Settings, 2, See what changes, and send exactly this."""
    page = person.page
    with stage.scope():
        before = dict(Channel.objects.filter(active=True).values_list("pk", "buffer"))
    person.click(page.locator("a[href='/sending/']").first)
    person.click(page.locator("details summary", has=page.locator("h2")).first)
    person.type(page.locator("#buffers [name=more]"), str(MORE))
    person.click(page.locator("#buffers button"))
    _send(person)
    with stage.scope():
        after = dict(Channel.objects.filter(active=True).values_list("pk", "buffer"))
        assert after == {pk: buffer + MORE for pk, buffer in before.items()}


def _send(person: Person) -> None:
    """The plan that stands there: looked at, confirmed where limits ask for it, sent."""
    apply = person.page.locator("form[action*=apply]")
    expect(apply).to_be_visible()
    if (sure := apply.locator("[name=sure]")).count():
        person.click(sure)
    person.click(apply.locator("button.sk-button--primary").first)
    expect(apply).to_have_count(0)


def _work(channel: Channel) -> None:
    """What a worker does for the new stall."""
    with organisation_scope(channel.organisation_id):
        lanes = list(Lane.objects.filter(subject_id=channel.connection_id).order_by("-kind"))
        LaneStep.objects.filter(step="confirm", lane__in=lanes).update(not_before=None)
    for lane in lanes:
        run_lane(lane.pk, "tasks")


TASKS: tuple[tuple[str, Task], ...] = (
    ("Connect a stall", connect),
    ("… and on, until its first figures are read back", connect_and_send),
    ("Find why a SKU shows this number on a channel", why_so_few),
    ("Link ten unmatched listings", link_ten),
    ("Ship five orders with tracking", ship_five),
    ("Stop everything sent to one channel", stop_one),
    ("Raise all buffers by 2, after seeing the plan", raise_buffers),
)
