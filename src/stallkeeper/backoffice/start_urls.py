"""Addresses of the first run."""

from __future__ import annotations

from django.urls import path

from stallkeeper.backoffice import start, start_goods, start_send

urlpatterns = [
    path("start/", start.start, name="start"),
    path("start/organisation/", start.found, name="found"),
    path("start/company/", start.company, name="start_company"),
    path("start/stall/", start.stall, name="start_stall"),
    path("start/products/", start_goods.products, name="start_products"),
    path("start/links/", start_goods.listed, name="start_links"),
    path("start/links/act/", start_goods.link, name="start_link"),
    path("start/rules/", start_send.ruled, name="start_rules"),
    path("start/orders/", start_send.orders, name="start_orders"),
    path("start/send/", start_send.first_send, name="start_send"),
    path("start/done/", start.done, name="start_done"),
    path("start/later/", start.later, name="start_later"),
    path("start/end/", start.end, name="start_end"),
]
