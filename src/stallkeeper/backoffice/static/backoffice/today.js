// What renews itself keeps its place: the focus stays on the same link, and a table that was scrolled sideways stays there.
"use strict";

(function () {
  let focused = "";
  let scrolled = [];

  function holder(event) {
    return event.detail.target && event.detail.target.matches("[data-keeps-place]") ? event.detail.target : null;
  }

  document.addEventListener("htmx:beforeSwap", function (event) {
    const place = holder(event);
    if (!place) return;
    const active = document.activeElement;
    focused = place.contains(active) ? active.getAttribute("href") || "" : "";
    scrolled = Array.from(place.querySelectorAll(".sk-scroll")).map((element) => element.scrollLeft);
  });

  document.addEventListener("htmx:afterSwap", function (event) {
    const place = holder(event);
    if (!place) return;
    place.querySelectorAll(".sk-scroll").forEach((element, index) => { element.scrollLeft = scrolled[index] || 0; });
    if (!focused) return;
    const again = Array.from(place.querySelectorAll("a[href]")).find((link) => link.getAttribute("href") === focused);
    if (again) again.focus({ preventScroll: true });
  });
})();
