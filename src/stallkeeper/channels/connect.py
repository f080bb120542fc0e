"""Connections: an account, its settings and its sealed credentials. What the platform says about them is found out above (sync probes).

The first contact is read-only: a new connection may not write, and every switch of its channels is off (S2.3, S4.32).
"""

from __future__ import annotations

import secrets as tokens
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

import msgspec
from django import conf

from stallkeeper.channels.models import Channel, ChannelLocation, Connection, Lane, LaneKind
from stallkeeper.core import audit, notify, secrets
from stallkeeper.core.use_case import UseCase
from stallkeeper.stock.models import Location, LocationOwner
from stallkit.manifest import Manifest, Setting, SettingKind
from stallkit.registry import ADAPTERS, manifest_of
from stallkit.types import AccountInfo
from stallkit.words import joined
from stallkit.words import said as _

ROLES = ("orders", "stock", "prices", "shipments")
TRUE_WORDS, FALSE_WORDS = {"1", "true", "yes", "on"}, {"", "0", "false", "no", "off"}


class ConnectError(ValueError):
    """A setting is missing or wrong, or the account is connected already. The text names it and says what to do."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The manifest's settings by name, checked. ``hidden`` holds the secret ones, in clear."""

    shown: dict[str, str]
    hidden: dict[str, str]

    @property
    def all(self) -> dict[str, str]:
        """What an adapter is built from."""
        return self.shown | self.hidden


def manifest(platform: str) -> Manifest:
    """The declaration of a platform that is connected already; ConnectError for one that we do not know."""
    try:
        return manifest_of(platform)
    except KeyError:
        raise ConnectError(_("There is no adapter for the platform {platform!r} in this release.", platform=platform)) from None


def offered() -> list[Manifest]:
    """The platforms that may be connected, by code; those for tests only where STALLKEEPER_TEST_PLATFORMS asks for them."""
    declared = [manifest_of(platform) for platform in sorted(ADAPTERS)]
    return [one for one in declared if conf.settings.ENV.test_platforms or not one.for_tests]


def to_connect(platform: str) -> Manifest:
    """The declaration of a platform that may be connected; ConnectError that lists them otherwise."""
    known = {one.platform: one for one in offered()}
    if platform not in known:
        raise ConnectError(_("There is no platform {platform!r}. Known are: {known}.", platform=platform, known=", ".join(known)))
    return known[platform]


class Declared(Protocol):
    """What has settings: a platform, or a kind of source."""

    @property
    def title(self) -> str: ...

    @property
    def settings(self) -> tuple[Setting, ...]: ...


def check_settings(declared: Declared, values: Mapping[str, str]) -> Settings:
    """Check ``values`` against the manifest and fill in defaults; ConnectError names the first setting that is wrong."""
    if unknown := sorted(set(values) - {setting.name for setting in declared.settings}):
        known = ", ".join(setting.name for setting in declared.settings)
        raise ConnectError(_("{title} has no setting {unknown!r}. It has: {known}.", title=declared.title, unknown=unknown[0], known=known))
    checked = {setting.name: check_setting(setting, values.get(setting.name, "")) for setting in declared.settings}
    hidden = {setting.name for setting in declared.settings if setting.kind is SettingKind.SECRET}
    return Settings(
        {name: value for name, value in checked.items() if name not in hidden},
        {name: value for name, value in checked.items() if name in hidden and value},
    )


def check_setting(setting: Setting, given: str) -> str:
    """The value of one setting, or its default; ConnectError if it is missing or not of its kind."""
    value = given.strip() or setting.default
    if not value and setting.required:
        missing = _("The setting {name!r} ({label}) is missing.", name=setting.name, label=setting.label)
        raise ConnectError(joined([missing, setting.help] if setting.help else [missing]))
    if value and (problem := _problem(setting, value)):
        raise ConnectError(_("The setting {name!r} ({label}) {problem}", name=setting.name, label=setting.label, problem=problem))
    return value


def _problem(setting: Setting, value: str) -> str:
    if setting.kind is SettingKind.CHOICE and value not in (codes := [code for code, _label in setting.choices]):
        return _("must be one of {codes}, not {value!r}.", codes=", ".join(codes), value=value)
    if setting.kind is SettingKind.INTEGER and not value.lstrip("-").isdigit():
        return _("must be a whole number, not {value!r}.", value=value)
    if setting.kind is SettingKind.BOOLEAN and value.lower() not in TRUE_WORDS | FALSE_WORDS:
        return _("must be yes or no, not {value!r}.", value=value)
    if setting.kind is SettingKind.URL and not value.startswith(("https://", "http://")):
        return _("must begin with https://, not {value!r}.", value=value)
    return ""


def base_url_of(connection: Connection) -> str:
    """Where the account's platform lives: the connection's own address, else the manifest's host of its site."""
    if connection.base_url:
        return connection.base_url
    hosts = dict(manifest(connection.platform).hosts)
    return hosts.get(connection.site) or next(iter(hosts.values()))


def settings_of(connection: Connection) -> Settings:
    """The stored settings, credentials in clear: for building an adapter, never for a screen."""
    stored = secrets.reveal(connection.credentials) if connection.credentials else "{}"
    return Settings({str(key): str(value) for key, value in connection.config.items()}, msgspec.json.decode(stored, type=dict[str, str]))


def create(uc: UseCase, platform: str, name: str, settings: Settings, account: AccountInfo, *, base_url: str = "") -> Connection:
    """Store an account that was probed. Read-only; ConnectError if the name is taken or the account is connected already."""
    site = settings.shown.get("site", "")
    _refuse_twice(uc, platform, name, site, account)
    connection = Connection.objects.create(
        organisation_id=uc.organisation_id,
        platform=platform,
        name=name,
        site=site,
        config=settings.shown,
        base_url=base_url,
        roles=list(ROLES),
        created_at=uc.at,
        hint_token=tokens.token_urlsafe(24),
        **_known(account),
    )
    _seal(uc, connection, settings)
    for kind in LaneKind.values:
        Lane.objects.create(organisation_id=uc.organisation_id, subject_id=connection.pk, kind=kind, not_before=uc.at)
    audit.record(uc, "connection.create", "connection", connection.pk, platform=platform, name=name, site=site, account=account.account_id)
    uc.mark("wake_connection", [connection.pk])
    return connection


def reconnect(uc: UseCase, connection_id: int, settings: Settings, account: AccountInfo) -> Connection:
    """Replace the settings and credentials of an account that was probed with them; ConnectError if they open another account."""
    connection = Connection.objects.select_for_update().get(pk=connection_id)
    if connection.account_id and account.account_id != connection.account_id:
        raise ConnectError(
            _(
                "These credentials open the account {found}, but {name} is {account_id}. Connect the other account under a "
                "name of its own.",
                found=account.account_id,
                name=connection.name,
                account_id=connection.account_id,
            )
        )
    connection.config = settings.shown
    for field, value in _known(account).items():
        setattr(connection, field, value)
    connection.state_reason = ""
    connection.save()
    _seal(uc, connection, settings)
    notify.resolve(uc, f"connection:{connection.pk}:needs_reconnect")
    Lane.objects.filter(subject_type="connection", subject_id=connection.pk).update(not_before=uc.at)  # all of them rested
    audit.record(uc, "connection.reconnect", "connection", connection.pk, account=account.account_id)
    uc.mark("wake_connection", [connection.pk])
    return connection


def create_channel(
    uc: UseCase,
    connection: Connection,
    *,
    code: str,
    name: str,
    currency: str,
    location_ids: Iterable[int] | None = None,
    warehouse: str = "",
) -> Channel:
    """A channel on the account, everything off. Its places are ``location_ids``, or all own sellable ones.

    ``warehouse``: the platform's own number of the one whose figures it keeps; ConnectError where it is missing, senseless or taken.
    """
    if Channel.objects.filter(code=code).exists():
        raise ConnectError(_("The channel code {code!r} is taken; choose another with up to three letters or digits.", code=code))
    _check_warehouse(connection, warehouse)
    channel = Channel(
        organisation_id=uc.organisation_id,
        connection=connection,
        code=code,
        name=name,
        currency=currency.upper(),
        warehouse=warehouse,
        created_at=uc.at,
    )
    channel.clean_fields(exclude=["organisation", "connection"])
    channel.save()
    places = Location.objects.filter(owner=LocationOwner.MINE, active=True, sellable=True)
    if location_ids is not None:
        places = Location.objects.filter(pk__in=list(location_ids)).exclude(owner=LocationOwner.VIRTUAL)
    ChannelLocation.objects.bulk_create(
        ChannelLocation(organisation_id=uc.organisation_id, channel=channel, location=place) for place in places.order_by("priority", "pk")
    )
    audit.record(uc, "channel.create", "channel", channel.pk, code=code, name=name, currency=channel.currency)
    return channel


def _check_warehouse(connection: Connection, warehouse: str) -> None:
    declared = manifest(connection.platform)
    if not declared.quirks.per_warehouse:
        if warehouse:
            raise ConnectError(_("{title} keeps one figure for all warehouses: leave the warehouse out.", title=declared.title))
        return
    if not warehouse:
        raise ConnectError(_("{title} keeps a figure per warehouse: say which of its warehouses the channel is for.", title=declared.title))
    if taken := Channel.objects.filter(connection=connection, warehouse=warehouse).first():
        raise ConnectError(
            _("The channel {code} keeps the figures of warehouse {warehouse} already.", code=taken.code, warehouse=warehouse)
        )


def free_code(platform: str, taken: Iterable[str]) -> str:
    """A channel code nobody has: the first letters of the platform, then with a digit."""
    used = set(taken)
    letters = platform[:2].upper()
    return next(
        code for code in [letters, *(f"{letters}{number}" for number in range(2, 10)), *map(str, range(10, 1000))] if code not in used
    )


def _refuse_twice(uc: UseCase, platform: str, name: str, site: str, account: AccountInfo) -> None:
    same = Connection.objects.filter(organisation_id=uc.organisation_id, platform=platform)
    if same.filter(name=name).exists():
        raise ConnectError(_("There is a connection {name!r} already; give this one another name, or reconnect that one.", name=name))
    if account.account_id and (other := same.filter(account_id=account.account_id, site=site).first()):
        raise ConnectError(
            _(
                "The account {found} is connected already, as {name!r}: an account sells one stock only once.",
                found=account.account_id,
                name=other.name,
            )
        )


def _known(account: AccountInfo) -> dict[str, object]:
    return {
        "account_id": account.account_id,
        "account_name": account.name,
        "credentials_expire_at": account.credentials_expire_at,
        "state": Connection.State.READY,
    }


def _seal(uc: UseCase, connection: Connection, settings: Settings) -> None:
    sealed = secrets.store(uc, f"connection:{connection.pk}", msgspec.json.encode(settings.hidden).decode())
    Connection.objects.filter(pk=connection.pk).update(credentials=sealed)
    connection.credentials = sealed
