(() => {
  const dialog = document.getElementById("enlarged"), what = document.getElementById("enlarged-what"), record = document.getElementById("enlarged-record");
  const picture = document.createElement("img");
  let id = null;

  function show(next) {
    const card = document.getElementById(`d-${next}`), source = card.querySelector(".picture img");
    id = next;
    picture.src = source.src;
    picture.alt = source.alt;
    what.textContent = `${card.querySelector("h4").textContent.trim()} · ${card.querySelector(".chip").textContent} · ${[...card.querySelectorAll("dd")].slice(0, 3).map((one) => one.textContent).join(" · ")}`;
    record.href = `#d-${next}`;
    if (!picture.isConnected) dialog.append(picture);
    if (!dialog.open) dialog.showModal();
  }

  function step(by) {
    const shown = [...document.querySelectorAll(".card:not([hidden]) [data-picture]")].map((one) => one.dataset.picture);
    show(shown[(shown.indexOf(id) + by + shown.length) % shown.length]);
  }

  document.addEventListener("click", (event) => {
    const opener = event.target.closest?.("[data-picture]");
    if (opener) show(opener.dataset.picture);
    if (event.target === dialog) dialog.close();
  });
  for (const button of dialog.querySelectorAll("[data-step]")) button.addEventListener("click", () => step(Number(button.dataset.step)));
  dialog.addEventListener("keydown", (event) => {
    if (event.key === "ArrowRight") step(1);
    else if (event.key === "ArrowLeft") step(-1);
  });
  record.addEventListener("click", () => dialog.close());
})();
