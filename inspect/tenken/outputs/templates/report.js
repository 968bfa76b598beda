"use strict";
(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const cards = all(".card");
  const marks = new Map(all("#mapview a").map((mark) => [mark.dataset.id, mark]));
  const sections = all("#details .segment, #details .underphoto");
  const form = document.getElementById("filters");

  function filter() {
    const kinds = new Set(all("[name=kind]:checked", form).map((box) => box.value));
    const { grade, score, text } = form.elements;
    const wanted = text.value.trim().toLowerCase().split(/\s+/);
    let shown = 0;
    for (const card of cards) {
      const data = card.dataset;
      const fits = kinds.has(data.kind) && (!grade.value || (grade.value === "-" ? !data.worst : data.worst === grade.value))
        && Number(data.score) >= Number(score.value) && wanted.every((word) => data.text.includes(word));
      card.hidden = !fits;
      marks.get(card.id.slice(2))?.classList.toggle("off", !fits);
      shown += fits;
    }
    for (const section of sections.toReversed?.() ?? [...sections].reverse()) section.hidden = !section.querySelector(".card:not([hidden])");
    form.elements.scored.value = Number(score.value).toFixed(2);
    const status = document.getElementById("shown");
    status.value = status.dataset.template.replace("#", shown);
  }
  if (form) {
    form.addEventListener("input", filter);
    form.addEventListener("reset", () => setTimeout(filter));
    form.addEventListener("submit", (event) => event.preventDefault());
    filter();
  }

  function choose(id) {
    for (const old of all(".chosen")) old.classList.remove("chosen");
    document.getElementById(`d-${id}`)?.classList.add("chosen");
    marks.get(id)?.classList.add("chosen");
  }

  const view = document.getElementById("mapview");
  if (!view) return;
  const whole = { x: 0, y: 0, w: Number(view.dataset.w), h: Number(view.dataset.h) };
  const furniture = document.getElementById("furniture"), bar = document.getElementById("bar"), label = document.getElementById("barlabel");
  const ranks = view.querySelector(".ranks"), hatches = all(".hatch", view);
  let box = { ...whole };

  function show(next) {
    const w = Math.min(Math.max(next.w, 0.25), whole.w * 1.5);
    const h = w * whole.h / whole.w;
    const x = Math.min(Math.max(next.x + (next.w - w) / 2, -w * 0.8), whole.w - w * 0.2);
    const y = Math.min(Math.max(next.y + (next.h - h) / 2, -h * 0.8), whole.h - h * 0.2);
    box = { x, y, w, h };
    view.setAttribute("viewBox", `${x} ${y} ${w} ${h}`);
    const unit = w / 900;
    furniture.setAttribute("transform", `translate(${x} ${y}) scale(${unit})`);
    ranks.setAttribute("font-size", w / 62);
    for (const [index, hatch] of hatches.entries()) hatch.setAttribute("patternTransform", `scale(${unit}) rotate(${index ? -45 : 45})`);
    const power = 10 ** Math.floor(Math.log10(w / 5));
    const metres = Math.max(...[1, 2, 5].map((step) => step * power).filter((step) => step <= w / 5 + 1e-9));
    bar.setAttribute("d", `M0,-5V0H${metres / unit}V-5`);
    label.textContent = metres >= 1 ? `${metres} m` : metres >= 0.01 ? `${Math.round(metres * 100)} cm` : `${Math.round(metres * 1000)} mm`;
  }

  function zoom(factor, at = { x: box.x + box.w / 2, y: box.y + box.h / 2 }) {
    const limited = Math.min(Math.max(box.w * factor, 0.25), whole.w * 1.5) / box.w;
    show({ x: at.x - (at.x - box.x) * limited, y: at.y - (at.y - box.y) * limited, w: box.w * limited, h: box.h * limited });
  }

  function metresAt(event) {
    const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(view.getScreenCTM().inverse());
    return { x: point.x, y: point.y };
  }

  view.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && !view.contains(document.activeElement)) return;
    event.preventDefault();
    zoom(1.0015 ** event.deltaY, metresAt(event));
  }, { passive: false });

  let grip = null;
  view.addEventListener("pointerdown", (event) => { if (event.button === 0) grip = { at: metresAt(event), moved: false, x: event.clientX, y: event.clientY }; });
  view.addEventListener("pointermove", (event) => {
    if (!grip || !(event.buttons & 1)) { grip = grip?.moved ? grip : null; return; }
    if (!grip.moved && Math.hypot(event.clientX - grip.x, event.clientY - grip.y) < 4) return;
    grip.moved = true;
    view.setPointerCapture(event.pointerId);
    view.classList.add("dragging");
    const now = metresAt(event);
    show({ ...box, x: box.x + grip.at.x - now.x, y: box.y + grip.at.y - now.y });
  });
  view.addEventListener("click", (event) => {
    const dragged = grip?.moved;
    grip = null;
    view.classList.remove("dragging");
    if (dragged) { event.preventDefault(); return; }
    const mark = event.target.closest("a");
    if (!mark) { view.focus({ preventScroll: true }); return; }
    choose(mark.dataset.id);
    const card = document.getElementById(`d-${mark.dataset.id}`);
    card?.focus({ preventScroll: true });
  });
  view.addEventListener("dragstart", (event) => event.preventDefault());

  // One tab stop for the whole map: arrows pan, + - 0 zoom, N and P walk through the defects, Enter opens.
  const walk = [...marks.values()];
  view.addEventListener("keydown", (event) => {
    const step = box.w / 8;
    const pans = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] };
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (pans[event.key]) show({ ...box, x: box.x + pans[event.key][0], y: box.y + pans[event.key][1] });
    else if (event.key === "+" || event.key === ";") zoom(0.7);
    else if (event.key === "-") zoom(1 / 0.7);
    else if (event.key === "0") show(whole);
    else if (event.key === "n" || event.key === "p") {
      const open = walk.filter((mark) => !mark.classList.contains("off"));
      const now = open.indexOf(document.activeElement), count = open.length;
      if (count) open[event.key === "n" ? (now + 1) % count : (Math.max(now, 0) - 1 + count) % count].focus({ preventScroll: true });
    } else return;
    event.preventDefault();
  });

  for (const button of all("[data-zoom]")) {
    button.addEventListener("click", () => {
      if (button.dataset.zoom === "all") show(whole);
      else zoom(button.dataset.zoom === "in" ? 0.6 : 1 / 0.6);
    });
  }
  for (const toggle of all("[data-layer]")) {
    toggle.addEventListener("change", () => {
      for (const group of all(`[data-group=${toggle.dataset.layer}]`, view)) group.style.display = toggle.checked ? "" : "none";
    });
  }
  for (const link of all("[data-show]")) {
    link.addEventListener("click", () => {
      const shape = marks.get(link.dataset.show)?.querySelector(".line").getBBox();
      if (!shape) return;
      choose(link.dataset.show);
      const w = Math.max(shape.width, shape.height * whole.w / whole.h, whole.w / 200, 1) * 4, h = w * whole.h / whole.w;
      show({ x: shape.x + shape.width / 2 - w / 2, y: shape.y + shape.height / 2 - h / 2, w, h });
      view.focus({ preventScroll: true });
    });
  }
  const byAddress = decodeURIComponent(location.hash);
  if (byAddress.startsWith("#d-")) choose(byAddress.slice(3));
})();
