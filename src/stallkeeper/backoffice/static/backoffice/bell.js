// The bell renews itself: the focus stays where it was, and what is new is said once, politely, whatever page is open.
"use strict";

(function () {
  const KEY = "sk-bell";
  let focused = "";

  function list(event) {
    return event.detail.target && event.detail.target.id === "bell-list" ? event.detail.target : null;
  }

  function known() {
    try {
      return window.localStorage.getItem(KEY);
    } catch {
      return null; // a browser that keeps nothing is told nothing
    }
  }

  function learn(newest) {
    try {
      window.localStorage.setItem(KEY, newest);
    } catch {
      // it is forgotten with the page
    }
  }

  function say(parts) {
    const before = known();
    const { newest, said } = parts.dataset;
    if (before !== null && Number(newest) > Number(before)) document.getElementById("bell-said").textContent = said;
    if (before === null || Number(newest) > Number(before)) learn(newest);
  }

  document.addEventListener("htmx:beforeSwap", function (event) {
    const place = list(event);
    if (!place) return;
    focused = place.contains(document.activeElement) ? document.activeElement.dataset.bell || "bell" : "";
  });

  document.addEventListener("htmx:afterSwap", function (event) {
    const place = list(event);
    if (!place) return;
    const parts = place.querySelector("[data-newest]");
    if (parts) say(parts);
    if (!focused) return;
    const again = place.querySelector(`[data-bell="${CSS.escape(focused)}"]`) || document.getElementById("bell");
    again.focus({ preventScroll: true });
  });
})();
