"use strict";
// The page says everything without this; it only hides what nobody asked for.
const form = document.querySelector(".filter");
const search = form.querySelector("input[type=search]");
const boxes = [...form.querySelectorAll("input[type=checkbox]")];
const said = form.querySelector("output");
const servers = [...document.querySelectorAll(".server")].map((card) => ({
  card,
  rows: [...card.querySelectorAll(".row")].map((row) => ({
    row,
    kind: row.dataset.kind,
    text: (card.dataset.scope + " " + card.querySelector("h3").textContent + " " + row.textContent).toLowerCase(),
  })),
}));
const every = servers.reduce((sum, server) => sum + server.rows.length, 0);

function filter() {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  const kinds = new Set(boxes.filter((box) => box.checked).map((box) => box.value));
  let shown = 0;
  for (const { card, rows } of servers) {
    let here = 0;
    for (const { row, kind, text } of rows) {
      const fits = kinds.has(kind) && words.every((word) => text.includes(word));
      row.hidden = !fits;
      here += fits;
    }
    card.hidden = here === 0;
    shown += here;
  }
  said.textContent = `${shown} of ${every} lines`;
}

form.hidden = false;
form.addEventListener("input", filter);
form.addEventListener("submit", (event) => event.preventDefault());
document.addEventListener("keydown", (event) => {
  if (event.key === "/" && document.activeElement !== search) {
    event.preventDefault();
    search.focus();
  }
});
// A link to a server that the filter hides shows it again.
window.addEventListener("hashchange", () => {
  const card = document.querySelector(".server:target");
  if (card && card.hidden) {
    search.value = "";
    boxes.forEach((box) => { box.checked = true; });
    filter();
    card.scrollIntoView();
  }
});
filter();
