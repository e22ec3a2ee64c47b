// Facts about a first start: the built server, an empty folder, no settings. Run: node --test tests/start/

import assert from "node:assert/strict";
import { readdirSync, rmSync, statSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";

import { BUSINESS, emptyFolder, post, startBob } from "../harness/bob.mjs";

test("a server on an empty folder answers a first question, and keeps what it was told", { timeout: 90_000 }, async (t) => {
  const folder = emptyFolder("start");
  t.after(() => rmSync(folder, { recursive: true, force: true }));

  // Nothing but a free port is set: everything else must come by itself.
  const first = await startBob({ folder, env: {}, keep: true });
  t.after(() => first.stop());
  t.diagnostic(`ready after ${Math.round(first.took)} ms`);
  assert.match(first.greeting(), /^Bob \d+\.\d+\.\d+ is ready\.$/m);

  const told = () => [...first.greeting().matchAll(/(\S+@\S+) {2}password: (\S+) /g)];
  await until(() => told().length === 2);
  const passwords = new Map(told().map(([, email, password]) => [email, password]));
  assert.deepEqual([...passwords.keys()].sort(), ["admin@office16852.com", "customer@business.com"]);

  const health = await (await fetch(`${first.url}/api/health`)).json();
  assert.deepEqual([health.live, health.ready, health.storage.works], [true, true, true]);

  const ask = { message: "How long can I return something?", session_id: "session_123", business_id: BUSINESS };
  const { status, body } = await post(`${first.url}/api/chat`, ask);
  assert.equal(status, 200);
  assert.equal(body.outcome, "answered");
  assert.match(body.reply, /30 days/);

  const owner = { email: "customer@business.com", password: passwords.get("customer@business.com") };
  const login = await post(`${first.url}/api/customers/auth/login`, owner);
  assert.equal(login.status, 200, "the printed password signs its owner in");

  assert.deepEqual(readdirSync(folder).filter((name) => !/-(wal|shm)$/.test(name)).sort(), ["bob.db", "bob.key"]);
  assert.equal(statSync(path.join(folder, "bob.key")).mode & 0o777, 0o600);

  assert.deepEqual(await first.stop(), { code: 0, signal: null }, "SIGTERM ends it in peace");

  const again = await startBob({ folder, env: { BOB_LISTEN: `127.0.0.1:${first.port}` }, keep: true });
  t.after(() => again.stop());
  assert.doesNotMatch(again.greeting(), /password:/, "passwords are shown once");
  const visitor = { "X-Bob-Visitor": body.visitor_token };
  const history = await fetch(`${again.url}/api/chat/history?session_id=session_123`, { headers: visitor });
  const { items } = await history.json();
  assert.deepEqual(items.map(({ role, text }) => [role, text]), [["visitor", ask.message], ["bot", body.reply]]);
});

async function until(holds) {
  for (let tries = 0; tries < 100 && !holds(); tries += 1) await new Promise((resolve) => setTimeout(resolve, 20));
}
