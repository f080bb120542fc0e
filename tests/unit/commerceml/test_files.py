"""Files of 1C: every version that public samples exist of, both encodings, and what must be refused (facts: specs/commerceml/FACTS.md)."""

import io
import zipfile
from datetime import datetime
from decimal import Decimal

import pytest
from lxml import etree

from stallkit.sources.commerceml import archive, files, numbers, orders, writing
from stallkit.sources.commerceml.emulator import pack
from stallkit.sources.commerceml.refusals import ExchangeRefused, Refusal
from stallkit.sources.commerceml.session import Limits
from stallkit.sources.commerceml.writing import BaseGood, Style
from stallkit.testing.published import specs_folder

NOON = datetime(2026, 3, 2, 12, 0)  # noqa: DTZ001 - 1C writes no zone
SPECS = specs_folder() / "commerceml"
pytestmark = pytest.mark.unit


def sample(name):
    path = SPECS / name
    if not path.exists():
        pytest.skip(f"{path} is not there")
    return path


def read(text, encoding="utf-8"):
    return files.read(io.BytesIO(text.encode(encoding)))


def good(code="g1", article="A-1", gtin="4006381333931", **stock):
    return BaseGood(code, article, gtin, "Мяч «Юниор» №5", stock or {"w1": 4, "w2": 3})


@pytest.mark.parametrize(
    ("name", "version", "goods", "offers", "documents"),
    [
        ("carono-php-commerceml/import.xml", "2.07", 2, 0, 0),
        ("carono-php-commerceml/import_wo_classifier.xml", "2.07", 2, 0, 0),
        ("carono-php-commerceml/offers.xml", "2.07", 0, 5, 0),
        ("carono-php-commerceml/orders.xml", "2.03", 0, 0, 1),
        ("dobromyslov-commerceml-parser/import0_1.xml", "2.07", 36, 0, 0),
        ("dobromyslov-commerceml-parser/offers0_1.xml", "2.07", 0, 44, 0),
        ("dobromyslov-commerceml-parser/bitrix-query-response-full.xml", "2.05", 0, 0, 2),
        ("dobromyslov-commerceml-parser/bitrix-query-response-empty.xml", "2.05", 0, 0, 0),
    ],
)
def test_public_samples_of_all_versions_are_understood(name, version, goods, offers, documents):
    packet = files.read(sample(name))

    assert (packet.version, len(packet.goods), len(packet.offers), len(packet.orders)) == (version, goods, offers, documents)
    assert not [problem for offer in packet.offers for problem in offer.problems]


def test_what_a_real_base_wrote():
    catalogue = files.read(sample("dobromyslov-commerceml-parser/import0_1.xml"))
    packet = files.read(sample("dobromyslov-commerceml-parser/offers0_1.xml"))

    assert packet.whole
    assert packet.formed_at == datetime(2020, 4, 7, 12, 8, 44)  # noqa: DTZ001 - 1C writes no zone
    assert sorted(packet.place_names.values()) == ["Владивосток", "Москва", "Новосибирск"]
    assert all(offer.total == sum(quantity for _place, quantity in offer.places) for offer in packet.offers)
    assert [one.title for one in catalogue.goods if one.deleted] == ["Коврик Mini Монстера, 120x44x1.5 см"]
    assert catalogue.goods[0].article == "PM-421-WP"
    assert catalogue.goods[0].gtin == "8809288404089"


def test_orders_in_windows_1251_are_read_by_their_declaration():
    returned = files.read(sample("carono-php-commerceml/orders.xml")).orders[0]

    assert (returned.code, returned.status, returned.paid, returned.cancelled) == ("20", "[F] Доставлен", True, False)


@pytest.mark.parametrize(
    "style", [Style((2, 3)), Style((2, 5), "windows-1251"), Style((2, 7), byte_order_mark=True), Style((2, 8)), Style((3, 1))]
)
def test_a_file_reads_the_same_in_every_style(style):
    packet = files.read(io.BytesIO(writing.offers([good()], NOON, True, style, places={"w1": "Склад", "w2": "Магазин"})))

    (offer,) = packet.offers
    assert (packet.version, packet.formed_at, packet.whole) == (style.shown, NOON, True)
    assert (offer.good.code, offer.good.article, offer.good.gtin, offer.good.title) == ("g1", "A-1", "4006381333931", "Мяч «Юниор» №5")
    assert (offer.total, offer.places) == (7, (("w1", 4), ("w2", 3)))


def test_a_packet_of_quantities_names_goods_by_number_only():
    packet = files.read(io.BytesIO(writing.rests([good(), good("g2#c1", **{"": 5})], NOON, False, Style(), reserved={"g1": 6})))

    assert not packet.whole
    assert [(offer.good.code, offer.good.article, offer.total, offer.places) for offer in packet.offers] == [
        ("g1", "", None, (("w1", -2), ("w2", 3))),
        ("g2#c1", "", 5, ()),
    ]


def test_a_packet_of_prices_says_nothing_about_quantities():
    root = "<КоммерческаяИнформация ВерсияСхемы='2.08'><ПакетПредложений><Предложения><Предложение><Ид>g</Ид>"
    packet = read(f"{root}<Цены><Цена/></Цены></Предложение></Предложения></ПакетПредложений></КоммерческаяИнформация>")

    assert packet.offers[0].total is None
    assert not packet.figures


def test_only_a_file_that_says_so_lists_everything():
    """Mixing these up zeroes a shop: what says nothing, or something else, lists changes."""
    for said, whole in (("'false'", True), ("' False '", True), ("'true'", False), ("'нет'", False), ("''", False), (None, False)):
        attribute = "" if said is None else f"СодержитТолькоИзменения={said}"
        packet = read(f"<КоммерческаяИнформация><ПакетПредложений {attribute}/></КоммерческаяИнформация>")
        assert packet.whole is whole, said


@pytest.mark.parametrize(
    ("text", "number"), [("12", 12), ("12.000", 12), ("1 234,00", 1234), ("23\u00a0000", 23_000), ("-3", -3), ("1e3", 1000), ("0", 0)]
)
def test_quantities_as_1c_writes_them(text, number):
    assert numbers.whole(text) == number


@pytest.mark.parametrize("text", ["", "много", "1.5", "1,234", "NaN", "Infinity", "9" * 12, "2026-01-01"])
def test_what_is_no_quantity_is_a_problem_of_its_row(text):
    root = "<КоммерческаяИнформация><ПакетПредложений><Предложения><Предложение><Ид>g7</Ид><Количество>"
    packet = read(f"{root}{text}</Количество></Предложение></Предложения></ПакетПредложений></КоммерческаяИнформация>")

    (problem,) = packet.offers[0].problems
    assert packet.offers[0].total is None
    assert (problem.row, problem.column, problem.value) == (1, "Количество", text)
    assert "g7" in problem.message


BOMB = "<!DOCTYPE l [<!ENTITY a 'ha'><!ENTITY b '&a;&a;'>]><КоммерческаяИнформация>&b;</КоммерческаяИнформация>"
OUTSIDE = "<!DOCTYPE l SYSTEM 'http://127.0.0.1:1/x.dtd'><КоммерческаяИнформация/>"
FILE = "<!DOCTYPE l [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><КоммерческаяИнформация>&x;</КоммерческаяИнформация>"


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (BOMB.encode(), Refusal.DOCTYPE),
        (BOMB.encode("utf-16"), Refusal.DOCTYPE),
        (OUTSIDE.encode(), Refusal.DOCTYPE),
        (FILE.encode(), Refusal.DOCTYPE),
        (b"", Refusal.NOT_XML),
        (b"sku;qty\nA;1\n", Refusal.NOT_XML),
        (b"<html><body>1</body></html>", Refusal.OTHER_XML),
        (writing.offers([good()], NOON, True, Style())[:-40], Refusal.NOT_XML),
        ("<?xml version='1.0' encoding='utf-8'?><КоммерческаяИнформация/>".encode("cp1251"), Refusal.NOT_XML),
        ("<?xml version='1.0' encoding='klingon'?><КоммерческаяИнформация/>".encode(), Refusal.NOT_XML),
        (("<КоммерческаяИнформация>" + "<a>" * 3000).encode(), Refusal.NOT_XML),
    ],
)
def test_files_that_are_none_are_refused_in_both_languages(content, kind):
    with pytest.raises(ExchangeRefused) as refused:
        files.read(io.BytesIO(content))

    assert refused.value.kind is kind
    assert refused.value.russian


def test_an_archive_is_believed_only_as_far_as_it_is_true(tmp_path):
    limits = Limits(unpacked=1_000_000)

    def entries(content):
        path = tmp_path / "x.zip"
        path.write_bytes(content)
        return path, archive.entries(path, "x.zip", limits)

    path, listed = entries(pack({"webdata/import.xml": b"<a/>", "webdata/import_files/1.jpg": b"."}))
    unpacked = io.BytesIO()
    archive.unpack(path, "x.zip", archive.find(listed, "import.xml"), unpacked)
    assert unpacked.getvalue() == b"<a/>"
    assert archive.find(listed, "offers.xml") is None

    whole = pack({"import.xml": b"<a/>" * 1000})
    lying = whole.replace((4000).to_bytes(4, "little"), (100).to_bytes(4, "little"))
    for content, kind in (
        (whole[:-30], Refusal.NOT_ZIP),
        (b"PK", Refusal.NOT_ZIP),
        (pack({"../../etc/x.xml": b""}), Refusal.NAME),
        (pack({"import.xml": b"\0" * 2_000_000}), Refusal.EXPANDS),
    ):
        with pytest.raises(ExchangeRefused) as refused:
            entries(content)
        assert refused.value.kind is kind
    path, listed = entries(lying)
    with pytest.raises(ExchangeRefused):
        archive.unpack(path, "x.zip", listed["import.xml"], io.BytesIO())


def test_an_archive_of_a_hundred_thousand_parts_is_refused_unread(tmp_path):
    path = tmp_path / "many.zip"
    with zipfile.ZipFile(path, "w") as many:
        for number in range(20_000):
            many.writestr(f"{number:040}", b"")

    with pytest.raises(ExchangeRefused) as refused:
        archive.entries(path, "many.zip", Limits())

    assert refused.value.kind is Refusal.EXPANDS


def sold(**changed):
    lines = [
        orders.SoldLine("g1#c2", "A-1", "4006381333931", "Мяч \x01<№5>", 2, Decimal("199.99")),
        orders.SoldLine("", "B", "", "", 1, Decimal(5)),
    ]
    return orders.SoldOrder(**{"code": "17", "number": "113-77", "at": NOON, "currency": "RUB", "buyer_code": "channel:3", "buyer": "Ozon",
                               "lines": lines, "status": "Новый"} | changed)  # fmt: skip


@pytest.mark.parametrize("encoding", ["utf-8", "windows-1251"])
def test_orders_come_back_as_they_were_written(encoding):
    body = orders.build([sold(), sold(code="18", cancelled=True, buyer="ÅȚ")], NOON, encoding)

    assert f"encoding='{encoding.upper()}'".encode() in body
    assert [(one.code, one.number, one.cancelled, one.status) for one in files.read(io.BytesIO(body)).orders] == [
        ("17", "113-77", False, "Новый"),
        ("18", "113-77", True, "Новый"),
    ]
    document = etree.fromstring(body)[0]
    assert document.findtext("Сумма") == "204.99"
    assert [line.findtext("Наименование") for line in document.iterfind("Товары/Товар")] == ["Мяч <№5>", "B"]


@pytest.mark.parametrize("schema", ["commerceml-2.08.xsd", "commerceml-2.10.xsd"])
def test_what_we_write_is_valid_once_it_is_in_the_namespace(schema):
    rules = etree.XMLSchema(file=str(sample(f"dobromyslov-commerceml-parser/{schema}")))
    lines = [orders.SoldLine("g1", "A-1", "4006381333931", "Мяч", 2, Decimal("199.99"))]
    body = orders.build([sold(lines=lines), sold(code="18", cancelled=True, lines=lines)], NOON)

    root, named = "КоммерческаяИнформация ".encode(), 'КоммерческаяИнформация xmlns="urn:1C.ru:commerceml_2" '.encode()
    rules.assertValid(etree.fromstring(body.replace(root, named, 1)))
