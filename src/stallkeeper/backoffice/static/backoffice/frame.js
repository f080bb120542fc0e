// The frame: the side bar that folds, and menus that close. Works without: the side bar is wide, menus are <details>.
"use strict";

(function () {
  const page = document.documentElement;
  const PHONE = window.matchMedia("(max-width: 767px)");
  const TABLET = window.matchMedia("(max-width: 1199px)");
  const KEY = "sk-side";

  function remembered() {
    try {
      return window.localStorage.getItem(KEY);
    } catch {
      return null; // a browser that keeps nothing
    }
  }

  function remember(side) {
    try {
      window.localStorage.setItem(KEY, side);
    } catch {
      // it is forgotten with the page
    }
  }

  function side() {
    if (PHONE.matches) return "closed";
    return remembered() || (TABLET.matches ? "slim" : "wide");
  }

  function show(wanted) {
    page.dataset.side = wanted;
    const toggle = document.querySelector("[data-side-toggle]");
    if (toggle) toggle.setAttribute("aria-expanded", String(wanted === "wide" || wanted === "open"));
  }

  function fold() {
    if (PHONE.matches) {
      show(page.dataset.side === "open" ? "closed" : "open");
      const first = document.querySelector("#nav-sidebar nav a");
      if (page.dataset.side === "open" && first) first.focus();
      return;
    }
    const wanted = page.dataset.side === "slim" ? "wide" : "slim";
    remember(wanted);
    show(wanted);
  }

  function closeSide() {
    if (page.dataset.side !== "open") return false;
    show("closed");
    document.querySelector("[data-side-toggle]").focus();
    return true;
  }

  function closeMenus(except) {
    let closed = null;
    document.querySelectorAll("details.sk-menu[open]").forEach((menu) => {
      if (menu === except || (except && menu.contains(except))) return;
      menu.removeAttribute("open");
      closed = menu;
    });
    return closed;
  }

  document.addEventListener("click", function (event) {
    if (event.target.closest("[data-side-toggle]")) fold();
    if (event.target.closest("[data-side-close]")) closeSide();
    closeMenus(event.target);
  });

  document.addEventListener("keydown", function (event) {
    if (event.key !== "Escape") return;
    const menu = closeMenus(null);
    if (menu) menu.querySelector("summary").focus();
    if (menu || closeSide()) event.stopImmediatePropagation();
  });

  // A table that fits lets its head stay in sight (backoffice.css); one that is too wide scrolls in a box of its own.
  function fit() {
    document.querySelectorAll(".sk-scroll").forEach((box) => box.toggleAttribute("data-fits", box.scrollWidth <= box.clientWidth));
  }

  const sizes = new ResizeObserver(fit);

  function watch() {
    document.querySelectorAll(".sk-scroll").forEach((box) => sizes.observe(box));
  }

  ["DOMContentLoaded", "htmx:afterSettle"].forEach((moment) => document.addEventListener(moment, watch));

  // Before the first picture, so that nothing jumps.
  show(side());
  document.addEventListener("DOMContentLoaded", () => show(side()));
  [PHONE, TABLET].forEach((width) => width.addEventListener("change", () => show(side())));
})();
