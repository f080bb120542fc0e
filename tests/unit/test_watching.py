"""What watches the hub speaks of what the hub has: dashboard, alerts, runbooks and the page about figures."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import pytest
import yaml

from stallkeeper.core import figures
from stallkeeper.sync.figures import FAMILIES

ROOT = Path(__file__).parents[2]
RUNBOOKS = ROOT / "docs" / "runbooks"
BOARD = json.loads((ROOT / "deploy/grafana/stallkeeper.json").read_text("utf-8"))
ALERTS = yaml.safe_load((ROOT / "deploy/prometheus/alerts.yml").read_text("utf-8"))["groups"][0]["rules"]
OTHERS = {"up": {"job", "instance"}, "process_resident_memory_bytes": set()}
"""Figures that Prometheus and its library make."""
WORDS = {"by", "without", "on", "ignoring", "and", "or", "unless", "bool", "offset", "group_left", "group_right", "inf", "nan"}
KEYS = re.compile(r"[a-z_]+(:(N|[a-z_]+))+")
NOT_NOTIFICATIONS = {"connection:N", "not_left:N:N:N:N:N", "remote:N:N:N", "source:N:N", "source:N:N:N", "stock_source:N"} | {
    "number:N",
    "send:fetch",
    "send:letter",
    "send:tell",
    "notice_target:N",
}
"""Names of actors, points and sources of movements, which look alike."""


def known() -> dict[str, set[str]]:
    """Every series by name, with its labels."""
    found = {name: set(family.labels) for name, family in FAMILIES.items()} | OTHERS
    for figure in figures.ALL:
        if isinstance(figure, figures.Count):
            found[figure.name] = set(figure.labels)
        else:
            found |= {figure.name + end: {*figure.labels, *(["le"] if end == "_bucket" else [])} for end in ("_bucket", "_sum", "_count")}
    return found


def expressions() -> list[str]:
    panels = [target["expr"] for panel in BOARD["panels"] for target in panel.get("targets", [])]
    return panels + [alert["expr"] for alert in ALERTS]


def series_of(expression: str) -> list[tuple[str, set[str]]]:
    """(name, labels that are asked for) of every series in an expression of PromQL."""
    grouped = {label for inner in re.findall(r"\b(?:by|without)\s*\(([^)]*)\)", expression) for label in re.findall(r"\w+", inner)}
    rest = re.sub(r"\b(?:by|without)\s*\([^)]*\)", " ", expression)
    found = []
    for name, matchers in re.findall(r"(?<![\w.])([a-zA-Z_:][\w:]*)\s*(\{[^}]*\}|(?!\s*\())(?![\w:]*\s*\()", re.sub(r"\[\w+\]", "", rest)):
        if name not in WORDS and not name[0].isdigit():
            found.append((name, grouped | set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", re.sub(r'"[^"]*"', '""', matchers)))))
    return found


def test_the_reader_of_expressions_finds_names_and_labels():
    found = series_of('histogram_quantile(0.95, sum by (le, kind) (rate(a_bucket{x=~"0|5..",y="z=1"}[5m]))) / 2e9 > time() - b')
    assert found == [("a_bucket", {"le", "kind", "x", "y"}), ("b", {"le", "kind"})]


@pytest.mark.parametrize("expression", expressions())
def test_every_expression_asks_for_series_and_labels_that_exist(expression):
    found = series_of(expression)
    assert found
    for name, labels in found:
        assert name in known(), f"there is no figure {name}"
        if len(found) == 1:
            assert labels <= known()[name] | {"job", "instance"}, f"{name} has no label {labels - known()[name]}"


def test_the_expressions_are_many():
    assert len(expressions()) > 60
    assert len({name for expression in expressions() for name, _ in series_of(expression)}) > 40


def test_every_figure_of_the_database_is_watched_by_somebody():
    """A figure that is on no panel and in no alert is read by nobody."""
    watched = {name for expression in expressions() for name, _ in series_of(expression)}
    assert set(FAMILIES) - watched <= UNWATCHED


UNWATCHED = {
    "stallkeeper_step_last_success_timestamp_seconds",
    "stallkeeper_exposure_offers",
    "stallkeeper_rate_budget_spent_total",
    "stallkeeper_rate_budget_refused_total",
}
"""For looking closer at one account."""


def test_panels_do_not_lie_on_one_another():
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in BOARD["panels"]]
    assert len(places) == len(set(places))
    assert len({panel["id"] for panel in BOARD["panels"]}) == len(places)


# --- runbooks -----------------------------------------------------------------------------------------------------------------------------


def notification_kinds() -> set[str]:
    """Keys of notifications as the code writes them, with N for what differs."""
    found = set()
    for path in (ROOT / "src/stallkeeper").rglob("*.py"):
        text = path.read_text("utf-8")
        if "notify" not in text and "notice_of" not in text:
            continue
        found |= {key for node in ast.walk(ast.parse(text)) if (key := text_of(node)) and KEYS.fullmatch(key)}
    return found - NOT_NOTIFICATIONS


def text_of(node: ast.AST) -> str | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "N" for part in node.values)
    return None


def raises() -> list[tuple[str, ast.FunctionDef, ast.Call]]:
    """(file, function, call) of every ``notify.raise_``."""
    found = []
    for path in (ROOT / "src/stallkeeper").rglob("*.py"):
        for function in (node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.FunctionDef)):
            calls = (node for node in ast.walk(function) if isinstance(node, ast.Call))
            found += [(path.name, function, call) for call in calls if ast.unparse(call.func) == "notify.raise_"]
    return found


def test_titles_of_notifications_can_be_said_in_another_language():
    """ADR 0062: a title is made by ``_()``, on the spot or just before, or is a constant of the module that is."""
    assert len(raises()) > 15
    for file, function, call in raises():
        title = call.args[3]
        made = [title]
        if isinstance(title, ast.Name) and not title.id.isupper():
            made = [node.value for node in ast.walk(function) if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == title.id]
        assert made, f"{file}: {function.name}"
        for value in made:
            constant = isinstance(value, ast.Name) and value.id.isupper()
            assert constant or ast.unparse(value).startswith("_("), f"{file}: {function.name}: {ast.unparse(value)}"


def listed(pattern: str) -> dict[str, str]:
    """What the table of runbooks names, with the page."""
    return dict(re.findall(pattern, (RUNBOOKS / "README.md").read_text("utf-8"), re.MULTILINE))


def test_every_alert_has_its_page_and_every_page_its_alarm():
    alerts = {alert["alert"] for alert in ALERTS}
    pages = listed(r"^\| \[(Stallkeeper\w+)\]\((\w+\.md)\)")
    notices = listed(r"^\| `([a-zN_:]+)` \| \[[^\]]+\]\((\w+\.md)\)")
    assert pages == {name: f"{name}.md" for name in alerts}
    assert set(notices) == notification_kinds()
    assert {page.name for page in RUNBOOKS.glob("*.md")} == {"README.md", *pages.values(), *notices.values()}
    assert all(alert["annotations"]["runbook"] == f"docs/runbooks/{alert['alert']}.md" for alert in ALERTS)


@pytest.mark.parametrize("page", sorted(RUNBOOKS.glob("[!R]*.md")), ids=lambda page: page.stem)
def test_a_runbook_says_what_why_and_when(page):
    text = page.read_text("utf-8")
    parts = re.findall(r"^## (.+)\n\n(.+)", text, re.MULTILINE)
    assert [title for title, _ in parts] == ["What it means", "How to see it", "What to do", "When to worry"]


def test_runbooks_quote_the_alert_as_it_is():
    for alert in ALERTS:
        text = " ".join((RUNBOOKS / f"{alert['alert']}.md").read_text("utf-8").split())
        assert f"`{alert['expr']}`" in text


# --- the page -----------------------------------------------------------------------------------------------------------------------------


def test_the_page_lists_every_figure_with_its_labels_and_words():
    page = (ROOT / "docs" / "observability.md").read_text("utf-8")
    rows = re.findall(r"^\| `(stallkeeper_\w+)` \| (.*?) \| (.+) \|$", page, re.MULTILINE)
    wanted = [(name, ", ".join(family.labels), family.help) for name, family in FAMILIES.items()]
    wanted += [(figure.name, ", ".join(figure.labels), figure.help) for figure in figures.ALL]
    assert rows == wanted


def test_labels_are_bounded():
    """SKUs, numbers of orders and people have no end, and no place in labels."""
    labels = {label for family in FAMILIES.values() for label in family.labels} | {
        label for figure in figures.ALL for label in figure.labels
    }
    assert labels == (
        {"connection", "channel", "platform", "kind", "state", "step", "quantile", "danger", "verdict", "bucket", "task", "severity"}
        | {"table", "part", "route", "method", "status", "outcome", "operation", "use_case", "what", "direction"}
    )
