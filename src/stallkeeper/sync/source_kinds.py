"""Which kinds of source there are: those that the hub has by itself, and those of the kit that are asked."""

from __future__ import annotations

from collections.abc import Mapping

from stallkeeper.channels.connect import ConnectError, Settings, check_settings
from stallkeeper.channels.models import Channel
from stallkeeper.stock.models import PLACE, SHOWN, TYPED, Location, LocationOwner
from stallkeeper.stock.sources import SourceError
from stallkit.manifest import Setting
from stallkit.sources import registry
from stallkit.sources.manifest import SourceManifest
from stallkit.words import said as _

UPLOAD, LOCATION, CHANNEL, API, COMMERCEML = "upload", PLACE, SHOWN, "api", "commerceml"
HUB = {
    TYPED: SourceManifest(TYPED, _("Typed by hand"), (), file=False, pull=False),
    UPLOAD: SourceManifest(UPLOAD, _("A file that people upload"), (), file=True, pull=False),
    LOCATION: SourceManifest(
        LOCATION,
        _("Another place"),
        (Setting("location", _("Place"), help=_("Its units on hand are copied.")),),
        file=False,
        pull=True,
    ),
    CHANNEL: SourceManifest(
        CHANNEL,
        _("What a channel shows"),
        (Setting("channel", _("Channel"), help=_("Its figures of linked offers are copied. Nothing may be sent there from this place.")),),
        file=False,
        pull=True,
    ),
    API: SourceManifest(API, _("A program that sends figures (API)"), (), file=False, pull=False),
    COMMERCEML: SourceManifest(COMMERCEML, _("1C (CommerceML)"), (), file=False, pull=False),
}
"""Kinds that need no transport."""


def kinds() -> dict[str, SourceManifest]:
    """All kinds by name, the hub's own first."""
    return HUB | {kind: registry.manifest_of(kind) for kind in registry.KINDS}


def manifest_of(kind: str) -> SourceManifest:
    """The declaration of a kind; SourceError if there is none."""
    known = kinds()
    if kind not in known:
        raise SourceError(_("kind: there is no kind {kind!r}; known are {known}", kind=kind, known=", ".join(known)))
    return known[kind]


def check(kind: str, values: Mapping[str, str]) -> Settings:
    """Settings checked against the kind's declaration, apart those that are stored encrypted. SourceError names the first that is wrong."""
    try:
        settings = check_settings(manifest_of(kind), values)
    except ConnectError as error:
        raise SourceError(str(error)) from error
    if kind == LOCATION:
        place_of(settings.shown)
    if kind == CHANNEL:
        channel_of(settings.shown)
    return settings


def place_of(config: Mapping[str, str]) -> Location:
    """The place that is copied."""
    found = Location.objects.exclude(owner=LocationOwner.VIRTUAL).filter(code=config.get("location", "")).first()
    if found is None:
        raise SourceError(_("location: there is no place with the code {location!r}", location=config.get("location", "")))
    return found


def channel_of(config: Mapping[str, str]) -> Channel:
    """The channel whose figures are copied."""
    found = Channel.objects.select_related("connection__credentials").filter(code__iexact=config.get("channel", "")).first()
    if found is None:
        raise SourceError(_("channel: there is no channel with the code {channel!r}", channel=config.get("channel", "")))
    return found
