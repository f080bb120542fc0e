"""Organisations, people, secrets, audit, personal data, notifications."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from stallkeeper.core import words
from stallkeeper.core.severity import Severity
from stallkeeper.core.tenancy import ChildModel, TenantModel


class Organisation(models.Model):
    """A seller. ``sending_enabled`` is the company switch (S3.29): off after creation, nothing leaves while it is off.

    ``quarantined_at``: since then this is a copy (restored from a backup); see ``channels.quarantine``.
    """

    name = models.CharField(_("name"), max_length=200)
    slug = models.SlugField(_("short name"), unique=True)
    time_zone = models.CharField(_("time zone"), max_length=64, default="UTC")
    sending_enabled = models.BooleanField(_("sending allowed for the company"), default=False)
    balancer_enabled = models.BooleanField(_("reserve what channels show before the order comes"), default=False, db_default=False)
    """The balancer's company switch (S3.48): while it is off, no channel's figures are taken for sales."""
    guard_below = models.PositiveIntegerField(_("guarded mode for units of which there are no more than"), default=0, db_default=0)
    """Of so few units or fewer, channels share instead of each showing all (``channels.guard``). 0: only those that a person chose."""
    quarantined_at = models.DateTimeField(_("in quarantine since"), null=True, blank=True)
    second_factor_required = models.BooleanField(_("members must sign in in two steps"), default=False, db_default=False)
    """Whoever has no second factor sees nothing of the organisation until he has one."""
    facts_since = models.DateTimeField(null=True, blank=True)
    """Since when every change of a fact behind a figure is kept (``FactChange``); None: since it exists."""
    start_passed = ArrayField(models.CharField(max_length=40), default=list, db_default=[], blank=True)
    """Steps of the first run that people went past, where no row shows it (``core.first_run``)."""
    start_ended_at = models.DateTimeField(null=True, blank=True)
    """Since then nobody is led to the first run when he signs in."""
    delays_until = models.DateTimeField(null=True, blank=True)
    """Until then it is measured how long operations took (``orders.delays``); None: nothing is yet."""
    created_at = models.DateTimeField()

    class Meta:
        verbose_name = _("organisation")
        verbose_name_plural = _("organisations")

    def __str__(self) -> str:
        return self.name


class Role(models.TextChoices):
    OWNER = "owner", _("owner")
    OPERATIONS = "operations", _("operations")
    WAREHOUSE = "warehouse", _("warehouse")
    ACCOUNTANT = "accountant", _("accountant")
    READ_ONLY = "read_only", _("read only")


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: object) -> User:
        """A person who signs in with an e-mail address; without a password only by link."""
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save()
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: object) -> User:
        return self.create_user(email, password, **({"is_staff": True, "is_superuser": True} | fields))


class User(AbstractBaseUser, PermissionsMixin):
    """A person. What he may do follows from his memberships, not from Django's groups."""

    email = models.EmailField(_("e-mail address"), unique=True)
    name = models.CharField(_("name"), max_length=200, blank=True)
    time_zone = models.CharField(_("time zone"), max_length=64, blank=True, default="", db_default="")
    """In which screens show this person times; empty: the organisation's."""
    language = models.CharField(_("language"), max_length=10, blank=True, default="", db_default="")
    """Of screens and messages, a code of ``settings.LANGUAGES``; empty: what the browser asks for."""
    is_active = models.BooleanField(_("active"), default=True)
    is_staff = models.BooleanField(_("may enter the back office"), default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    objects: ClassVar[UserManager] = UserManager()

    class Meta:
        constraints = [models.UniqueConstraint(Lower("email"), name="user_email_once")]
        verbose_name = _("user")
        verbose_name_plural = _("users")

    def __str__(self) -> str:
        return self.name or self.email

    def get_full_name(self) -> str:
        """What the side bar of the theme calls this person."""
        return self.name

    @property
    def actor(self) -> str:
        """How this person is named in audit entries and on use cases."""
        return f"user:{self.pk}"


class Membership(models.Model):
    """A person's role in an organisation."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(_("role"), max_length=20, choices=Role)
    off_since = models.DateTimeField(_("switched off since"), null=True, blank=True)
    """Since then the person may nothing in this organisation, and keeps the role for later."""

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organisation", "user"], name="membership_once")]


class SignInLink(models.Model):
    """A one-time sign-in link. Only the hash of its token is kept; it works once and until ``expires_at``."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    token_hash = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)


class Invitation(TenantModel):
    """Somebody was asked to join. Only the hash of the token is kept; it works once, until ``expires_at``, for this address alone."""

    email = models.EmailField(_("e-mail address"))
    role = models.CharField(_("role"), max_length=20, choices=Role)
    token_hash = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=60)
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    """When it was accepted, withdrawn, or replaced by a newer one."""

    class Meta:
        constraints = [
            models.UniqueConstraint("organisation", Lower("email"), condition=models.Q(ended_at=None), name="invitation_open_once")
        ]
        verbose_name = _("invitation")
        verbose_name_plural = _("invitations")

    def __str__(self) -> str:
        return self.email


class ApiKey(TenantModel):
    """What a program shows at the API: a name, what it may do (``people.Permission``), and the hash of a token that is kept nowhere."""

    name = models.CharField(_("name"), max_length=100)
    token_hash = models.CharField(max_length=64, unique=True)
    permissions = ArrayField(models.CharField(max_length=30))
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=60)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organisation", "name"], condition=models.Q(ended_at=None), name="api_key_name_once")
        ]
        verbose_name = _("API key")
        verbose_name_plural = _("API keys")

    def __str__(self) -> str:
        return self.name

    @property
    def actor(self) -> str:
        """How this program is named in audit entries and on use cases."""
        return f"key:{self.pk}"


class DataKey(models.Model):
    """A data key of an organisation, wrapped by a key that lives outside of the database (envelope encryption)."""

    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="+")
    version = models.PositiveIntegerField()
    wrapped = models.BinaryField()
    wrapped_by = models.CharField(max_length=32)
    created_at = models.DateTimeField()
    retired_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organisation", "version"], name="data_key_once")]


class Secret(TenantModel):
    """An encrypted text, for instance a connection's credentials. Written and read only through ``core.secrets``."""

    purpose = models.CharField(max_length=100)
    key_version = models.PositiveIntegerField()
    ciphertext = models.BinaryField()
    updated_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organisation", "purpose"], name="secret_once")]


class PersonalData(ChildModel):
    """The PII vault: encrypted personal data with the purpose it is kept for and the day it goes (C27)."""

    subject_type = models.CharField(max_length=20)
    subject_id = models.BigIntegerField()
    purpose = models.CharField(max_length=40)
    key_version = models.PositiveIntegerField()
    ciphertext = models.BinaryField()
    delete_after = models.DateTimeField()
    words = ArrayField(models.BigIntegerField(), default=list, db_default=[])
    """Of its ``PersonalWord`` rows, so that they go with it."""

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organisation", "subject_type", "subject_id", "purpose"], name="personal_data_once")]
        indexes = [models.Index(fields=["delete_after"], name="personal_data_due")]


class PersonalWord(ChildModel):
    """A word that a person is looked for by, as 64 bits of an HMAC under the organisation's data key (ADR 0068): compared, never read.

    ``row``: the ``PersonalData`` that holds it, with which it goes.
    """

    pk = models.CompositePrimaryKey("organisation_id", "word", "row")
    word = models.BigIntegerField()
    row = models.BigIntegerField()


class AuditEntry(TenantModel):
    """Who changed what, written in the transaction of the change. ``digest`` chains each entry to the one before it."""

    at = models.DateTimeField()
    actor = models.CharField(max_length=60)
    action = models.CharField(max_length=60)
    subject_type = models.CharField(max_length=40)
    subject_id = models.CharField(max_length=60)
    detail = models.JSONField(default=dict)
    digest = models.BinaryField()

    class Meta:
        indexes = [
            models.Index(fields=["organisation", "-id"], name="audit_recent"),
            models.Index(fields=["organisation", "subject_type", "subject_id", "-id"], name="audit_subject"),
            models.Index(fields=["organisation", "actor", "-at", "-id"], name="audit_actor"),
            models.Index(fields=["organisation", "action", "-at", "-id"], name="audit_action"),
            models.Index(fields=["organisation", "-at", "-id"], name="audit_time"),
        ]
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit entries")


class FactChange(ChildModel):
    """Append-only: what a fact behind a figure was before it changed, and after. The facts of a past moment are those of now, less these.

    ``kind`` names the fact (``core.history``), ``subject_id`` and ``part`` say of what. ``before`` None: there was none of it; ``after``
    None: there is none since.
    """

    at = models.DateTimeField()
    kind = models.CharField(max_length=10)
    subject_id = models.BigIntegerField()
    part = models.CharField(max_length=60, blank=True, default="", db_default="")
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)
    actor = models.CharField(max_length=60)

    class Meta:
        indexes = [models.Index(fields=["organisation", "kind", "subject_id", "at"], name="fact_change_subject")]


class DailyRun(models.Model):
    """One row: when the work of the day was last begun, and when the last one that was finished had begun."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    begun_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(pk=1), name="daily_run_one")]


class DatabaseIdentity(models.Model):
    """One row: the database that this data is used in, since ``seen_at``. Data that finds itself in another one is a copy (ADR 0043)."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    system_identifier = models.BigIntegerField()
    database_oid = models.BigIntegerField()
    seen_at = models.DateTimeField()

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(pk=1), name="database_identity_one")]

    @classmethod
    def known(cls) -> tuple[int, int] | None:
        """(system identifier, oid) of the database that the data was last used in; None if it never was."""
        return cls.objects.values_list("system_identifier", "database_oid").first()


class Notification(TenantModel):
    """Something a person should know. ``key`` names the condition: while it lasts there is one row, counted up."""

    key = models.CharField(max_length=200)
    severity = models.CharField(max_length=10, choices=Severity)
    title = models.CharField(max_length=200)
    title_words = models.JSONField(null=True)
    detail = models.TextField(blank=True)
    detail_words = models.JSONField(null=True)
    """What title and detail were made of (``core.words``); None where they are nobody's to translate."""
    link = models.CharField(max_length=200, blank=True)
    count = models.PositiveIntegerField(default=1)
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    resolved_at = models.DateTimeField(null=True, blank=True)
    seen_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organisation", "key"], condition=models.Q(resolved_at=None), name="notification_open_once")
        ]
        indexes = [models.Index(fields=["organisation", "-last_at"], name="notification_recent")]


class FileExport(TenantModel):
    """A list that a person has made into a file (``core.file_exports``). ``tries`` also says whose work on it counts."""

    class State(models.TextChoices):
        WAITING = "waiting", _("waits")
        MAKING = "making", _("is being made")
        DONE = "done", _("ready")
        FAILED = "failed", _("failed")

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=40)
    filters = models.TextField(blank=True)
    """As a query string: what the list was narrowed to."""
    form = models.CharField(max_length=4)
    language = models.CharField(max_length=20)
    zone = models.CharField(max_length=64)
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    tries = models.PositiveSmallIntegerField(default=0)
    rows_expected = models.PositiveIntegerField()
    rows_done = models.PositiveIntegerField(default=0)
    size = models.PositiveBigIntegerField(default=0)
    problem = models.CharField(max_length=500, blank=True)
    problem_words = models.JSONField(null=True, blank=True)
    asked_at = models.DateTimeField()
    touched_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["organisation", "user", "-asked_at"], name="file_export_recent"),
            models.Index(fields=["touched_at"], condition=models.Q(state__in=["waiting", "making"]), name="file_export_open"),
        ]
        verbose_name = _("export")
        verbose_name_plural = _("exports")

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"

    @property
    def told(self) -> str:
        """Why it failed, to be said in any language."""
        return words.of_row(self.problem, self.problem_words)


class FileExportPart(ChildModel):
    """A piece of a file that was made."""

    export = models.ForeignKey(FileExport, on_delete=models.CASCADE, related_name="parts", db_index=False)
    position = models.PositiveIntegerField()
    content = models.BinaryField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["export", "position"], name="file_export_part_once")]


from stallkeeper.core.notice_models import NoticeMessage, NoticeTarget, Snooze  # noqa: E402
from stallkeeper.core.sign_in_models import RecoveryCode, SecondFactor, SignedIn  # noqa: E402

__all__ = ["NoticeMessage", "NoticeTarget", "RecoveryCode", "SecondFactor", "Severity", "SignedIn", "Snooze"]
