"""What leaves us: tables that spreadsheets open, and pages that browsers show."""

from __future__ import annotations

import ast
import re

from lint.code import _dotted, _imported
from lint.engine import Found, Source, product, rule
from lint.templates import _line, _templates

ONE_PLACE = "src/stallkeeper/catalog/imports/safe_cells.py"


@rule("table-writer", "A text may be a formula: tables are written by catalog.imports.safe_cells alone", product)
def table_writer(source: Source) -> Found:
    if source.path == ONE_PLACE:
        return
    for call in source.nodes(ast.Call):
        if isinstance(call, ast.Call) and (name := _dotted(call.func)) in {"csv.writer", "csv.DictWriter", "xlsxwriter.Workbook"}:
            yield call.lineno, f"{name}()"
    for line, name in _imported(source):
        if name in {"xlsxwriter.Workbook", "csv.writer", "csv.DictWriter", "openpyxl"}:
            yield line, f"import of {name}"


RAW = re.compile(r"\|\s*safe(?:seq)?\b|\{%\s*autoescape\s+off", re.IGNORECASE)
SCRIPT = re.compile(r"<script\b(?![^>]*\bsrc\s*=)|\son[a-z]+\s*=\s*[\"']|[\"']\s*javascript:", re.IGNORECASE)


@rule("raw-page", "What is shown is escaped, and no page holds a script: the policy for browsers forbids it", _templates)
def raw_page(source: Source) -> Found:
    for pattern in (RAW, SCRIPT):
        for match in pattern.finditer(source.text):
            yield _line(source.text, match.start()), f"{match[0].strip()!r}"
