// Loaded in the head and blocking, so that the first paint already has the right theme.
(() => {
  "use strict";
  const KEY = "trustai-theme";
  const system = window.matchMedia("(prefers-color-scheme: dark)");
  const root = document.documentElement;
  let kept = "auto"; // where storage is forbidden, the choice holds for this page

  function choice() {
    try {
      return localStorage.getItem(KEY) || "auto";
    } catch {
      return kept;
    }
  }

  function apply() {
    const chosen = choice();
    root.dataset.bsTheme = chosen === "auto" ? (system.matches ? "dark" : "light") : chosen;
    mark();
    document.dispatchEvent(new CustomEvent("trustai:theme"));
  }

  function mark() {
    for (const button of document.querySelectorAll("[data-theme-choice]")) {
      button.setAttribute("aria-pressed", String(button.dataset.themeChoice === choice()));
    }
  }

  apply();
  system.addEventListener("change", apply);
  window.addEventListener("storage", (event) => event.key === KEY && apply());
  document.addEventListener("DOMContentLoaded", mark);
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-theme-choice]");
    if (!button) return;
    try {
      localStorage.setItem(KEY, button.dataset.themeChoice);
    } catch {
      kept = button.dataset.themeChoice;
    }
    apply();
  });
})();
