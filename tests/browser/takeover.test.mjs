// A takeover in two pages: a visitor's, with the widget, and the inbox of a person who answers.
// Run: npm ci, then node --test tests/browser/. BOB_SCREENSHOTS names the folder for the pictures.

import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import path from "node:path";
import { after, before, test } from "node:test";

import { emptyFolder, OWNER, startBob } from "../harness/bob.mjs";
import { openBrowser } from "./chromium.mjs";

const bounded = { timeout: 120_000 };
const pictures = process.env.BOB_SCREENSHOTS || emptyFolder("screenshots");
mkdirSync(pictures, { recursive: true });

let bob;
before(async () => { bob = await startBob(); }, bounded);
after(async () => {
  await bob?.stop();
  console.log(`screenshots: ${pictures}`);
});

/** A page of a browser of its own, whose complaints are collected. */
async function openPage(t, options) {
  const { context, close } = await openBrowser(options);
  t.after(close);
  const [page] = context.pages();
  const complaints = [];
  page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(String(error)));
  return { page, complaints };
}

const shoot = (page, name) => page.screenshot({ path: path.join(pictures, `takeover-${name}.png`) });
const said = (page, role, text) => page.locator(`bob-widget .message[data-role="${role}"]:not([aria-hidden])`, { hasText: text });
const note = (page, text) => page.locator("bob-widget .note", { hasText: text });

async function signIn(page) {
  await page.goto(`${bob.url}/portal/inbox`);
  await page.getByLabel("E-mail").fill(OWNER.email);
  await page.getByLabel("Password").fill(OWNER.password);
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: "Waiting", exact: true }).waitFor();
}

async function ask(page, text) {
  await page.locator("bob-widget textarea").fill(text);
  await page.keyboard.press("Enter");
}

test("a visitor is handed over, answered by a person, and handed back", bounded, async (t) => {
  const { page: visitor, complaints: ofVisitor } = await openPage(t, { viewport: { width: 900, height: 820 } });
  const { page: person, complaints: ofPerson } = await openPage(t, { viewport: { width: 1180, height: 820 } });
  await signIn(person);
  await person.getByText("Nobody here.").waitFor();
  await shoot(person, "1-empty-inbox");

  await visitor.goto(`${bob.url}/`);
  await visitor.locator("bob-widget .bubble").click();
  await said(visitor, "bot", /./).first().waitFor();
  await ask(visitor, "Can I talk to a person, please?");
  await note(visitor, "Passed on to our team").waitFor();
  const about = visitor.locator("bob-widget .about");
  assert.match(await about.textContent(), /AI assistant/);

  // The list shows them by itself; from here on the person uses the keyboard.
  const row = person.locator("#list button");
  await row.waitFor();
  assert.match(await row.textContent(), /waiting|wants a person/);
  await shoot(person, "2-somebody-waits");
  await row.focus();
  await person.keyboard.press("Enter");
  await person.locator("#log li[data-role=visitor]", { hasText: "Can I talk to a person" }).waitFor();
  await person.getByRole("button", { name: "Take over" }).focus();
  await person.keyboard.press("Enter");
  await person.getByLabel("Your reply").waitFor();
  assert.equal(await person.evaluate(() => document.activeElement.id), "text", "the person may write at once");

  await note(visitor, "is here now").waitFor();
  const name = (await about.textContent()).split(" from ")[0];
  assert.ok(name.length > 0 && !/AI assistant/.test(await about.textContent()), "a person's name in the place of the machine's label");

  await person.keyboard.type("Hello, this is <b>not</b> Bob. ");
  await note(visitor, "is writing").waitFor();
  await shoot(visitor, "3-visitor-sees-who-writes");
  await person.keyboard.type("How can I help?");
  await person.keyboard.press("Enter");
  const reply = said(visitor, "person", "How can I help?");
  await reply.waitFor();
  assert.match(await reply.textContent(), new RegExp(`^${name}`));
  assert.match(await reply.textContent(), /<b>not<\/b>/, "what people write is text");

  await ask(visitor, "Is size 42 there?");
  await note(visitor, "Delivered to our team").waitFor();
  await person.locator("#log li[data-role=visitor]", { hasText: "Is size 42 there?" }).waitFor();
  await person.keyboard.type("It is.");
  await person.keyboard.press("Enter");
  await said(visitor, "person", "It is.").waitFor();
  assert.equal(await said(visitor, "person", "It is.").count(), 1);
  await shoot(visitor, "4-visitor-answered");
  await shoot(person, "5-person-answers");

  // A visitor who comes back finds who speaks, and nothing twice.
  await visitor.reload();
  await visitor.locator("bob-widget .bubble").click();
  await said(visitor, "person", "It is.").waitFor();
  await visitor.locator("bob-widget .about[data-person]").waitFor();
  assert.equal(await said(visitor, "person", "It is.").count(), 1);

  await person.getByRole("button", { name: "Return to Bob" }).click();
  await note(visitor, "talking to the assistant again").waitFor();
  assert.match(await about.textContent(), /AI assistant/);
  await ask(visitor, "How long can I return something?");
  await said(visitor, "bot", "30 days").waitFor();
  await person.locator("#log li[data-role=bot]", { hasText: "30 days" }).waitFor();
  await shoot(visitor, "6-visitor-with-bob-again");

  await person.getByRole("button", { name: "Close", exact: true }).click();
  await person.locator("#log .note", { hasText: "closed" }).waitFor();
  await shoot(person, "7-closed");
  assert.ok(await person.getByLabel("Your reply").isHidden());
  await person.getByRole("button", { name: "Sign out" }).click();
  await person.getByLabel("E-mail").waitFor();
  assert.deepEqual(ofVisitor, []);
  assert.deepEqual(ofPerson.filter((text) => !/401/.test(text)), [], "but for being asked to sign in");
});

test("a colleague is not overruled by accident, and the page fits a phone in the dark", bounded, async (t) => {
  const phone = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true, colorScheme: "dark" };
  const { page: visitor } = await openPage(t, phone);
  const { page: person } = await openPage(t, phone);
  await visitor.goto(`${bob.url}/`);
  await visitor.locator("bob-widget .bubble").click();
  await said(visitor, "bot", /./).first().waitFor();
  await ask(visitor, "I want to speak to a human");
  await note(visitor, "Passed on to our team").waitFor();
  await signIn(person);
  await person.locator("#list button").first().click();
  await person.getByRole("button", { name: "Take over" }).click();
  await person.getByLabel("Your reply").fill("Good evening!");
  await person.keyboard.press("Enter");
  await said(visitor, "person", "Good evening!").waitFor();
  await shoot(person, "8-phone-person");
  await shoot(visitor, "9-phone-visitor");
  const fits = (page) => page.evaluate(() => document.documentElement.scrollWidth <= innerWidth);
  assert.ok(await fits(person), "the inbox does not scroll sideways");
  assert.ok(await fits(visitor));
});
