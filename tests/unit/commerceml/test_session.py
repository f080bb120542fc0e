"""The exchange protocol as a state machine: which calls are in order, which names are, and what the replies look like."""

import pytest

from stallkit.sources.commerceml import session
from stallkit.sources.commerceml.refusals import ExchangeRefused, Refusal, refuse
from stallkit.sources.commerceml.session import Act, Kind, Known, Limits

pytestmark = pytest.mark.unit
CATALOG, SALE = Known(Kind.CATALOG, True, False), Known(Kind.SALE, True, False)


def refused(query, known=None):
    with pytest.raises(ExchangeRefused) as error:
        session.admit(session.ask(query), known)
    return error.value.kind


def test_a_whole_exchange_is_admitted_in_any_order_of_the_query():
    for query, known in (
        ({"mode": "checkauth", "type": "catalog"}, None),
        ({"sessid": "x", "mode": "init", "type": "catalog"}, Known(Kind.CATALOG, False, False)),
        ({"filename": "import_files/ab/x.jpg", "mode": "file", "type": "catalog"}, CATALOG),
        ({"type": "catalog", "filename": "import0_1.xml", "mode": "import"}, CATALOG),
        ({"type": "catalog", "mode": "deactivate"}, CATALOG),
        ({"type": "catalog", "mode": "complete"}, Known(Kind.CATALOG, True, True)),
        ({"type": "sale", "mode": "query"}, SALE),
        ({"type": "sale", "mode": "success"}, SALE),
    ):
        session.admit(session.ask(query), known)


@pytest.mark.parametrize(
    ("query", "known", "kind"),
    [
        ({"type": "catalog", "mode": "init"}, None, Refusal.NO_SESSION),
        ({"type": "catalog", "mode": "file", "filename": "a.xml"}, None, Refusal.NO_SESSION),
        ({"type": "catalog", "mode": "file", "filename": "a.xml"}, Known(Kind.CATALOG, False, False), Refusal.NOT_STARTED),
        ({"type": "catalog", "mode": "import", "filename": "a.xml"}, Known(Kind.CATALOG, True, True), Refusal.NO_SESSION),
        ({"type": "sale", "mode": "query"}, CATALOG, Refusal.OTHER_KIND),
        ({"type": "catalog", "mode": "query"}, CATALOG, Refusal.MODE),
        ({"type": "sale", "mode": "deactivate"}, SALE, Refusal.MODE),
        ({"type": "catalog", "mode": "drop_table"}, CATALOG, Refusal.MODE),
        ({"type": "catalog"}, CATALOG, Refusal.MODE),
        ({"type": "reference", "mode": "init"}, CATALOG, Refusal.KIND),
        ({}, None, Refusal.KIND),
    ],
)
def test_what_is_out_of_order_is_refused(query, known, kind):
    assert refused(query, known) is kind


@pytest.mark.parametrize(
    "name", ["", " ", "..", "../x.xml", "a/../../x.xml", "a\\..\\x.xml", "/etc/passwd", "C:\\x.xml", "x\0.xml", "x\n.xml", "a" * 201, "."]
)
def test_names_that_lead_elsewhere_are_refused(name):
    assert refused({"type": "catalog", "mode": "file", "filename": name}, CATALOG) is Refusal.NAME


def test_names_keep_their_folders():
    assert session.clean_name("import_files\\ab\\x.jpg") == "import_files/ab/x.jpg"
    assert session.clean_name("rests___a1.xml") == "rests___a1.xml"
    assert [session.wanted(name) for name in ("Import.XML", "a/b.zip", "x.jpg", "x.html")] == [True, True, False, False]


def test_replies_are_lines_as_1c_reads_them():
    assert session.logged_in("abc") == "success\nstallkeeper_1c\nabc\n"
    assert session.ready(Limits(part=100), ()) == "zip=yes\nfile_limit=100\n"
    assert session.ready(Limits(part=100), (2, 5)) == "zip=yes\nfile_limit=100\nversion=2.05\n"
    assert session.ready(Limits(part=100), (3, 1)) == "zip=yes\nfile_limit=100\nversion=2.08\n"
    failed = session.failure(refuse(Refusal.NO_FILE, "x.xml"))
    assert failed.startswith("failure\nФайл x.xml")
    assert session.verdict(failed) == "failure"
    assert session.ask({"type": "sale", "mode": "init", "version": "junk"}).version == ()
    assert session.ask({"type": "sale", "mode": "init", "version": "2.09"}).act is Act.START
