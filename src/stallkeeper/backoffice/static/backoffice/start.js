// Forms that take a while say so and cannot be sent twice; a company that still counts in UTC is offered the browser's time zone.
"use strict";

(function () {
  document.addEventListener("submit", function (event) {
    const form = event.target;
    if (!form.matches("form[data-busy]")) return;
    if (form.dataset.sent) {
      event.preventDefault();
      return;
    }
    form.dataset.sent = "1";
    const words = form.querySelector("[data-busy-words]");
    if (words) words.hidden = false;
    form.setAttribute("aria-busy", "true");
  });

  // Coming back with the browser's button shows the page as it was left: it may be sent again.
  window.addEventListener("pageshow", function () {
    document.querySelectorAll("form[data-busy]").forEach((form) => {
      delete form.dataset.sent;
      form.removeAttribute("aria-busy");
      form.querySelectorAll("[data-busy-words]").forEach((words) => { words.hidden = true; });
    });
  });

  document.addEventListener("DOMContentLoaded", function () {
    const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
    document.querySelectorAll("select[data-own-zone]").forEach((zones) => {
      const known = Array.from(zones.options).some((option) => option.value === own);
      if (zones.value === "UTC" && known) zones.value = own;
    });
  });
})();
