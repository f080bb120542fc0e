"""Every rule catches its bad example and lets the good one pass."""

import subprocess
import sys
from pathlib import Path

import pytest

from lint import __main__ as runner
from lint.engine import RULES, Source, examine

ORDERS = "src/stallkeeper/orders/routing.py"
QUERIES = "src/stallkeeper/stock/queries.py"
SCREEN = "src/stallkeeper/backoffice/board.py"
POINTS = "src/stallkeeper/ops/simulation/points.py"
TEMPLATE = "src/stallkeeper/backoffice/templates/board.html"


def function(lines, head="def f():"):
    return head + "\n" + "    x = 1\n" * (lines - 1)


# rule, path, what is caught, what passes
EXAMPLES = [
    ("long-function", ORDERS, function(61), function(60)),
    ("long-function", ORDERS, function(61, "async def f():"), "class C:\n" + "    x = 1\n" * 80),
    ("long-file", ORDERS, "x = 1\n" * 601, "x = 1\n" * 600),
    ("long-view", SCREEN, function(26, "def board(request):"), function(25, "def board(request):")),
    ("long-view", SCREEN, "class V:\n" + function(26, "  def get(self, request):"), function(26, "def rows(channel):")),
    ("vague-name", "src/stallkeeper/orders/utils.py", "", None),
    ("vague-name", "src/stallkeeper/helpers/__init__.py", "", None),
    ("hot-write", "src/stallkeeper/orders/intake.py", "for o in orders:\n    o.save()", "order.save()"),
    ("hot-write", "src/stallkeeper/stock/reserve.py", "[level.save() for level in levels]", "levels.update(held=0)"),
    ("hot-write", "src/stallkeeper/channels/refresh/write.py", "Offer.objects.bulk_update(offers, ['intended'])", "write(cursor, offers)"),
    ("sql-clock", QUERIES, 'SQL = "UPDATE t SET at = now()"', 'SQL = "UPDATE t SET at = %s"'),
    ("sql-clock", QUERIES, 'SQL = f"UPDATE {t} SET at = CURRENT_TIMESTAMP"', '"""Never now() here."""'),
    ("sql-clock", QUERIES, "SQL = \"SELECT 1 WHERE at < 'now'::timestamptz ORDER BY 1\"", 'SQL = "SELECT known FROM t ORDER BY known"'),
    ("gather-order", QUERIES, 'SQL = "SELECT id FROM t"', 'SQL = "SELECT id FROM t ORDER BY id"'),
    ("gather-order", QUERIES, 'SQL = "SELECT id FROM t FOR UPDATE"', 'SQL = "SELECT id FROM t LIMIT 1"'),
    ("gather-order", QUERIES, 'def f(c):\n    c.execute("SELECT a FROM t")\n    return c.fetchall()', 'SQL = "SELECT count(*) FROM t"'),
    (
        "gather-order",
        QUERIES,
        'SQL = "WITH x AS (SELECT 1) SELECT * FROM x"',
        'def f(c):\n    c.execute("SELECT a FROM t WHERE id = %s", [1])\n    return c.fetchone()',
    ),
    (
        "gather-order",
        QUERIES,
        'SQL = "SELECT a FROM t"\ndef f(c):\n    c.execute(SQL)\n    return rows(c)',
        'SQL = "WITH gone AS (DELETE FROM t RETURNING id) INSERT INTO u SELECT id FROM gone"',
    ),
    ("gather-order", QUERIES, 'SQL = "SELECT id FROM (SELECT id FROM t ORDER BY id) AS x"', 'SQL = "SELECT (SELECT count(*) FROM t), 1"'),
    (
        "gather-order",
        QUERIES,
        'ALL = "SELECT id FROM t"\ndef f(c):\n    return rows(c, f"{ALL} WHERE id > 5")',
        'ALL = "SELECT id FROM t"\ndef f(c):\n    return rows(c, f"{ALL} WHERE id > 5 ORDER BY id")',
    ),
    ("gather-order", QUERIES, 'SQL = "SELECT kind, count(*) FROM t GROUP BY kind"', 'SQL = "SELECT coalesce(sum(a), 0) FROM t"'),
    (
        "gather-order",
        QUERIES,
        'def f(c):\n    c.execute("SELECT a FROM t")\n    return [row[0] for row in rows(c)]',
        'def f(c):\n    c.execute("SELECT a FROM t WHERE id = 1")\n    found = rows(c)\n    return found[0][0] if found else None',
    ),
    ("gather-order", QUERIES, 'SQL = "SELECT 1, a FROM t"', 'SQL = "SELECT 1 FROM t WHERE id = %s FOR KEY SHARE"'),
    ("gather-order", QUERIES, 'SQL = "SELECT coalesce(a, 0) FROM t"', 'SQL = "SELECT max(a) FROM t"'),
    ("unsaid", "src/stallkit/sources/ftp.py", 'raise FileRefused("no such file")', 'raise FileRefused(_("no such file"), code="no_file")'),
    ("unsaid", "src/stallkeeper/stock/sources.py", 'raise SourceError(f"{name}")', 'raise SourceError(_("{name}", name=name))'),
    ("unsaid", "src/stallkit/sources/url.py", 'Setting("user", "User name", help="")', 'Setting("user", _("User name"), help="")'),
    ("raw-sql", ORDERS, 'cursor.execute("SELECT 1")', "queries.lock_levels(cursor, units)"),
    ("raw-sql", ORDERS, 'Order.objects.raw(f"SELECT * FROM {table}")', "cursor.execute(statement)"),
    ("crash-point", ORDERS, 'use_case("new.thing", organisation_id=1)', 'use_case("ship.order", organisation_id=1)'),
    ("crash-point", ORDERS, "use_case(name, organisation_id=1)", 'use_case(f"import.{kind}", organisation_id=1)'),
    ("crash-point", ORDERS, 'current.writing("new_thing")', 'current.writing("end_run")'),
    ("crash-point", ORDERS, 'current.commit("new_thing", change)', "connection.commit()"),
    ("crash-point", ORDERS, 'lanes.guarded(held, "sync.new_thing")', 'lanes.guarded(held, "sync.pick")'),
    ("crash-point", ORDERS, 'crash.committing("new.thing")', 'crash.committing("budget.take")'),
    ("crash-point", ORDERS, 'crash.point("within:new:thing")', 'crash.point("within:refresh:locked")'),
    ("crash-point", ORDERS, "with transaction.atomic():\n    f()", 'with crash.committing("day.links"):\n    f()'),
    ("crash-point", ORDERS, "current.call(1, session.adapter.new_thing, 1)", "current.call(1, session.adapter.write_stock, 1)"),
    ("crash-point", ORDERS, "session.adapter.write_stock(1)", 'with crash.around("send:probe"):\n    session.adapter.probe()'),
    ("crash-point", ORDERS, "session.adapter.probe()", "session.adapter.read_hint()"),
    ("crash-list", POINTS, 'ENGINE: dict = {1: ("claim:gone",)}', 'ENGINE: dict = {1: ("claim:lane",)}'),
    ("crash-list", POINTS, 'ENGINE: dict = {1: ("claim:lane", "claim:lane")}', 'PERSON: dict = {1: ("commit:import.stock",)}'),
    ("crash-list", POINTS, 'ENGINE: dict = {1: ("commit:sync.gone",)}', 'ENGINE: dict = {1: ("commit:sync.pick",)}'),
    ("crash-list", POINTS, 'ENGINE: dict = {1: ("send:gone",)}', 'ENGINE: dict = {1: ("send:write_stock",)}'),
    ("wall-clock", ORDERS, "datetime.now()", "datetime.now(UTC)"),
    ("wall-clock", "tests/unit/test_x.py", "date.today()", "clock.now()"),
    ("wall-clock", ORDERS, "timezone.now()", "def f(at): return at"),
    ("float-money", "src/stallkeeper/money/tax.py", "def tax(net: float): ...", "def tax(net: Decimal): ..."),
    ("float-money", "src/stallkeeper/catalog/prices.py", "rate = 0.19", 'rate = Decimal("0.19")'),
    ("float-money", "src/stallkeeper/money/models.py", "x = models.FloatField()", "x = models.DecimalField(18, 4)"),
    ("swallow", ORDERS, "try:\n    f()\nexcept Exception:\n    pass", "try:\n    f()\nexcept KeyError:\n    pass"),
    (
        "swallow",
        ORDERS,
        "for x in y:\n    try:\n        f()\n    except:\n        continue",
        "try:\n    f()\nexcept Exception:\n    log()\n    raise",
    ),
    ("swallow", ORDERS, "with contextlib.suppress(Exception):\n    f()", "with contextlib.suppress(FileNotFoundError):\n    f()"),
    ("unsafe-load", ORDERS, "import pickle", "import json"),
    ("table-writer", ORDERS, "csv.writer(file)", "csv.reader(file)"),
    ("table-writer", ORDERS, "xlsxwriter.Workbook(target)", "safe_cells.workbook(target)"),
    ("table-writer", ORDERS, "from xlsxwriter import Workbook", "import xlsxwriter"),
    ("raw-page", TEMPLATE, "<p>{{ title|safe }}</p>", "<p>{{ title }}</p>"),
    ("raw-page", TEMPLATE, "{% autoescape off %}{{ x }}{% endautoescape %}", "{{ x }}"),
    ("raw-page", TEMPLATE, "<script>let a;</script>", '<script src="{{ a }}"></script>'),
    ("raw-page", TEMPLATE, '<a onclick="go()">', '<a data-go="1">'),
    ("unsafe-load", ORDERS, "eval(text)", "evaluate(text)"),
    ("unsafe-load", ORDERS, "yaml.load(text)", "yaml.safe_load(text)"),
    ("http-door", "src/stallkit/adapters/emag/adapter.py", "import httpx", "from stallkit.http import Door"),
    ("http-door", "src/stallkeeper/core/hooks.py", "from urllib.request import urlopen", "from urllib.parse import urlsplit"),
    ("http-door", "src/stallkeeper/core/hooks.py", "from urllib import request", "import urllib.parse"),
    ("adapter-door", SCREEN, "from stallkit.registry import build", "from stallkit.registry import manifest_of"),
    ("adapter-door", SCREEN, "from stallkit.sources.registry import build", "from stallkit.sources.registry import manifest_of"),
    ("adapter-door", SCREEN, "registry.build(platform, config, door, now)", "registry.manifest_of(platform)"),
    ("machine-path", "docs/guide/start.md", "cd /home/ann/stallkeeper", "see https://example.com/home/ann"),
    ("machine-path", ORDERS, 'x = "/tmp/x"', 'x = "/var/lib/stallkeeper"'),
    ("mark", "docs/guide/start.md", "TODO: write this", "to do so, write this"),
    ("mark", ORDERS, "x = 1  # FIXME", "x = 1  # why"),
    ("untranslated", TEMPLATE, "<h1>Orders</h1>", '<h1>{% translate "Orders" %}</h1>'),
    ("untranslated", TEMPLATE, '<a title="Delete it">×</a>', "<a title=\"{% translate 'Delete' %}\">×</a>"),
    ("untranslated", TEMPLATE, "<p>\n{{ n }} orders\n</p>", "{% blocktranslate %}{{ n }} orders{% endblocktranslate %}"),
    (
        "untranslated",
        TEMPLATE,
        "{% if a %}Yes{% endif %}",
        "<script>let answer = 'yes'</script><!-- yes --> {# yes #} &nbsp; 5 × <b>SKU</b>",
    ),
]


def rules_broken(path, text):
    return {finding.rule for finding in examine(Source(path, text))}


@pytest.mark.parametrize(("rule", "path", "bad", "good"), EXAMPLES)
def test_a_bad_example_is_caught_and_a_good_one_passes(rule, path, bad, good):
    assert rule in rules_broken(path, bad)
    if good is not None:
        assert rule not in rules_broken(path, good)


def test_every_rule_has_examples():
    assert {rule for rule, *_ in EXAMPLES} == set(RULES)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("src/stallkeeper/core/clock.py", "datetime.now()"),
        ("src/stallkeeper/orders/migrations/0001_initial.py", 'schema.execute("CREATE TABLE t")'),
        ("tests/db/test_x.py", 'cursor.execute("SELECT 1")'),
        ("src/stallkit/http.py", "import httpx"),
        ("src/stallkit/testing/emulator.py", "import httpx"),
        ("src/stallkit/adapters/emag/emulator.py", "import httpx"),
        (TEMPLATE, '<span class="material-symbols-outlined">{% if a %}check{% else %}close{% endif %}</span>'),
        ("src/stallkeeper/orders/weights.py", "kilograms: float = 0.5"),
        ("src/stallkeeper/sync/runner.py", "registry.build(platform)"),
        ("src/stallkeeper/stock/count_queries.py", 'cursor.execute("DELETE FROM t")'),
    ],
)
def test_places_where_a_rule_does_not_apply(path, text):
    assert rules_broken(path, text) == set()


def test_findings_name_the_line():
    (finding,) = examine(Source(TEMPLATE, "{% comment %}\nnothing\n{% endcomment %}\n<p>\n  Hello there\n</p>"))
    assert (finding.line, finding.rule) == (5, "untranslated")
    assert "'Hello there'" in str(finding)


@pytest.mark.parametrize(
    "text",
    [
        "x = datetime.now()  # lint: allow wall-clock because the log is read by people here",
        "# lint: allow wall-clock because the log is read by people here\nx = datetime.now()",
    ],
)
def test_an_exception_with_a_reason_is_granted(text):
    assert rules_broken(ORDERS, text) == set()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("x = datetime.now()  # lint: allow wall-clock", "write the reason"),
        ("x = 1  # lint: allow wall-clock because it was once needed", "remove the exception"),
        ("x = 1  # lint: allow no-such-rule because of nothing", "no rule 'no-such-rule'"),
    ],
)
def test_an_exception_without_reason_need_or_rule_is_a_finding(text, says):
    assert any(finding.rule == "allow" and says in finding.text for finding in examine(Source(ORDERS, text)))


def test_an_exception_covers_its_line_only():
    text = "# lint: allow wall-clock because of the clock\nx = datetime.now()\ny = datetime.now()"
    assert [finding.line for finding in examine(Source(ORDERS, text))] == [3]


def test_the_runner_lists_what_it_found(tmp_path, monkeypatch, capsys):
    (tmp_path / "lint").mkdir()
    (tmp_path / "notes.md").write_text("TODO\n")
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    monkeypatch.setattr(runner, "__file__", str(tmp_path / "lint" / "__main__.py"))
    monkeypatch.setattr(sys, "argv", ["lint"])
    assert runner.main() == 1
    assert "notes.md:1: mark" in capsys.readouterr().out
    Path(tmp_path / "notes.md").write_text("done\n")
    assert runner.main() == 0
