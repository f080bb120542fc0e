"""Stock-taking: a counted file is compared with the ledger first, and entered when a person has seen the differences."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import NamedTemporaryFile

from django import forms
from django.contrib import messages
from django.core import signing
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST
from unfold.widgets import UnfoldAdminFileFieldWidget

from stallkeeper.backoffice.actors import names_of
from stallkeeper.backoffice.forms import LookMixin
from stallkeeper.backoffice.imports import download, encoding_field
from stallkeeper.backoffice.kept_rows import offer_places
from stallkeeper.backoffice.screens import MemberRequest, screen, show
from stallkeeper.backoffice.words import told
from stallkeeper.catalog.imports.sheets import template_xlsx
from stallkeeper.core import clock
from stallkeeper.core.people import Permission
from stallkeeper.core.retry import again_on_conflict
from stallkeeper.core.use_case import use_case
from stallkeeper.stock.count_files import LAYOUT, Preview, preview
from stallkeeper.stock.counts import CountError, record_count
from stallkeeper.stock.ledger import NotEnough
from stallkeeper.stock.models import Location, LocationOwner, StockCount
from stallkit.tables.cells import FileRefused

SHOWN = 200
LAST = 50
PREVIEW_SECONDS = 12 * 3600
"""How long a person may look at a preview before entering it."""


class CountForm(LookMixin, forms.Form):
    """Which place was counted when, and the figures."""

    place: forms.ModelChoiceField[Location] = forms.ModelChoiceField(label=gettext_lazy("Place"), queryset=None, empty_label=None)
    as_of = forms.DateTimeField(
        label=gettext_lazy("Counted on"),
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        help_text=gettext_lazy("Goods that left or came after this moment do not matter."),
    )
    file = forms.FileField(
        label=gettext_lazy("File"),
        help_text=gettext_lazy("XLSX or CSV with the columns sku and counted."),
        widget=UnfoldAdminFileFieldWidget(attrs={"accept": ".xlsx,.csv,.txt"}),
    )
    encoding = encoding_field()

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        offer_places(self)


@dataclass(frozen=True)
class Ticket:
    """A preview as the page carries it until it is entered: signed, so that what was looked at is what is entered."""

    location: int
    as_of: str
    reference: str
    counted: list[tuple[int, int]]

    @classmethod
    def of(cls, found: Preview) -> Ticket:
        return cls(found.location.pk, found.as_of.isoformat(), found.reference, sorted(found.counted.items()))

    def sign(self, organisation_id: int) -> str:
        body = [self.location, self.as_of, self.reference, self.counted]
        return signing.dumps(body, salt=f"count-{organisation_id}", compress=True)

    @classmethod
    def read(cls, text: str, organisation_id: int) -> Ticket:
        """signing.BadSignature if it is not ours, is another organisation's, or is too old."""
        location, as_of, reference, counted = signing.loads(text, salt=f"count-{organisation_id}", max_age=PREVIEW_SECONDS)
        return cls(location, as_of, reference, [(unit, number) for unit, number in counted])


@screen(Permission.EDIT_STOCK)
def stock_taking(request: MemberRequest) -> HttpResponse:
    """The form and the counts of before; a file that was sent is compared and shown, and changes nothing yet."""
    form = CountForm(request.POST or None, request.FILES or None, initial={"as_of": timezone.localtime(clock.now())})
    if request.method == "POST" and form.is_valid() and (found := _compare(request, form)):
        return _show_preview(request, form.cleaned_data["file"].name, found)
    counts = list(StockCount.objects.select_related("location").order_by("-recorded_at", "-pk")[:LAST])
    names = names_of({count.actor for count in counts})
    context = {"title": _("Stock-taking"), "form": form, "counts": [(count, names.get(count.actor, "")) for count in counts]}
    return show(request, "backoffice/stock_taking.html", context, status=422 if form.errors else 200)


def _compare(request: MemberRequest, form: CountForm) -> Preview | None:
    given = form.cleaned_data
    try:
        with NamedTemporaryFile(suffix=Path(given["file"].name or "").suffix.lower()) as kept:
            _fill(kept.name, given["file"])
            moment, encoding = given["as_of"], given["encoding"] or None
            return preview(request.organisation.pk, Path(kept.name), given["place"], moment, clock.now(), encoding)
    except (FileRefused, CountError) as error:
        form.add_error(None, told(error))
        return None


def _fill(name: str, file: UploadedFile[bytes]) -> None:
    with Path(name).open("wb") as target:
        for piece in file.chunks():
            target.write(piece)


def _show_preview(request: MemberRequest, file_name: str | None, found: Preview) -> HttpResponse:
    context = {
        "title": file_name,
        "found": found,
        "lines": found.differing[:SHOWN],
        "problems": found.problems[:SHOWN],
        "ticket": "" if found.problems or found.known else Ticket.of(found).sign(request.organisation.pk),
    }
    return show(request, "backoffice/stock_taking_preview.html", context, status=422 if found.problems else 200)


@require_POST
@screen(Permission.EDIT_STOCK)
def enter_count(request: MemberRequest) -> HttpResponse:
    """Enter the count that was looked at. Sent twice, it is entered once."""
    try:
        ticket = Ticket.read(request.POST.get("ticket", ""), request.organisation.pk)
        count = _entered(request, ticket)
    except signing.BadSignature:
        messages.error(request, _("This preview is too old. Bring the file in again."))
    except (CountError, NotEnough) as error:
        messages.error(request, _("Nothing was entered: {error}").format(error=error))
    else:
        said = ngettext(
            "{count} article differed and was put right.", "{count} articles differed and were put right.", count.lines_differing
        )
        messages.success(request, said.format(count=count.lines_differing))
    return redirect("backoffice:stock_taking")


@screen(Permission.EDIT_STOCK)
def count_template(_request: MemberRequest) -> HttpResponse:
    """An empty file with the two columns."""
    return download(template_xlsx(LAYOUT), "count-template.xlsx")


@again_on_conflict
def _entered(request: MemberRequest, ticket: Ticket) -> StockCount:
    place = get_object_or_404(Location.objects.exclude(owner=LocationOwner.VIRTUAL), pk=ticket.location)
    with use_case("record.count", organisation_id=request.organisation.pk, actor=request.user.actor) as uc:
        as_of = datetime.fromisoformat(ticket.as_of)
        return record_count(uc, place.pk, dict(ticket.counted), as_of=as_of, reference=ticket.reference)
