"""What the screens of sources say of a source and of a run."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.functional import cached_property
from django.utils.translation import gettext as _

from stallkeeper.backoffice.actors import names_of
from stallkeeper.backoffice.words import told
from stallkeeper.stock.models import BY_HAND, TYPED, SourceRun, StockSource
from stallkeeper.sync import source_kinds


def title_of(source: StockSource) -> str:
    """The source's name as a title."""
    return source.name


@dataclass(frozen=True)
class SourceRow:
    """One source in a list."""

    source: StockSource

    @cached_property
    def kind(self) -> str:
        return told(source_kinds.manifest_of(self.source.kind).title)

    @cached_property
    def last(self) -> SourceRun | None:
        return self.source.runs.defer("body").order_by("-pk").first()

    @property
    def looks(self) -> bool:
        """We go and ask, so there is a next time."""
        return self.source.enabled and source_kinds.manifest_of(self.source.kind).pull

    @property
    def by_hand(self) -> bool:
        """Nothing comes by itself, so there is nothing to switch on."""
        return self.source.kind in BY_HAND

    @property
    def tone(self) -> str:
        if not self.source.enabled and not self.source.last_error:
            return ""
        return "bad" if self.source.last_error else "ok"

    @property
    def state(self) -> str:
        """In two words."""
        if self.source.kind == TYPED:
            return _("typed")
        if self.last is not None and self.last.state == SourceRun.State.STOPPED:
            return _("waits for you")
        if self.by_hand:
            return _("by hand")
        if not self.source.enabled:
            return _("off")
        if self.source.last_error:
            return _("fails")
        return _("fine") if self.source.last_success_at else _("no figures yet")


@dataclass(frozen=True)
class RunRow:
    """One run of a source."""

    run: SourceRun

    TONES = {"done": "ok", "stopped": "warn", "failed": "bad"}

    @property
    def tone(self) -> str:
        return self.TONES.get(self.run.state, "info")

    @cached_property
    def by(self) -> str:
        return "" if self.run.actor.startswith(("source:", "1c:")) else names_of([self.run.actor])[self.run.actor]

    @property
    def waits(self) -> bool:
        return self.run.state == SourceRun.State.STOPPED
