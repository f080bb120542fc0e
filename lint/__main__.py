"""``python -m lint`` examines the repository; ``python -m lint --rules`` lists the rules."""

from __future__ import annotations

import sys
from pathlib import Path

from lint import code, databases, outward, points, sizes, templates, words
from lint.engine import RULES, examine, files

SUBJECTS = (sizes, databases, code, points, templates, outward, words)


def main() -> int:
    if "--rules" in sys.argv:
        print("\n".join(f"{rule.id:15} {rule.reason}" for rule in sorted(RULES.values(), key=lambda rule: rule.id)))
        return 0
    findings = [finding for source in files(Path(__file__).parent.parent) for finding in examine(source)]
    for finding in findings:
        print(finding)
    print(f"{len(findings)} findings by {len(RULES)} rules." if findings else f"{len(RULES)} rules, nothing found.")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
