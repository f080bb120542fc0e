"""Addresses of the back office and of the doors for channels."""

from __future__ import annotations

from django.urls import include, path

from stallkeeper.api import hints
from stallkeeper.backoffice.screens import site

urlpatterns = [
    path("hints/<str:token>/", hints.hint, name="hint"),
    path("hints/<str:token>/<path:rest>", hints.hint),
    path("", include("stallkeeper.backoffice.urls")),
    path("", site.urls),
]
