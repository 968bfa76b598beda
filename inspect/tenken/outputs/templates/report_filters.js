"use strict";
// Which candidates are shown: the form, its counts, the address and the map's marks always agree.
(() => {
  const form = document.getElementById("filters");
  const records = [...document.querySelectorAll(".card")].map((card) => ({ card, id: card.id.slice(2), ...card.dataset, score: Number(card.dataset.score), shown: true }));
  const byId = new Map(records.map((record) => [record.id, record]));
  const sections = [...document.querySelectorAll("#details .segment, #details .underphoto")].reverse();
  const many = ["kind", "grade"], one = ["segment", "width", "review"];
  const status = document.getElementById("shown");
  const counted = form ? [...form.querySelectorAll("[data-count]")] : [];

  function wanted() {
    const data = new FormData(form);
    const words = (data.get("text") ?? "").trim().toLowerCase().split(/\s+/).filter(Boolean);
    const tests = {};
    for (const name of many) { const chosen = new Set(data.getAll(name)); if (chosen.size) tests[name] = (record) => chosen.has(record[name]); }
    for (const name of one) { const chosen = data.get(name); if (chosen) tests[name] = (record) => record[name] === chosen; }
    if (Number(data.get("score"))) tests.score = (record) => record.score >= Number(data.get("score"));
    if (words.length) tests.text = (record) => words.every((word) => record.text.includes(word));
    return tests;
  }

  function filter() {
    const tests = Object.entries(wanted()), facets = {};
    let shown = 0;
    const changed = [];
    for (const record of records) {
      const failed = tests.filter(([, fits]) => !fits(record)).map(([name]) => name);
      const fits = !failed.length;
      shown += fits;
      if (fits !== record.shown) { record.shown = fits; record.card.hidden = !fits; changed.push(record); }
      // A value's count says what choosing it would show: all other filters apply.
      for (const name of [...many, ...one]) {
        if (fits || (failed.length === 1 && failed[0] === name)) { const key = `${name}:${record[name]}`; facets[key] = (facets[key] ?? 0) + 1; }
      }
    }
    const shared = (section) => [...section.querySelectorAll(".shares a")].some((link) => byId.get(link.hash.slice(3))?.shown);
    for (const section of sections) section.hidden = !section.querySelector(".card:not([hidden])") && !shared(section);
    for (const place of counted) {
      const count = facets[place.dataset.count] ?? 0;
      if (place.dataset.word) place.textContent = `${place.dataset.word} (${count})`;
      else { place.value = count; place.closest(".pick").classList.toggle("none", !count); }
    }
    form.elements.scored.value = Number(form.elements.score.value).toFixed(2);
    status.value = status.dataset.template.replace("#", shown);
    document.dispatchEvent(new CustomEvent("filtered", { detail: changed }));
  }

  function address() {
    const query = new URLSearchParams([...new FormData(form)].filter(([name, value]) => value && !(name === "score" && !Number(value)) && name !== "scored"));
    history.replaceState(null, "", String(query) ? `#show?${query}` : "#details");
  }

  function fill(query) {
    form.reset();
    for (const [name, value] of query) {
      const field = form.elements[name];
      if (many.includes(name)) for (const box of form.querySelectorAll(`[name=${name}]`)) box.checked ||= box.value === value;
      else if (field) field.value = value;
    }
    filter();
  }

  function follow() {
    const hash = decodeURIComponent(location.hash);
    if (form && hash.startsWith("#show?")) {
      fill(new URLSearchParams(location.hash.slice(6)));
      document.getElementById("details").scrollIntoView();
    } else if (hash.startsWith("#d-")) {
      const record = byId.get(hash.slice(3));
      if (!record) return;
      if (!record.shown) { form.reset(); filter(); }
      record.card.scrollIntoView();
      record.card.focus({ preventScroll: true });
      document.dispatchEvent(new CustomEvent("chosen", { detail: record.id }));
    }
  }

  document.addEventListener("chosen", (event) => {
    for (const old of document.querySelectorAll(".chosen")) old.classList.remove("chosen");
    byId.get(event.detail)?.card.classList.add("chosen");
  });
  if (form) {
    form.addEventListener("input", () => { filter(); address(); });
    form.addEventListener("reset", () => setTimeout(() => { filter(); address(); }));
    form.addEventListener("submit", (event) => event.preventDefault());
    filter();
  }
  addEventListener("hashchange", follow);
  // Browsers scroll to the address by themselves, but only once all cards are laid out is that the right place.
  addEventListener("load", follow);
  let closed = [];
  addEventListener("beforeprint", () => { closed = [...document.querySelectorAll("details:not([open])")]; for (const one of closed) one.open = true; });
  addEventListener("afterprint", () => { for (const one of closed) one.open = false; });
})();
