"""Where goods are, how they moved, and what is promised. Movements are the truth; levels are their projection."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from stallkeeper.catalog.models import StockUnit
from stallkeeper.core import words
from stallkeeper.core.models import Secret
from stallkeeper.core.tenancy import ChildModel, TenantModel


class LocationOwner(models.TextChoices):
    MINE = "mine", _("mine")
    SUPPLIER = "supplier", _("supplier")
    MARKETPLACE = "marketplace", _("held by a marketplace")
    VIRTUAL = "virtual", _("virtual")


class VirtualRole(models.TextChoices):
    """The other leg of a movement, so that every movement has two."""

    SUPPLIER = "supplier", _("supplier")
    CUSTOMER = "customer", _("customer")
    SCRAP = "scrap", _("scrap")
    ADJUSTMENT = "adjustment", _("adjustment")


class Location(TenantModel):
    """A place. Only places that are not virtual have levels. Marketplace-held stock is outside the pool unless a channel asks for it."""

    code = models.CharField(_("code"), max_length=30)
    name = models.CharField(_("name"), max_length=200)
    owner = models.CharField(_("owner"), max_length=20, choices=LocationOwner, default=LocationOwner.MINE)
    virtual_role = models.CharField(max_length=20, choices=VirtualRole, blank=True, default="")
    active = models.BooleanField(_("active"), default=True)
    sellable = models.BooleanField(_("sellable"), default=True)
    allows_backorder = models.BooleanField(_("allows backorder"), default=False)
    priority = models.PositiveIntegerField(_("priority"), default=100, help_text=_("Orders are routed to the lowest number first."))

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organisation", "code"], name="location_code_once"),
            models.CheckConstraint(
                condition=models.Q(owner=LocationOwner.VIRTUAL, virtual_role__gt="")
                | (~models.Q(owner=LocationOwner.VIRTUAL) & models.Q(virtual_role="")),
                name="location_virtual_role",
            ),
        ]
        ordering = ["priority", "id"]
        verbose_name = _("location")
        verbose_name_plural = _("locations")

    def __str__(self) -> str:
        return self.name


class Cause(models.TextChoices):
    OPENING = "opening", _("opening balance")
    RECEIPT = "receipt", _("goods received")
    SHIP = "ship", _("shipped")
    RETURN = "return", _("returned")
    TRANSFER = "transfer", _("transferred")
    ADJUST = "adjust", _("adjusted")
    COUNT = "count", _("counted")
    SOURCE = "source", _("set by a source")
    SCRAP = "scrap", _("scrapped")
    FOUND = "found", _("found while shipping")


class Movement(ChildModel):
    """One immutable row that changes on hand. Two legs (from, to), two clocks (when it happened, when we learned of it).

    ``reference`` names its source and is unique: the same source said twice is a no-op. The database refuses updates and deletes.
    """

    stock_unit = models.ForeignKey(StockUnit, on_delete=models.PROTECT, related_name="+", db_index=False)
    quantity = models.IntegerField()
    from_location = models.ForeignKey(Location, on_delete=models.PROTECT, related_name="+", db_index=False)
    to_location = models.ForeignKey(Location, on_delete=models.PROTECT, related_name="+", db_index=False)
    cause = models.CharField(max_length=10, choices=Cause)
    reference = models.CharField(max_length=120)
    reason = models.CharField(max_length=300, blank=True)
    actor = models.CharField(max_length=60)
    occurred_at = models.DateTimeField()
    recorded_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organisation", "reference"], name="movement_reference_once"),
            models.CheckConstraint(condition=models.Q(quantity__gt=0), name="movement_positive"),
            models.CheckConstraint(condition=~models.Q(from_location=models.F("to_location")), name="movement_two_legs"),
        ]
        indexes = [models.Index(fields=["stock_unit", "recorded_at"], name="movement_unit")]
        verbose_name = _("movement")
        verbose_name_plural = _("movements")


class Level(models.Model):
    """Projection of the ledger for one unit at one place: on hand, of which promised (allocated) and held.

    Written only by ``stock.queries``, in the transaction of its cause. ``backorder`` is the location's word, kept here for the guard.
    """

    pk = models.CompositePrimaryKey("stock_unit_id", "location_id")
    organisation = models.ForeignKey("core.Organisation", on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False)
    stock_unit = models.ForeignKey(StockUnit, on_delete=models.PROTECT, related_name="levels", db_index=False)
    location = models.ForeignKey(Location, on_delete=models.PROTECT, related_name="levels", db_index=False)
    on_hand = models.IntegerField(default=0)
    allocated = models.IntegerField(default=0)
    held = models.IntegerField(default=0)
    backorder = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(on_hand__gte=0), name="level_on_hand_not_negative"),
            models.CheckConstraint(condition=models.Q(allocated__gte=0), name="level_allocated_not_negative"),
            models.CheckConstraint(condition=models.Q(held__gte=0), name="level_held_not_negative"),
            models.CheckConstraint(
                condition=models.Q(backorder=True) | models.Q(allocated__lte=models.F("on_hand")), name="level_allocated_within_on_hand"
            ),
        ]


class ReservationKind(models.TextChoices):
    ALLOCATED = "allocated", _("allocated")
    PENDING = "pending", _("pending order")
    OBSERVED = "observed", _("seen on a channel")
    MANUAL = "manual", _("kept back by hand")


HOLDS = (ReservationKind.PENDING, ReservationKind.OBSERVED, ReservationKind.MANUAL)


class Reservation(ChildModel):
    """Units at a place promised to an owner. The use case *sets* it; it never adds. A row ends by being deleted; its events stay.

    ``owner_type`` is ``line`` (order line), ``observed`` (a sale that a channel shows) or ``manual``. ``due_at`` (dispatch by) decides who
    goes short first.
    Unit and place together point to a Level (see the migration): nothing is promised where nothing is counted.
    """

    stock_unit = models.ForeignKey(StockUnit, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False)
    location = models.ForeignKey(Location, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False)
    owner_type = models.CharField(max_length=10)
    owner_id = models.BigIntegerField()
    kind = models.CharField(max_length=10, choices=ReservationKind)
    quantity = models.IntegerField()
    due_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["owner_type", "owner_id", "stock_unit", "location", "kind"], name="reservation_once"),
            models.CheckConstraint(condition=models.Q(quantity__gt=0), name="reservation_positive"),
            models.CheckConstraint(
                condition=~models.Q(kind=ReservationKind.ALLOCATED) | models.Q(expires_at=None), name="reservation_allocated_no_expiry"
            ),
        ]
        indexes = [
            models.Index(fields=["stock_unit", "location"], name="reservation_unit"),
            models.Index(fields=["expires_at"], name="reservation_expiry", condition=models.Q(expires_at__isnull=False)),
        ]
        verbose_name = _("reservation")
        verbose_name_plural = _("reservations")


class ManualHold(TenantModel):
    """What a person keeps back of a unit at a place, and why. Its key owns the reservation of type ``manual``; lifted, it is deleted.

    ``quantity`` is what was asked for; how much of it could be kept is the reservation's to say.
    """

    stock_unit = models.ForeignKey(StockUnit, on_delete=models.PROTECT, related_name="manual_holds", db_index=False)
    location = models.ForeignKey(Location, on_delete=models.PROTECT, related_name="+")
    quantity = models.PositiveIntegerField()
    reason = models.CharField(max_length=300)
    actor = models.CharField(max_length=60)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["stock_unit", "location"], name="manual_hold_once"),
            models.CheckConstraint(condition=models.Q(quantity__gt=0), name="manual_hold_positive"),
        ]


class ReservationEvent(models.Model):
    """Append-only history of reservations (monthly partitions, see the migration): what we believed at 14:03."""

    id = models.BigAutoField(primary_key=True)
    organisation = models.ForeignKey(
        "core.Organisation", on_delete=models.DO_NOTHING, related_name="+", db_index=False, db_constraint=False
    )
    at = models.DateTimeField()
    stock_unit_id = models.BigIntegerField()
    location_id = models.BigIntegerField()
    owner_type = models.CharField(max_length=10)
    owner_id = models.BigIntegerField()
    kind = models.CharField(max_length=10)
    before = models.IntegerField()
    after = models.IntegerField()
    cause = models.CharField(max_length=60)

    class Meta:
        managed = False
        db_table = "stock_reservation_event"


class StockCount(TenantModel):
    """A stock-taking of one place. ``as_of`` is the moment of counting: differences are taken against the level of that moment."""

    location = models.ForeignKey(Location, on_delete=models.PROTECT, related_name="+")
    as_of = models.DateTimeField()
    reference = models.CharField(max_length=80)
    actor = models.CharField(max_length=60)
    recorded_at = models.DateTimeField()
    lines_total = models.PositiveIntegerField(default=0)
    lines_differing = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organisation", "reference"], name="stock_count_once")]


class Incoming(TenantModel):
    """Units ordered from a supplier, with the day they should come; counts only for channels with a horizon."""

    stock_unit = models.ForeignKey(StockUnit, on_delete=models.CASCADE, related_name="incoming")
    location = models.ForeignKey(Location, on_delete=models.CASCADE, related_name="+")
    quantity = models.PositiveIntegerField()
    expected_on = models.DateField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["stock_unit", "location", "expected_on"], name="incoming_once")]


class Stale(ChildModel):
    """A unit whose offers must be looked at again, left over because one transaction takes at most 5,000 offers along.

    A mark, gone seconds later: the database does not look up its unit.
    """

    stock_unit = models.ForeignKey(StockUnit, on_delete=models.CASCADE, related_name="+", db_index=False, db_constraint=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organisation", "stock_unit"], name="stale_once")]


class SourceMode(models.TextChoices):
    LISTED = "listed", _("sets what is listed")
    ALL = "all", _("sets everything: what is missing is zero")
    DELTAS = "deltas", _("lists differences")


class SourceBasis(models.TextChoices):
    GROSS = "gross", _("everything that lies there")
    NET = "net", _("what is left after our orders")


TYPED = "manual"
"""The kind of a place whose numbers are typed: nothing is fetched, nobody is silent."""
BY_HAND = (TYPED, "upload")
"""Kinds that bring figures only when a person does something."""
PLACE, SHOWN = "location", "channel"
COPIES = (PLACE, SHOWN)
"""Kinds that copy levels: of another place, and those that a channel shows."""


class StockSource(TenantModel):
    """Where a place's numbers come from (S3.14). ``kind`` is one of the hub's own or of ``stallkit.sources``; its settings are ``config``
    and, sealed, ``credentials``.

    ``places`` maps a file's words for places to codes of ours, None for those whose rows are left out. Limits are per cent: a run that
    would set more than ``zero_limit`` of the filled levels to zero, or change more than ``change_limit`` of them, or that has fewer rows
    than ``least_rows`` of the last one, waits for a person; fewer than ``limits_from`` articles never stop it.
    """

    location = models.ForeignKey(Location, on_delete=models.PROTECT, related_name="sources")
    name = models.CharField(_("name"), max_length=100)
    kind = models.CharField(max_length=20, default=TYPED)
    config = models.JSONField(default=dict, blank=True)
    credentials = models.ForeignKey(Secret, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    shape = models.JSONField(default=dict, blank=True)
    columns = models.JSONField(default=dict, blank=True)
    places = models.JSONField(default=dict, blank=True)
    sample = models.JSONField(default=dict, blank=True)
    """The first rows of the last file that was looked at, for the mapping screen."""
    mode = models.CharField(_("mode"), max_length=10, choices=SourceMode, default=SourceMode.LISTED)
    basis = models.CharField(_("basis"), max_length=10, choices=SourceBasis, default=SourceBasis.GROSS)
    once = models.BooleanField(_("only once, then typed again"), default=False)
    interval_minutes = models.PositiveIntegerField(_("minutes between two looks"), default=30)
    enabled = models.BooleanField(_("enabled"), default=False)
    zero_limit = models.PositiveSmallIntegerField(_("stop when more per cent would go to zero"), default=30)
    change_limit = models.PositiveSmallIntegerField(_("stop when more per cent would change"), default=50)
    least_rows = models.PositiveSmallIntegerField(_("stop when there are fewer per cent of the last rows"), default=70)
    limits_from = models.PositiveIntegerField(_("so few articles never stop a run"), default=5)
    silent_after = models.PositiveSmallIntegerField(_("alarm after so many intervals without success"), default=3)
    token_hash = models.CharField(max_length=64, blank=True, default="")
    enabled_at = models.DateTimeField(null=True, blank=True)
    fingerprint = models.TextField(blank=True, default="")
    """Of the last file that was taken in: the same again is nothing new."""
    next_at = models.DateTimeField(null=True, blank=True)
    last_run_at = models.DateTimeField(null=True, blank=True)
    last_success_at = models.DateTimeField(null=True, blank=True)
    last_as_of = models.DateTimeField(null=True, blank=True)
    last_rows = models.PositiveIntegerField(default=0)
    last_error = models.CharField(max_length=500, blank=True, default="")
    last_error_words = models.JSONField(null=True, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organisation", "name"], name="stock_source_name_once"),
            models.UniqueConstraint(
                fields=["location"], condition=models.Q(enabled=True) & ~models.Q(kind__in=BY_HAND), name="stock_source_one_continuous"
            ),
            models.UniqueConstraint(fields=["token_hash"], condition=~models.Q(token_hash=""), name="stock_source_token_once"),
            models.CheckConstraint(
                condition=~models.Q(mode=SourceMode.DELTAS) | models.Q(basis=SourceBasis.GROSS), name="stock_source_deltas_gross"
            ),
            models.CheckConstraint(condition=models.Q(interval_minutes__gt=0), name="stock_source_interval"),
        ]
        ordering = ["name"]
        verbose_name = _("stock source")
        verbose_name_plural = _("stock sources")

    def __str__(self) -> str:
        return self.name

    @property
    def continuous(self) -> bool:
        """Whether figures come by themselves, so that their absence means something."""
        return self.enabled and self.kind not in BY_HAND

    @property
    def told(self) -> str:
        """``last_error``, to be translated."""
        return words.of_row(self.last_error, self.last_error_words)


class SourceRun(TenantModel):
    """One file or packet of figures: what came, what it changed, what was refused, and why it stopped.

    ``reference`` names it within its source: the same again is a no-op. ``body`` holds the rows of a run that waits for a person, packed,
    for as long as it can be let through.
    """

    class State(models.TextChoices):
        READING = "reading", _("under way")
        DONE = "done", _("done")
        STOPPED = "stopped", _("stopped, waiting for a person")
        ALLOWED = "allowed", _("let through, about to begin")
        FAILED = "failed", _("refused")
        DROPPED = "dropped", _("dropped by a person")
        REPLACED = "replaced", _("replaced by newer figures")

    source = models.ForeignKey(StockSource, on_delete=models.CASCADE, related_name="runs")
    reference = models.CharField(max_length=120)
    name = models.CharField(max_length=255, blank=True, default="")
    state = models.CharField(max_length=10, choices=State, default=State.READING)
    whole = models.BooleanField(default=True)
    """The file lists everything; if not, what is missing is unchanged, whatever the source's mode."""
    as_of = models.DateTimeField()
    actor = models.CharField(max_length=60)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    rows_total = models.PositiveIntegerField(default=0)
    rows_used = models.PositiveIntegerField(default=0)
    rows_changed = models.PositiveIntegerField(default=0)
    rows_zeroed = models.PositiveIntegerField(default=0)
    rows_missing = models.PositiveIntegerField(default=0)
    rows_left_out = models.PositiveIntegerField(default=0)
    rows_refused = models.PositiveIntegerField(default=0)
    problem = models.TextField(blank=True, default="")
    problem_words = models.JSONField(null=True, blank=True)
    allowed_by = models.CharField(max_length=60, blank=True, default="")
    body = models.BinaryField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["source", "reference"], name="source_run_once")]
        verbose_name = _("run of a source")
        verbose_name_plural = _("runs of sources")

    @property
    def told(self) -> str:
        """``problem``, to be translated."""
        return words.of_row(self.problem, self.problem_words)


class SourceProblem(TenantModel):
    """A row that was parked: where it is, what stood there, and what to do. The rest of its file went on."""

    run = models.ForeignKey(SourceRun, on_delete=models.CASCADE, related_name="problems")
    row = models.PositiveIntegerField()
    column = models.CharField(max_length=60, blank=True)
    value = models.CharField(max_length=200, blank=True)
    message = models.CharField(max_length=300)
    message_words = models.JSONField(null=True, blank=True)

    @property
    def told(self) -> str:
        """``message``, to be translated."""
        return words.of_row(self.message, self.message_words)
