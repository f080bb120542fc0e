// Orders: a column of tracking numbers pasted into one field fills those below it, a scanner goes on to the next; printing; copying.
"use strict";

(function () {
  function fillDown(field, lines) {
    const fields = Array.from(document.querySelectorAll("[data-paste-down]"));
    fields.slice(fields.indexOf(field)).forEach((each, position) => {
      if (position < lines.length) each.value = lines[position];
    });
  }

  // Two columns go by their order numbers, which the server knows.
  function fillBeside(form, lines) {
    form.elements.pasted.value = lines.join("\n");
    form.requestSubmit(form.elements.fill);
  }

  document.addEventListener("paste", function (event) {
    const field = event.target.closest && event.target.closest("[data-paste-down]");
    if (!field) return;
    const lines = event.clipboardData.getData("text").split(/\r\n|\r|\n/).map((line) => line.trim());
    while (lines.length && !lines[lines.length - 1]) lines.pop();
    const columns = lines.some((line) => line.includes("\t"));
    if (lines.length < 2 && !columns) return;
    event.preventDefault();
    if (columns) fillBeside(field.form, lines);
    else fillDown(field, lines);
  });

  // A scanner ends each number with Enter, which would send the form for every one.
  document.addEventListener("keydown", function (event) {
    if (event.key !== "Enter" || !event.target.matches("[data-paste-down]")) return;
    event.preventDefault();
    const fields = Array.from(document.querySelectorAll("[data-paste-down]"));
    (fields[fields.indexOf(event.target) + 1] || event.target).select();
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
