// Facts about the chat widget that need no browser. Run: node --test tests/widget/widget.test.mjs
// The client talks to a small real HTTP server; waits are recorded, not slept.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import http from "node:http";
import { test } from "node:test";
import vm from "node:vm";

const assets = new URL("../../bob-tower/assets/widget/", import.meta.url);
const widget = await import(new URL("widget.mjs", assets));
const { Conversation, EventStreamParser, LIMITS, Trouble, VisitorStore } = widget;

const TENANT = "0197a3c4-5b6d-7e8f-9a0b-1c2d3e4f5a6b";
const KEY_OF_TENANT = "pk_live_agl2hrc3nv7i7gqldqwt4t22nm_Zm9v-YmFy_1";
const UUID4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const bounded = { timeout: 10_000 };
const bytes = (text) => new TextEncoder().encode(text);

// ------------------------------------------------------------------------------------------------- event stream

function parse(...chunks) {
  const parser = new EventStreamParser();
  return chunks.flatMap((chunk) => parser.push(typeof chunk === "string" ? bytes(chunk) : chunk));
}

const SAMPLE = 'id: 1\r\nevent: turn.started\r\ndata: {"a":1}\r\n\r\n: heartbeat\n\nid:2\rdata:こん\rdata: にちは 👋\r\rid: 3\nevent: delta\ndata\n\n';
const SAMPLE_EVENTS = [
  { id: "1", type: "turn.started", data: '{"a":1}' },
  { id: "2", type: "message", data: "こん\nにちは 👋" },
  { id: "3", type: "delta", data: "" },
];

test("a stream means the same wherever it is cut in two", () => {
  const whole = bytes(SAMPLE);
  for (let at = 0; at <= whole.length; at += 1) {
    assert.deepEqual(parse(whole.slice(0, at), whole.slice(at)), SAMPLE_EVENTS, `cut at byte ${at}`);
  }
});

test("a stream means the same byte by byte", () => {
  assert.deepEqual(parse(...Array.from(bytes(SAMPLE), (byte) => Uint8Array.of(byte))), SAMPLE_EVENTS);
});

const STREAMS = [
  ["a byte order mark is dropped", "\uFEFFdata: a\n\n", ["a"]],
  ["only the first byte order mark is dropped", "data: \uFEFFa\n\n", ["\uFEFFa"]],
  ["carriage returns alone end lines", "data: a\rdata: b\r\r", ["a\nb"]],
  ["mixed line ends end lines", "data: a\r\ndata: b\ndata: c\r\n\n", ["a\nb\nc"]],
  ["only one leading space is dropped", "data:  a\n\n", [" a"]],
  ["a value may hold colons", "data: a:b\n\n", ["a:b"]],
  ["comments and unknown fields are ignored", ": hi\nretry: 5\nfoo: bar\ndata: a\n\n", ["a"]],
  ["an event without data is none", "event: x\nid: 7\n\n", []],
  ["an unfinished event is none", "data: a\n\ndata: b\n", ["a"]],
];
for (const [fact, stream, expected] of STREAMS) {
  test(fact, () => assert.deepEqual(parse(stream).map(({ data }) => data), expected));
}

test("a type does not stick to the next event, an id does", () => {
  const events = parse("id: 4\nevent: x\ndata: a\n\ndata: b\n\nid: no\0\ndata: c\n\n");
  assert.deepEqual(events.map(({ id, type }) => [id, type]), [["4", "x"], ["4", "message"], ["4", "message"]]);
});

const longest = "x".repeat(LIMITS.line - "data: ".length);
const OVERSIZED = [
  ["the longest line passes", `data: ${longest}\n\n`, true],
  ["a longer line does not", `data: ${longest}x\n\n`, false],
  ["an endless line does not wait for its end", `data: ${longest}xx`, false],
  ["many lines of one event do not", `data: ${longest}\n`.repeat(5), false],
  ["many lines of many events pass", `data: ${longest}\n\n`.repeat(9), true],
  ["many empty lines of one event do not", "data\n".repeat(LIMITS.event + 1), false],
];
for (const [fact, stream, passes] of OVERSIZED) {
  test(fact, () => (passes ? parse(stream) : assert.throws(() => parse(stream), RangeError)));
}

// --------------------------------------------------------------------------------------------------------- keys

const KEYS = [
  [KEY_OF_TENANT, TENANT],
  [KEY_OF_TENANT.replace("live", "test"), TENANT],
  [`pk_live_${"a".repeat(26)}_r`, "00000000-0000-0000-0000-000000000000"],
  [`pk_live_${"7".repeat(25)}4_r`, "ffffffff-ffff-ffff-ffff-ffffffffffff"],
  [`pk_live_${"7".repeat(26)}_r`, null], // bits past the 128th
  [KEY_OF_TENANT.toUpperCase(), null],
  [KEY_OF_TENANT.replace("live", "prod"), null],
  [KEY_OF_TENANT.replace("agl2", "agl1"), null], // no letter of base32
  [KEY_OF_TENANT.replace("nm_", "_"), null],
  [`pk_live_${"a".repeat(26)}_`, null],
  [`pk_live_${"a".repeat(26)}`, null],
  [`${KEY_OF_TENANT} `, null],
  ["", null],
];

for (const [key, tenant] of KEYS) {
  test(`key ${JSON.stringify(key)} is of ${tenant}`, () => assert.equal(widget.tenantOfKey(key), tenant));
  test(`loader.js ${tenant ? "takes" : "refuses"} key ${JSON.stringify(key)}`, () => {
    const page = embed("loader.js", "https://bob.example/app/widget/loader.js", { widgetKey: key });
    assert.equal(page.scripts.length, tenant ? 1 : 0);
    assert.equal(page.errors.length, tenant ? 0 : 1);
    assert.equal(page.window.BobWidget?.length, tenant ? 1 : undefined);
  });
}

// ------------------------------------------------------------------------------------------------------- embeds

const LOOK = { position: "left", colour: "#ffcc00", text_colour: "#000000", launcher: { de: "Hilfe?", en: "\u2028</script>" } };

/** Runs an embed script as the server would serve it, on a page that only knows how to insert scripts. */
function embed(file, src, dataset = {}, { times = 1, trustedTypes } = {}) {
  const filled = { tenant: TENANT, key: KEY_OF_TENANT, module: "widget-3fa9.mjs", integrity: "sha384-abc" };
  const source = readFileSync(new URL(file, assets), "utf8").replace('"{{look}}"', () => JSON.stringify(LOOK));
  const code = source.replace(/\{\{(\w+)\}\}/g, (_, token) => filled[token]);
  assert.ok(!code.includes("{{") && !code.includes("undefined"), "every token is known");
  const [scripts, errors] = [[], []];
  const document = {
    currentScript: { src, dataset, nonce: "" },
    head: { append: (script) => scripts.push(script) },
    createElement: () => ({}),
  };
  const window = { trustedTypes };
  const console = { error: (...words) => errors.push(words.join(" ")) };
  for (let i = 0; i < times; i += 1) vm.runInNewContext(code, { window, document, console, trustedTypes });
  return { window, scripts, errors };
}

test("boot.js queues the tenant and asks for the module of its own mount, once", () => {
  const src = `https://bob.example/widget/app/widget/${TENANT}/widget.js?v=/widget/`;
  const { window, scripts, errors } = embed("boot.js", src, { position: "left", language: "ja" }, { times: 2 });
  const base = "https://bob.example/widget/app";
  const entry = { base, tenant: TENANT, key: KEY_OF_TENANT, look: LOOK, position: "left", language: "ja" };
  assert.deepEqual(JSON.parse(JSON.stringify(window.BobWidget)), [entry, entry]);
  assert.deepEqual(errors, []);
  assert.equal(scripts.length, 1);
  const { type, src: source, integrity, crossOrigin } = scripts[0];
  assert.deepEqual([type, source, integrity, crossOrigin], ["module", `${base}/widget/m/widget-3fa9.mjs`, "sha384-abc", "anonymous"]);
});

test("the embeds make a Trusted Types policy that passes one address only", () => {
  let rules;
  const createPolicy = (name, given) => {
    assert.equal(name, "bob");
    rules = given;
    return { createScriptURL: (url) => `trusted ${given.createScriptURL(url)}` };
  };
  for (const [file, src, dataset] of [
    ["boot.js", `https://bob.example/widget/${TENANT}/widget.js`, {}],
    ["loader.js", "https://bob.example/widget/loader.js", { widgetKey: KEY_OF_TENANT }],
  ]) {
    const { scripts } = embed(file, src, dataset, { trustedTypes: { createPolicy } });
    assert.equal(scripts[0].src, "trusted https://bob.example/widget/m/widget-3fa9.mjs");
    assert.equal(rules.createScriptURL("https://evil.example/x.mjs"), "about:invalid");
  }
});

test("an embed goes on with the plain address when the page refuses the policy", () => {
  const createPolicy = () => { throw new TypeError("disallowed"); };
  const page = embed("boot.js", `https://bob.example/widget/${TENANT}/widget.js`, {}, { trustedTypes: { createPolicy } });
  assert.equal(page.scripts[0].src, "https://bob.example/widget/m/widget-3fa9.mjs");
});

test("the queue mounts what was pushed before and after, one widget a tenant", (t) => {
  const complaints = t.mock.method(console, "error", () => {}).mock;
  const mounted = [];
  const page = { BobWidget: [{ base: "https://bob.example/", tenant: TENANT, key: "k" }, { base: "nowhere" }] };
  let attached = 0;
  const mount = (options) => {
    mounted.push(options);
    return { attach: () => { attached += 1; } };
  };
  widget.takeQueue(page, mount);
  page.BobWidget.push({ base: "https://bob.example", key: KEY_OF_TENANT });
  page.BobWidget.push({ base: "https://bob.example", tenant: TENANT.replace("0197", "0198"), key: "k" });
  widget.takeQueue(page, () => assert.fail("a second copy of the module must not mount"));
  assert.deepEqual(mounted.map(({ base, tenant }) => [base, tenant.slice(0, 4)]), [["https://bob.example", "0197"], ["https://bob.example", "0198"]]);
  assert.equal(attached, 1);
  assert.equal(complaints.callCount(), 1);
});

// ------------------------------------------------------------------------------------------------------- client

class FakeStorage {
  items = new Map();
  getItem(name) { return this.items.get(name) ?? null; }
  setItem(name, value) { this.items.set(name, value); }
  removeItem(name) { this.items.delete(name); }
}

/** A server that answers its n-th request with the n-th step, and a client that records its waits. */
async function serve(t, steps, { storage = new FakeStorage() } = {}) {
  const requests = [];
  const server = http.createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    const { method, url, headers } = request;
    requests.push({ method, path: url, headers, body: body && JSON.parse(body) });
    const step = steps[requests.length - 1];
    if (!step) response.writeHead(500).end();
    else await step(response, requests.at(-1));
  });
  await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const waits = [];
  const store = new VisitorStore(TENANT, () => storage);
  const base = `http://127.0.0.1:${server.address().port}/mount`;
  const pause = async (ms) => { waits.push(ms); };
  return { client: new Conversation({ base, tenant: TENANT, key: "pk", store, pause }), requests, waits, store, storage };
}

const REPLY = { turn_id: "t-1", reply: "Hello there", outcome: "answered", visitor_token: "vt-1", citations: [] };
const EVENTS = [
  ["turn.started", { turn_id: "t-1" }],
  ["delta", { text: "Hello " }],
  ["something.new", { text: "?" }],
  ["delta", { text: "there" }],
  ["turn.completed", REPLY],
];
const frame = ([type, data], at) => `id: t-1.${at}\nevent: ${type}\ndata: ${JSON.stringify(data)}\n\n`;

/** Streams events `from` to `to`; with fewer than all, breaks the connection off. */
const stream = (from = 0, to = EVENTS.length) => async (response) => {
  response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8" });
  response.write(`: ok\n\n${EVENTS.map(frame).slice(from, to).join("")}`);
  await new Promise((flushed) => setTimeout(flushed, 30));
  if (to < EVENTS.length) response.destroy();
  else response.end();
};
const drop = (response) => response.destroy();
const problem = (status, code, headers = {}) => (response) => {
  response.writeHead(status, { "content-type": "application/problem+json", ...headers });
  response.end(JSON.stringify({ status, code }));
};

async function hear(client, message = "Hi", key) {
  const heard = [];
  const on = (type, data) => heard.push(type === "delta" ? data.text : type);
  const reply = await client.ask(message, { key, on });
  return { reply, heard };
}

const calls = (requests) => requests.map(({ method, path }) => `${method} ${path.replace(`/mount/api/widget/${TENANT}/`, "")}`);
const keysOf = (requests) => requests.filter(({ method }) => method === "POST").map(({ headers }) => headers["idempotency-key"]);

test("a turn is asked, streamed and returned", bounded, async (t) => {
  const { client, requests, waits, store } = await serve(t, [stream()]);
  const { reply, heard } = await hear(client);
  assert.deepEqual(reply, REPLY);
  assert.deepEqual(heard, ["turn.started", "Hello ", "there"]);
  const [{ headers, body }] = requests;
  assert.deepEqual(calls(requests), ["POST chat"]);
  assert.deepEqual(body, { message: "Hi", session_id: store.session });
  assert.match(body.session_id, UUID4);
  assert.match(headers["idempotency-key"], UUID4);
  assert.equal(headers.accept, "text/event-stream");
  assert.equal(headers["x-widget-key"], "pk");
  assert.equal(headers["x-bob-visitor"], undefined);
  assert.deepEqual(waits, []);
});

test("the visitor token is kept, and sent from then on", bounded, async (t) => {
  const { client, requests, storage } = await serve(t, [stream(), stream()]);
  await hear(client);
  await hear(client);
  assert.equal(requests[1].headers["x-bob-visitor"], "vt-1");
  assert.equal(requests[0].body.session_id, requests[1].body.session_id);
  assert.deepEqual(JSON.parse(storage.getItem(`bob-widget:${TENANT}`)), { session: requests[0].body.session_id, token: "vt-1" });
  const [first, second] = keysOf(requests);
  assert.notEqual(first, second);
});

test("nothing is kept before the first message", bounded, async (t) => {
  const { client, storage, requests } = await serve(t, [(response) => response.end('{"name":"Shop"}')]);
  assert.deepEqual(await client.config(), { name: "Shop" });
  assert.deepEqual(await client.history(), { items: [], next_cursor: null });
  assert.deepEqual(calls(requests), ["GET config"]);
  assert.equal(storage.items.size, 0);
});

test("a page that the server refuses is told from a line that is dead", bounded, async (t) => {
  const refused = await serve(t, [drop, (response) => response.end("loader")]);
  await assert.rejects(refused.client.config(), { kind: "unavailable" });
  assert.deepEqual(refused.requests.map(({ path }) => path), [`/mount/api/widget/${TENANT}/config`, "/mount/widget/loader.js"]);
  const dead = await serve(t, [drop, drop]);
  await assert.rejects(dead.client.config(), { kind: "connection" });
});

test("a browser that refuses storage is served from memory", bounded, async (t) => {
  const refuse = () => { throw new DOMException("denied", "SecurityError"); };
  const { client, requests } = await serve(t, [stream(), stream()], { storage: { getItem: refuse, setItem: refuse } });
  await hear(client);
  await hear(client);
  assert.equal(requests[0].body.session_id, requests[1].body.session_id);
  assert.equal(requests[1].headers["x-bob-visitor"], "vt-1");
});

test("the history is read by session, with the visitor's proof", bounded, async (t) => {
  const { client, store, requests } = await serve(t, [(response) => response.end('{"items":[],"next_cursor":"n"}')]);
  store.keep({ token: "vt-0" });
  await client.history("a/b");
  assert.deepEqual(calls(requests), [`GET history?session_id=${store.session}&cursor=a%2Fb`]);
  assert.equal(requests[0].headers["x-bob-visitor"], "vt-0");
});

test("a stream that drops goes on with exactly the missing events", bounded, async (t) => {
  const { client, requests, waits } = await serve(t, [stream(0, 2), stream(2, 3), stream(3)]);
  const { reply, heard } = await hear(client);
  assert.deepEqual(reply, REPLY);
  assert.deepEqual(heard, ["turn.started", "Hello ", "there"]);
  assert.deepEqual(calls(requests), ["POST chat", "GET turns/t-1/events", "GET turns/t-1/events"]);
  assert.deepEqual(requests.map(({ headers }) => headers["last-event-id"]), [undefined, "t-1.1", "t-1.2"]);
  assert.equal(waits.length, 2);
  assert.ok(waits[0] < waits[1]);
});

const HAPPENS = [
  ["speaker.changed", { speaker: "person", name: "Anna" }, "3.1"],
  ["typing", { name: "Anna" }, ""],
  ["something.new", {}, "3.1"],
  ["message", { id: "m-4", role: "person", text: "Hello" }, "4.1"],
  ["conversation.closed", {}, "4.2"],
];
const happens = (from, to) => async (response) => {
  response.writeHead(200, { "content-type": "text/event-stream" });
  for (const [type, data, id] of HAPPENS.slice(from, to)) response.write(`${id && `id: ${id}\n`}event: ${type}\ndata: ${JSON.stringify(data)}\n\n`);
  await new Promise((flushed) => setTimeout(flushed, 30));
  if (to < HAPPENS.length) response.destroy();
};

test("what people say is heard until the conversation is closed, wherever the line breaks", bounded, async (t) => {
  const { client, store, requests, waits } = await serve(t, [happens(0, 2), drop, problem(503, "storage_unavailable"), happens(2, 4), happens(4)]);
  store.keep({ token: "vt-0" });
  const heard = [];
  await client.follow((type, data) => heard.push(data.text ?? type), new AbortController().signal);
  assert.deepEqual(heard, ["speaker.changed", "typing", "Hello", "conversation.closed"]);
  assert.deepEqual(calls(requests), Array(5).fill(`GET events?session_id=${store.session}`));
  assert.deepEqual(requests.map(({ headers }) => headers["last-event-id"]), [undefined, "3.1", "3.1", "3.1", "4.1"]);
  assert.ok(requests.every(({ headers }) => headers["x-bob-visitor"] === "vt-0"));
  assert.equal(waits.length, 4);
  assert.ok(waits[0] < waits[1] && waits[1] < waits[2] && waits[3] < waits[2], `pauses grow, and begin anew: ${waits}`);
});

test("a line that is refused for good is not asked for again", bounded, async (t) => {
  for (const status of [401, 403, 404]) {
    const { client, requests, waits } = await serve(t, [problem(status, "no")]);
    await client.follow(() => assert.fail("nothing is heard"), new AbortController().signal);
    assert.deepEqual([requests.length, waits.length], [1, 0], String(status));
  }
});

test("whoever stops listening hears nothing more", bounded, async (t) => {
  const { client, requests } = await serve(t, [happens(0, 4)]);
  const [line, heard] = [new AbortController(), []];
  await client.follow((type) => {
    heard.push(type);
    line.abort();
  }, line.signal);
  assert.equal(heard[0], "speaker.changed");
  await client.follow(() => {}, line.signal);
  assert.equal(requests.length, 1);
});

test("a message that a person cut into is sent again, and delivered to them", bounded, async (t) => {
  const cut = async (response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.end(frame(EVENTS[0], 1) + frame(EVENTS[1], 2) + frame(["error", { status: 409, code: "turn_superseded" }], 3));
  };
  const delivered = { ...REPLY, turn_id: "t-2", reply: null, outcome: "delivered" };
  const { client, requests } = await serve(t, [cut, (response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.end(frame(["turn.started", { turn_id: "t-2" }], 1) + frame(["turn.completed", delivered], 2));
  }]);
  const { reply } = await hear(client);
  assert.deepEqual(reply, delivered);
  const [first, second] = keysOf(requests);
  assert.equal(first, second);
});

test("a turn that may not be read is told again by the same key", bounded, async (t) => {
  const steps = [stream(0, 2), problem(404, "not_found"), problem(409, "turn_in_progress", { "retry-after": "3" }), stream()];
  const { client, requests, waits } = await serve(t, steps);
  const { reply, heard } = await hear(client);
  assert.deepEqual(reply, REPLY);
  assert.deepEqual(heard, ["turn.started", "Hello ", "turn.started", "Hello ", "there"]);
  assert.deepEqual(calls(requests), ["POST chat", "GET turns/t-1/events", "POST chat", "POST chat"]);
  assert.equal(new Set(keysOf(requests)).size, 1);
  assert.equal(waits[1], 3000);
});

test("a connection that drops before the turn repeats the message with the same key", bounded, async (t) => {
  const { client, requests } = await serve(t, [drop, stream(0, 0), stream()]);
  await hear(client);
  assert.deepEqual(calls(requests), ["POST chat", "POST chat", "POST chat"]);
  assert.equal(new Set(keysOf(requests)).size, 1);
  assert.deepEqual(requests[0].body, requests[2].body);
});

test("a connection that stays away is given up after four more tries", bounded, async (t) => {
  const { client, requests, waits } = await serve(t, [drop, drop, drop, drop, drop, stream()]);
  await assert.rejects(hear(client), { kind: "connection", final: false });
  assert.equal(requests.length, 5);
  assert.equal(new Set(keysOf(requests)).size, 1);
  assert.equal(waits.length, 4);
});

test("an answer in JSON is as good as a stream", bounded, async (t) => {
  const answer = (response) => response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(REPLY));
  const { client, store } = await serve(t, [answer]);
  assert.deepEqual((await hear(client)).reply, REPLY);
  assert.equal(store.token, "vt-1");
});

const later = { "retry-after": "7" };
const PATIENCE = [
  // what the server says, the waits in ms, the trouble or none
  ["429 is waited for", [problem(429, "rate_limited", later), stream()], [7000], null],
  ["503 is waited for", [problem(503, "storage_unavailable", later), stream()], [7000], null],
  ["a second 429 is not", [problem(429, "rate_limited", later), problem(429, "rate_limited", later)], [7000], "busy"],
  ["a long wait is not worth it", [problem(429, "rate_limited", { "retry-after": "3600" })], [], "busy"],
  ["a busy conversation is waited for, as often as it takes", [...Array(3).fill(problem(409, "conversation_busy", later)), stream()], [7000, 7000, 7000], null],
  ["a conversation busy for a minute is left", Array(3).fill(problem(409, "conversation_busy", { "retry-after": "30" })), [30_000, 30_000], "busy"],
  ["a wrong key ends it", [problem(401, "unknown_widget_key")], [], "unavailable"],
  ["a wrong origin ends it", [problem(403, "origin_not_allowed")], [], "unavailable"],
  ["an invalid message ends it", [problem(422, "validation_failed")], [], "failed"],
  ["a fault ends it", [problem(500, "internal")], [], "failed"],
];
for (const [fact, steps, waited, kind] of PATIENCE) {
  test(fact, bounded, async (t) => {
    const { client, requests, waits } = await serve(t, steps);
    if (kind) await assert.rejects(hear(client), (error) => error instanceof Trouble && error.kind === kind);
    else await hear(client);
    assert.deepEqual(waits, waited);
    assert.equal(requests.length, steps.length);
    assert.equal(new Set(keysOf(requests)).size, 1);
  });
}

test("a token that died is left behind, with its session", bounded, async (t) => {
  const { client, store, requests } = await serve(t, [problem(401, "visitor_unknown"), stream()]);
  store.keep({ token: "vt-0" });
  await hear(client);
  assert.equal(requests[1].headers["x-bob-visitor"], undefined);
  assert.notEqual(requests[0].body.session_id, requests[1].body.session_id);
});

// ---------------------------------------------------------------------------------------- visitors who are known

const json = (body) => (response) => response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(body));
const listed = (...items) => json({ items, next_cursor: null });

test("an identified visitor is proven by their identity alone, and nothing of theirs is kept", bounded, async (t) => {
  const { client, requests, storage } = await serve(t, [listed(), stream(), json({ items: [], next_cursor: null })]);
  client.identify("jwt-1");
  assert.equal(await client.resume(), false);
  await hear(client);
  await client.history();
  assert.deepEqual(requests.map(({ headers }) => headers["x-bob-identity"]), ["jwt-1", "jwt-1", "jwt-1"]);
  assert.deepEqual(requests.map(({ headers }) => headers["x-bob-visitor"]), [undefined, undefined, undefined]);
  assert.equal(storage.items.size, 0);
  assert.equal(calls(requests)[2], `GET history?session_id=${requests[1].body.session_id}`);
});

test("an identified visitor goes on where they were, on whatever device that was", bounded, async (t) => {
  const own = [{ door: "public", session_id: "there" }, { door: "widget", session_id: "here" }, { door: "widget", session_id: "older" }];
  const { client, requests } = await serve(t, [listed(...own), stream()]);
  client.identify("jwt-1");
  assert.equal(await client.resume(), true);
  await hear(client);
  assert.equal(requests[1].body.session_id, "here");
});

test("a function is asked for a fresh identity with each call", bounded, async (t) => {
  const { client, requests } = await serve(t, [listed(), stream()]);
  let made = 0;
  client.identify(async () => `jwt-${(made += 1)}`);
  await client.resume();
  await hear(client);
  assert.deepEqual(requests.map(({ headers }) => headers["x-bob-identity"]), ["jwt-1", "jwt-2"]);
});

test("what a stranger said is offered to who signs in, and theirs only when they say so", bounded, async (t) => {
  const steps = [json({ outcome: "offered", count: 3, sessions: ["s"] }), json({ outcome: "merged", count: 3, sessions: ["s"] }), stream()];
  const { client, requests, store, storage } = await serve(t, steps);
  assert.equal(await client.claimable(), 0, "a stranger is not asked");
  store.keep({ token: "vt-0" });
  client.identify("jwt-1");
  assert.equal(await client.claimable(), 3);
  await client.claim(true);
  assert.deepEqual(requests.map(({ body }) => body), [{ preview: true }, { accept: true }]);
  assert.deepEqual(requests.map(({ headers }) => headers["x-bob-visitor"]), ["vt-0", "vt-0"]);
  assert.equal(storage.items.size, 0, "the old token is gone");
  await hear(client);
  assert.equal(requests[2].body.session_id, "s");
  assert.equal(requests[2].headers["x-bob-visitor"], undefined);
});

test("who declines keeps their own conversation, and the stranger's token", bounded, async (t) => {
  const { client, store } = await serve(t, [json({ outcome: "declined", count: 0, sessions: [] }), json({ outcome: "declined", count: 0, sessions: [] })]);
  store.keep({ token: "vt-0" });
  client.identify("jwt-1");
  await client.claim(false);
  assert.equal(store.token, "vt-0");
  assert.equal(await client.claimable(), 0, "and is not asked again");
});

test("signing out leaves nothing behind", bounded, async (t) => {
  const { client, requests, store, storage } = await serve(t, [stream()]);
  store.keep({ token: "vt-0" });
  const before = store.session;
  client.identify("jwt-1");
  client.forget();
  assert.deepEqual([client.identified, storage.items.size], [false, 0]);
  await hear(client);
  const [{ headers, body }] = requests;
  assert.deepEqual([headers["x-bob-identity"], headers["x-bob-visitor"]], [undefined, undefined]);
  assert.notEqual(body.session_id, before);
});

test("an identity that does not hold is said as such, and no stranger is made of it", bounded, async (t) => {
  const { client, requests } = await serve(t, [problem(401, "identity_invalid")]);
  client.identify("jwt-1");
  await assert.rejects(hear(client), { kind: "identity", final: true });
  assert.equal(requests.length, 1);
});

test("pages say who the visitor is before and after the chat has come", () => {
  const heard = [];
  const scope = { BobWidget: [], Bob: { identity: "early" }, listeners: {} };
  scope.addEventListener = (type, listener) => { scope.listeners[type] = listener; };
  const mount = () => ({ attach() {}, identify: (jwt) => heard.push(jwt), logout: () => heard.push("logout") });
  widget.takeQueue(scope, mount);
  scope.BobWidget.push({ base: "https://bob.example", tenant: TENANT, key: "pk" });
  scope.Bob.identify("later");
  scope.listeners["bob:identify"]({ detail: "by event" });
  scope.listeners["bob:logout"]();
  assert.deepEqual(heard, ["early", "later", "by event", "logout"]);
});

const LAST_WORDS = [
  ["an error event", 'event: error\ndata: {"status":500,"code":"internal"}\n\n', { kind: "failed", final: true, code: "internal" }],
  ["a busy error event", 'event: error\ndata: {"status":503}\n\n', { kind: "busy", final: true }],
  ["an event that is no JSON", "event: delta\ndata: {\n\n", { kind: "failed" }],
  ["an endless line", `data: ${"x".repeat(LIMITS.line)}`, { kind: "failed" }],
];
for (const [fact, text, trouble] of LAST_WORDS) {
  test(`${fact} ends the turn without another try`, bounded, async (t) => {
    const answer = (response) => response.writeHead(200, { "content-type": "text/event-stream" }).end(text);
    const { client, requests } = await serve(t, [answer]);
    await assert.rejects(hear(client), trouble);
    assert.equal(requests.length, 1);
  });
}

test("a failure says whether its key is worth repeating", bounded, async (t) => {
  for (const [status, final] of [[400, true], [401, true], [422, true], [413, true], [500, false]]) {
    const { client } = await serve(t, [problem(status, "x")]);
    await assert.rejects(hear(client), { final });
  }
});

// ------------------------------------------------------------------------------------------ helpers of the view

test("Retry-After is a number or a date", () => {
  const now = Date.parse("2030-01-01T00:00:00Z");
  const HEADERS = [["5", 5], [" 0 ", 0], ["Tue, 01 Jan 2030 00:00:09 GMT", 9], ["Tue, 01 Jan 2019 00:00:00 GMT", 0], ["soon", null], [null, null]];
  for (const [header, seconds] of HEADERS) assert.equal(widget.secondsOf(header, now), seconds, String(header));
});

test("links lead to http and https only", () => {
  const page = "https://shop.example/a/b?c";
  const LINKS = [
    ["https://docs.example/x", "https://docs.example/x"],
    ["http://docs.example/", "http://docs.example/"],
    ["/returns#top", "https://shop.example/returns#top"],
    ["returns", "https://shop.example/a/returns"],
    ["//docs.example/x", "https://docs.example/x"],
    ["javascript:alert(1)", null],
    [" JaVa\tScript:alert(1)", null],
    ["data:text/html,x", null],
    ["blob:https://shop.example/1", null],
    ["https://bank.example@evil.example/", null],
    ["https://", null],
    ["", null],
    [undefined, null],
    [{ toString: () => "https://x.example" }, null],
  ];
  for (const [address, expected] of LINKS) assert.equal(widget.safeLink(address, page), expected, String(address));
});

test("markers are cut out only where a citation stands for them", () => {
  const [one, two] = [{ index: 1 }, { index: 2 }];
  assert.deepEqual(widget.piecesOf("a [1][2], b [3] [x] [01]", [one, two]), ["a ", one, two, ", b ", "[3]", " [x] ", "[01]"]);
  assert.deepEqual(widget.piecesOf("", [one]), []);
  assert.deepEqual(widget.piecesOf("<b>", []), ["<b>"]);
});

test("the language is the embed's, else the page's, else the browser's, else English", () => {
  const WISHES = [
    [["de-AT", "fr", ["ja"]], "de"],
    [["", "ja_JP", ["en"]], "ja"],
    [["it", "", ["pt-BR", "es-MX", "en"]], "es"],
    [[null, undefined, ["tlh"]], "en"],
  ];
  for (const [wishes, language] of WISHES) assert.equal(widget.ownLanguage(widget.languagesOf(...wishes)), language);
});

test("a text is picked by wish, else English, else whatever there is", () => {
  assert.deepEqual(widget.pick({ en: "a", de: "b" }, ["de", "en"]), ["de", "b"]);
  assert.deepEqual(widget.pick({ en: "a", de: "b" }, ["it"]), ["en", "a"]);
  assert.deepEqual(widget.pick({ ko: "c", ja: 1 }, ["ja"]), ["ko", "c"]);
  for (const nothing of [undefined, null, {}, { en: "" }]) assert.equal(widget.pick(nothing, ["en"]), null);
});

test("the launcher looks as the business wants it, and never otherwise than a style sheet may say", () => {
  const { position, colours, label } = widget.lookOf(LOOK, undefined, ["de"]);
  assert.deepEqual([position, label], ["left", { language: "de", text: "Hilfe?" }]);
  assert.match(colours, /--_accent: var\(--bob-accent, #ffcc00\); --_on-accent: var\(--bob-accent-text, #000000\);/);
  assert.equal(widget.lookOf(LOOK, "right", ["de"]).position, "right", "the page's own script comes first");
  const usual = { position: "right", colours: "", label: null };
  for (const look of [undefined, null, {}, { position: "top", colour: null, text_colour: null, launcher: {} }]) {
    assert.deepEqual(widget.lookOf(look, undefined, ["en"]), usual);
  }
  for (const colour of ["red", "#fff", "#ffcc00; } * { display: none", "url(https://evil.example)", 7, {}]) {
    assert.equal(widget.lookOf({ ...LOOK, colour }, undefined, ["en"]).colours, "");
    assert.equal(widget.lookOf({ ...LOOK, text_colour: colour }, undefined, ["en"]).colours, "");
  }
});

test("characters are counted as the server counts them", () => {
  assert.equal(widget.lengthOf("a👋日"), 3);
});

test("words are the same in every language, and their places are filled", () => {
  for (const language of ["en", "de", "ja", "fr", "es"]) {
    const text = widget.wordsIn(language)("counter", { n: "7,001", max: "8,000" });
    assert.ok(text.includes("7,001") && text.includes("8,000"), text);
  }
  assert.equal(widget.wordsIn("it")("send"), "Send");
});
