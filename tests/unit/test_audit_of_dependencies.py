"""The audit of what is locked: a vulnerability fails, a service that is away does not, and both are said."""

import json

from tools import audit

CLEAN = {"name": "django", "version": "5.2.9", "vulns": []}
WEAK = {"name": "pillow", "version": "1.0", "vulns": [{"id": "PYSEC-2026-1", "fix_versions": ["1.1"], "aliases": [], "description": ""}]}


def judge(*packages, errors=""):
    return audit.judge(json.dumps({"dependencies": packages, "fixes": []}), errors)


def test_nothing_known_passes():
    assert judge(CLEAN) == (0, "1 of 1 packages audited, 0 known vulnerabilities.")


def test_a_vulnerability_fails_and_names_the_remedy():
    code, words = judge(CLEAN, WEAK, errors="Found 1 known vulnerability in 1 package")
    assert code == 1
    assert "pillow 1.0: PYSEC-2026-1, mended in 1.1" in words


def test_what_could_not_be_looked_up_is_said():
    code, words = judge(CLEAN, {"name": "own", "skip_reason": "not on the index"})
    assert code == 0
    assert "not audited: own (not on the index)" in words
    assert words.endswith("1 of 2 packages audited, 0 known vulnerabilities.")


def test_many_that_could_not_be_looked_up_are_one_line():
    unknown = [{"name": f"package{number}", "skip_reason": "no answer"} for number in range(60)]
    words = judge(CLEAN, *unknown)[1].splitlines()
    assert words == ["not audited: 60 packages (the first: package0, no answer)", "1 of 61 packages audited, 0 known vulnerabilities."]


def test_a_service_that_is_away_is_a_reason_and_no_finding():
    errors = "Traceback\n  File x\nrequests.exceptions.ConnectionError: no route to the service\n"
    assert audit.judge("", errors) == (0, "skipped: requests.exceptions.ConnectionError: no route to the service")
    assert audit.judge("not json", "") == (0, "skipped: pip-audit wrote no report and no reason")


def test_the_lock_file_is_the_one_that_is_installed_from():
    assert (audit.ROOT / audit.LOCK).exists()
    assert "--no-deps" in audit.COMMAND, "exactly what is locked, and nothing is resolved anew"
