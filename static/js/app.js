// Small helps; every page works without them.
(() => {
  "use strict";

  // <form data-confirm="Delete the round?" data-confirm-verb="Delete">: asks before it is sent, by htmx too.
  const dialog = () => document.getElementById("confirm-dialog");
  let asked = null;
  const confirmed = new WeakSet();

  document.addEventListener(
    "submit",
    (event) => {
      const form = event.target;
      const button = event.submitter;
      const text = button?.dataset.confirm || form.dataset.confirm;
      if (!text || !dialog()) return;
      if (confirmed.delete(form)) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      asked = { form, button };
      dialog().querySelector("[data-confirm-text]").textContent = text;
      dialog().querySelector("[data-confirm-yes]").textContent =
        button?.dataset.confirmVerb || form.dataset.confirmVerb || button?.textContent.trim() || "Yes";
      dialog().showModal();
    },
    true, // before htmx, which listens on the form itself
  );

  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-confirm-yes]") && asked) {
      const { form, button } = asked;
      asked = null;
      dialog().close();
      if (!form.isConnected) return; // a live part was swapped while the question stood
      confirmed.add(form);
      form.requestSubmit(button?.isConnected ? button : null);
      confirmed.delete(form); // a form that its own checks held back asks anew
    } else if (event.target.closest("[data-confirm-no]")) {
      asked = null;
      dialog().close();
    }
  });

  // <button data-copy="text">Copy</button>
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    const said = button.querySelector("[data-copy-word]") || button;
    const word = said.textContent;
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
      said.textContent = "Copied";
    } catch {
      said.textContent = "Select the text and copy it";
    }
    setTimeout(() => (said.textContent = word), 2000);
  });

  // <time datetime="…">12 minutes ago</time>: the reader's own clock on hover.
  const clock = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
  function nameTimes(root) {
    for (const element of root.querySelectorAll("time[datetime]")) {
      const moment = new Date(element.dateTime);
      if (!Number.isNaN(moment.valueOf())) element.title = clock.format(moment);
    }
  }
  document.addEventListener("DOMContentLoaded", () => nameTimes(document));
  document.addEventListener("htmx:afterSettle", () => nameTimes(document));
})();
