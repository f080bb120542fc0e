// Choosing many rows: Shift and a click choose, or let go of, every row from the one pressed before to this one.
"use strict";

(function () {
  let before = null;

  document.addEventListener("click", function (event) {
    const box = event.target.closest && event.target.closest("[data-choose]");
    if (!box) return;
    if (event.shiftKey && before && before.isConnected) {
      const boxes = Array.from(document.querySelectorAll("[data-choose]"));
      const ends = [boxes.indexOf(before), boxes.indexOf(box)].sort((one, other) => one - other);
      boxes.slice(ends[0], ends[1] + 1).forEach((each) => { each.checked = box.checked; });
    }
    before = box;
  });
})();
