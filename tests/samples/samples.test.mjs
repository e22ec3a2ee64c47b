// The product documents' own samples, byte for byte, against a running server. Only the base URL, the key, the
// placeholder origin and the variables they name are filled in. Run: node --test tests/samples/
// Needs `npm ci` in tests/browser, Chromium, and a Python with requirements.txt (BOB_PYTHON names it).

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";

import { openBrowser } from "../browser/chromium.mjs";
import { BUSINESS, post, startBob, tokenOf, widgetKeyOf } from "../harness/bob.mjs";

const bounded = { timeout: 90_000 };
const file = (name) => fileURLToPath(new URL(name, import.meta.url));
const sample = (name) => readFileSync(file(name), "utf8");
const { session_id: sessionId, message: userMessage } = JSON.parse(sample("body.json"));

let bob;
before(async () => { bob = await startBob(); }, bounded);
after(() => bob?.stop());

/** A reply that helps somebody with their order: an answer or a question back, about orders. */
function assertHelps({ status, body }) {
  assert.equal(status, 200, JSON.stringify(body));
  assert.ok(["answered", "clarify"].includes(body.outcome), body.outcome);
  const said = [body.reply, ...body.suggestions.flatMap(({ title, question }) => [title, question])].join(" ");
  assert.match(said, /\border/i);
  assert.equal(body.language, "en");
}

/** Runs a JavaScript sample as it stands, then reads its `response`. */
async function run(name, names = {}) {
  const key = await widgetKeyOf(bob);
  const source = sample(name)
    .replaceAll("https://office16852.com", bob.url)
    .replaceAll("https://your-customer-site.com", bob.url)
    .replaceAll("pk_live_...", key);
  const given = { sessionId, userMessage, ...names };
  const AsyncFunction = (async () => {}).constructor;
  const call = new AsyncFunction(...Object.keys(given), `${source}\nreturn { status: response.status, body: await response.json() };`);
  return call(...Object.values(given));
}

async function runPython(name, names) {
  const child = spawn(process.env.BOB_PYTHON || "python3", [file("run.py"), file(name)], { stdio: ["pipe", "pipe", "inherit"], timeout: 60_000 });
  child.stdin.end(JSON.stringify({ base: bob.url, names: { session_id: sessionId, message: userMessage, ...names } }));
  let printed = "";
  for await (const text of child.stdout.setEncoding("utf8")) printed += text;
  assert.ok(printed, `${name} printed nothing`);
  return JSON.parse(printed);
}

test("public.js, in a page of the shop", bounded, async (t) => {
  const { context, close } = await openBrowser();
  t.after(close);
  const page = await context.newPage();
  await page.goto(`${bob.url}/`);
  const names = `const sessionId = ${JSON.stringify(sessionId)}, userMessage = ${JSON.stringify(userMessage)};`;
  const answer = await page.evaluate(`(async () => { ${names}\n${sample("public.js")}\nreturn { status: response.status, body: await response.json() }; })()`);
  assertHelps(answer);
  assert.equal(answer.body.session_id, sessionId);
  const cookies = await context.cookies(bob.url);
  assert.ok(cookies.some(({ name, httpOnly, sameSite }) => /^bob_visitor_[0-9a-f]{8}$/.test(name) && httpOnly && sameSite === "Lax"), JSON.stringify(cookies));
});

test("widget.js", bounded, async () => assertHelps(await run("widget.js")));

test("signed_in.js", bounded, async () => assertHelps(await run("signed_in.js", { token: await tokenOf(bob) })));

test("signed_in.py", bounded, async () => assertHelps(await runPython("signed_in.py", { token: await tokenOf(bob) })));

test("the signed-in door without a token, or with a wrong one, is 401 and nothing else", bounded, async () => {
  const body = { session_id: sessionId, message: userMessage };
  for (const headers of [{}, { Authorization: "Bearer wrong" }]) {
    const { status, headers: answered, body: problem } = await post(`${bob.url}/api/chat/message`, body, headers);
    assert.equal(status, 401);
    assert.match(answered.get("content-type"), /^application\/problem\+json/);
    assert.equal(problem.status, 401);
    assert.equal(problem.reply, undefined);
  }
});

test("body.json, as it stands", bounded, async () => {
  const options = { method: "POST", headers: { "Content-Type": "application/json" }, body: sample("body.json") };
  const response = await fetch(`${bob.url}/api/chat`, options);
  assertHelps({ status: response.status, body: await response.json() });
});

const ask = (message) => post(`${bob.url}/api/chat`, { message, session_id: "session_123", business_id: BUSINESS });
const ANSWERS = [
  ["Wie lange kann ich zurückgeben?", "de", /30 Tagen?/],
  ["How much does the Pro plan cost per month?", "en", /249/],
  ["返品は何日以内ですか？", "ja", /30日/],
];
for (const [question, language, expected] of ANSWERS) {
  test(`${question}`, bounded, async () => {
    const { status, body } = await ask(question);
    assert.equal(status, 200, JSON.stringify(body));
    assert.deepEqual([body.outcome, body.language], ["answered", language]);
    assert.match(body.reply, expected);
    const [citation] = body.citations;
    assert.ok(citation, "it cites its source");
    assert.match(citation.content_hash, /^sha256:/);
    assert.match(citation.quote, expected);
  });
}

test("What is the capital of Australia?", bounded, async () => {
  const { status, body } = await ask("What is the capital of Australia?");
  assert.equal(status, 200);
  assert.equal(body.outcome, "refused");
  assert.deepEqual(body.citations, []);
  assert.doesNotMatch(body.reply, /Canberra/i);
});

/** Signs an identity as docs/EMBEDDING.md does in Python. */
async function signedInPython(customer, { secret, tenant }) {
  const call = "import sys, json; names = {}; exec(open(sys.argv[1]).read(), names); print(names['identity_of'](*json.load(sys.stdin)))";
  const child = spawn(process.env.BOB_PYTHON || "python3", ["-c", call, file("identity.py")], { stdio: ["pipe", "pipe", "inherit"], timeout: 60_000 });
  child.stdin.end(JSON.stringify([customer, secret, tenant]));
  let printed = "";
  for await (const text of child.stdout.setEncoding("utf8")) printed += text;
  return printed.trim();
}

test("identity.mjs and identity.py sign what Bob believes, and stand in the guide as they are", bounded, async () => {
  const guide = readFileSync(new URL("../../docs/EMBEDDING.md", import.meta.url), "utf8");
  const manage = { Authorization: `Bearer ${await tokenOf(bob)}` };
  const at = `${bob.url}/api/customer-portal/visitor-identity`;
  const { body: made } = await post(`${at}/secrets`, {}, manage);
  const decided = { method: "PUT", headers: { "Content-Type": "application/json", ...manage }, body: JSON.stringify({ mode: "enforce" }) };
  const settings = await (await fetch(at, decided)).json();
  const keys = { secret: made.secret, tenant: settings.audience };
  const customer = { id: "customer-7", name: "Anna Ärmel" };
  const { identityOf } = await import("./identity.mjs");
  const signers = [["identity.mjs", identityOf(customer, keys)], ["identity.py", await signedInPython(customer, keys)]];
  for (const [name, identity] of signers) {
    assert.ok(guide.includes(sample(name).trim()), `${name} is the guide's`);
    const headers = { "X-Bob-Identity": identity };
    const asked = await post(`${bob.url}/api/chat`, { message: userMessage, session_id: "mine", business_id: BUSINESS }, headers);
    assert.equal(asked.status, 200, JSON.stringify(asked.body));
    assert.equal(asked.body.visitor_token, undefined, "a visitor who is known needs no token");
    const list = await fetch(`${bob.url}/api/chat/conversations?business_id=${BUSINESS}`, { headers });
    assert.deepEqual((await list.json()).items.map(({ session_id }) => session_id), ["mine"], "one person in both languages");
  }
  const forged = await post(`${bob.url}/api/chat`, { message: userMessage, business_id: BUSINESS }, { "X-Bob-Identity": `${signers[0][1]}x` });
  assert.equal(forged.body.code, "identity_invalid");
});
