"""Accounts, sales channels with their rules, and offers with the five quantities that are never mixed."""

from __future__ import annotations

from decimal import Decimal

from django.contrib.postgres.fields import ArrayField
from django.core.validators import RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from stallkeeper.catalog.models import PriceList, StockUnit
from stallkeeper.channels.guard_models import GuardedUnit, WriteWindow
from stallkeeper.channels.log_models import OpenEvent, SentLog, Wait
from stallkeeper.channels.rule_models import Rounding, RuleOverride, UnitSale
from stallkeeper.core.models import Secret
from stallkeeper.core.tenancy import ChildModel, TenantModel
from stallkeeper.stock.models import Location

RULES = (RuleOverride, UnitSale)
"""Models of this app that have a module of their own."""


class Connection(TenantModel):
    """One account with its credentials. The first contact is read-only: ``writes_allowed`` is off until a person turns it on."""

    class State(models.TextChoices):
        NEW = "new", _("new")
        READY = "ready", _("ready")
        NEEDS_RECONNECT = "needs_reconnect", _("needs to be connected again")
        DISABLED = "disabled", _("disabled")

    platform = models.CharField(_("platform"), max_length=30)
    name = models.CharField(_("name"), max_length=100)
    site = models.CharField(_("site"), max_length=30, blank=True)
    config = models.JSONField(_("settings"), default=dict, blank=True)
    credentials = models.ForeignKey(Secret, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    base_url = models.CharField(_("other address"), max_length=300, blank=True, help_text=_("Only for test systems and proxies."))
    account_id = models.CharField(max_length=100, blank=True)
    account_name = models.CharField(max_length=200, blank=True)
    state = models.CharField(max_length=20, choices=State, default=State.NEW)
    state_reason = models.CharField(max_length=300, blank=True)
    roles = ArrayField(models.CharField(max_length=20), default=list, blank=True)
    """What the account is used for: any of orders, stock, prices, shipments."""
    writes_allowed = models.BooleanField(_("writing allowed"), default=False)
    credentials_expire_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()
    hint_token = models.CharField(max_length=64, unique=True)
    """Unguessable part of the address that the platform's callbacks are sent to."""

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organisation", "platform", "name"], name="connection_name_once")]
        verbose_name = _("connection")
        verbose_name_plural = _("connections")

    def __str__(self) -> str:
        return self.name


class PriceRounding(models.TextChoices):
    NONE = "none", _("to the cent")
    ENDING_99 = "ending_99", _("up to the next .99")
    ENDING_95 = "ending_95", _("up to the next .95")
    WHOLE = "whole", _("to whole units")


class Channel(TenantModel):
    """Where buyers buy, with our rules for it. All switches are off after creation (S4.32, S2.3).

    Stock rules (S3.32): ``share`` per cent of what is for sale, rounded; less ``buffer``; at most ``max_publish``; zero at or below
    ``zero_at``; ``fixed`` replaces all of it while there is stock; ``velocity_share`` per cent of what the last hour sold is kept back.
    ``RuleOverride`` has other words for a category or a product. Price rules: base price list, mark-up, rounding, currency.
    """

    class Cutover(models.TextChoices):
        UNASKED = "", _("not answered yet")
        INCLUDE = "include", _("the first numbers include units of orders already open")
        EXCLUDE = "exclude", _("units of orders already open were taken off the first numbers")

    connection = models.ForeignKey(Connection, on_delete=models.PROTECT, related_name="channels")
    parent = models.ForeignKey("self", on_delete=models.PROTECT, null=True, blank=True, related_name="sub_channels")
    own_rules = ArrayField(models.CharField(max_length=30), default=list, db_default=[], blank=True)
    """Of a sub-channel: the rules, limits and places that it says itself; all others are those of ``parent`` (see ``inheritance``)."""
    code = models.CharField(
        _("code"), max_length=3, validators=[RegexValidator(r"^[A-Za-z0-9]{1,3}$", _("One to three letters or digits."))]
    )
    name = models.CharField(_("name"), max_length=100)
    warehouse = models.CharField(_("warehouse of the platform"), max_length=50, blank=True, default="", db_default="")
    """The platform's own number of the warehouse that this channel's figures are kept for; "" where it keeps one figure for all."""
    sales_market = models.CharField(
        max_length=15, default="national", choices=[("national", _("national")), ("international", _("international"))]
    )
    customer_type = models.CharField(max_length=4, default="b2c", choices=[("b2c", "B2C"), ("b2b", "B2B"), ("both", _("both"))])
    sales_organisation = models.CharField(max_length=100, blank=True, default="", db_default="")
    category = models.CharField(max_length=300, blank=True, default="", db_default="")
    price_origin = models.CharField(
        max_length=10,
        default="channel",
        db_default="channel",
        choices=[("channel", _("the channel's price stands")), ("list", _("our price list")), ("order", _("as the kind of order says"))],
    )
    further = models.JSONField(default=dict, db_default=models.Value({}, models.JSONField()), blank=True)
    """Values of the further fields (S5.116), as text by the field's number."""
    active = models.BooleanField(_("active"), default=True)
    orders_enabled = models.BooleanField(_("take orders"), default=False)
    stock_enabled = models.BooleanField(_("send stock"), default=False)
    prices_enabled = models.BooleanField(_("send prices"), default=False)
    acknowledge_enabled = models.BooleanField(_("acknowledge orders"), default=True)
    cutover = models.CharField(max_length=10, choices=Cutover, default=Cutover.UNASKED, blank=True)
    cutover_at = models.DateTimeField(null=True, blank=True)
    first_send_at = models.DateTimeField(null=True, blank=True)

    share = models.DecimalField(_("share in per cent"), max_digits=5, decimal_places=2, default=Decimal(100))
    share_rounding = models.CharField(_("rounding"), max_length=10, choices=Rounding, default=Rounding.DOWN)
    buffer = models.PositiveIntegerField(_("buffer"), default=0)
    max_publish = models.PositiveIntegerField(_("cap"), null=True, blank=True)
    zero_at = models.PositiveIntegerField(_("zero at or below"), default=0)
    fixed = models.PositiveIntegerField(_("fixed number"), null=True, blank=True)
    velocity_share = models.DecimalField(
        _("last hour's sales kept back, in per cent"), max_digits=6, decimal_places=2, default=Decimal(0), db_default=Decimal(0)
    )
    allow_splits = models.BooleanField(_("a kit may come from several places"), default=False)
    horizon_days = models.PositiveIntegerField(_("days of incoming goods that count"), default=0)

    currency = models.CharField(_("currency"), max_length=3)
    price_list = models.ForeignKey(PriceList, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    mark_up = models.DecimalField(_("mark-up in per cent"), max_digits=7, decimal_places=2, default=Decimal(0))
    price_rounding = models.CharField(_("price rounding"), max_length=10, choices=PriceRounding, default=PriceRounding.NONE)
    exchange_rate = models.DecimalField(max_digits=18, decimal_places=8, null=True, blank=True)
    exchange_rate_at = models.DateField(null=True, blank=True)
    exchange_rate_source = models.CharField(max_length=100, blank=True)
    tax_rate = models.DecimalField(
        _("tax rate in per cent"),
        max_digits=5,
        decimal_places=2,
        null=True,
        blank=True,
        help_text=_("Needed where the price list and the platform differ in tax inside or outside of the price."),
    )

    holds_enabled = models.BooleanField(_("reserve what the channel shows"), default=False, db_default=False)
    holds_from = models.DateTimeField(_("from"), null=True, blank=True)
    """Before this moment nothing that the channel shows is taken for a sale (S3.49)."""
    hold_minutes = models.PositiveIntegerField(_("minutes until a reservation without an order ends"), default=30, db_default=30)
    hold_most = models.PositiveIntegerField(_("a fall by more units at once is taken for an edit"), default=20, db_default=20)

    zero_limit = models.PositiveIntegerField(_("stop when more offers would go to zero"), default=50)
    zero_limit_share = models.DecimalField(
        _("or more than this per cent of live offers"), max_digits=5, decimal_places=2, default=Decimal(30)
    )
    price_drop_limit = models.DecimalField(
        _("stop when a price would fall by more per cent"), max_digits=5, decimal_places=2, default=Decimal(50)
    )
    stopped_at = models.DateTimeField(null=True, blank=True)
    stop_reason = models.CharField(max_length=300, blank=True)
    stop_detail = models.JSONField(default=dict, blank=True)
    released_until = models.DateTimeField(null=True, blank=True)
    """A person has seen the stopped plan and lets it pass until then."""

    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organisation", "code"], name="channel_code_once"),
            models.CheckConstraint(condition=models.Q(share__gte=0, share__lte=100), name="channel_share_in_range"),
            models.CheckConstraint(condition=models.Q(mark_up__gt=-100), name="channel_mark_up_in_range"),
            models.CheckConstraint(condition=models.Q(velocity_share__gte=0), name="channel_velocity_in_range"),
        ]
        verbose_name = _("channel")
        verbose_name_plural = _("channels")

    def __str__(self) -> str:
        return self.name


class ChannelLocation(TenantModel):
    """A place whose stock counts for the channel (S4.33)."""

    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="channel_locations", db_index=False)
    location = models.ForeignKey(Location, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["channel", "location"], name="channel_location_once")]


class RingFence(TenantModel):
    """Units kept for one channel: the others do not see them."""

    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="ring_fences")
    stock_unit = models.ForeignKey(StockUnit, on_delete=models.CASCADE, related_name="+")
    quantity = models.PositiveIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["channel", "stock_unit"], name="ring_fence_once")]


class RuleVersion(TenantModel):
    """Append-only: the rules of a channel from ``valid_from`` on, as they were saved."""

    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="+", db_index=False)
    valid_from = models.DateTimeField()
    rules = models.JSONField()
    actor = models.CharField(max_length=60)

    class Meta:
        indexes = [models.Index(fields=["channel", "valid_from"], name="rule_version_channel")]


class Offer(TenantModel):
    """Our quantity and terms on a listing: this is what we push.

    The five quantities: ``intended`` (the rules say), ``sent`` (we asked for), ``accepted`` (the channel said yes), ``observed`` (we read),
    ``believed`` (accepted, less own units sold there after it took effect; replaced by every read; NULL = unknown, read first). All are in
    sold units and in the channel's own basis. ``open_qty`` counts sold units of orders that have not left yet, ``unacknowledged_qty`` those
    of orders that the channel does not know we have. No index mentions a quantity.
    """

    channel = models.ForeignKey(Channel, on_delete=models.PROTECT, related_name="offers", db_index=False)
    stock_unit = models.ForeignKey(StockUnit, on_delete=models.PROTECT, related_name="offers")
    sku = models.CharField(_("SKU on the channel"), max_length=100)
    external_id = models.CharField(_("number on the channel"), max_length=100, blank=True, default="")
    pack_factor = models.PositiveIntegerField(_("pack factor"), default=1)
    fulfilled_by = models.CharField(max_length=12, default="seller")
    stock_excluded = models.BooleanField(_("leave out of stock sending"), default=False)
    prices_excluded = models.BooleanField(_("leave out of price sending"), default=False)

    intended_qty = models.IntegerField(null=True, blank=True)
    sent_qty = models.IntegerField(null=True, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    accepted_qty = models.IntegerField(null=True, blank=True)
    accepted_at = models.DateTimeField(null=True, blank=True)
    observed_qty = models.IntegerField(null=True, blank=True)
    observed_reserved = models.IntegerField(null=True, blank=True)
    observed_at = models.DateTimeField(null=True, blank=True)
    observed_since = models.DateTimeField(null=True, blank=True)
    """When ``observed`` was read first, since the last acceptance: a figure that fell may be a sale of orders pulled after that."""
    believed_qty = models.IntegerField(null=True, blank=True)
    most_qty = models.IntegerField(null=True, blank=True)
    """While nobody knows what the channel shows: the most that it can be, what is on its way included (see ``guard``)."""
    missing_qty = models.IntegerField(default=0, db_default=0)
    """Units that are gone from the channel's figure and that no order has explained yet; negative while nobody knows what it shows: units
    of orders that the next read will show to be gone."""
    missing_since = models.DateTimeField(null=True, blank=True)
    open_qty = models.IntegerField(default=0)
    unacknowledged_qty = models.IntegerField(default=0, db_default=0)

    refused_qty = models.IntegerField(null=True, blank=True)
    refused_code = models.CharField(max_length=100, blank=True, default="")
    refused_message = models.CharField(max_length=500, blank=True, default="")
    refused_at = models.DateTimeField(null=True, blank=True)
    linked_by = models.CharField(max_length=20, blank=True, default="")
    linked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["channel", "sku"], name="offer_sku_once"),
            models.CheckConstraint(condition=models.Q(pack_factor__gt=0), name="offer_pack_factor"),
            models.CheckConstraint(
                condition=models.Q(intended_qty=None) | models.Q(intended_qty__gte=0), name="offer_intended_not_negative"
            ),
            models.CheckConstraint(condition=models.Q(open_qty__gte=0, unacknowledged_qty__gte=0), name="offer_open_not_negative"),
        ]
        indexes = [
            models.Index(fields=["channel", "external_id"], name="offer_external_id", condition=~models.Q(external_id="")),
            models.Index(fields=["channel"], name="offer_refused", condition=models.Q(refused_at__isnull=False)),
            models.Index(
                fields=["channel", "sku"],
                name="offer_left_out",
                condition=models.Q(stock_excluded=True) | models.Q(prices_excluded=True),
            ),
        ]
        verbose_name = _("offer")
        verbose_name_plural = _("offers")

    def __str__(self) -> str:
        return self.sku


class ObservedHold(TenantModel):
    """Units that a channel's own figures say are sold, while no order has come for them yet (double reservation, S3.54-S3.57).

    Each fall, and each rise of the platform's reserve, is one row; its key owns the reservation of type ``observed``. ``quantity`` (sold
    units) is what is still open: the rest an order took over, or the figure came back, the time was over, a person let it go.
    """

    offer = models.ForeignKey(Offer, on_delete=models.CASCADE, related_name="observed_holds", db_index=False)
    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="+", db_index=False, db_constraint=False)
    """Of the offer, which stays there; here for lists and sums of a channel, which would read all of its offers. Without a constraint: a
    look at figures locks no channel."""
    quantity = models.PositiveIntegerField()
    seen = models.PositiveIntegerField()
    """How many units it began with."""
    since = models.DateTimeField(null=True, blank=True)
    """The look before, by which nothing was missing: they were sold after it."""
    seen_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True, blank=True)
    """A fall that no order explains until then counts as none. Reserves end when the platform's own reserve does."""
    cause = models.CharField(max_length=60)
    """In figures: ``10 -> 9``, or ``reserve 0 -> 2``."""
    taken_over = models.PositiveIntegerField(default=0)
    withdrawn = models.PositiveIntegerField(default=0)
    lapsed = models.PositiveIntegerField(default=0)
    released = models.PositiveIntegerField(default=0)
    reason = models.CharField(max_length=300, blank=True, default="")
    """Why a person let it go."""
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(
                    seen=models.F("quantity") + models.F("taken_over") + models.F("withdrawn") + models.F("lapsed") + models.F("released")
                ),
                name="observed_hold_adds_up",
            ),
            models.CheckConstraint(
                condition=models.Q(quantity__gt=0, ended_at=None) | models.Q(quantity=0, ended_at__isnull=False),
                name="observed_hold_open_or_ended",
            ),
        ]
        indexes = [
            models.Index(fields=["offer"], name="observed_hold_open", condition=models.Q(ended_at=None)),
            models.Index(fields=["organisation", "-seen_at"], name="observed_hold_latest"),
            models.Index(fields=["channel", "-seen_at", "-id"], name="observed_hold_channel"),
            models.Index(fields=["expires_at"], name="observed_hold_due", condition=models.Q(ended_at=None)),
        ]


class OfferPrice(TenantModel):
    """The five prices of an offer, in the channel's currency and tax mode; same rules as the quantities."""

    offer = models.OneToOneField(Offer, on_delete=models.CASCADE, primary_key=True, related_name="price")
    currency = models.CharField(max_length=3)
    intended = models.DecimalField(max_digits=18, decimal_places=4, null=True, blank=True)
    sent = models.DecimalField(max_digits=18, decimal_places=4, null=True, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    accepted = models.DecimalField(max_digits=18, decimal_places=4, null=True, blank=True)
    accepted_at = models.DateTimeField(null=True, blank=True)
    observed = models.DecimalField(max_digits=18, decimal_places=4, null=True, blank=True)
    observed_at = models.DateTimeField(null=True, blank=True)
    believed = models.DecimalField(max_digits=18, decimal_places=4, null=True, blank=True)
    refused = models.DecimalField(max_digits=18, decimal_places=4, null=True, blank=True)
    refused_code = models.CharField(max_length=100, blank=True, default="")
    refused_message = models.CharField(max_length=500, blank=True, default="")
    refused_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["organisation"], name="offer_price_refused", condition=models.Q(refused_at__isnull=False))]


class TodoKind(models.TextChoices):
    QUANTITY = "quantity", _("quantity")
    PRICE = "price", _("price")


class OfferTodo(models.Model):
    """An offer that may differ from what the channel holds. Claimed without deleting; deleted once it differs no longer.

    ``version`` is its place in the line: the same for all that one statement listed, and kept while the row is there. The row is a copy of
    what its offer says (``check`` compares them), so the database does not look up its references (ADR 0020).
    ``danger`` is 1 when the channel shows, or may show, more than we have.
    """

    pk = models.CompositePrimaryKey("offer_id", "kind")
    organisation = models.ForeignKey("core.Organisation", on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False)
    offer = models.ForeignKey(Offer, on_delete=models.CASCADE, related_name="+", db_index=False, db_constraint=False)
    kind = models.CharField(max_length=10, choices=TodoKind)
    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="+", db_index=False, db_constraint=False)
    danger = models.SmallIntegerField(default=0)
    version = models.BigIntegerField()
    since = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["channel", "kind", "-danger", "version", "offer"], name="offer_todo_next")]


class LaneKind(models.TextChoices):
    TRADE = "trade", _("trade")
    BACKGROUND = "background", _("background")


SOURCE = "source"
"""Subject and kind of the lane that asks a source of stock (``stock.StockSource``): it has one, a connection has one of each LaneKind."""


class Lane(TenantModel):
    """A subject's run: who has it, which epoch, when it is due, how it ended. Every write after a network call names the epoch."""

    subject_type = models.CharField(max_length=20, default="connection")
    subject_id = models.BigIntegerField()
    kind = models.CharField(max_length=12, choices=LaneKind)
    enabled = models.BooleanField(default=True)
    epoch = models.BigIntegerField(default=0)
    claimed_by = models.CharField(max_length=80, blank=True, default="")
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    not_before = models.DateTimeField()
    wanted = models.BooleanField(default=False)
    """Somebody asked for a run while one was under way."""
    asked_by = ArrayField(models.CharField(max_length=40), default=list, db_default=[], blank=True)
    """Who asked since the last run began (``core.correlation``), the first few: only for the log."""
    failures = models.PositiveIntegerField(default=0)
    last_error = models.CharField(max_length=500, blank=True, default="")
    last_started_at = models.DateTimeField(null=True, blank=True)
    last_ended_at = models.DateTimeField(null=True, blank=True)
    last_success_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["subject_type", "subject_id", "kind"], name="lane_once")]
        indexes = [
            models.Index(fields=["not_before"], name="lane_due", condition=models.Q(enabled=True)),
            models.Index(fields=["organisation"], name="lane_claimed", condition=~models.Q(claimed_by="")),
        ]


class LaneStep(TenantModel):
    """Transfer status of one step of a lane (S5.107-S5.115): the rows behind the delay board."""

    lane = models.ForeignKey(Lane, on_delete=models.CASCADE, related_name="steps", db_index=False)
    step = models.CharField(max_length=20)
    cursor = models.TextField(blank=True, default="")
    watermark = models.DateTimeField(null=True, blank=True)
    """Start of the last complete read: everything before it has been seen."""
    begun_at = models.DateTimeField(null=True, blank=True)
    """Start of the read that is under way, over as many runs as it takes: the next watermark."""
    last_success_at = models.DateTimeField(null=True, blank=True)
    last_error_at = models.DateTimeField(null=True, blank=True)
    last_error = models.CharField(max_length=500, blank=True, default="")
    not_before = models.DateTimeField(null=True, blank=True)
    items_total = models.BigIntegerField(default=0)
    errors_total = models.BigIntegerField(default=0)
    moved_at = models.DateTimeField(null=True, blank=True)
    """When it last had items: a step also succeeds where there was nothing to do."""

    class Meta:
        constraints = [models.UniqueConstraint(fields=["lane", "step"], name="lane_step_once")]


class Run(TenantModel):
    """One run of a lane, kept 30 days: what it did, how long each step took, how it ended."""

    lane = models.ForeignKey(Lane, on_delete=models.CASCADE, related_name="runs", db_index=False)
    epoch = models.BigIntegerField()
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(max_length=20, blank=True, default="")
    error = models.CharField(max_length=500, blank=True, default="")
    steps = models.JSONField(default=list)

    class Meta:
        indexes = [models.Index(fields=["lane", "-started_at"], name="run_recent"), models.Index(fields=["started_at"], name="run_age")]


class CommandState(models.TextChoices):
    QUEUED = "queued", _("queued")
    SENT = "sent", _("sent, outcome unknown")
    DONE = "done", _("done")
    REFUSED = "refused", _("refused")
    DEAD = "dead", _("gave up")


class Command(ChildModel):
    """A fact that must reach the channel exactly once, written in the transaction of the decision."""

    connection = models.ForeignKey(Connection, on_delete=models.PROTECT, related_name="commands", db_index=False, db_constraint=False)
    kind = models.CharField(max_length=20)
    subject_type = models.CharField(max_length=20)
    subject_id = models.BigIntegerField()
    key = models.CharField(max_length=120)
    payload = models.JSONField(default=dict)
    state = models.CharField(max_length=10, choices=CommandState, default=CommandState.QUEUED)
    attempts = models.PositiveIntegerField(default=0)
    not_before = models.DateTimeField()
    created_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    code = models.CharField(max_length=100, blank=True, default="")
    message = models.CharField(max_length=500, blank=True, default="")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["connection", "key"], name="command_once")]
        indexes = [
            models.Index(fields=["connection", "not_before"], name="command_due", condition=models.Q(state__in=["queued", "sent"])),
            models.Index(fields=["subject_type", "subject_id"], name="command_subject"),
            models.Index(fields=["subject_id"], name="command_cancel", condition=models.Q(kind="cancel")),
            models.Index(fields=["ended_at"], name="command_failed", condition=models.Q(state__in=["refused", "dead"])),
            models.Index(fields=["organisation", "ended_at"], name="command_done", condition=models.Q(state="done")),
        ]


class Ticket(TenantModel):
    """A bulk submission whose result comes later. ``ticket`` is empty while we do not know whether the channel got it."""

    connection = models.ForeignKey(Connection, on_delete=models.PROTECT, related_name="tickets", db_index=False)
    kind = models.CharField(max_length=10, choices=TodoKind)
    ticket = models.CharField(max_length=200, blank=True, default="")
    opened_at = models.DateTimeField()
    next_look_at = models.DateTimeField()
    looks = models.PositiveIntegerField(default=0)
    in_vain = models.PositiveIntegerField(default=0)
    """The last so many looks have told nothing of it."""
    closed_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(max_length=20, blank=True, default="")

    class Meta:
        indexes = [models.Index(fields=["connection", "next_look_at"], name="ticket_open", condition=models.Q(closed_at=None))]


class TicketItem(ChildModel):
    """One offer in a bulk submission: the value and the todo version that it carried."""

    ticket = models.ForeignKey(Ticket, on_delete=models.CASCADE, related_name="items", db_index=False)
    offer = models.ForeignKey(Offer, on_delete=models.CASCADE, related_name="+")
    value = models.DecimalField(max_digits=18, decimal_places=4)
    version = models.BigIntegerField()
    overtaken = models.BooleanField(default=False)
    """A later single call overtook this item: when the ticket resolves, the offer becomes unknown, is read, and sent again."""
    resolved = models.BooleanField(default=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["ticket", "offer"], name="ticket_item_once")]


class RateBudget(models.Model):
    """One token bucket of one account, shared by all workers."""

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="+", db_index=False)
    bucket = models.CharField(max_length=40)
    tokens = models.FloatField()
    at = models.DateTimeField()
    blocked_until = models.DateTimeField(null=True, blank=True)
    spent = models.BigIntegerField(default=0)
    refused = models.BigIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["connection", "bucket"], name="rate_budget_once")]


class Drift(TenantModel):
    """A read that differed from what we believed: what, when, and the verdict."""

    offer = models.ForeignKey(Offer, on_delete=models.CASCADE, related_name="drifts")
    at = models.DateTimeField()
    kind = models.CharField(max_length=10, choices=TodoKind)
    believed = models.DecimalField(max_digits=18, decimal_places=4, null=True)
    observed = models.DecimalField(max_digits=18, decimal_places=4, null=True)
    intended = models.DecimalField(max_digits=18, decimal_places=4, null=True)
    verdict = models.CharField(max_length=20)
    """sale_not_yet_pulled | edited_on_channel | late_push | not_applied | unknown"""
    resolved_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["organisation", "-at"], name="drift_recent"),
            models.Index(fields=["offer"], name="drift_open", condition=models.Q(resolved_at=None)),
        ]


class Parked(TenantModel):
    """An object of a channel that could not be understood: kept, counted, visible, and tried again when it comes again (rule 4)."""

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="parked", db_index=False)
    kind = models.CharField(max_length=20)
    external_id = models.CharField(max_length=100)
    reason = models.CharField(max_length=500)
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    times = models.PositiveIntegerField(default=1)
    resolved_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["connection", "kind", "external_id"], name="parked_once")]
        indexes = [models.Index(fields=["organisation"], name="parked_open", condition=models.Q(resolved_at=None))]


from stallkeeper.channels.further_models import FurtherField, FurtherKind  # noqa: E402
from stallkeeper.channels.listing_models import RemoteListing  # noqa: E402
from stallkeeper.channels.plan_models import SendingColumns, SendPlan, SendPlanPart, SendTask, SendTaskPart  # noqa: E402

__all__ = [
    "FurtherField",
    "FurtherKind",
    "GuardedUnit",
    "OpenEvent",
    "RemoteListing",
    "SendPlan",
    "SendPlanPart",
    "SendTask",
    "SendTaskPart",
    "SendingColumns",
    "SentLog",
    "Wait",
    "WriteWindow",
]
