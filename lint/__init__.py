"""Rules of this house that no ready-made linter knows. Each has an identifier, a reason of one line, and tests. Run: ``python -m lint``.

A line that must break a rule says so, on itself or on the line before: ``# lint: allow <rule> because <reason>``.
"""
