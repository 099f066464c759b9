// Asks without leaving the page, and keeps the conversations of this browser. Without it the form works all the same.
"use strict";

const STORE = "policy-assistant", MOST = 20;
const form = document.getElementById("ask");

function conversations() {
  try {
    const kept = JSON.parse(localStorage.getItem(STORE));
    return Array.isArray(kept) ? kept.filter((one) => one && Array.isArray(one.articles)) : [];
  } catch { return []; }
}

function keep(kept) {
  try { localStorage.setItem(STORE, JSON.stringify(kept.slice(0, MOST))); } catch { /* private, or full */ }
}

if (form) {
  const thread = document.getElementById("thread"), state = document.getElementById("state");
  const question = document.getElementById("question"), history = document.getElementById("history");
  const button = form.querySelector("button");
  let current = { id: Date.now(), articles: [] };

  function show(html) {
    const made = new DOMParser().parseFromString(html, "text/html").querySelector("article, [role=alert]");
    if (!made) return made;
    for (const odd of made.querySelectorAll("meta, base, form, iframe, link, style, script")) odd.remove();
    thread.append(made);
    for (const copy of thread.querySelectorAll(".copy")) copy.hidden = !navigator.clipboard;
    return made;
  }

  function listEarlier() {
    const nav = document.getElementById("earlier"), list = nav.querySelector("ul");
    const others = conversations().filter((one) => one.id !== current.id && one.articles.length);
    nav.hidden = !others.length;
    list.replaceChildren(...others.map((one) => {
      const item = document.createElement("li"), open = document.createElement("button");
      open.type = "button";
      open.textContent = one.title;
      open.addEventListener("click", () => {
        if (button.disabled) return; // an answer is on its way to the other conversation
        current = one;
        thread.replaceChildren();
        history.value = one.articles.map(show).pop().dataset.history;
        listEarlier();
        thread.querySelector("h2").focus();
      });
      item.append(open);
      return item;
    }));
  }

  async function ask() {
    const body = new URLSearchParams({ question: question.value, history: history.value, part: current.articles.length });
    const response = await fetch("/", { method: "POST", body, headers: { Accept: "text/html" } });
    const made = show(await response.text());
    if (!made || !response.ok) return made;
    history.value = made.dataset.history;
    current.title = current.title || question.value;
    current.articles.push(made.outerHTML);
    keep([current, ...conversations().filter((one) => one.id !== current.id)]);
    question.value = "";
    return made;
  }

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (button.disabled || !question.value.trim()) return;
    button.disabled = true;
    state.textContent = "Searching and reading the documents…";
    try {
      const made = await ask();
      state.textContent = "";
      (made.querySelector("h2") || question).focus();
      made.scrollIntoView({ block: "start" });
    } catch {
      state.textContent = "There was no answer. Is the server still running? Your question is kept: ask again.";
    } finally {
      button.disabled = false;
      listEarlier();
    }
  });

  question.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      form.requestSubmit();
    }
  });

  thread.addEventListener("click", async (event) => {
    if (!event.target.matches(".copy")) return;
    const article = event.target.closest("article");
    const sources = [...article.querySelectorAll(".sources li")].map((item) => `[${item.value}] ${item.innerText}`);
    await navigator.clipboard.writeText([article.querySelector(".said").innerText, ...sources].join("\n"));
    event.target.textContent = "Copied";
  });

  document.getElementById("forget").addEventListener("click", () => {
    keep([]);
    listEarlier();
  });

  listEarlier();
}
