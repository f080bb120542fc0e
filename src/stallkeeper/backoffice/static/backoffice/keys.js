// One-letter keys: g and a letter goes to a screen, j and k walk through a list, ? shows them all. They can be switched off (WCAG 2.1.4).
"use strict";

(function () {
  const OFF = "sk-keys-off";
  const SECOND = 1200; // milliseconds that the letter after g may take
  let going = 0;
  let last = null; // the row that the list was left at

  function off() {
    try {
      return window.localStorage.getItem(OFF) === "1";
    } catch {
      return false; // a browser that keeps nothing
    }
  }

  function turn(on) {
    try {
      window.localStorage.setItem(OFF, on ? "0" : "1");
    } catch {
      // as above
    }
  }

  function help() {
    return document.getElementById("keys");
  }

  function showHelp() {
    if (!help() || help().open) return;
    help().querySelector("[data-keys-on]").checked = !off();
    help().showModal();
  }

  // The letter on the key, also where the layout is not Latin: the key of "g" is "п" on a Russian keyboard.
  function letter(event) {
    if (/^[\x20-\x7e]$/.test(event.key)) return event.key;
    return /^Key[A-Z]$/.test(event.code) ? event.code[3].toLowerCase() : event.key;
  }

  const ROW = ".sk-table tbody tr, .sk-groups > li";

  function way(row) {
    return row.querySelector("td a.sk-link, td a[href], td button, .sk-group a[href], .sk-group button");
  }

  function here() {
    return document.activeElement ? document.activeElement.closest(ROW) : null;
  }

  function rows() {
    return Array.from(document.querySelectorAll(`#content :is(${ROW})`)).filter((row) => !row.closest("#panel") && way(row) && row.offsetParent);
  }

  function walk(step) {
    const all = rows();
    if (!all.length) return;
    const at = all.indexOf(all.includes(here()) ? here() : last);
    last = all[at < 0 ? (step > 0 ? 0 : all.length - 1) : Math.min(Math.max(at + step, 0), all.length - 1)];
    way(last).focus();
    last.scrollIntoView({ block: "nearest" });
  }

  function choose() {
    const row = here();
    const box = (row && rows().includes(row) ? row : last || document.body).querySelector("input[data-choose]");
    if (!box || !(row || last)) return;
    box.click();
  }

  function follow(selector) {
    const link = document.querySelector(selector);
    if (link) link.click();
    return Boolean(link);
  }

  const ACTS = {
    "?": showHelp,
    j: () => walk(1),
    k: () => walk(-1),
    x: choose,
    n: () => follow("#content a[rel=next]"),
    p: () => follow("#content a[rel=prev]"),
    g: () => { going = Date.now(); },
  };

  document.addEventListener("keydown", function (event) {
    const target = event.target.closest ? event.target : document.body;
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || off()) return;
    if (target.closest("input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable]") || document.querySelector("dialog[open]")) return;
    const key = letter(event);
    if (going && Date.now() - going < SECOND) {
      going = 0;
      if (follow(`#keys a[data-go="${CSS.escape(key)}"]`)) event.preventDefault();
      return;
    }
    going = 0;
    if (!Object.hasOwn(ACTS, key)) return;
    event.preventDefault();
    ACTS[key]();
  });

  document.addEventListener("click", function (event) {
    if (event.target.closest("[data-keys]")) showHelp();
    if (help() && (event.target === help() || event.target.closest("[data-keys-close]"))) help().close();
  });

  document.addEventListener("change", function (event) {
    if (event.target.matches("[data-keys-on]")) turn(event.target.checked);
  });
})();
