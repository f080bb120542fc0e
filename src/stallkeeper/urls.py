"""Addresses of the back office and of the doors for channels."""

from __future__ import annotations

from django.urls import include, path

from stallkeeper.api import commerceml
from stallkeeper.api.service import api
from stallkeeper.backoffice.screens import site

urlpatterns = [
    path("", include("stallkeeper.backoffice.urls")),
    path("1c/<str:token>/", commerceml.exchange, name="exchange-1c"),
    path("", api.urls),
    path("", site.urls),
]
