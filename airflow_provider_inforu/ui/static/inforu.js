"use strict";
const REFRESH_MS = 5000;

function applyTheme() {
  let theme = null;
  try { theme = localStorage.getItem("theme"); } catch { /* a browser may forbid it */ }
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
  else delete document.documentElement.dataset.theme;
}
applyTheme();
// Airflow's own page stores its theme there, also while this page is open in its frame.
addEventListener("storage", applyTheme);

// The frame may neither navigate Airflow's page nor, before Airflow 3.3, download: a link of that page may.
function followInShell(event) {
  const link = event.target.closest("a[data-shell]");
  if (!link || window.parent === window) return;
  event.preventDefault();
  const outer = window.parent.document.createElement("a");
  outer.href = link.href;
  if (link.hasAttribute("download")) outer.download = "";
  window.parent.document.body.append(outer);
  outer.click();
  outer.remove();
}

async function refresh() {
  const live = document.querySelector("#live[data-unfinished]");
  if (!live) return;
  try {
    const answer = await fetch(location.href, { headers: { accept: "application/json, text/html" }, cache: "no-store" });
    if (answer.redirected) { location.reload(); return; }
    if (answer.ok) {
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.querySelector("#live");
      // The form of people in doubt appears with the whole page.
      if (fresh && !fresh.hasAttribute("data-unfinished")) { location.reload(); return; }
      if (fresh && !live.querySelector("details[open]")) live.replaceWith(fresh);
    }
  } catch { /* the next round tries again */ }
  setTimeout(refresh, REFRESH_MS);
}

// The frame's sandbox blocks confirm(), so the question is a part of the page.
function askFirst(event) {
  const form = event.target.closest("form[data-settle]");
  if (!form) return;
  event.preventDefault();
  const choice = new FormData(form).get("choice");
  const { batches, people } = readBatches(form);
  const note = form.querySelector("[data-answer]");
  const numbers = Object.keys(batches);
  note.textContent = numbers.length ? "" : "Choose at least one batch.";
  if (!numbers.length) return;
  const dialog = document.getElementById("confirm");
  const said = form.querySelector(`input[value="${choice}"] + span`).innerText;
  const names = numbers.length > 10 ? `${numbers.length} batches` : `${numbers.length === 1 ? "batch" : "batches"} ${numbers.join(", ")}`;
  dialog.querySelector("p").textContent = `${people} ${people === 1 ? "person" : "people"} of ${names}: ${said}`;
  dialog.onclose = () => { if (dialog.returnValue === "yes") settle(form, choice, batches); };
  dialog.returnValue = "";
  dialog.showModal();
}

function readBatches(form) {
  const chosen = [...form.querySelectorAll("input[name=batch]:checked")];
  return {
    batches: Object.fromEntries(chosen.map((box) => [box.value, box.dataset.request])),
    people: chosen.reduce((sum, box) => sum + Number(box.dataset.people), 0),
  };
}

async function settle(form, choice, batches) {
  const button = form.querySelector("button[type=submit]");
  const note = form.querySelector("[data-answer]");
  button.disabled = true;
  try {
    const answer = await fetch(form.dataset.settle, {
      method: "POST",
      headers: { "content-type": "application/json", accept: "application/json" },
      body: JSON.stringify({ choice, batches }),
    });
    // Without a session, the reload leads to the login and back.
    if (answer.ok || answer.status === 401) { location.reload(); return; }
    note.textContent = (await answer.json()).detail;
  } catch {
    note.textContent = "The reply was lost. It is unknown whether the decision was recorded. Reload the page.";
  }
  button.disabled = false;
}

addEventListener("DOMContentLoaded", () => {
  document.addEventListener("click", followInShell);
  document.addEventListener("submit", askFirst);
  for (const button of document.querySelectorAll("form[data-settle] button")) button.disabled = false;
  setTimeout(refresh, REFRESH_MS);
});
