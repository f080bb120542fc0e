// Small helps on top of pages that work without them: the side panel, forms that send themselves, the search key.
"use strict";

(function () {
  let opener = null;

  function panel() {
    return document.getElementById("panel");
  }

  function closePanel() {
    if (!panel() || !panel().firstElementChild) return false;
    panel().replaceChildren();
    document.querySelectorAll("tr.sk-selected").forEach((row) => row.classList.remove("sk-selected"));
    if (opener) opener.focus();
    return true;
  }

  function markOpener(event) {
    if (event.detail.target !== panel()) return;
    const element = event.detail.requestConfig ? event.detail.requestConfig.elt : event.detail.elt;
    if (element && !panel().contains(element)) opener = element;
  }

  function panelShown(event) {
    if (event.detail.target !== panel() || !panel().firstElementChild) return;
    document.querySelectorAll("tr.sk-selected").forEach((row) => row.classList.remove("sk-selected"));
    const row = opener ? opener.closest("tr") : null;
    if (row) row.classList.add("sk-selected");
    const close = panel().querySelector("[data-close]");
    if (close) close.focus();
  }

  // What was changed in the panel stands in its row of the list behind it, too. A row that is typed into stays as it is.
  function renewRow(event) {
    const row = opener && opener.closest("tr");
    const href = opener && opener.getAttribute("href");
    const changed = event.detail.successful && event.detail.requestConfig.verb !== "get" && event.detail.target === panel();
    if (!changed || !row || !href || row.querySelector("input[type=number], input[type=text]")) return;
    fetch(window.location.href).then((answer) => answer.text()).then((text) => {
      const list = new DOMParser().parseFromString(text, "text/html");
      const link = Array.from(list.querySelectorAll("tr a")).find((each) => each.getAttribute("href") === href);
      if (link && row.isConnected) takePlace(row, document.adoptNode(link.closest("tr")), link);
    }, () => undefined);
  }

  function takePlace(row, fresh, link) {
    const box = row.querySelector("[data-choose]");
    if (box && fresh.querySelector("[data-choose]")) fresh.querySelector("[data-choose]").checked = box.checked;
    fresh.className = row.className;
    if (opener && row.contains(opener)) opener = link;
    row.replaceWith(fresh);
    window.htmx.process(fresh);
  }

  function countChosen() {
    const boxes = Array.from(document.querySelectorAll("[data-choose]"));
    const chosen = boxes.filter((box) => box.checked).length;
    document.querySelectorAll("[data-chosen]").forEach((bar) => {
      bar.classList.toggle("sk-hidden", chosen === 0);
      const count = bar.querySelector("[data-count]");
      if (count) count.textContent = String(chosen);
    });
  }

  // Browsers let only secure pages write to the clipboard; elsewhere the text is at least chosen, ready for the keyboard.
  function copy(field, button) {
    field.select();
    if (!navigator.clipboard) return;
    navigator.clipboard.writeText(field.value).then(() => { button.textContent = button.dataset.copied; }, () => field.select());
  }

  // A form that came back stands at its top again; what is to be put right may lie far below, or be folded away.
  function leadToWhatIsWrong() {
    const wrong = document.querySelector("[aria-invalid=true]");
    if (!wrong) return;
    const folded = wrong.closest("details");
    if (folded) folded.open = true;
    wrong.focus();
  }

  // What was not answered stays on the page and looks as if it were. Each asks for itself: what renews itself takes its complaint back.
  const unanswered = new Set();

  function answered(event) {
    const words = document.querySelector("[data-unanswered]");
    if (!words) return;
    if (event.detail.successful || event.detail.xhr.status === 422) unanswered.delete(event.detail.elt);
    else unanswered.add(event.detail.elt);
    words.hidden = !Array.from(unanswered).some((element) => element.isConnected);
  }

  document.addEventListener("change", function (event) {
    const element = event.target;
    if (element.matches("[data-choose-all]")) {
      document.querySelectorAll("[data-choose]").forEach((box) => { box.checked = element.checked; });
    }
    if (element.matches("[data-choose], [data-choose-all]")) countChosen();
    if (element.matches("[data-submit-on-change]") && element.form) element.form.requestSubmit();
  });

  document.addEventListener("click", function (event) {
    if (event.target.closest("[data-close]")) {
      event.preventDefault();
      closePanel();
    }
    const copier = event.target.closest("[data-copy]");
    if (copier) copy(document.getElementById(copier.dataset.copy), copier);
  });

  document.addEventListener("keydown", function (event) {
    const typing = event.target.closest && event.target.closest("input, textarea, select, [contenteditable]");
    if (event.key === "Escape" && closePanel()) return;
    if (event.key === "/" && !typing && !document.querySelector("dialog[open]")) {
      const search = document.querySelector("[data-search]");
      event.preventDefault();
      if (!search) {
        window.stallkeeperPalette();
        return;
      }
      search.focus();
      search.select();
    }
  });

  document.addEventListener("htmx:beforeRequest", markOpener);
  document.addEventListener("htmx:afterSwap", panelShown);
  document.addEventListener("htmx:afterRequest", renewRow);
  document.addEventListener("htmx:responseError", answered);
  document.addEventListener("htmx:sendError", answered);
  document.addEventListener("htmx:afterOnLoad", answered);
  // Fragments keep their own forms safe: every request of htmx that changes something carries the token of the page.
  document.addEventListener("htmx:configRequest", function (event) {
    const token = document.querySelector("input[name=csrfmiddlewaretoken]");
    if (token && event.detail.verb !== "get") event.detail.headers["X-CSRFToken"] = token.value;
  });

  document.addEventListener("DOMContentLoaded", function () {
    window.htmx.config.defaultSettleDelay = 0; // a form that was just swapped in is htmx's at once: no key falls between
    countChosen();
    leadToWhatIsWrong();
    document.querySelectorAll("form[data-submit-at-once]").forEach((form) => form.requestSubmit());
  });
})();
