// Bob's chat widget, one module without dependencies. In reading order:
//   the event stream · keys and what the browser keeps · Conversation (the client) · words ·
//   pure helpers of the view · Widget (the view) · the queue · the style sheet.
// Everything before "Widget" runs without a DOM, and the tests use it so.
//
// On a customer's page the widget is a guest: it lives in one shadow root, writes no HTML and no inline style,
// sends no cookie, and asks the server for nothing before a visitor opens it.

export const LIMITS = Object.freeze({
  line: 64 * 1024, // of an event stream, in UTF-16 units
  event: 256 * 1024,
  message: 8_000, // characters, as the server counts them
  counterFrom: 7_000,
  reconnects: 4,
  silence: 45_000, // ms; three missed heartbeats mean that the line is dead
  longestWait: 30, // s; a longer Retry-After is not worth a visitor's while
  busyWait: 60, // s in all for a turn that is still running
  comeBack: 30_000, // ms; the longest pause before a lost line to a person is taken up again
});

// ---------------------------------------------------------------------------------------------- the event stream

/** Parses `text/event-stream` from byte chunks that may be cut anywhere; throws `RangeError` past the limits. */
export class EventStreamParser {
  #decoder = new TextDecoder(); // also drops a leading byte order mark
  #line = "";
  #afterReturn = false;
  #event = { type: "", data: [], size: 0 };
  #id = "";

  /** Takes the next bytes and returns the events that they complete, as `{id, type, data}`. */
  push(bytes) {
    let text = this.#decoder.decode(bytes, { stream: true });
    if (text === "") return [];
    const splitReturn = this.#afterReturn && text.startsWith("\n");
    this.#afterReturn = text.endsWith("\r");
    if (splitReturn) text = text.slice(1);

    const lines = text.split(/\r\n|\r|\n/);
    lines[0] = this.#line + lines[0];
    this.#line = lines.pop();
    const events = [];
    for (const line of [...lines, this.#line]) {
      if (line.length > LIMITS.line) throw new RangeError("a line is too long");
    }
    for (const line of lines) this.#take(line, events);
    return events;
  }

  #take(line, events) {
    if (line === "") return this.#dispatch(events);
    const colon = line.indexOf(":");
    if (colon === 0) return; // a comment, such as the heartbeat
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "event") this.#event.type = value;
    if (field === "id" && !value.includes("\0")) this.#id = value;
    if (field !== "data") return;
    this.#event.size += value.length + 1;
    if (this.#event.size > LIMITS.event) throw new RangeError("an event is too large");
    this.#event.data.push(value);
  }

  #dispatch(events) {
    const { type, data } = this.#event;
    if (data.length > 0) events.push({ id: this.#id, type: type || "message", data: data.join("\n") });
    this.#event = { type: "", data: [], size: 0 };
  }
}

/** Yields the events of a `ReadableStream` of bytes; `alive` hears of every chunk, heartbeats included. */
export async function* parseEventStream(stream, alive = () => {}) {
  const parser = new EventStreamParser();
  const reader = stream.getReader(); // not `for await`: Safari's streams learned that late
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      alive();
      yield* parser.push(value);
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

// ------------------------------------------------------------------------------ keys and what the browser keeps

/** The tenant named inside a publishable key, or null when it is not one. */
export function tenantOfKey(key) {
  const encoded = /^pk_(?:live|test)_([a-z2-7]{25}[aeimquy4])_[\w-]+$/.exec(key)?.[1];
  if (!encoded) return null;
  let bits = 0n;
  for (const letter of encoded) bits = (bits << 5n) | BigInt("abcdefghijklmnopqrstuvwxyz234567".indexOf(letter));
  return dashed((bits >> 2n).toString(16).padStart(32, "0"));
}

const dashed = (hex) => hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** A UUID v4. `crypto.randomUUID` does not exist on plain http pages. */
export function uuid() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  return dashed(Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(""));
}

/** The session and the visitor token of one tenant, in the browser's storage or, where that is refused, in memory. */
export class VisitorStore {
  #name; #storage; #memory = {};

  // A function, because merely naming `localStorage` throws where the browser refuses it.
  constructor(tenant, storage = () => localStorage) {
    [this.#name, this.#storage] = [`bob-widget:${tenant}`, storage];
  }

  /** The session id; nothing is written before `keep`, so that merely looking leaves no trace. */
  get session() {
    const kept = this.#read().session;
    return UUID.test(kept) ? kept : (this.#memory.session ??= uuid());
  }

  get token() {
    return this.#read().token || null;
  }

  keep(changes) {
    this.#memory = { ...this.#read(), session: this.session, ...changes };
    try {
      this.#storage().setItem(this.#name, JSON.stringify(this.#memory));
    } catch {
      this.#storage = () => null;
    }
  }

  /** Leaves nothing behind: the next visitor is another one. */
  clear() {
    this.#memory = {};
    try {
      this.#storage().removeItem(this.#name);
    } catch {
      this.#storage = () => null;
    }
  }

  // Read each time, because another tab of the same site may have written since.
  #read() {
    try {
      return JSON.parse(this.#storage().getItem(this.#name)) ?? this.#memory;
    } catch {
      return this.#memory;
    }
  }
}

// ------------------------------------------------------------------------------------------------- Conversation

/**
 * A call that failed. `kind` picks the words for the visitor; after a `final` one the same idempotency key would
 * only bring the same failure again. `status` is set when it was the answer of a request.
 */
export class Trouble extends Error {
  constructor(kind, { final = false, status, code, retryAfter, cause } = {}) {
    super([kind, status, code].filter(Boolean).join(" "), { cause });
    Object.assign(this, { kind, final, status, code, retryAfter });
  }

  static of(response, problem) {
    const { status } = response;
    const named = { identity_invalid: "identity", identity_required: "identity", identity_stale: "identity" }[problem?.code];
    const kind = named ?? { 401: "unavailable", 403: "unavailable", 404: "unavailable", 409: "busy", 429: "busy", 503: "busy" }[status];
    const final = status < 500 && ![408, 409, 429].includes(status);
    const retryAfter = secondsOf(response.headers.get("retry-after"));
    return new Trouble(kind ?? "failed", { final, status, code: problem?.code, retryAfter });
  }
}

/**
 * One visitor's conversation with one tenant. Every call goes to `base/api/widget/{tenant}/…`.
 *
 * A visitor whom the page identifies is proven by that alone: nothing of theirs is kept in the browser, and what was kept
 * of the stranger before is sent only when they are asked whether it is theirs.
 */
export class Conversation {
  #base; #root; #key; #store; #fetch; #pause;
  #person = null; // {identity, session} of somebody the page identified

  constructor({ base, tenant, key, store = new VisitorStore(tenant), fetch = globalThis.fetch, pause = sleep }) {
    [this.#base, this.#root] = [base, `${base}/api/widget/${tenant}/`];
    [this.#key, this.#store, this.#pause] = [key, store, pause];
    this.#fetch = (...call) => fetch(...call); // a browser's fetch must not be called as a method
  }

  /** What the widget greets with; `unavailable` when this page may not have the chat. */
  async config() {
    try {
      return await this.#read("config");
    } catch (trouble) {
      // A page whose origin is refused sees the same as one whose line is dead. The widget's files are for every
      // page: if one of them comes, the line is not dead.
      if (trouble.kind !== "connection" || !(await this.#reachable())) throw trouble;
      throw new Trouble("unavailable", { cause: trouble });
    }
  }

  /** Takes a JWT that the page's own server signed, or a function that gets one; `null` for a stranger. */
  identify(identity) {
    const get = typeof identity === "function" ? identity : () => identity;
    this.#person = identity ? { get, session: null } : null;
  }

  /** Forgets the person, and whatever the browser kept. */
  forget() {
    this.#person = null;
    this.#store.clear();
  }

  get identified() {
    return this.#person !== null;
  }

  get #session() {
    return this.#person ? (this.#person.session ??= uuid()) : this.#store.session;
  }

  /** Goes on with the identified visitor's latest conversation, on whatever device that was; answers whether there is one. */
  async resume() {
    if (!this.#person || this.#person.session) return false;
    const { items } = await this.#read("conversations?limit=20");
    const latest = listOf(items).find(({ door }) => door === "widget");
    if (latest && this.#person) this.#person.session = latest.session_id;
    return Boolean(latest);
  }

  /** How much was said in this browser before the visitor was identified, if they may be asked about it. */
  async claimable() {
    if (!this.#person || !this.#store.token) return 0;
    const { outcome, count } = await this.#claim({ preview: true });
    return outcome === "offered" && count > 0 ? count : 0;
  }

  /** Says whether that is theirs; goes on with it if it is. */
  async claim(accept) {
    const { outcome, sessions } = await this.#claim({ accept });
    if (outcome !== "merged") return;
    this.#store.clear();
    if (this.#person && sessions.length > 0) this.#person.session = sessions[0];
  }

  async #claim(wish) {
    const headers = { "content-type": "application/json", "x-bob-visitor": this.#store.token };
    const options = { method: "POST", headers, body: JSON.stringify(wish), signal: AbortSignal.timeout(15_000) };
    return (await this.#call("claim", options)).json();
  }

  /** A page of the history; a visitor whom nothing proves has none to read. */
  async history(cursor) {
    const none = { items: [], next_cursor: null };
    if (this.#person ? !this.#person.session : !this.#store.token) return none;
    const query = new URLSearchParams({ session_id: this.#session });
    if (cursor) query.set("cursor", cursor);
    return this.#read(`history?${query}`);
  }

  /**
   * Asks and returns the whole reply. `on(type, data)` hears `turn.started`, `delta`, `citation` and `tool` on the
   * way; a second `turn.started` means that the reply is told again from its beginning.
   *
   * Safe to repeat with the same `key`: the server answers a repeated key with the same turn.
   */
  async ask(message, { key = uuid(), on = () => {} } = {}) {
    if (!this.#person) this.#store.keep({});
    const turn = { message, key, on, id: null, lastEvent: "", resumable: true };
    let [drops, waited, excused, renewed] = [0, 0, false, false];
    for (;;) {
      try {
        return await this.#attempt(turn);
      } catch (error) {
        const { status, code, retryAfter } = error;
        if (error instanceof Trouble && !status) throw error; // said inside the stream
        if (error instanceof RangeError || error instanceof SyntaxError) throw new Trouble("failed", { cause: error });

        if (!status || status === 502 || status === 504) {
          if (drops === LIMITS.reconnects) throw new Trouble("connection", { cause: error });
          await this.#pause(500 * 2 ** drops * (0.75 + Math.random() / 2));
          drops += 1;
        } else if (turn.id && turn.resumable && status < 500 && status !== 429) {
          // A first turn may be unreadable, because the visitor's token comes with its reply. The repeated
          // POST tells the whole turn again.
          turn.resumable = false;
        } else if (status === 409 && waited < LIMITS.busyWait) {
          const seconds = Math.min(Math.max(retryAfter ?? 2, 1), LIMITS.longestWait);
          waited += seconds;
          await this.#pause(seconds * 1000);
        } else if ((status === 429 || status === 503) && !excused && (retryAfter ?? 2) <= LIMITS.longestWait) {
          excused = true;
          await this.#pause((retryAfter ?? 2) * 1000);
        } else if (status === 401 && code !== "unknown_widget_key" && !this.#person && this.#store.token && !renewed) {
          renewed = true; // the token died; go on as a new visitor
          this.#store.keep({ session: uuid(), token: null });
        } else {
          throw error;
        }
      }
    }
  }

  /**
   * Hears what happens in the conversation, people's replies above all: `on(type, data)` gets `message`,
   * `speaker.changed`, `typing` and `conversation.closed`. Takes a lost line up again where it broke; ends with the
   * conversation, when `signal` says so, or when the server refuses for good.
   */
  async follow(on, signal) {
    let [heard, drops] = ["", 0];
    while (!signal.aborted) {
      const watch = watchdog(LIMITS.silence, signal);
      try {
        const accept = "text/event-stream";
        const headers = heard ? { accept, "last-event-id": heard } : { accept };
        const query = new URLSearchParams({ session_id: this.#session });
        const response = await this.#call(`events?${query}`, { headers, signal: watch.signal });
        for await (const { id, type, data } of parseEventStream(response.body, watch.feed)) {
          drops = 0;
          if (id) heard = id;
          if (!["message", "speaker.changed", "typing", "conversation.closed"].includes(type)) continue;
          on(type, JSON.parse(data));
          if (type === "conversation.closed") return;
        }
      } catch (error) {
        if (error.final) return;
      } finally {
        watch.stop();
      }
      if (signal.aborted) return;
      await this.#pause(Math.min(1000 * 2 ** drops, LIMITS.comeBack) * (0.75 + Math.random() / 2));
      drops += 1;
    }
  }

  async #attempt(turn) {
    const watch = watchdog(LIMITS.silence);
    try {
      const response = await this.#send(turn, watch.signal);
      const streams = /^text\/event-stream\b/.test(response.headers.get("content-type"));
      if (!streams) return this.#note(await response.json());
      for await (const { id, type, data } of parseEventStream(response.body, watch.feed)) {
        const reply = this.#hear(turn, type, data);
        if (id) turn.lastEvent = id;
        if (reply) return reply;
      }
    } finally {
      watch.stop();
    }
    throw new Error("the stream ended before its reply");
  }

  #send({ id, lastEvent, resumable, message, key }, signal) {
    const accept = "text/event-stream";
    if (id && resumable) {
      const headers = lastEvent ? { accept, "last-event-id": lastEvent } : { accept };
      return this.#call(`turns/${encodeURIComponent(id)}/events`, { headers, signal });
    }
    const headers = { accept, "content-type": "application/json", "idempotency-key": key };
    const body = JSON.stringify({ message, session_id: this.#session });
    return this.#call("chat", { method: "POST", headers, body, signal });
  }

  /** Takes one event and returns the reply when it is the last. */
  #hear(turn, type, text) {
    if (!["turn.started", "delta", "citation", "tool", "turn.completed", "error"].includes(type)) return null;
    const data = JSON.parse(text);
    if (type === "error") {
      // A person took over: the same message, sent again, is delivered to them.
      const status = data.code === "turn_superseded" ? 409 : undefined;
      throw new Trouble(data.status === 429 || data.status === 503 ? "busy" : "failed", { final: true, status, code: data.code });
    }
    this.#note(data);
    if (type === "turn.completed") return data;
    if (type === "turn.started" && typeof data.turn_id === "string") turn.id = data.turn_id;
    turn.on(type, data);
    return null;
  }

  /** Keeps who the server says the visitor is. */
  #note(data) {
    if (typeof data.visitor_token === "string" && !this.#person) this.#store.keep({ token: data.visitor_token });
    if (this.#person && data.session_id) this.#person.session = data.session_id;
    else if (UUID.test(data.session_id)) this.#store.keep({ session: data.session_id });
    return data;
  }

  async #read(path) {
    try {
      const response = await this.#call(path, { headers: {}, signal: AbortSignal.timeout(15_000) });
      return await response.json();
    } catch (error) {
      throw error instanceof Trouble ? error : new Trouble("connection", { cause: error });
    }
  }

  async #reachable() {
    const options = { credentials: "omit", cache: "no-store", signal: AbortSignal.timeout(15_000) };
    return this.#fetch(`${this.#base}/widget/loader.js`, options).then(({ ok }) => ok, () => false);
  }

  async #call(path, { headers, ...rest }) {
    const proof = { "x-widget-key": this.#key };
    const identity = await this.#person?.get();
    if (identity) proof["x-bob-identity"] = String(identity);
    else if (!this.#person && this.#store.token) proof["x-bob-visitor"] = this.#store.token;
    const options = { credentials: "omit", cache: "no-store", headers: { ...headers, ...proof }, ...rest };
    const response = await this.#fetch(this.#root + path, options);
    if (response.ok) return response;
    throw Trouble.of(response, await response.json().catch(() => null));
  }
}

/** Seconds of a `Retry-After`, which is a number or a date; null when there is none. */
export function secondsOf(header, now = Date.now()) {
  if (!header) return null;
  const seconds = /^\d+$/.test(header.trim()) ? Number(header) : Math.ceil((Date.parse(header) - now) / 1000);
  return Number.isFinite(seconds) ? Math.max(seconds, 0) : null;
}

/** Aborts when nothing has been heard for a while, which a dead mobile connection does not tell by itself, or with `outer`. */
function watchdog(silence, outer) {
  const controller = new AbortController();
  const abort = () => controller.abort();
  let timer;
  const stop = () => {
    clearTimeout(timer);
    outer?.removeEventListener("abort", abort);
  };
  const feed = () => {
    clearTimeout(timer);
    timer = setTimeout(abort, silence);
  };
  outer?.addEventListener("abort", abort);
  feed();
  return { signal: controller.signal, feed, stop };
}

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// -------------------------------------------------------------------------------------------------------- words

const LANGUAGES = ["en", "de", "ja", "fr", "es"];
const WORDS = {
  open: ["Open chat", "Chat öffnen", "チャットを開く", "Ouvrir le chat", "Abrir el chat"],
  unread: ["Open chat, new reply", "Chat öffnen, neue Antwort", "チャットを開く（新しい返信あり）", "Ouvrir le chat, nouvelle réponse", "Abrir el chat, respuesta nueva"],
  close: ["Close chat", "Chat schließen", "チャットを閉じる", "Fermer le chat", "Cerrar el chat"],
  title: ["Chat", "Chat", "チャット", "Chat", "Chat"],
  log: ["Conversation", "Unterhaltung", "会話", "Conversation", "Conversación"],
  input: ["Your message", "Ihre Nachricht", "メッセージ", "Votre message", "Su mensaje"],
  placeholder: ["Write a message…", "Nachricht schreiben …", "メッセージを入力…", "Écrivez un message…", "Escriba un mensaje…"],
  send: ["Send", "Senden", "送信", "Envoyer", "Enviar"],
  again: ["Send again", "Erneut senden", "再送信", "Renvoyer", "Enviar de nuevo"],
  earlier: ["Show earlier messages", "Frühere Nachrichten zeigen", "以前のメッセージを表示", "Afficher les messages précédents", "Mostrar mensajes anteriores"],
  visitor: ["You", "Sie", "あなた", "Vous", "Usted"],
  bot: ["Assistant", "Assistent", "アシスタント", "Assistant", "Asistente"],
  person: ["Team", "Team", "担当者", "Équipe", "Equipo"],
  typing: ["A reply is being written…", "Eine Antwort wird geschrieben …", "返信を入力しています…", "Une réponse est en cours…", "Se está escribiendo una respuesta…"],
  sources: ["Sources", "Quellen", "出典", "Sources", "Fuentes"],
  source: ["Source {n}: {title}", "Quelle {n}: {title}", "出典 {n}：{title}", "Source {n} : {title}", "Fuente {n}: {title}"],
  suggestions: ["Suggested questions", "Vorgeschlagene Fragen", "質問の候補", "Questions suggérées", "Preguntas sugeridas"],
  counter: ["{n} of {max} characters", "{n} von {max} Zeichen", "{max} 文字中 {n} 文字", "{n} caractères sur {max}", "{n} de {max} caracteres"],
  greeting: ["Hello! How can I help?", "Guten Tag! Wie kann ich helfen?", "こんにちは。ご用件をお聞かせください。", "Bonjour ! Comment puis-je vous aider ?", "¡Hola! ¿En qué puedo ayudarle?"],
  refused: ["Not covered by our approved information", "Nicht in unseren geprüften Informationen enthalten", "確認済みの情報に該当する内容がありません", "Absent de nos informations validées", "No figura en nuestra información aprobada"],
  escalated: ["Passed on to our team", "An unser Team weitergegeben", "担当者に引き継ぎました", "Transmis à notre équipe", "Transmitido a nuestro equipo"],
  delivered: ["Delivered to our team. The reply will appear here.", "An unser Team zugestellt. Die Antwort erscheint hier.", "担当者に届きました。返信はここに表示されます。", "Remis à notre équipe. La réponse s’affichera ici.", "Entregado a nuestro equipo. La respuesta aparecerá aquí."],
  joined: ["{name} from our team is here now", "{name} aus unserem Team ist jetzt da", "担当者の {name} が参加しました", "{name}, de notre équipe, est maintenant là", "{name}, de nuestro equipo, ya está aquí"],
  speaks: ["{name} from {shop}", "{name} von {shop}", "{shop} {name}", "{name} de {shop}", "{name} de {shop}"],
  writes: ["{name} is writing…", "{name} schreibt …", "{name} が入力しています…", "{name} écrit…", "{name} está escribiendo…"],
  returned: ["You are talking to the assistant again", "Sie sprechen wieder mit dem Assistenten", "ここからは再びアシスタントがお答えします", "Vous parlez de nouveau à l’assistant", "Vuelve a hablar con el asistente"],
  ended: ["This conversation was closed. Write again whenever you like.", "Diese Unterhaltung wurde beendet. Schreiben Sie gern jederzeit wieder.", "この会話は終了しました。またいつでもお書きください。", "Cette conversation est close. Écrivez-nous à nouveau quand vous voulez.", "Esta conversación se ha cerrado. Escriba de nuevo cuando quiera."],
  limited: ["The assistant is available to a limited extent at the moment", "Der Assistent ist zurzeit nur eingeschränkt verfügbar", "現在、アシスタントのご利用が制限されています", "L’assistant est momentanément limité", "El asistente está limitado en este momento"],
  expected: ["Expected by {time}", "Voraussichtlich bis {time}", "回答予定：{time}", "Prévu d’ici le {time}", "Previsto para el {time}"],
  connection: ["The connection was lost. Your message is kept here.", "Die Verbindung ist abgebrochen. Ihre Nachricht bleibt hier erhalten.", "接続が切れました。メッセージはここに残っています。", "La connexion a été perdue. Votre message est conservé ici.", "Se perdió la conexión. Su mensaje se conserva aquí."],
  busy: ["There is a lot going on right now. Please try again in a moment.", "Gerade ist viel los. Bitte versuchen Sie es gleich noch einmal.", "ただいま混み合っています。少し待ってからもう一度お試しください。", "Il y a beaucoup de demandes en ce moment. Veuillez réessayer dans un instant.", "Hay mucha actividad en este momento. Inténtelo de nuevo en unos instantes."],
  failed: ["That did not work. Please try again.", "Das hat nicht geklappt. Bitte versuchen Sie es noch einmal.", "うまくいきませんでした。もう一度お試しください。", "Cela n’a pas fonctionné. Veuillez réessayer.", "No ha funcionado. Inténtelo de nuevo."],
  unavailable: ["The chat is not available here at the moment.", "Der Chat ist hier zurzeit nicht verfügbar.", "現在こちらではチャットをご利用いただけません。", "Le chat n’est pas disponible ici pour le moment.", "El chat no está disponible aquí en este momento."],
  identity: ["Please sign in again to go on.", "Bitte melden Sie sich erneut an, um fortzufahren.", "続けるには、もう一度ログインしてください。", "Veuillez vous reconnecter pour continuer.", "Inicie sesión de nuevo para continuar."],
  claim: ["Continue your conversation from before you signed in ({n} messages)?", "Ihr Gespräch von vor der Anmeldung fortsetzen ({n} Nachrichten)?", "ログイン前の会話（メッセージ {n} 件）を続けますか？", "Poursuivre votre conversation d’avant la connexion ({n} messages) ?", "¿Continuar la conversación de antes de iniciar sesión ({n} mensajes)?"],
  yes: ["Yes", "Ja", "はい", "Oui", "Sí"],
  no: ["No", "Nein", "いいえ", "Non", "No"],
  noHistory: ["Earlier messages could not be loaded.", "Frühere Nachrichten konnten nicht geladen werden.", "以前のメッセージを読み込めませんでした。", "Les messages précédents n’ont pas pu être chargés.", "No se pudieron cargar los mensajes anteriores."],
};

/** The widget's own words in one language, with `{n}`-like places filled in. */
export function wordsIn(language) {
  const column = Math.max(LANGUAGES.indexOf(language), 0);
  return (word, places = {}) => WORDS[word][column].replace(/\{(\w+)\}/g, (_, name) => String(places[name]));
}

// ------------------------------------------------------------------------------------- pure helpers of the view

/**
 * How the business wants the launcher: the corner, where the page's own script says none; colours as a rule of the style
 * sheet, or nothing; and the label in the language that suits best, or null. Links are mostly of the text's own colour,
 * since any colour may be chosen and must leave them readable.
 */
export function lookOf(look, position, languages) {
  const { position: corner, colour, text_colour: text, launcher } = look ?? {};
  const colours = [colour, text].every((one) => /^#[0-9a-f]{6}$/.test(one))
    ? `.root { --_accent: var(--bob-accent, ${colour}); --_on-accent: var(--bob-accent-text, ${text}); --_link: color-mix(in srgb, ${colour} 35%, var(--_text)); }`
    : "";
  const [language, label] = pick(launcher, languages) ?? [];
  return {
    position: (position || corner) === "left" ? "left" : "right",
    colours,
    label: label ? { language, text: String(label) } : null,
  };
}

/** The page's wishes as primary language codes: what the embed says, else what the page says, else the browser. */
export function languagesOf(...wishes) {
  const codes = wishes.flat().map((wish) => String(wish ?? "").trim().toLowerCase().split(/[-_]/)[0]);
  return [...new Set(codes)].filter((code) => /^[a-z]{2,3}$/.test(code));
}

/** The language of the widget's own words. */
export const ownLanguage = (wishes) => wishes.find((code) => LANGUAGES.includes(code)) ?? "en";

/** Picks `[language, text]` from `{en: "…", de: "…"}`: the first wish it has, else English, else any; or null. */
export function pick(texts, wishes) {
  const known = Object.entries(texts ?? {}).filter(([, text]) => typeof text === "string" && text);
  const best = [...wishes, "en"].find((code) => known.some(([language]) => language === code));
  return known.find(([language]) => language === best) ?? known[0] ?? null;
}

/** An address fit for a link, resolved against the page, or null: http and https only, and no `user@` disguise. */
export function safeLink(address, page) {
  if (typeof address !== "string" || !address) return null;
  try {
    const url = new URL(address, page);
    return /^https?:$/.test(url.protocol) && !url.username && !url.password ? url.href : null;
  } catch {
    return null;
  }
}

/** Cuts a reply at its `[1]` markers: strings, and the citations they name. Other markers stay text. */
export function piecesOf(text, citations) {
  return text
    .split(/(\[\d{1,3}\])/)
    .map((piece, at) => (at % 2 ? (citations.find(({ index }) => `[${index}]` === piece) ?? piece) : piece))
    .filter((piece) => piece !== "");
}

/** Characters as the server counts them: code points, not UTF-16 units. */
export const lengthOf = (text) => [...text].length;

/** The outcomes after which a person is to come. */
const WAITS = ["escalated", "limited"];

const listOf = (value) => (Array.isArray(value) ? value.filter((item) => item && typeof item === "object") : []);

// ------------------------------------------------------------------------------------------------------- Widget

/** Makes an element. Text goes in as text nodes; there is no way to pass HTML or a style. */
function el(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  for (const [attribute, value] of Object.entries(attributes)) {
    if (typeof value === "function") node.addEventListener(attribute, value);
    else if (value != null && value !== false) node.setAttribute(attribute, value === true ? "" : value);
  }
  node.append(...children);
  return node;
}

const ICONS = { chat: "M4 5.5h16v11h-9l-5 4v-4H4z", close: "M6 6l12 12M18 6L6 18", send: "M12 19V5M5.5 11.5L12 5l6.5 6.5" };

function icon(name) {
  const [svg, path] = ["svg", "path"].map((part) => document.createElementNS("http://www.w3.org/2000/svg", part));
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

function styleSheet(text = "") {
  const sheet = new CSSStyleSheet(); // not <style>: the page's CSP would refuse that
  sheet.replaceSync(text);
  return sheet;
}

export class Widget {
  #conversation; #languages; #language; #words; #look; #parts;
  #view = styleSheet(); // the visible height, which a phone's keyboard changes
  #narrow = matchMedia("(max-width: 480px), (max-height: 400px)");
  #busy = false; #welcomed = false;
  #closed = false; // the server does not serve this page
  #seen = new Set(); // turn:role, or the id of a person's message
  #disclosed = new Set();
  #waiting = false; // for a person who was asked for
  #person; // the name of who speaks; null for the assistant, undefined while it is not known
  #line = null; // open while a person is waited for, or speaks
  #held = []; // messages heard while a turn is asked, which may be that turn's own
  #label = { text: "", lang: "" }; // that a machine speaks
  #pausing; #watch;
  #visit = 0; // one more with each visitor; what was asked for an earlier one is shown to nobody

  constructor({ base, tenant, key, look, position, language }) {
    this.#conversation = new Conversation({ base, tenant, key });
    this.#languages = languagesOf(language, document.documentElement.lang, navigator.languages);
    this.#language = ownLanguage(this.#languages);
    this.#words = wordsIn(this.#language);
    this.#look = lookOf(look, position, this.#languages);
    this.#parts = this.#build(tenant);
    this.#narrow.addEventListener("change", () => this.#reopen());
    visualViewport?.addEventListener("resize", () => this.#fit());
    addEventListener("pagehide", () => this.#line?.abort());
    addEventListener("pageshow", ({ persisted }) => persisted && this.#listen());
    // Pages that swap or hydrate their body throw unknown elements out. Whoever does it on purpose, time and
    // again, wins.
    let returns = 0;
    this.#watch = new MutationObserver(() => {
      if (!this.#parts.host.isConnected && (returns += 1) <= 20) this.attach();
    });
    this.#watch.observe(document.documentElement, { childList: true });
    this.attach();
  }

  /** Puts the widget (back) on the page; does nothing when it is there. */
  attach() {
    if (this.#parts.host.isConnected || !document.body) return;
    document.body.append(this.#parts.host);
    this.#watch.observe(document.body, { childList: true });
    this.#reopen();
  }

  /** The page says who the visitor is: a JWT, or a function that gets one. */
  identify(identity) {
    this.#conversation.identify(identity);
    this.#begin();
  }

  /** The visitor signed out: nothing of theirs stays on the page or in the browser. */
  logout() {
    this.#conversation.forget();
    this.#begin();
  }

  #begin() {
    this.#visit += 1;
    this.#parts.log.replaceChildren();
    this.#seen.clear();
    this.#line?.abort();
    [this.#line, this.#person, this.#waiting, this.#welcomed] = [null, undefined, false, false];
    this.#held.length = 0;
    if (this.#parts.panel.open) this.#welcome();
  }

  #build(tenant) {
    const words = this.#words;
    const { position, colours, label: shown } = this.#look;
    const bubble = el("button", {
      class: "bubble", type: "button", "aria-haspopup": "dialog", "aria-expanded": "false", "aria-controls": "panel",
      "aria-label": this.#named("open"), click: () => (panel.open ? panel.close() : this.#open()),
    }, icon("chat"), icon("close"), ...(shown ? [el("span", { class: "label", dir: "auto", lang: shown.language }, shown.text)] : []));

    const title = el("h2", { id: "title", dir: "auto" }, words("title"));
    const about = el("p", { class: "about", dir: "auto" });
    const hide = { class: "quiet", type: "button", "aria-label": words("close"), click: () => panel.close() };
    const header = el("header", {}, el("div", {}, title, about), el("button", hide, icon("close")));

    const log = el("div", { class: "log", role: "log", "aria-live": "polite", "aria-label": words("log"), tabindex: "0" });
    const status = el("p", { class: "unseen", role: "status" });

    const input = el("textarea", {
      id: "input", rows: "1", dir: "auto", enterkeyhint: "send", autocomplete: "off", placeholder: words("placeholder"),
      "aria-describedby": "counter", input: () => this.#measure(),
    });
    const send = el("button", { class: "send", type: "submit", "aria-label": words("send"), disabled: true }, icon("send"));
    const counter = el("p", { id: "counter", class: "counter" });
    const submit = (event) => this.#submit(event);
    const label = el("label", { class: "unseen", for: "input" }, words("input"));
    const composer = el("form", { class: "composer", submit }, label, input, send);

    const keydown = (event) => this.#key(event);
    const dialog = { id: "panel", class: "panel", "aria-labelledby": "title", keydown, close: () => this.#shut() };
    const panel = el("dialog", dialog, header, log, composer, counter, status);
    // The page would take keys for its own shortcuts: from outside, the input does not look like one.
    for (const type of ["keydown", "keypress", "keyup"]) panel.addEventListener(type, (event) => event.stopPropagation());

    const host = el("bob-widget", { "data-tenant": tenant });
    const shadow = host.attachShadow({ mode: "open" });
    shadow.adoptedStyleSheets = [styleSheet(STYLE + colours), this.#view];
    shadow.append(el("div", { class: "root", "data-position": position, lang: this.#language, dir: "ltr" }, panel, bubble));
    return { host, bubble, panel, title, about, log, input, send, counter, status };
  }

  /** The launcher's name for those who do not see it; it begins with the label that others see. */
  #named(word) {
    const { label } = this.#look;
    return label ? `${label.text} – ${this.#words(word)}` : this.#words(word);
  }

  // -- opening and closing

  #open() {
    const { panel, bubble, input, log } = this.#parts;
    this.#fit();
    // A phone's sheet covers the page, so the page must not take the focus; beside a desktop's panel it may.
    if (this.#narrow.matches) panel.showModal();
    else panel.show();
    bubble.setAttribute("aria-expanded", "true");
    bubble.setAttribute("aria-label", this.#named("close"));
    bubble.removeAttribute("data-unread");
    input.focus();
    log.scrollTop = log.scrollHeight;
    if (!this.#welcomed) this.#welcome();
  }

  #shut() {
    const { panel, bubble } = this.#parts;
    if (panel.open) return; // only reopened; the event comes late
    bubble.setAttribute("aria-expanded", "false");
    bubble.setAttribute("aria-label", this.#named("open"));
    bubble.focus();
  }

  /** Changes an open panel between dialog and sheet. */
  #reopen() {
    if (!this.#parts.panel.open) return;
    this.#parts.panel.close();
    this.#open();
  }

  #fit() {
    const height = visualViewport && this.#narrow.matches ? `${Math.round(visualViewport.height)}px` : "100dvh";
    this.#view.replaceSync(`:host { --_view: ${height}; }`);
  }

  /** Fetched at the first opening and not with the page: most page views never open the chat. */
  async #welcome() {
    this.#welcomed = true;
    const visit = this.#visit;
    await this.#conversation.resume().catch(() => false);
    const answers = await Promise.allSettled([this.#conversation.config(), this.#conversation.history()]);
    if (visit !== this.#visit) return;
    const [config, history] = answers.map(({ value }) => value ?? {});
    const [refusal, missing] = answers.map(({ reason }) => reason?.kind);
    this.#close(refusal === "unavailable");
    if (this.#closed) return console.error("bob: the server refuses this page; is its origin on the widget key's list?");

    const { title, log } = this.#parts;
    if (config.name) title.textContent = String(config.name);
    const [language, disclosure = ""] = pick(config.disclosure, this.#languages) ?? [];
    this.#label = { text: disclosure, lang: language ?? "" };
    this.#head();
    this.#disclosed = new Set(Object.values(config.disclosure ?? {}));
    this.#show(() => {
      this.#restore(history);
      if (missing && missing !== "unavailable") log.prepend(this.#note(this.#words("noHistory")));
      if (listOf(history.items).length > 0) return;
      const [language, greeting] = pick(config.greeting, this.#languages) ?? [this.#language, this.#words("greeting")];
      log.prepend(this.#row("bot", greeting, { language }));
    }, true);
    const items = listOf(history.items);
    const last = items.findLast(({ role }) => role !== "visitor");
    this.#waiting ||= WAITS.includes(last?.outcome);
    if (this.#waiting || items.some(({ role }) => role === "person")) this.#listen();
    this.#offer(visit);
  }

  /** Asks somebody who signed in whether what was said before is theirs. */
  async #offer(visit) {
    const n = await this.#conversation.claimable().catch(() => 0);
    if (n === 0 || visit !== this.#visit) return;
    const answer = (word, accept) => {
      const click = async () => {
        offer.remove();
        await this.#conversation.claim(accept).catch(() => {});
        if (accept && visit === this.#visit) this.#begin();
      };
      return el("button", { class: "chip", type: "button", click }, this.#words(word));
    };
    const buttons = el("div", { class: "chips", role: "group" }, answer("yes", true), answer("no", false));
    const offer = el("div", { class: "message offer", "data-role": "bot" }, el("p", { class: "text" }, this.#words("claim", { n })), buttons);
    this.#show(() => this.#parts.log.append(offer), true);
  }

  /** Says that there is no chat here, and asks again at the next opening; or takes that back. */
  #close(closed) {
    const { log, input } = this.#parts;
    this.#closed = closed;
    this.#welcomed = !closed;
    input.readOnly = closed;
    log.querySelector(".closed")?.remove();
    if (closed) log.append(el("p", { class: "note closed" }, this.#words("unavailable")));
    else if (this.#parts.panel.open) input.focus();
    this.#measure();
  }

  // -- history

  /** Shows a page of the history before what is there. */
  #restore(page) {
    const { log, input } = this.#parts;
    log.setAttribute("aria-live", "off"); // old news is not announced
    setTimeout(() => log.setAttribute("aria-live", "polite"), 500);
    log.querySelector(".earlier")?.remove();
    log.prepend(...this.#unseen(page));
    if (!page.next_cursor) return;
    const click = async () => {
      earlier.disabled = true;
      const older = await this.#conversation.history(page.next_cursor).catch(() => null);
      const below = log.scrollHeight - log.scrollTop;
      if (older) this.#restore(older);
      log.scrollTop = log.scrollHeight - below;
      earlier.disabled = false;
      input.focus();
    };
    const earlier = el("button", { class: "earlier chip", type: "button", click }, this.#words("earlier"));
    log.prepend(earlier);
  }

  /** The rows of those messages that are not shown yet, oldest first. */
  #unseen(page) {
    const items = listOf(page.items).toSorted((a, b) => Date.parse(a.at) - Date.parse(b.at) || 0);
    return items.flatMap((item) => {
      const role = ["visitor", "person"].includes(item.role) ? item.role : "bot";
      const name = item.turn_id && role !== "person" ? `${item.turn_id}:${role}` : String(item.id);
      if (this.#seen.has(name)) return [];
      this.#seen.add(name);
      return role === "visitor" ? [this.#row(role, item.text)] : this.#replyRows({ ...item, reply: item.text }, role);
    });
  }

  // -- people

  /** Listens for a person, once one was asked for or speaks. */
  #listen() {
    if (this.#line || this.#closed) return;
    const line = (this.#line = new AbortController());
    const ended = () => { if (this.#line === line) this.#line = null; };
    this.#conversation.follow((type, data) => this.#line === line && this.#heard(type, data), line.signal).then(ended, ended);
  }

  #heard(type, data) {
    if (type === "message" && this.#busy && data.role !== "person") this.#held.push(data);
    else if (type === "message") this.#say([data]);
    else if (type === "speaker.changed") this.#speaks(data.speaker === "person" ? String(data.name ?? this.#words("person")) : null);
    else if (type === "typing") this.#writes(String(data.name ?? this.#words("person")));
    else {
      this.#waiting = false;
      this.#person = null;
      this.#head();
      this.#tell(this.#words("ended"));
    }
  }

  /** Shows messages that are not shown yet. */
  #say(items) {
    const rows = this.#unseen({ items });
    if (rows.length === 0) return;
    this.#writes(null);
    this.#show(() => this.#parts.log.append(...rows));
    if (items.some(({ role }) => role === "person")) this.#mark();
  }

  /** Who speaks from now on, by name; null for the assistant. */
  #speaks(person) {
    const before = this.#person;
    this.#person = person;
    this.#head();
    if (person !== null) {
      this.#waiting = false;
      if (before !== undefined && before !== person) this.#tell(this.#words("joined", { name: person }));
      return;
    }
    if (before) this.#tell(this.#words("returned"));
    // Who waits for nobody needs no line.
    if (!this.#waiting) this.#line?.abort();
  }

  /** Shows for a moment that a person is writing; null for that nobody is. */
  #writes(name) {
    const { log } = this.#parts;
    clearTimeout(this.#pausing);
    log.querySelector(".writes")?.remove();
    if (name === null) return;
    this.#show(() => log.append(el("p", { class: "note writes", "aria-hidden": "true" }, this.#words("writes", { name }))));
    this.#pausing = setTimeout(() => this.#writes(null), 6_000);
  }

  #tell(text) {
    this.#writes(null);
    this.#show(() => this.#parts.log.append(this.#note(text)));
    this.#mark();
  }

  /** Says below the title who speaks: a person by name, or that it is a machine. */
  #head() {
    const { about, title } = this.#parts;
    const { text, lang } = this.#label;
    about.textContent = this.#person ? this.#words("speaks", { name: this.#person, shop: title.textContent }) : text;
    about.lang = (this.#person ? "" : lang) || this.#language;
    about.toggleAttribute("data-person", Boolean(this.#person));
  }

  /** Marks the bubble of a closed panel: there is something new. */
  #mark() {
    const { panel, bubble } = this.#parts;
    if (panel.open) return;
    bubble.setAttribute("data-unread", "");
    bubble.setAttribute("aria-label", this.#named("unread"));
  }

  // -- asking

  #key(event) {
    // Keys that work on an input method's composition are not for the chat; Safari marks the last by 229 only.
    if (event.isComposing || event.keyCode === 229) return;
    if (event.key === "Enter" && !event.shiftKey && event.target === this.#parts.input) this.#submit(event);
    if (event.key !== "Escape") return;
    event.preventDefault();
    this.#parts.panel.close();
  }

  #submit(event) {
    event.preventDefault();
    const { input, send } = this.#parts;
    this.#measure();
    if (send.disabled) return;
    const message = input.value;
    input.value = "";
    this.#askNew(message);
  }

  #askNew(text) {
    const message = text.trim();
    this.#ask({ message, key: uuid(), row: this.#row("visitor", message) });
  }

  async #ask(entry) {
    if (this.#busy || this.#closed) return;
    const { log, status, input } = this.#parts;
    for (const stale of [...log.querySelectorAll(".offer, .chips"), ...entry.row.querySelectorAll(".failure")]) stale.remove();
    const live = this.#liveRow();
    this.#show(() => log.append(entry.row, live.row), true);
    this.#busy = true;
    this.#measure();
    input.focus();
    status.textContent = this.#words("typing");
    const on = (type, data) => {
      if (type === "turn.started") this.#seen.add(`${data.turn_id}:visitor`);
      this.#show(() => live.hear(type, data));
    };
    try {
      const visit = this.#visit;
      const reply = await this.#conversation.ask(entry.message, { key: entry.key, on });
      if (visit !== this.#visit) return this.#rest();
      this.#seen.add(`${reply.turn_id}:visitor`).add(`${reply.turn_id}:bot`);
      this.#waiting ||= WAITS.includes(reply.outcome);
      if (this.#waiting || reply.outcome === "delivered") this.#listen();
      // Only now, and as new nodes, so that a screen reader announces the reply once and whole.
      this.#show(() => live.row.replaceWith(...this.#replyRows(reply, "bot")));
      this.#mark();
    } catch (trouble) {
      live.row.remove();
      if (trouble.final) entry.key = uuid();
      const again = el("button", { class: "chip", type: "button", click: () => this.#ask(entry) }, this.#words("again"));
      const reason = this.#words(WORDS[trouble.kind] ? trouble.kind : "failed");
      this.#show(() => entry.row.append(el("div", { class: "failure" }, el("p", {}, reason), again)));
    }
    this.#rest();
  }

  #rest() {
    this.#parts.status.textContent = "";
    this.#busy = false;
    this.#measure();
    this.#say(this.#held.splice(0));
  }

  /** Fits the input to its text, says how much room is left when it becomes scarce, and whether one may send. */
  #measure() {
    const { input, send, counter, log } = this.#parts;
    log.toggleAttribute("data-busy", this.#busy);
    this.#show(() => {
      input.rows = 1;
      while (input.rows < 6 && input.scrollHeight > input.clientHeight) input.rows += 1;
    });
    const count = lengthOf(input.value.trim());
    const over = count > LIMITS.message;
    const [n, max] = [count, LIMITS.message].map((number) => number.toLocaleString(this.#language));
    counter.textContent = count > LIMITS.counterFrom ? this.#words("counter", { n, max }) : "";
    counter.toggleAttribute("data-over", over);
    input.setAttribute("aria-invalid", String(over));
    send.disabled = this.#busy || this.#closed || count === 0 || over;
  }

  // -- showing

  /** Makes a change to the log and follows it, unless the visitor has scrolled away to read. */
  #show(change, always = false) {
    const { log } = this.#parts;
    const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 80;
    change();
    if (always || atEnd) log.scrollTop = log.scrollHeight;
  }

  #row(role, text, { language, citations = [], name } = {}) {
    const pieces = piecesOf(String(text ?? ""), citations);
    const nodes = pieces.map((piece) => (typeof piece === "string" ? piece : this.#marker(piece)));
    const author = el("span", { class: role === "person" ? "author" : "unseen" }, `${name ?? this.#words(role)}:`);
    return el("div", { class: "message", "data-role": role }, author, el("div", { class: "text", dir: "auto", lang: language }, ...nodes));
  }

  /** The row of a reply that is still being written; hidden from screen readers until it is whole. */
  #liveRow() {
    const text = document.createTextNode("");
    const dots = el("span", { class: "dots" }, el("i"), el("i"), el("i"));
    const hear = (type, data) => {
      if (type === "turn.started") text.data = "";
      if (type === "delta") text.data += String(data.text ?? "");
      dots.toggleAttribute("hidden", text.data !== "");
    };
    const body = el("div", { class: "text", dir: "auto" }, text, dots);
    return { row: el("div", { class: "message", "data-role": "bot", "aria-hidden": "true" }, body), hear };
  }

  /** A finished reply with what belongs to it; `delivered` has no text of its own. */
  #replyRows({ reply, language, outcome, disclosure, handoff, name, ...rest }, role) {
    const rows = [];
    if (disclosure && !this.#disclosed.has(disclosure)) rows.push(this.#note(String(disclosure), language));
    this.#disclosed.add(disclosure);
    const citations = listOf(rest.citations);
    if (reply) rows.push(this.#row(role, reply, { language, citations, name: role === "person" && name ? String(name) : undefined }));
    if (reply) rows.at(-1).append(...this.#extras(rest, citations, language));
    if (["refused", "escalated", "delivered", "limited"].includes(outcome)) {
      const due = new Date(handoff?.expected_at ?? NaN);
      const time = Number.isNaN(+due) ? "" : due.toLocaleString(this.#language, { dateStyle: "medium", timeStyle: "short" });
      rows.push(this.#note(this.#words(outcome) + (time && ` · ${this.#words("expected", { time })}`)));
    }
    return rows;
  }

  #extras({ confirmation, suggestions }, citations, lang) {
    const extras = [];
    if (confirmation?.summary) extras.push(el("p", { class: "summary", dir: "auto", lang }, String(confirmation.summary)));
    if (citations.length > 0) {
      const sources = citations.map((citation) => {
        const title = this.#link(citation, { dir: "auto" }, String(citation.title || citation.url || ""));
        return el("li", {}, `[${citation.index}] `, title);
      });
      extras.push(el("div", { class: "sources" }, el("span", {}, this.#words("sources")), el("ul", {}, ...sources)));
    }
    const chips = listOf(suggestions).filter(({ question }) => question).map(({ title, question }) => {
      const click = () => this.#askNew(String(question));
      return el("button", { class: "chip", type: "button", dir: "auto", lang, click }, String(title || question));
    });
    const group = { class: "chips", role: "group", "aria-label": this.#words("suggestions") };
    if (chips.length > 0) extras.push(el("div", group, ...chips));
    return extras;
  }

  #marker(citation) {
    const label = this.#words("source", { n: citation.index, title: citation.title ?? "" });
    return this.#link(citation, { class: "marker", title: label }, `[${citation.index}]`);
  }

  #link({ url }, attributes, text) {
    const href = safeLink(url, location.href);
    return href ? el("a", { ...attributes, href, target: "_blank", rel: "noopener nofollow" }, text) : el("span", attributes, text);
  }

  #note(text, lang) { return el("p", { class: "note", dir: "auto", lang }, text); }
}

// ---------------------------------------------------------------------------------------------------- the queue

/**
 * Mounts what pages queued on `scope.BobWidget`, and what they push from now on; one widget a tenant. From here on
 * `scope.Bob` says who the visitor is: `identify(jwt)` and `logout()`, or the events `bob:identify` and `bob:logout`.
 */
export function takeQueue(scope, mount) {
  const queue = (scope.BobWidget = Array.isArray(scope.BobWidget) ? scope.BobWidget : []);
  if (Object.hasOwn(queue, "push")) return; // another copy of this module serves the page
  const mounted = new Map();
  const each = (act) => mounted.forEach((widget) => widget && act(widget));
  let identity = scope.Bob?.identity ?? null; // said before this module came
  scope.Bob = {
    identify(given) {
      identity = given;
      each((widget) => widget.identify(given));
    },
    logout() {
      identity = null;
      each((widget) => widget.logout());
    },
  };
  scope.addEventListener?.("bob:identify", ({ detail }) => scope.Bob.identify(detail));
  scope.addEventListener?.("bob:logout", () => scope.Bob.logout());
  const take = (options) => {
    try {
      const key = String(options.key ?? "");
      const tenant = String(options.tenant ?? tenantOfKey(key)).toLowerCase();
      if (!UUID.test(tenant)) throw new Error("no tenant");
      const base = new URL(options.base).href.replace(/\/+$/, "");
      if (mounted.has(tenant)) mounted.get(tenant)?.attach();
      else {
        const widget = mount({ ...options, base, tenant, key });
        mounted.set(tenant, widget);
        if (identity) widget?.identify(identity);
      }
    } catch (error) {
      console.error("bob: the chat could not start", error);
    }
  };
  queue.push = (...all) => all.forEach(take);
  queue.splice(0).forEach(take);
}

// --------------------------------------------------------------------------------------------- the style sheet

// The page may set --bob-accent, --bob-accent-text, --bob-surface, --bob-text, --bob-font, --bob-radius and --bob-z
// on <bob-widget>; nothing else of its style reaches in, because .root starts from `all: initial`.
const STYLE = `
:host { position: fixed !important; inset: auto 0 0 auto; width: 0; height: 0; z-index: var(--bob-z, 2147483000) !important; }
.root {
  all: initial; color-scheme: light dark; color: var(--_text);
  font: 15px/1.5 var(--bob-font, system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Hiragino Sans", "Noto Sans JP", sans-serif);
  --_accent: var(--bob-accent, #3f4bd8); --_on-accent: var(--bob-accent-text, #fff);
  --_surface: var(--bob-surface, #fff); --_text: var(--bob-text, #1b1d26);
  --_soft: color-mix(in srgb, var(--_text) 6%, var(--_surface)); --_line: color-mix(in srgb, var(--_text) 14%, var(--_surface));
  --_muted: color-mix(in srgb, var(--_text) 68%, var(--_surface)); --_link: color-mix(in srgb, var(--_accent) 88%, #000);
  --_alarm: #b3261e; --_shadow: 0 1px 2px rgb(16 18 40 / .12), 0 12px 40px rgb(16 18 40 / .2);
}
@media (prefers-color-scheme: dark) {
  .root {
    --_accent: var(--bob-accent, #5a66ee); --_surface: var(--bob-surface, #191b22); --_text: var(--bob-text, #eceef4);
    --_link: color-mix(in srgb, var(--_accent) 50%, #fff); --_alarm: #ffb4ab;
    --_shadow: 0 0 0 1px rgb(255 255 255 / .08), 0 16px 48px rgb(0 0 0 / .6);
  }
}
*, ::before, ::after { box-sizing: border-box; } [hidden] { display: none !important; } h2, p, ul { margin: 0; padding: 0; list-style: none; }
button, textarea { font: inherit; color: inherit; margin: 0; border: 0; background: none; } button:enabled { cursor: pointer; }
:focus-visible { outline: 2px solid var(--_link); outline-offset: 2px; }
svg { width: 22px; height: 22px; fill: none; stroke: currentColor; stroke-width: 2; stroke-linecap: round; stroke-linejoin: round; }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }

.bubble, .quiet, .send { flex: none; width: 44px; height: 44px; padding: 0; display: grid; place-items: center; border-radius: 50%; }
.bubble, .send:enabled { color: var(--_on-accent); background: var(--_accent); }
.bubble { position: fixed; bottom: calc(20px + env(safe-area-inset-bottom)); inset-inline: auto 20px; width: 56px; height: 56px; box-shadow: var(--_shadow); transition: transform .15s; }
.bubble:hover { transform: scale(1.05); }
.bubble svg { grid-area: 1 / 1; width: 26px; height: 26px; transition: opacity .15s, transform .15s; }
.bubble[aria-expanded=false] svg:last-child, .bubble[aria-expanded=true] svg:first-child { opacity: 0; transform: rotate(45deg) scale(.6); }
.bubble[data-unread]::after { content: ""; position: absolute; top: 1px; right: 1px; width: 15px; height: 15px; border-radius: 50%; background: #e5484d; border: 2px solid #fff; }
.bubble:has(.label) { width: auto; grid-auto-flow: column; gap: 10px; padding: 0 22px 0 16px; border-radius: 28px; } .bubble .label { font-weight: 600; }
.quiet, .send { color: var(--_muted); } .quiet:hover, .send:disabled { background: var(--_soft); }

.panel {
  position: fixed; inset: auto 20px calc(88px + env(safe-area-inset-bottom)) auto; margin: 0; padding: 0; border: 0;
  width: min(392px, calc(100vw - 40px)); height: min(640px, calc(100dvh - 108px)); max-width: none; max-height: none;
  flex-direction: column; overflow: hidden; color: var(--_text); background: var(--_surface);
  border-radius: var(--bob-radius, 18px); box-shadow: var(--_shadow);
}
.panel[open] { display: flex; animation: rise .18s ease-out; } .panel::backdrop { background: none; }
[data-position=left] :is(.panel, .bubble) { inset-inline: 20px auto; }
header { flex: none; display: flex; align-items: center; gap: 12px; padding: 12px 12px 12px 20px; border-bottom: 1px solid var(--_line); }
header > div { flex: 1; min-width: 0; } h2 { font-size: 16px; line-height: 1.35; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.about, .note, .counter, .sources, .author { font-size: 12.5px; line-height: 1.45; color: var(--_muted); } :is(.about, .counter):empty { display: none; }

.log { flex: 1; min-height: 0; overflow: auto; overscroll-behavior: contain; padding: 18px 16px; display: flex; flex-direction: column; gap: 12px; }
.log, textarea { scrollbar-width: thin; scrollbar-color: var(--_line) transparent; } .log:focus-visible { outline-offset: -3px; }
.log > * { flex: none; } .log > :first-child { margin-top: auto; }
.message { display: flex; flex-direction: column; align-items: flex-start; gap: 8px; max-width: 88%; overflow-wrap: anywhere; }
.message[data-role=visitor] { align-self: flex-end; align-items: flex-end; } .message a { color: var(--_link); }
.text { padding: 9px 14px; border-radius: 16px 16px 16px 5px; background: var(--_soft); white-space: pre-wrap; max-width: 100%; text-align: start; }
[data-role=visitor] > .text { color: var(--_on-accent); background: var(--_accent); border-radius: 16px 16px 5px; }
[data-role=person] > .text { background: none; border: 1px solid var(--_line); }
.marker { font-size: .78em; font-weight: 600; text-decoration: none; vertical-align: .15em; line-height: 1; } a.marker:hover { text-decoration: underline; }
.sources { padding-inline: 14px; font-size: 13px; } .sources > span, .author { font-weight: 600; } .author { margin: 0 14px -5px; } .sources li { padding-block: 2px; }
.summary { padding: 10px 14px; border: 1px solid var(--_line); border-radius: 12px; font-size: 14px; white-space: pre-wrap; }
.chips { display: flex; flex-wrap: wrap; gap: 8px; }
.chip { min-height: 44px; padding: 8px 16px; border: 1px solid var(--_line); border-radius: 22px; color: var(--_link); font-size: 14px; line-height: 1.35; text-align: start; }
.chip:hover { border-color: var(--_link); } .chip:disabled, [data-busy] .failure .chip { opacity: .5; }
.note, .earlier { align-self: center; max-width: 92%; text-align: center; }
.failure { display: flex; flex-direction: column; align-items: flex-end; gap: 8px; font-size: 13px; line-height: 1.45; color: var(--_alarm); text-align: end; }
.dots { display: inline-flex; gap: 5px; padding: 7px 1px; vertical-align: middle; }
.dots i { width: 7px; height: 7px; border-radius: 50%; background: var(--_muted); animation: breathe 1.2s ease-in-out infinite; }
.dots i:nth-child(2) { animation-delay: .15s; } .dots i:nth-child(3) { animation-delay: .3s; }
@keyframes rise { from { opacity: 0; transform: translateY(10px); } } @keyframes breathe { 0%, 60%, 100% { opacity: .3; } 30% { opacity: 1; } }

.composer { flex: none; display: flex; align-items: flex-end; gap: 8px; margin: 0 12px 12px; padding: 4px 4px 4px 16px; border: 1px solid var(--_line); border-radius: 27px; }
.composer:focus-within { border-color: var(--_link); box-shadow: 0 0 0 1px var(--_link); }
textarea { flex: 1; min-width: 0; padding: 10px 0; resize: none; font-size: 16px; line-height: 24px; }
textarea:focus-visible { outline: 0; } textarea::placeholder { color: var(--_muted); opacity: 1; }
.counter { flex: none; margin: -6px 24px 10px; text-align: end; } .counter[data-over] { color: var(--_alarm); font-weight: 600; }

@media (max-width: 480px), (max-height: 400px) {
  .root .panel { inset: 0 0 auto; width: 100%; height: var(--_view, 100dvh); padding-block: env(safe-area-inset-top) env(safe-area-inset-bottom); border-radius: 0; }
  .panel[open] + .bubble { visibility: hidden; }
}
@media (prefers-reduced-motion: reduce) { *, ::before, ::after { animation: none !important; transition: none !important; } }
@media (forced-colors: active) { .panel, .bubble, .text, .send { border: 1px solid; } } @media print { .root { display: none; } }
`;

// Last, because it needs everything above. Without a page (a test) nothing happens.
if (typeof window !== "undefined" && typeof document !== "undefined") {
  const start = () => takeQueue(window, (options) => new Widget(options));
  if (document.body) start();
  else document.addEventListener("DOMContentLoaded", start, { once: true });
}
