"""``python -m tests.races.locks`` prints the table of docs/locks.md."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "stallkeeper.settings")
django.setup()

from tests.races.locks.registry import table  # noqa: E402 - its modules import models

print(table())
