// Drawings of faces show what the filters leave, as the map does.
(() => {
  const marks = new Map([...document.querySelectorAll(".elevation a[data-id]")].map((mark) => [mark.dataset.id, mark]));
  document.addEventListener("filtered", (event) => { for (const record of event.detail) marks.get(record.id)?.classList.toggle("off", !record.shown); });
  for (const record of document.querySelectorAll(".card[hidden]")) marks.get(record.id.slice(2))?.classList.add("off");
})();
