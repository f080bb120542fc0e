"""The matrix of promises: capabilities × adapters, from running the contract suite, as Markdown.

``python -m stallkit.testing.matrix > docs/contract-matrix.md``. The adapters are the ``Contract`` subclasses in ``tests/contract``. A
failing case makes the run fail, so that no matrix covers up a broken promise.
"""

from __future__ import annotations

import importlib.util
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from stallkit.testing.contract import CASES, CHAPTERS, Contract, Judgement, Subject, Verdict, judge

TESTS = Path(__file__).resolve().parents[3] / "tests" / "contract"
HEAD = """# Contract matrix

What each adapter has been shown to keep, by running `stallkit.testing.contract` against its emulator.
Made by `python -m stallkit.testing.matrix > docs/contract-matrix.md`; a test fails when it is out of date.

“12” means that all twelve cases of the chapter are proven; “11 + 1” that eleven are, and one is skipped for the reason given below;
“–” that the adapter does not declare the capability.
"""
Results = Mapping[str, Mapping[str, Judgement]]
"""Platform to case id to judgement."""


def find_subjects(folder: Path = TESTS) -> list[type[Subject]]:
    """The ``Contract`` subclasses in the folder's test modules, by platform."""
    found: dict[str, type[Subject]] = {}
    for path in sorted(folder.glob("test_*.py")):
        spec = importlib.util.spec_from_file_location(f"contract_{path.stem}", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        for value in vars(module).values():
            if isinstance(value, type) and issubclass(value, Contract) and value is not Contract:
                found[value.platform] = value
    return [found[platform] for platform in sorted(found)]


def run(subjects: Sequence[type[Subject]]) -> Results:
    return {subject.platform: {case.id: judge(case, subject) for case in CASES.values()} for subject in subjects}


def failures(results: Results) -> list[str]:
    return [
        f"{platform}: {case_id}: {judgement.reason}"
        for platform, judged in results.items()
        for case_id, judgement in judged.items()
        if judgement.verdict is Verdict.FAILED
    ]


def render(results: Results) -> str:
    """The whole page."""
    platforms = list(results)
    rows = [f"| Chapter | {' | '.join(platforms)} |", f"| --- | {' | '.join('---' for _ in platforms)} |"]
    names = {chapter: f"{chapter} (`{capability.value}`)" for capability, chapter in CHAPTERS.items()}
    for chapter in dict.fromkeys(case.chapter for case in CASES.values()):
        cells = [cell(judged, chapter) for judged in results.values()]
        rows.append(f"| {names.get(chapter, chapter)} | {' | '.join(cells)} |")
    return "\n".join([HEAD, *rows, "", *notes(results), *promises()]) + "\n"


def cell(judged: Mapping[str, Judgement], chapter: str) -> str:
    counts = Counter(judged[case.id].verdict for case in CASES.values() if case.chapter == chapter)
    proven, skipped = counts[Verdict.PROVEN], counts[Verdict.SKIPPED]
    if not proven and not skipped:
        return "–"
    return f"{proven} + {skipped}" if skipped else str(proven)


def notes(results: Results) -> list[str]:
    """Each reason for which cases are skipped, or moot although the capability is declared, with those cases."""
    told: dict[tuple[str, str], list[str]] = {}
    for platform, judged in results.items():
        for case_id, judgement in judged.items():
            if judgement.verdict is Verdict.SKIPPED or (judgement.verdict is Verdict.MOOT and not judgement.undeclared):
                told.setdefault((platform, judgement.reason), []).append(f"`{case_id}`")
    lines = [f"- {platform}: {reason}: {', '.join(case_ids)}" for (platform, reason), case_ids in told.items()]
    return ["## Skipped, and why", "", *lines, ""]


def promises() -> list[str]:
    """Every promise once; those that all capabilities make are told under ``*``."""
    told: dict[str, list[str]] = {}
    for case in CASES.values():
        told.setdefault(case.promise, []).append(case.id)
    lines = [f"- `{case_ids[0] if len(case_ids) == 1 else shared(case_ids)}`: {promise}" for promise, case_ids in told.items()]
    return ["## The cases", "", *lines]


def shared(case_ids: Sequence[str]) -> str:
    names = {case_id.split(".")[1] for case_id in case_ids}
    return f"*.{names.pop()}" if len(names) == 1 else "`, `".join(case_ids)


def main() -> int:
    results = run(find_subjects())
    broken = failures(results)
    if broken:
        sys.stderr.write("\n".join(["the contract is broken:", *broken]) + "\n")
        return 1
    sys.stdout.write(render(results))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
