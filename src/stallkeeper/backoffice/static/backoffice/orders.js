// Orders: a column of tracking numbers pasted into one field fills those below it; printing; copying.
"use strict";

(function () {
  function fillDown(field, lines) {
    const fields = Array.from(document.querySelectorAll("[data-paste-down]"));
    fields.slice(fields.indexOf(field)).forEach((each, position) => {
      if (position < lines.length) each.value = lines[position];
    });
  }

  document.addEventListener("paste", function (event) {
    const field = event.target.closest && event.target.closest("[data-paste-down]");
    if (!field) return;
    const lines = event.clipboardData.getData("text").split(/\r\n|\r|\n/).map((line) => line.trim());
    while (lines.length && !lines[lines.length - 1]) lines.pop();
    if (lines.length < 2) return;
    event.preventDefault();
    fillDown(field, lines);
  });

  document.addEventListener("click", function (event) {
    const copier = event.target.closest("[data-copy-text]");
    if (copier && navigator.clipboard) {
      navigator.clipboard.writeText(copier.dataset.copyText).then(() => {
        copier.querySelector("[data-copied]").textContent = copier.querySelector("[data-copied]").dataset.copied;
      });
    }
    if (event.target.closest("[data-print]")) window.print();
  });
})();
