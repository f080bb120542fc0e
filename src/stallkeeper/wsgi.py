"""What the web server calls."""

from __future__ import annotations

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "stallkeeper.settings")
application = get_wsgi_application()

from stallkeeper.core import figures  # noqa: E402 - needs Django

figures.start()
