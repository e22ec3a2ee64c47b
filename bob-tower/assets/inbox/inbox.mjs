// The inbox page: sign in, see who waits, take over, answer, hand back. It calls the same API as any other client, from
// the addresses beside its own, and shows text as text only: there is no way to pass HTML.

const API = new URL("../api/", location.href);
const at = (id) => document.getElementById(id);
const parts = Object.fromEntries(
  ["who", "leave", "sign-in", "login", "email", "password", "choice", "business", "login-trouble", "inbox", "list", "none",
    "more", "talk", "back", "talk-title", "talk-about", "take", "return", "close", "earlier", "log", "trouble", "composer",
    "text", "choose", "status"].map((id) => [id, at(id)]),
);

/** What went wrong, as the server says it. */
class Trouble extends Error {
  constructor(status, problem) {
    super(problem?.detail ?? "The server did not answer. Please try again.");
    Object.assign(this, { status, code: problem?.code, problem });
  }
}

// ------------------------------------------------------------------------------------------------------ the API

let [csrf, me] = [null, null]; // of the session, and who is signed in

async function call(path, { method = "GET", body, headers = {} } = {}) {
  const options = { method, cache: "no-store", credentials: "same-origin", headers: { ...headers } };
  if (csrf && method !== "GET") options.headers["x-csrf-token"] = csrf;
  if (body !== undefined) {
    options.headers["content-type"] = "application/json";
    options.body = JSON.stringify(body);
  }
  const response = await fetch(new URL(path, API), options).catch(() => null);
  if (!response) throw new Trouble(0, null);
  if (response.ok) return response.status === 204 ? null : response.json();
  const problem = await response.json().catch(() => null);
  if (response.status === 401 && csrf) signedOut();
  throw new Trouble(response.status, problem);
}

const conversations = "customer-portal/conversations";

// ------------------------------------------------------------------------------------------------------ sign-in

parts.login.addEventListener("submit", async (event) => {
  event.preventDefault();
  parts["login-trouble"].textContent = "";
  const body = { email: parts.email.value, password: parts.password.value };
  if (!parts.choice.hidden) body.business_id = parts.business.value;
  try {
    const { csrf_token, user } = await call("customers/auth/login", { method: "POST", body });
    parts.password.value = "";
    signedIn(csrf_token, user);
  } catch (trouble) {
    if (trouble.code === "choose_business") chooseBusiness(trouble.problem.memberships ?? []);
    parts["login-trouble"].textContent = trouble.message;
  }
});

function chooseBusiness(memberships) {
  parts.business.replaceChildren(...memberships.map(({ tenant_id, name }) => {
    const option = document.createElement("option");
    [option.value, option.textContent] = [tenant_id, name];
    return option;
  }));
  parts.choice.hidden = false;
  parts.business.focus();
}

function signedIn(token, user) {
  [csrf, me] = [token, user.id];
  parts.who.textContent = user.name || user.email;
  parts["sign-in"].hidden = true;
  parts.inbox.hidden = parts.leave.hidden = false;
  show("waiting");
  listen();
}

function signedOut() {
  csrf = null;
  everything.stop();
  leaveTalk();
  parts.who.textContent = "";
  parts.inbox.hidden = parts.leave.hidden = true;
  parts["sign-in"].hidden = false;
  parts.email.focus();
}

parts.leave.addEventListener("click", async () => {
  await call("auth/logout", { method: "POST" }).catch(() => {});
  signedOut();
});

// ------------------------------------------------------------------------------------------------------- events

/** Listens to a stream, and comes back with growing pauses when the line is lost; `EventSource` says what it heard last. */
class Line {
  #path; #heard; #source; #timer; #pause = 1000;

  constructor(path, heard) {
    [this.#path, this.#heard] = [path, heard];
  }

  start() {
    this.stop();
    this.#source = new EventSource(new URL(this.#path, API));
    this.#source.onopen = () => { this.#pause = 1000; };
    this.#source.onerror = () => {
      // While it connects again by itself, it is left to that; a refusal closes it for good.
      if (this.#source?.readyState !== EventSource.CLOSED) return;
      this.#timer = setTimeout(() => {
        this.start();
        call("auth/me").catch(() => {}); // notices when the sign-in has ended
      }, this.#pause);
      this.#pause = Math.min(this.#pause * 2, 30_000);
    };
    for (const [name, hear] of Object.entries(this.#heard)) {
      this.#source.addEventListener(name, ({ data }) => hear(JSON.parse(data)));
    }
  }

  stop() {
    clearTimeout(this.#timer);
    this.#source?.close();
    this.#source = null;
  }
}

const everything = new Line(`${conversations}/events`, {
  "conversation.waiting": () => { parts.status.textContent = "A visitor is waiting."; refresh(); },
  "conversation.updated": () => refresh(),
  message: () => refresh(),
});
const listen = () => everything.start();

// ------------------------------------------------------------------------------------------------------ the list

let [state, cursor, refreshing] = ["waiting", null, null];

for (const button of document.querySelectorAll(".filters button")) {
  button.addEventListener("click", () => show(button.dataset.state));
}

function show(which) {
  state = which;
  for (const button of document.querySelectorAll(".filters button")) {
    button.setAttribute("aria-pressed", String(button.dataset.state === state));
  }
  load();
}

/** Loads the list anew, at most twice a second however much happens. */
function refresh() {
  refreshing ??= setTimeout(() => { refreshing = null; load(); }, 500);
}

async function load(from = null) {
  const query = new URLSearchParams({ state, limit: "50" });
  if (from) query.set("cursor", from);
  const wanted = state;
  try {
    const page = await call(`${conversations}?${query}`);
    if (wanted !== state) return;
    cursor = page.next_cursor;
    const rows = page.items.map(row);
    if (from) parts.list.append(...rows);
    else keepFocus(() => parts.list.replaceChildren(...rows));
    parts.none.hidden = parts.list.childElementCount > 0;
    parts.more.hidden = !cursor;
  } catch (trouble) {
    if (trouble.status !== 401) parts.status.textContent = trouble.message;
  }
}

parts.more.addEventListener("click", () => load(cursor));

/** A list that is made anew keeps the focus where it was. */
function keepFocus(change) {
  const focused = parts.list.contains(document.activeElement) ? document.activeElement.dataset.id : null;
  change();
  if (focused) parts.list.querySelector(`[data-id="${CSS.escape(focused)}"]`)?.focus();
}

const element = (name, className, text = "") => {
  const node = document.createElement(name);
  node.className = className;
  node.textContent = text;
  return node;
};

const DOORS = { public: "Website", widget: "Widget", signed_in: "Signed in" };
const time = (text) => {
  const [then, today] = [new Date(text), new Date().toDateString()];
  const day = then.toDateString() === today ? {} : { dateStyle: "short" };
  return then.toLocaleString(undefined, { ...day, timeStyle: "short" });
};
const visitorName = ({ visitor }) => `Visitor ${visitor.id.slice(-6)}`;
const speakerName = ({ state, speaker }) =>
  state === "closed" ? "closed" : speaker.kind === "person" ? `with ${speaker.name}` : state === "waiting" ? "wants a person" : "with Bob";

function row(entry) {
  const item = document.createElement("li");
  const button = element("button", "");
  button.type = "button";
  Object.assign(button.dataset, { id: entry.id, state: entry.state });
  const since = element("time", "", time(entry.waiting_since ?? entry.last_activity_at));
  since.dateTime = entry.waiting_since ?? entry.last_activity_at;
  const about = [DOORS[entry.door] ?? entry.door, entry.language, speakerName(entry), `${entry.messages} messages`];
  button.append(element("span", "name", visitorName(entry)), since, element("span", "about", about.filter(Boolean).join(" · ")));
  button.setAttribute("aria-current", String(entry.id === talk?.id));
  button.addEventListener("click", () => open(entry.id));
  item.append(button);
  return item;
}

// ----------------------------------------------------------------------------------------------- a conversation

/** The conversation on the page: its identifier, how it stands, what is shown of it and who listens. */
let talk = null;

async function open(id) {
  leaveTalk();
  talk = { id, shown: new Set(), entry: null, earlier: null, line: null, typed: 0 };
  const mine = talk;
  parts.trouble.textContent = "";
  parts.log.replaceChildren();
  try {
    const page = await call(`${conversations}/${id}`);
    if (talk !== mine) return;
    parts.talk.hidden = false;
    parts.inbox.dataset.open = "";
    add(page.items);
    talk.earlier = page.next_cursor;
    stand(page.conversation);
    hearTalk();
    (parts.composer.hidden ? parts.log : parts.text).focus();
  } catch (trouble) {
    if (talk === mine) parts.status.textContent = trouble.message;
  }
  load();
}

function hearTalk() {
  const mine = talk;
  const line = new Line(`${conversations}/${talk.id}/events`, {
    message: (message) => { if (talk === mine) add([message]); },
    "speaker.changed": () => { if (talk === mine) look(); },
    "conversation.closed": () => {
      line.stop();
      if (talk === mine) look();
    },
  });
  talk.line = line;
  line.start();
}

/** Reads how the conversation stands. */
async function look() {
  const mine = talk;
  const page = await call(`${conversations}/${mine.id}?limit=1`).catch(() => null);
  if (page && talk === mine) stand(page.conversation);
}

function leaveTalk() {
  talk?.line?.stop();
  talk = null;
  parts.talk.hidden = true;
  delete parts.inbox.dataset.open;
}

parts.back.addEventListener("click", () => {
  const id = talk?.id;
  leaveTalk();
  parts.list.querySelector(`[data-id="${CSS.escape(id ?? "")}"]`)?.focus();
});

function stand(entry) {
  const before = talk.entry;
  talk.entry = entry;
  const mine = entry.state === "person" && entry.speaker.id === me;
  parts["talk-title"].textContent = visitorName(entry);
  const about = [DOORS[entry.door] ?? entry.door, entry.language, entry.visitor.trust, `since ${time(entry.started_at)}`, mine ? "with you" : speakerName(entry)];
  parts["talk-about"].textContent = about.filter(Boolean).join(" · ");
  parts.take.hidden = mine || entry.state === "closed";
  parts.take.textContent = entry.state === "person" ? `Take over from ${entry.speaker.name}` : "Take over";
  parts.return.hidden = !mine;
  parts.close.hidden = entry.state === "closed" || (entry.state === "person" && !mine);
  parts.composer.hidden = !mine;
  parts.earlier.hidden = !talk.earlier;
  if (before && before.epoch !== entry.epoch) note(entry.state === "closed" ? "The conversation was closed." : mine ? "You speak now." : entry.speaker.kind === "person" ? `${entry.speaker.name} speaks now.` : "Bob speaks again.");
  // Who closed a conversation hears of it again when its visitor writes.
  if (before?.state === "closed" && entry.state !== "closed") hearTalk();
}

function note(text) {
  follow(() => parts.log.append(element("li", "note", text)));
}

const AUTHORS = { visitor: "Visitor", bot: "Bob", person: "Person" };

function bubble({ role, name, text, at: said }) {
  const item = document.createElement("li");
  item.dataset.role = role;
  item.append(element("span", "author", `${name ?? AUTHORS[role] ?? role} · ${time(said)}`), element("div", "text", text));
  item.lastChild.dir = "auto";
  return item;
}

/** Adds messages that are not shown yet, at the end or before what is there. */
function add(messages, before = false) {
  const fresh = messages.filter(({ id }) => !talk.shown.has(id));
  for (const { id } of fresh) talk.shown.add(id);
  const rows = fresh.map(bubble);
  if (before) parts.log.prepend(...rows);
  else follow(() => parts.log.append(...rows));
}

/** Makes a change to the log and follows it, unless somebody has scrolled away to read. */
function follow(change) {
  const { log } = parts;
  const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 80;
  change();
  if (atEnd) log.scrollTop = log.scrollHeight;
}

parts.earlier.addEventListener("click", async () => {
  const mine = talk;
  const page = await call(`${conversations}/${mine.id}?cursor=${mine.earlier}`).catch(() => null);
  if (!page || talk !== mine) return;
  add(page.items, true);
  talk.earlier = page.next_cursor;
  parts.earlier.hidden = !talk.earlier;
});

// ------------------------------------------------------------------------------------------------------ speaking

async function deed(step) {
  const mine = talk;
  parts.trouble.textContent = "";
  // The epoch that was seen: whoever took it meanwhile is not overruled by accident.
  const body = { epoch: mine.entry.epoch };
  try {
    const entry = await call(`${conversations}/${mine.id}/${step}`, { method: "POST", body });
    if (talk === mine) stand(entry);
    if (step === "take") {
      show("mine");
      parts.text.focus();
    }
  } catch (trouble) {
    if (talk === mine) parts.trouble.textContent = trouble.message;
    await look();
  }
}

for (const step of ["take", "return", "close"]) parts[step].addEventListener("click", () => deed(step));

let sending = null; // what is sent under one key, so that sending it again stores it once

parts.composer.addEventListener("submit", async (event) => {
  event.preventDefault();
  const [mine, text] = [talk, parts.text.value.trim()];
  if (!text || parts.text.disabled) return;
  if (sending?.text !== text || sending?.id !== mine.id) sending = { id: mine.id, text, key: crypto.randomUUID?.() ?? String(Math.random()) };
  parts.trouble.textContent = "";
  parts.text.disabled = true;
  try {
    const headers = { "idempotency-key": sending.key };
    const body = { text, epoch: mine.entry.epoch };
    const message = await call(`${conversations}/${mine.id}/reply`, { method: "POST", body, headers });
    sending = null;
    parts.text.value = "";
    if (talk === mine) add([message]);
  } catch (trouble) {
    if (talk === mine) parts.trouble.textContent = trouble.message;
    if (trouble.status === 409 || trouble.status === 412) await look();
  }
  parts.text.disabled = false;
  parts.text.focus();
});

parts.text.addEventListener("keydown", (event) => {
  // Keys that work on an input method's composition are not for sending.
  if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
  event.preventDefault();
  parts.composer.requestSubmit();
});

parts.text.addEventListener("input", () => {
  if (!talk || Date.now() - talk.typed < 3000) return;
  talk.typed = Date.now();
  call(`${conversations}/${talk.id}/typing`, { method: "POST" }).catch(() => {});
});

// --------------------------------------------------------------------------------------------------------- start

try {
  const { csrf_token, user } = await call("auth/me");
  signedIn(csrf_token, user);
} catch {
  signedOut();
}
