"""What is remembered of an exchange with 1C: who may call, what was sent so far, how 1C calls our articles, which orders it has."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from stallkeeper.core.tenancy import ChildModel, TenantModel
from stallkeeper.orders.models import Order
from stallkeeper.stock.models import StockSource


class Exchange(TenantModel):
    """A 1C base that calls us (ADR 0059). Its figures are those of ``source``; ``token`` stands in the address that it calls.

    ``orders_since``: orders that came in earlier are not handed over. ``place_names`` are 1C's own names of its places, by its number.
    """

    source = models.OneToOneField(StockSource, on_delete=models.CASCADE, related_name="exchange")
    token = models.CharField(max_length=64, unique=True)
    user_name = models.CharField(_("user"), max_length=60)
    password_hash = models.CharField(max_length=64)
    time_zone = models.CharField(_("time zone of the 1C base"), max_length=64)
    give_orders = models.BooleanField(_("hand orders over to 1C"), default=False)
    orders_since = models.DateTimeField()
    encoding = models.CharField(_("encoding of orders"), max_length=20, default="utf-8")
    place_names = models.JSONField(default=dict, blank=True)
    reports_back = models.BooleanField(default=False)
    """1C has told what became of an order, at least once: so it says when it ships."""
    failed_logins = models.PositiveIntegerField(default=0)
    last_failed_at = models.DateTimeField(null=True, blank=True)
    last_call_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        verbose_name = _("exchange with 1C")
        verbose_name_plural = _("exchanges with 1C")

    def __str__(self) -> str:
        return self.source.name


class ExchangeSession(ChildModel):
    """One session of 1C, about the catalogue or about orders. ``key_hash`` is of its cookie; ``as_of`` is when its figures were true."""

    exchange = models.ForeignKey(Exchange, on_delete=models.CASCADE, related_name="sessions")
    kind = models.CharField(max_length=10)
    key_hash = models.CharField(max_length=64, unique=True)
    version = models.CharField(max_length=10, blank=True, default="")
    started = models.BooleanField(default=False)
    begun_at = models.DateTimeField()
    last_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    as_of = models.DateTimeField(null=True, blank=True)
    bytes_in = models.BigIntegerField(default=0)
    files_in = models.PositiveIntegerField(default=0)
    figures_in = models.PositiveIntegerField(default=0)
    orders_given = models.PositiveIntegerField(default=0)
    orders_confirmed = models.PositiveIntegerField(default=0)
    orders_back = models.PositiveIntegerField(default=0)
    failure = models.CharField(max_length=500, blank=True, default="")

    class Meta:
        verbose_name = _("session of 1C")
        verbose_name_plural = _("sessions of 1C")


class ExchangeFile(ChildModel):
    """A file that came in a session, under the name that 1C gave it. Its bytes are in its parts until the session is over."""

    class Stage(models.TextChoices):
        SENT = "sent", _("sent")
        GOODS = "goods", _("its goods are known")
        DONE = "done", _("done")

    session = models.ForeignKey(ExchangeSession, on_delete=models.CASCADE, related_name="files")
    name = models.CharField(max_length=200)
    stage = models.CharField(max_length=10, choices=Stage, default=Stage.SENT)
    size = models.BigIntegerField(default=0)
    whole = models.BooleanField(default=False)
    """It says of itself that it lists everything, and has figures."""
    worked_on_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["session", "name"], name="exchange_file_once")]


class ExchangePart(ChildModel):
    """A piece of a file, sealed: files about orders hold names of buyers."""

    file = models.ForeignKey(ExchangeFile, on_delete=models.CASCADE, related_name="parts", db_index=False)
    position = models.PositiveIntegerField()
    digest = models.CharField(max_length=64)
    key_version = models.IntegerField()
    content = models.BinaryField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["file", "position"], name="exchange_part_once")]


class ExchangeGood(ChildModel):
    """How 1C calls an article: by its number, which packets of figures alone name it by. Which unit it is, says ``catalog.Identifier``."""

    exchange = models.ForeignKey(Exchange, on_delete=models.CASCADE, related_name="goods", db_index=False)
    code = models.CharField(max_length=100)
    article = models.CharField(max_length=100, blank=True, default="")
    gtin = models.CharField(max_length=60, blank=True, default="")
    title = models.CharField(max_length=300, blank=True, default="")
    deleted = models.BooleanField(default=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["exchange", "code"], name="exchange_good_once")]
        indexes = [models.Index(fields=["exchange", "article"], name="exchange_good_article")]


class ExchangeOrder(ChildModel):
    """An order and 1C. ``offered`` and ``confirmed`` say what of it was given, and what 1C has confirmed to have (digests of quantities).

    From the first ``success`` on 1C has it (``confirmed_at``). The rest is what 1C says of it.
    """

    exchange = models.ForeignKey(Exchange, on_delete=models.CASCADE, related_name="orders", db_index=False)
    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="in_1c")
    session = models.ForeignKey(ExchangeSession, on_delete=models.SET_NULL, null=True, related_name="+")
    """The session in which it was given last."""
    offered = models.CharField(max_length=32, blank=True, default="")
    confirmed = models.CharField(max_length=32, blank=True, default="")
    confirmed_at = models.DateTimeField(null=True, blank=True)
    number = models.CharField(max_length=60, blank=True, default="")
    status = models.CharField(max_length=200, blank=True, default="")
    cancelled = models.BooleanField(default=False)
    posted = models.BooleanField(default=False)
    paid = models.BooleanField(default=False)
    shipment = models.CharField(max_length=60, blank=True, default="")
    heard_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["exchange", "order"], name="exchange_order_once")]


class ExchangeParked(TenantModel):
    """A document that 1C sent and that could not be used: which, and why. The rest of its file went on."""

    exchange = models.ForeignKey(Exchange, on_delete=models.CASCADE, related_name="parked")
    at = models.DateTimeField()
    code = models.CharField(max_length=100, blank=True)
    number = models.CharField(max_length=100, blank=True)
    message = models.CharField(max_length=300)
