// Starts the built bob-server on an empty folder and a free port, and stops it by its own process id.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../", import.meta.url));
const target = path.resolve(root, process.env.CARGO_TARGET_DIR || "target");

/** The server under test: BOB_SERVER, else the debug build. */
export const BINARY = process.env.BOB_SERVER || path.join(target, "debug", "bob-server");

/** The demo tenant, and its owner. */
export const BUSINESS = "office16852-platform";
export const OWNER = { email: "customer@business.com", password: "correct-horse-battery" };

const READY = 20_000; // ms; a debug build on a busy machine
const PATIENCE = 40_000; // ms; the server drains for 30 s

/** An empty folder under the system's temporary one. */
export const emptyFolder = (name) => mkdtempSync(path.join(os.tmpdir(), `bob-${name}-`));

/** A port of 127.0.0.1 that nobody listens on, for those who must know it before they start a server. */
export async function freePort() {
  const server = net.createServer();
  await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
  const { port } = server.address();
  await new Promise((closed) => server.close(closed));
  return port;
}

/**
 * A running server: `url` is the printed address, `greeting` all it printed. Only what is passed in `env` reaches
 * it, so that nothing of the caller's environment decides a test.
 */
export async function startBob({ folder = emptyFolder("server"), env = { BOB_CUSTOMER_PASSWORD: OWNER.password }, keep = false } = {}) {
  const { PATH, HOME } = process.env;
  const asked = performance.now();
  const child = spawn(BINARY, [], { cwd: folder, env: { PATH, HOME, BOB_LISTEN: "127.0.0.1:0", ...env }, stdio: ["ignore", "pipe", "pipe"] });
  const dead = new Promise((resolve) => child.once("close", (code, signal) => resolve({ code, signal })));
  const onExit = () => child.kill("SIGKILL");
  process.once("exit", onExit);

  let [greeting, log] = ["", ""];
  child.stdout.setEncoding("utf8");
  child.stderr.setEncoding("utf8").on("data", (text) => { log += text; });
  const ready = new Promise((resolve) => {
    child.stdout.on("data", (text) => {
      greeting += text;
      if (/^ {2}Health .*\n/m.test(greeting)) resolve("ready");
    });
  });
  const failed = new Promise((resolve) => child.once("error", resolve));
  const state = await Promise.race([ready, dead, failed, after(READY)]);
  if (state !== "ready") {
    child.kill("SIGKILL");
    assert.fail(`bob-server (${BINARY}) did not start: ${state?.message ?? JSON.stringify(state)}\n${greeting}${log}`);
  }
  const url = greeting.match(/^ {2}Health +(\S+)\/api\/health$/m)[1];

  const stop = async (signal = "SIGTERM") => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal);
    const end = await Promise.race([dead, after(PATIENCE)]);
    if (!end) child.kill("SIGKILL");
    process.removeListener("exit", onExit);
    if (!keep) rmSync(folder, { recursive: true, force: true });
    assert.ok(end, "bob-server did not stop");
    return end;
  };
  const took = performance.now() - asked;
  return { url, port: Number(new URL(url).port), pid: child.pid, folder, took, stop, dead, greeting: () => greeting, log: () => log };
}

/** Resolves with nothing after `ms`, and keeps no process alive for it. */
const after = (ms) => new Promise((resolve) => setTimeout(resolve, ms).unref());

/** Sends JSON and gives status, headers and the parsed answer. */
export async function post(url, body, headers = {}) {
  const response = await fetch(url, {
    method: "POST",
    headers: { "Content-Type": "application/json", ...headers },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(20_000),
  });
  return { status: response.status, headers: response.headers, body: await response.json() };
}

/** The tenant's UUID, read from the script tag of the shop's page. */
export async function tenantOf({ url }) {
  const page = await (await fetch(`${url}/`, { signal: AbortSignal.timeout(10_000) })).text();
  const tag = /<script src="widget\/([0-9a-f-]{36})\/widget\.js" async><\/script>/.exec(page);
  assert.ok(tag, "the shop's page has the widget's script tag");
  return tag[1];
}

/** The publishable key, read from the tenant's widget.js. */
export async function widgetKeyOf(bob) {
  const address = `${bob.url}/widget/${await tenantOf(bob)}/widget.js`;
  const script = await (await fetch(address, { signal: AbortSignal.timeout(10_000) })).text();
  const key = /pk_live_[a-z2-7]{26}_[\w-]+/.exec(script);
  assert.ok(key, "widget.js carries the publishable key");
  return key[0];
}

/** An access token of the shop's owner. */
export async function tokenOf({ url }) {
  const { status, body } = await post(`${url}/api/customers/auth/login`, OWNER);
  assert.equal(status, 200, JSON.stringify(body));
  return body.token;
}
