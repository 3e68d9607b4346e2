"use strict";
(() => {
  const rows = [...document.querySelectorAll("[data-state]")];
  const box = document.querySelector(".filter");
  let only = "all";
  function show() {
    const words = box ? box.value.trim().toLowerCase() : "";
    for (const row of rows) {
      const state = only === "all" || row.dataset.state === only;
      row.classList.toggle("hide", !state || !row.textContent.toLowerCase().includes(words));
    }
    for (const section of document.querySelectorAll("[data-section]")) {
      const left = section.querySelector("[data-state]:not(.hide)");
      section.classList.toggle("hide", !left);
      const link = document.querySelector(`.side a[href="#${section.id}"]`);
      if (link) link.parentElement.classList.toggle("hide", !left);
    }
  }
  for (const button of document.querySelectorAll("[data-only]"))
    button.addEventListener("click", () => {
      only = button.dataset.only;
      for (const other of document.querySelectorAll("[data-only]"))
        other.setAttribute("aria-pressed", String(other === button));
      show();
    });
  if (box) box.addEventListener("input", show);
})();
