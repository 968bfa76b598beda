(() => {
  const view = document.getElementById("mapview");
  if (!view) return;
  const all = (selector, root = view) => [...root.querySelectorAll(selector)];
  const marks = new Map(all("a").map((mark) => [mark.dataset.id, mark]));
  const drawing = { w: Number(view.dataset.w), h: Number(view.dataset.h) };
  const [left, top, wide, high] = view.dataset.within.split(" ").map(Number);
  const furniture = document.getElementById("furniture"), bar = document.getElementById("bar"), label = document.getElementById("barlabel");
  const scalebar = document.getElementById("scalebar"), north = document.getElementById("north"), tip = document.getElementById("maptip");
  const ranks = view.querySelector(".ranks"), hatches = all(".hatch");
  const SMALLEST_M = 0.25, NEAR_PX = 9, MARGIN = 1.08, NARROW_PX = 600;
  let box = null;

  const aspect = () => (view.clientWidth && view.clientHeight ? view.clientWidth / view.clientHeight : drawing.w / drawing.h);
  function whole() {
    const w = Math.max(wide, high * aspect(), 1) * MARGIN, h = w / aspect();
    return { x: left + (wide - w) / 2, y: top + (high - h) / 2, w, h };
  }

  function show(next) {
    const w = Math.min(Math.max(next.w, SMALLEST_M), whole().w * 1.5), h = w / aspect();
    const x = Math.min(Math.max(next.x + (next.w - w) / 2, -w * 0.8), drawing.w - w * 0.2);
    const y = Math.min(Math.max(next.y + (next.h - h) / 2, -h * 0.8), drawing.h - h * 0.2);
    box = { x, y, w, h };
    view.setAttribute("viewBox", `${x} ${y} ${w} ${h}`);
    const unit = w / Math.max(view.clientWidth, 320), below = h / unit, right = w / unit;
    furniture.setAttribute("transform", `translate(${x} ${y}) scale(${unit})`);
    scalebar.setAttribute("transform", `translate(14 ${below - 16})`);
    north.setAttribute("transform", `translate(${right - 24} 14)`);
    ranks.setAttribute("font-size", unit * (view.clientWidth < NARROW_PX ? 11 : 16));
    for (const [index, hatch] of hatches.entries()) hatch.setAttribute("patternTransform", `scale(${unit}) rotate(${index ? -45 : 45})`);
    const power = 10 ** Math.floor(Math.log10(w / 4));
    const metres = Math.max(...[1, 2, 5].map((step) => step * power).filter((step) => step <= w / 4 + 1e-9));
    bar.setAttribute("d", `M0,-5V0H${metres / unit}V-5`);
    label.textContent = metres >= 1 ? `${metres} m` : metres >= 0.01 ? `${Math.round(metres * 100)} cm` : `${Math.round(metres * 1000)} mm`;
  }

  function zoom(factor, at = { x: box.x + box.w / 2, y: box.y + box.h / 2 }) {
    const limited = Math.min(Math.max(box.w * factor, SMALLEST_M), whole().w * 1.5) / box.w;
    show({ x: at.x - (at.x - box.x) * limited, y: at.y - (at.y - box.y) * limited, w: box.w * limited, h: box.h * limited });
  }

  function metresAt(x, y) {
    const point = new DOMPoint(x, y).matrixTransform(view.getScreenCTM().inverse());
    return { x: point.x, y: point.y };
  }

  // Cracks are thin: what lies nearest to the pointer counts.
  function markAt(x, y) {
    for (const away of [0, NEAR_PX / 2, NEAR_PX]) {
      for (let turn = 0; turn < (away ? 8 : 1); turn += 1) {
        const found = document.elementFromPoint(x + away * Math.cos(turn * Math.PI / 4), y + away * Math.sin(turn * Math.PI / 4))?.closest?.("#mapview a");
        if (found) return found;
      }
    }
    return null;
  }

  function tell(mark) {
    tip.hidden = !mark;
    const heading = mark && document.getElementById(`h-${mark.dataset.id}`);
    tip.value = heading ? `${heading.textContent.trim()} · ${heading.parentElement.querySelector(".chip").textContent}` : "";
    if (mark) mark.setAttribute("aria-label", tip.value);
  }

  view.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && !view.contains(document.activeElement)) return;
    event.preventDefault();
    zoom(1.0015 ** event.deltaY, metresAt(event.clientX, event.clientY));
  }, { passive: false });

  // One pointer drags, two pinch; what moved by less than a finger's tremble is a click.
  const pointers = new Map();
  let moved = false;
  const middle = () => { const at = [...pointers.values()]; return { x: at.reduce((sum, one) => sum + one.x, 0) / at.length, y: at.reduce((sum, one) => sum + one.y, 0) / at.length }; };
  const spread = () => { const [a, b] = [...pointers.values()]; return b ? Math.hypot(a.x - b.x, a.y - b.y) : 0; };
  view.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    if (!pointers.size) moved = false;
    pointers.set(event.pointerId, { x: event.clientX, y: event.clientY, startX: event.clientX, startY: event.clientY });
  });
  view.addEventListener("pointermove", (event) => {
    const pointer = pointers.get(event.pointerId);
    if (!pointer) { if (event.pointerType === "mouse") tell(markAt(event.clientX, event.clientY)); return; }
    if (!moved && pointers.size < 2 && Math.hypot(event.clientX - pointer.startX, event.clientY - pointer.startY) < 5) return;
    if (!moved) { moved = true; view.classList.add("dragging"); view.setPointerCapture(event.pointerId); }
    const before = middle(), apart = spread();
    pointer.x = event.clientX; pointer.y = event.clientY;
    const from = metresAt(before.x, before.y), after = middle(), to = metresAt(after.x, after.y);
    show({ ...box, x: box.x + from.x - to.x, y: box.y + from.y - to.y });
    if (apart && spread()) zoom(apart / spread(), metresAt(after.x, after.y));
  });
  for (const end of ["pointerup", "pointercancel"]) {
    view.addEventListener(end, (event) => { pointers.delete(event.pointerId); if (!pointers.size) view.classList.remove("dragging"); });
  }
  view.addEventListener("pointerleave", () => tell(null));
  view.addEventListener("click", (event) => {
    // Enter on a mark clicks without a pointer: detail is 0.
    const mark = event.detail ? markAt(event.clientX, event.clientY) : event.target.closest("a");
    event.preventDefault();
    if (moved) { moved = false; return; }
    if (!mark) { view.focus({ preventScroll: true }); return; }
    if (location.hash === `#d-${mark.dataset.id}`) dispatchEvent(new HashChangeEvent("hashchange"));
    else location.hash = `d-${mark.dataset.id}`;
  });
  view.addEventListener("dragstart", (event) => event.preventDefault());

  // One tab stop for the whole map: arrows pan, + - 0 zoom, N and P walk through the defects, Enter opens.
  const walk = [...marks.values()];
  view.addEventListener("keydown", (event) => {
    const step = box.w / 8;
    const pans = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] };
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const key = event.key.toLowerCase();
    if (pans[event.key]) show({ ...box, x: box.x + pans[event.key][0], y: box.y + pans[event.key][1] });
    else if (key === "+" || key === ";" || key === "=") zoom(0.7);
    else if (key === "-") zoom(1 / 0.7);
    else if (key === "0") show(whole());
    else if (key === "n" || key === "p") {
      const open = walk.filter((mark) => !mark.classList.contains("off"));
      const now = open.indexOf(document.activeElement), count = open.length;
      if (count) open[key === "n" ? (now + 1) % count : (Math.max(now, 0) - 1 + count) % count].focus({ preventScroll: true });
    } else return;
    event.preventDefault();
  });
  view.addEventListener("focusin", (event) => tell(event.target.closest("a")));
  view.addEventListener("focusout", () => tell(null));

  for (const button of document.querySelectorAll("[data-zoom]")) {
    button.addEventListener("click", () => {
      if (button.dataset.zoom === "all") show(whole());
      else zoom(button.dataset.zoom === "in" ? 0.6 : 1 / 0.6);
    });
  }
  function layer(toggle) { for (const group of all(`[data-group=${toggle.dataset.layer}]`)) group.style.display = toggle.checked ? "" : "none"; }
  for (const toggle of document.querySelectorAll("[data-layer]")) { toggle.addEventListener("change", () => layer(toggle)); layer(toggle); }

  function frame(shape, margin) {
    const near = shape.getBBox(), w = Math.max(near.width, near.height * aspect(), drawing.w / 200, 1) * margin, h = w / aspect();
    show({ x: near.x + near.width / 2 - w / 2, y: near.y + near.height / 2 - h / 2, w, h });
  }
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("[data-show], [data-show-segment]");
    if (!link) return;
    for (const old of all(".rim.chosen")) old.classList.remove("chosen");
    if (link.dataset.show) {
      const mark = marks.get(link.dataset.show);
      if (!mark) return;
      frame(mark.querySelector(".line"), 4);
      document.dispatchEvent(new CustomEvent("chosen", { detail: link.dataset.show }));
      // After the browser has followed the link, which takes the focus away.
      setTimeout(() => mark.focus({ preventScroll: true }));
    } else {
      const rim = all(".rim").find((one) => one.dataset.segment === link.dataset.showSegment);
      if (!rim) return;
      frame(rim, 2);
      rim.classList.add("chosen");
      setTimeout(() => view.focus({ preventScroll: true }));
    }
  });
  document.addEventListener("chosen", (event) => marks.get(event.detail)?.classList.add("chosen"));
  document.addEventListener("filtered", (event) => { for (const record of event.detail) marks.get(record.id)?.classList.toggle("off", !record.shown); });
  for (const record of document.querySelectorAll(".card[hidden]")) marks.get(record.id.slice(2))?.classList.add("off");
  addEventListener("resize", () => show(box));
  addEventListener("beforeprint", () => show(whole()));
  show(whole());
})();
