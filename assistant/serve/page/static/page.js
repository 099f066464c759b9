// Asks without leaving the page, and keeps the conversations of this browser. Without it the form works all the same.
"use strict";

// Whose they are: a browser may be used by several people, and the server says who asks, if it knows. Of somebody
// without a name nothing stays when the page is closed.
const ASKER = document.body.dataset.asker, STORAGE = ASKER.startsWith("~") ? "sessionStorage" : "localStorage";
const NAME = "policy-assistant", STORE = `${NAME}${ASKER}`, CURRENT = `${STORE}-current`, MOST = 20;
const ABOUT = `${STORE}-about`; // what whoever uses this browser says of themselves
const LATEST = `${NAME}-latest`; // whose page was opened last: nothing is kept of another, whose answer comes late
const BUSY = 503, MOST_TRIES = 60;
const FEEDBACK = "/feedback", ODD = `meta, base, form:not([action="${FEEDBACK}"]), iframe, link, style, script`;
const LINES = "application/x-ndjson"; // sentences as a model writes them, and the answer last
const form = document.getElementById("ask");

function conversations() {
  try {
    const kept = JSON.parse(window[STORAGE].getItem(STORE));
    return Array.isArray(kept) ? kept.filter((one) => one && Array.isArray(one.articles)) : [];
  } catch { return []; }
}

function isLatest() {
  try { return localStorage.getItem(LATEST) === ASKER; } catch { return false; }
}

function keep(kept, current) {
  if (!isLatest()) return;
  try {
    window[STORAGE].setItem(STORE, JSON.stringify(kept.slice(0, MOST)));
    sessionStorage.setItem(CURRENT, current);
  } catch { /* private, or full */ }
}

function remember(about) {
  if (!isLatest()) return;
  try { window[STORAGE].setItem(ABOUT, about); } catch { /* private, or full */ }
}

function remembered() {
  try { return window[STORAGE].getItem(ABOUT) ?? ""; } catch { return ""; }
}

function forgetOthers() {
  const own = [STORE, ABOUT, CURRENT, LATEST];
  try {
    localStorage.setItem(LATEST, ASKER); // before another page hears that something is gone, or it keeps that again
    for (const kept of [localStorage, sessionStorage]) {
      for (const key of Object.keys(kept).filter((key) => key.startsWith(NAME) && !own.includes(key))) {
        kept.removeItem(key);
      }
    }
  } catch { /* private */ }
}

function forgetTab() { // what another page cannot reach
  try { for (const key of [STORE, ABOUT, CURRENT]) sessionStorage.removeItem(key); } catch { /* private */ }
}

function current() {
  try { return sessionStorage.getItem(CURRENT); } catch { return null; }
}

if (form) {
  const thread = document.getElementById("thread"), state = document.getElementById("state");
  const question = document.getElementById("question"), history = document.getElementById("history");
  const about = document.getElementById("about");
  const button = form.querySelector("button"), fresh = document.getElementById("fresh");
  let talk = { id: Date.now(), articles: [] };

  function show(html) {
    const made = new DOMParser().parseFromString(html, "text/html").querySelector("article, [role=alert]");
    if (!made) return made;
    for (const odd of made.querySelectorAll(ODD)) odd.remove();
    thread.append(made);
    for (const copy of thread.querySelectorAll(".copy")) copy.hidden = !navigator.clipboard;
    return made;
  }

  function listEarlier() {
    const nav = document.getElementById("earlier"), list = nav.querySelector("ul");
    const others = conversations().filter((one) => one.id !== talk.id && one.articles.length);
    nav.hidden = !others.length;
    fresh.hidden = !talk.articles.length;
    list.replaceChildren(...others.map((one) => {
      const item = document.createElement("li"), open = document.createElement("button");
      open.type = "button";
      open.textContent = one.title;
      open.addEventListener("click", () => {
        turnTo(one);
        thread.querySelector("h2")?.focus();
      });
      item.append(open);
      return item;
    }));
  }

  function turnTo(conversation) {
    if (!button.disabled) begin(conversation); // or an answer is on its way to the other one
  }

  function begin(conversation) {
    talk = conversation;
    thread.replaceChildren();
    history.value = talk.articles.map(show).pop()?.dataset.history ?? "[]";
    keep(conversations(), talk.id);
    listEarlier();
  }

  async function send(body) {
    for (let left = MOST_TRIES; ; left--) {
      const response = await fetch("/", { method: "POST", body, headers: { Accept: `${LINES}, text/html` } });
      const seconds = response.status === BUSY && Number(response.headers.get("Retry-After"));
      if (!seconds || !left) return response;
      state.textContent = "Many people are asking. Your question waits for its turn…";
      await new Promise((done) => setTimeout(done, 1000 * seconds));
    }
  }

  async function read(response) {
    if (!response.headers.get("Content-Type")?.startsWith(LINES)) return response.text();
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "", said = "", page = "";
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return page;
      const lines = (rest + value).split("\n");
      rest = lines.pop();
      for (const line of lines.map((line) => JSON.parse(line))) {
        if (line.error) throw new Error(line.error);
        page = line.page ?? page;
        state.textContent = said = `${said} ${line.said ?? ""}`.trim();
      }
    }
  }

  async function ask() {
    const said = { question: question.value, about: about.value, history: history.value, asker: ASKER };
    const body = new URLSearchParams({ ...said, part: talk.articles.length }), asked = talk;
    const response = await send(body), html = await read(response);
    if (talk !== asked && !isLatest()) return null; // somebody else has signed on
    const made = show(html);
    if (!made || !response.ok || talk !== asked) return made; // it was forgotten meanwhile: nothing is kept
    history.value = made.dataset.history;
    about.value = made.dataset.about; // as it is masked, like the question
    remember(about.value);
    talk.title = talk.title || made.querySelector("h2").textContent;
    talk.articles.push(made.outerHTML);
    keep([talk, ...conversations().filter((one) => one.id !== talk.id)], talk.id);
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
      state.textContent = made ? "" : "No answer came. You may have to sign on again: reload this page.";
      if (!made) return;
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

  fresh.addEventListener("click", () => {
    turnTo({ id: Date.now(), articles: [] });
    question.focus();
  });

  thread.addEventListener("submit", async (event) => {
    event.preventDefault();
    const body = new URLSearchParams(new FormData(event.target)), said = event.target.querySelector("[role=status]");
    try {
      const response = await fetch(FEEDBACK, { method: "POST", body, headers: { Accept: "text/html" } });
      const page = new DOMParser().parseFromString(await response.text(), "text/html");
      said.textContent = page.querySelector("[role=alert], [role=status]").textContent;
      if (response.ok) event.target.querySelector("button").disabled = true;
    } catch {
      said.textContent = "It was not sent. Is the server still running?";
    }
  });

  forgetOthers();
  about.value = remembered() || about.defaultValue; // and not what the browser has from somebody else
  // Another page of this browser is somebody else's, or forgot them, even what is answered just now.
  addEventListener("storage", () => {
    const others = !isLatest();
    if (others) {
      forgetTab();
      about.value = question.value = "";
    }
    if (others || (talk.articles.length && !conversations().length)) begin({ id: Date.now(), articles: [] });
    else listEarlier();
  });

  document.getElementById("forget").addEventListener("click", () => {
    keep([], talk.id);
    remember(about.value = "");
    begin({ id: Date.now(), articles: [] });
  });

  const left = conversations().find((one) => String(one.id) === current()); // for a source's place, or by a reload
  if (left && !thread.querySelector("article")) turnTo(left); // or the form was sent before there was a script
  listEarlier();
}
