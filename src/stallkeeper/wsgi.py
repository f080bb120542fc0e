"""What the web server calls."""

from __future__ import annotations

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "stallkeeper.settings")
application = get_wsgi_application()

from django.conf import settings  # noqa: E402 - needs Django
from django.urls import get_resolver  # noqa: E402 - the same

from stallkeeper.core import figures, garbage, tracing  # noqa: E402 - the same

figures.start()
if settings.ENV.traces:
    tracing.start(settings.ENV.traces, settings.ENV.traces_sample, "stallkeeper-web")
_ = get_resolver().url_patterns  # loads the screens, which the first request would
garbage.spare_what_is_loaded()
