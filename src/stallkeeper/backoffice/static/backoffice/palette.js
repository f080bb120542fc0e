// The palette: opens by Ctrl/⌘+K or its button, arrows choose, Enter opens. What it lists comes from the server, through htmx.
"use strict";

(function () {
  const MAC = /mac/i.test(navigator.platform);
  let opensFirst = false; // Enter was pressed before the answer came: a scanner types faster than we look
  let shownFor = null;

  function palette() {
    return document.getElementById("palette");
  }

  function field() {
    return palette().querySelector("input");
  }

  function options() {
    return Array.from(palette().querySelectorAll("[role=option]"));
  }

  function look() {
    field().dispatchEvent(new Event("look"));
  }

  function open() {
    if (!palette() || palette().open) return;
    palette().showModal();
    field().select();
    if (shownFor === null) look();
  }

  function choose(option) {
    options().forEach((each) => each.setAttribute("aria-selected", String(each === option)));
    if (!option) {
      field().removeAttribute("aria-activedescendant");
      return;
    }
    field().setAttribute("aria-activedescendant", option.id);
    option.scrollIntoView({ block: "nearest" });
  }

  function move(step) {
    const all = options();
    const at = all.findIndex((each) => each.getAttribute("aria-selected") === "true");
    if (all.length) choose(all[(at + step + all.length) % all.length]);
  }

  function go(elsewhere) {
    const chosen = palette().querySelector("[role=option][aria-selected=true]");
    if (!chosen) return;
    if (elsewhere && chosen.href) {
      window.open(chosen.href, "_blank", "noopener");
      return;
    }
    chosen.click();
  }

  function pressed(event) {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      move(event.key === "ArrowDown" ? 1 : -1);
    } else if (event.key === "Enter") {
      event.preventDefault();
      if (shownFor === field().value) {
        go(event.ctrlKey || event.metaKey);
      } else {
        opensFirst = true;
        look();
      }
    }
  }

  document.addEventListener("keydown", function (event) {
    if ((event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey && event.key.toLowerCase() === "k") {
      if (!palette()) return;
      event.preventDefault();
      if (palette().open) palette().close();
      else open();
      return;
    }
    if (palette() && palette().open && event.target === field()) pressed(event);
  });

  document.addEventListener("click", function (event) {
    const button = event.target.closest("[data-palette]");
    if (button && !event.ctrlKey && !event.metaKey && palette()) {
      event.preventDefault();
      open();
    }
    if (event.target === palette()) palette().close(); // the backdrop is the dialog itself
  });

  document.addEventListener("htmx:afterSwap", function (event) {
    if (event.detail.target.id !== "palette-found") return;
    shownFor = event.detail.pathInfo ? new URL(event.detail.pathInfo.finalRequestPath, location.href).searchParams.get("q") : field().value;
    choose(options()[0]);
    if (!opensFirst) return;
    opensFirst = false;
    go(false);
  });

  document.addEventListener("DOMContentLoaded", function () {
    if (MAC) document.querySelectorAll("[data-mac]").forEach((key) => { key.textContent = key.dataset.mac; });
  });

  window.stallkeeperPalette = open;
})();
