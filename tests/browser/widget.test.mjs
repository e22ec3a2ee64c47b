// The chat widget in a real browser against a real server. Run: npm ci, then node --test tests/browser/
// BOB_SCREENSHOTS names the folder for the pictures; by default a temporary one, which is printed.

import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import http from "node:http";
import path from "node:path";
import { after, before, test } from "node:test";

import { OWNER, emptyFolder, freePort, post, startBob, tenantOf, tokenOf } from "../harness/bob.mjs";
import { identityOf } from "../samples/identity.mjs";
import { openBrowser } from "./chromium.mjs";

const bounded = { timeout: 120_000 };
const pictures = process.env.BOB_SCREENSHOTS || emptyFolder("screenshots");
mkdirSync(pictures, { recursive: true });

let [bob, tenant, customer, stranger] = [];
before(async () => {
  // Two pages of other origins embed the widget; the customer's alone is on the key's list, because the demo's key
  // lists the server's own origins.
  [customer, stranger] = [await servePage(), await servePage()];
  const port = await freePort();
  const own = `http://127.0.0.1:${port}`;
  const env = { BOB_LISTEN: `127.0.0.1:${port}`, BOB_PUBLIC_URL: `${own},${customer.origin}`, BOB_CUSTOMER_PASSWORD: OWNER.password };
  bob = await startBob({ env });
  tenant = await tenantOf(bob);
}, bounded);
after(async () => {
  await bob?.stop();
  for (const page of [customer, stranger]) page?.close();
  console.log(`screenshots: ${pictures}`);
});

// ------------------------------------------------------------------------------------------------------ helpers

/** A page whose complaints are collected: what the console calls an error, what a policy refuses, what throws. */
async function openPage(t, options = {}) {
  const { context, close } = await openBrowser(options);
  t.after(close);
  const [page] = context.pages();
  const complaints = [];
  page.on("console", (message) => {
    if (message.type() === "error") complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(String(error)));
  await page.exposeFunction("complain", (text) => complaints.push(text));
  await page.addInitScript(() => {
    // The widget closes a stream at its end, and then the browser forgets its text: a copy is read here.
    const { fetch } = window;
    window.streams = [];
    window.fetch = async (...call) => {
      const response = await fetch(...call);
      if (/^text\/event-stream/.test(response.headers.get("content-type"))) window.streams.push(response.clone().text());
      return response;
    };
    const told = ({ effectiveDirective, blockedURI }) => window.complain(`policy: ${effectiveDirective} ${blockedURI}`);
    document.addEventListener("securitypolicyviolation", told);
  });
  return { page, complaints };
}

const bubble = (page) => page.locator("bob-widget .bubble");
const panel = (page) => page.locator("bob-widget .panel");
const input = (page) => page.locator("bob-widget textarea");
const replies = (page) => page.locator('bob-widget .message[data-role="bot"]:not([aria-hidden])');

/** Opens the widget as somebody without a mouse does: Tab until the bubble has the focus, then Enter. */
async function openByKeyboard(page) {
  await bubble(page).waitFor();
  for (let tabs = 0; tabs < 80; tabs += 1) {
    if (await bubble(page).evaluate((node) => node.getRootNode().activeElement === node)) break;
    await page.keyboard.press("Tab");
  }
  await page.keyboard.press("Enter");
  await panel(page).waitFor();
  assert.ok(await input(page).evaluate((node) => node.getRootNode().activeElement === node), "the input has the focus");
  await replies(page).first().waitFor(); // the greeting
}

/** Lets `act` start a turn, waits for its reply, and gives the events of its stream and the row on the page. */
async function turn(page, act) {
  const before = await replies(page).count();
  const [response] = await Promise.all([page.waitForResponse((answer) => isChat(answer.request())), act()]);
  assert.equal(response.status(), 200);
  assert.match(await response.headerValue("content-type"), /^text\/event-stream/);
  await replies(page).nth(before).waitFor();
  const events = (await page.evaluate(() => window.streams.at(-1)))
    .split("\n\n")
    .map((block) => ({ type: /^event: (.+)$/m.exec(block)?.[1], data: /^data: (.+)$/m.exec(block)?.[1] }))
    .filter(({ type }) => type)
    .map(({ type, data }) => ({ type, data: JSON.parse(data) }));
  return { events, reply: events.at(-1).data, row: replies(page).nth(before), sent: response.request() };
}

const isChat = (request) => request.method() === "POST" && /\/api\/widget\/[^/]+\/chat$/.test(request.url());

const ask = (page, question) => turn(page, async () => {
  await page.keyboard.type(question);
  await page.keyboard.press("Enter");
});

/** The reply came in pieces, and its pieces are the reply. */
function assertStreamed({ events, reply }) {
  const types = events.map(({ type }) => type);
  assert.equal(types[0], "turn.started");
  assert.equal(types.at(-1), "turn.completed");
  const deltas = events.filter(({ type }) => type === "delta");
  assert.ok(deltas.length > 0, types.join(" "));
  assert.equal(deltas.map(({ data }) => data.text).join(""), reply.reply);
}

/** The reply stands on the page with a link to its source, and the source is where the link leads. */
async function assertCited(page, { reply, row }) {
  assert.equal(reply.outcome, "answered");
  assert.ok(reply.citations.length > 0);
  const links = row.locator(".sources a");
  assert.equal(await links.count(), reply.citations.length);
  const [link, popup] = [links.first(), page.context().waitForEvent("page")];
  assert.equal(await link.getAttribute("rel"), "noopener nofollow");
  await link.click();
  const help = await popup;
  await help.waitForLoadState();
  const { pathname, hash } = new URL(help.url());
  assert.equal(pathname, `/help/${reply.language}`);
  assert.ok(hash, "the link names a place of the page");
  const article = help.locator(`article[id="${hash.slice(1)}"]`);
  assert.equal(await article.locator("h2").textContent(), reply.citations[0].title);
  const words = (text) => text.replace(/\s+/g, "");
  assert.ok(words(await article.textContent()).includes(words(reply.citations[0].quote)), "the quote stands there word for word");
  await help.close();
}

const shoot = (page, name) => page.screenshot({ path: path.join(pictures, `${name}.png`) });

// -------------------------------------------------------------------------------------------------------- facts

test("a visitor without a mouse is answered in three languages, with sources, and without a complaint of the browser", bounded, async (t) => {
  const { page, complaints } = await openPage(t);
  await page.goto(`${bob.url}/`);
  await openByKeyboard(page);
  assert.deepEqual(await panel(page).evaluate((node) => node.getRootNode().querySelectorAll("[style], style, script").length), 0);

  const QUESTIONS = [
    ["How long can I return something?", "en", /30 days/],
    ["Wie lange kann ich etwas zurückgeben?", "de", /30 Tagen?/],
    ["返品は何日以内ですか？", "ja", /30日/],
  ];
  for (const [question, language, expected] of QUESTIONS) {
    const asked = await ask(page, question);
    assertStreamed(asked);
    assert.equal(asked.reply.language, language);
    assert.match(await asked.row.locator(".text").textContent(), expected);
    assert.equal(await asked.row.locator(".text").getAttribute("lang"), language);
    assert.equal(await asked.sent.headerValue("cookie"), null, "the widget sends no cookie");
    await assertCited(page, asked);
    await input(page).focus();
  }
  assert.deepEqual(await page.context().cookies(), [], "the widget sets no cookie");

  await page.keyboard.press("Escape");
  assert.ok(await panel(page).isHidden(), "Escape closes the panel");
  assert.ok(await bubble(page).evaluate((node) => node.getRootNode().activeElement === node), "and gives the focus back");
  assert.deepEqual(complaints, []);
});

test("a vague question is asked back, and a chip answers it", bounded, async (t) => {
  const { page, complaints } = await openPage(t);
  await page.goto(`${bob.url}/`);
  await openByKeyboard(page);
  const vague = await ask(page, "What about delivery?");
  assert.equal(vague.reply.outcome, "clarify");
  const chips = vague.row.locator(".chip");
  assert.equal(await chips.count(), vague.reply.suggestions.length);
  assert.ok((await chips.count()) > 0);
  const chosen = await turn(page, () => chips.first().click());
  assertStreamed(chosen);
  await assertCited(page, chosen);
  assert.equal(await chips.count(), 0, "a chip is offered once");
  assert.deepEqual(complaints, []);
});

test("a visitor who comes back finds the conversation", bounded, async (t) => {
  const { page, complaints } = await openPage(t);
  await page.goto(`${bob.url}/`);
  await openByKeyboard(page);
  const { reply } = await ask(page, "What are your opening hours?");
  await page.goto(`${bob.url}/help/en`);
  await bubble(page).waitFor();
  await bubble(page).click();
  await page.locator('bob-widget .message[data-role="visitor"]', { hasText: "What are your opening hours?" }).waitFor();
  assert.equal(await replies(page).last().locator(".sources li").count(), reply.citations.length);
  assert.deepEqual(complaints, []);
});

// ---------------------------------------------------------------------------------------------- another's pages

/** What a careful customer's page allows: the widget's host, and one Trusted Types policy of its. */
const strict = (host) =>
  `default-src 'none'; img-src data:; script-src ${host}; connect-src ${host}; base-uri 'none'; require-trusted-types-for 'script'; trusted-types bob`;

/** Serves a page of an origin of its own, under a strict policy, with Bob's widget in it. */
async function servePage() {
  const server = http.createServer((request, response) => {
    response.writeHead(200, { "content-type": "text/html; charset=utf-8", "content-security-policy": strict(bob.url) });
    response.end(`<!doctype html><html lang="en"><meta charset="utf-8"><title>Another shop</title><link rel="icon" href="data:,">
      <h1>Another shop</h1><script src="${bob.url}/widget/${tenant}/widget.js" async></script></html>`);
  });
  await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
  const close = () => {
    server.closeAllConnections();
    server.close();
  };
  return { origin: `http://127.0.0.1:${server.address().port}`, close };
}

test("a page that is not on the key's list gets no chat, and its visitor is told so", bounded, async (t) => {
  const { page, complaints } = await openPage(t);
  const answers = [];
  page.on("response", (response) => {
    if (response.url().includes("/api/")) answers.push(response.status());
  });
  await page.goto(stranger.origin);
  await bubble(page).waitFor();
  await bubble(page).click();
  await page.locator("bob-widget .note", { hasText: "The chat is not available here" }).waitFor();
  assert.ok(await input(page).evaluate((node) => node.readOnly));
  assert.equal(await replies(page).count(), 0);
  assert.ok(answers.every((status) => status === 403), `refused, every time: ${answers}`);
  assert.ok(complaints.some((text) => /CORS|Access-Control/.test(text)), complaints.join("\n"));
  assert.ok(!complaints.some((text) => text.startsWith("policy:")), complaints.join("\n"));
});

test("a page of an origin on the key's list has the chat of another origin, under a strict policy", bounded, async (t) => {
  const { page, complaints } = await openPage(t);
  await page.goto(customer.origin);
  await openByKeyboard(page);
  const asked = await ask(page, "How much is delivery within Germany?");
  assertStreamed(asked);
  assert.equal(await asked.sent.headerValue("origin"), customer.origin);
  assert.equal(new URL(asked.sent.url()).origin, bob.url);
  await assertCited(page, asked);
  assert.deepEqual(complaints, []);
});

// ----------------------------------------------------------------------------------------------------- pictures

const phone = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true };
const desktop = { viewport: { width: 1280, height: 900 } };
for (const [width, device] of [["1280", desktop], ["390", phone]]) {
  for (const colorScheme of ["light", "dark"]) {
    test(`nothing overflows at ${width} px, ${colorScheme}`, bounded, async (t) => {
      const { page, complaints } = await openPage(t, { ...device, colorScheme });
      const name = (what) => `${width}-${colorScheme}-${what}`;
      await page.goto(`${bob.url}/`);
      await bubble(page).waitFor();
      await shoot(page, name("1-shop"));
      await bubble(page).click();
      await replies(page).first().waitFor();
      await settled(page);
      await shoot(page, name("2-open"));
      await input(page).focus();
      await ask(page, "How long can I return something?");
      await settled(page);
      await shoot(page, name("3-answer"));
      await ask(page, "What about delivery?");
      await settled(page);
      await shoot(page, name("4-clarify"));
      await ask(page, "What is the capital of Australia?");
      await ask(page, "返品は何日以内ですか？");
      await settled(page);
      await shoot(page, name("5-refused-and-japanese"));

      const inside = await panel(page).evaluate((node) => {
        const [box, log] = [node.getBoundingClientRect(), node.querySelector(".log")];
        return box.left >= 0 && box.top >= 0 && box.right <= innerWidth && box.bottom <= innerHeight && log.scrollWidth <= log.clientWidth;
      });
      assert.ok(inside, "the panel stands inside the window, and its log inside the panel");
      assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), "the page does not scroll sideways");
      await page.goto(`${bob.url}/help/ja`);
      await shoot(page, name("6-help"));
      assert.deepEqual(complaints, []);
    });
  }
}

/** Waits until nothing moves, so that a picture shows the end of it. */
const settled = (page) => page.locator("bob-widget").evaluate((host) => Promise.all(host.shadowRoot.getAnimations().filter(({ effect }) => effect.getTiming().iterations !== Infinity).map(({ finished }) => finished)));

// ------------------------------------------------------------------------------------- visitors who are known

test("who signs in is asked about what they said before, takes it along, and leaves nothing behind", bounded, async (t) => {
  const manage = { Authorization: `Bearer ${await tokenOf(bob)}` };
  const at = `${bob.url}/api/customer-portal/visitor-identity`;
  const { body: made } = await post(`${at}/secrets`, {}, manage);
  const decided = { method: "PUT", headers: { "Content-Type": "application/json", ...manage }, body: JSON.stringify({ mode: "enforce" }) };
  assert.equal((await fetch(at, decided)).status, 200);
  const jwt = identityOf({ id: "customer-7", name: "Anna" }, { secret: made.secret, tenant });

  const { page, complaints } = await openPage(t);
  await page.goto(`${bob.url}/`);
  await openByKeyboard(page);
  await ask(page, "How long can I return an order?");
  await page.evaluate((identity) => window.Bob.identify(identity), jwt);
  const offer = page.locator("bob-widget .offer");
  await offer.waitFor();
  assert.match(await offer.textContent(), /Continue your conversation from before you signed in \(2 messages\)\?/);
  assert.equal(await page.locator('bob-widget .message[data-role="visitor"]').count(), 0, "nothing is shown before they say so");
  await page.screenshot({ path: path.join(pictures, "claim-offer.png") });

  await offer.getByRole("button", { name: "Yes" }).click();
  await page.locator('bob-widget .message[data-role="visitor"]').first().waitFor();
  assert.match(await page.locator('bob-widget .message[data-role="visitor"]').first().textContent(), /return an order/);
  await page.screenshot({ path: path.join(pictures, "claim-merged.png") });
  const { sent } = await turn(page, async () => {
    await input(page).fill("What are your opening hours?");
    await page.keyboard.press("Enter");
  });
  assert.equal(sent.headers()["x-bob-identity"], jwt);
  assert.equal(sent.headers()["x-bob-visitor"], undefined);
  assert.equal(await page.evaluate((name) => localStorage.getItem(name), `bob-widget:${tenant}`), null);

  await page.evaluate(() => window.Bob.logout());
  await page.waitForFunction(() => document.querySelector("bob-widget").shadowRoot.querySelectorAll('.message[data-role="visitor"]').length === 0);
  assert.deepEqual(complaints, []);
});
