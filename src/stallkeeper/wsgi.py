"""What the web server calls."""

from __future__ import annotations

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "stallkeeper.settings")
application = get_wsgi_application()

from django.conf import settings  # noqa: E402 - needs Django

from stallkeeper.core import figures, tracing  # noqa: E402 - the same

figures.start()
if settings.ENV.traces:
    tracing.start(settings.ENV.traces, settings.ENV.traces_sample, "stallkeeper-web")
