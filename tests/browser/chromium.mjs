// Chromium as the tests use it: the system's own, headless, with a fresh profile, and talking to nobody else.

import { mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";

import { chromium } from "playwright-core";

const executablePath = process.env.CHROMIUM || "/usr/bin/chromium";
const args = [
  "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync",
];

/** A browser with its own empty profile; `options` are a context's: viewport, colorScheme, … */
export async function openBrowser(options = {}) {
  const profile = mkdtempSync(path.join(os.tmpdir(), "bob-chromium-"));
  const context = await chromium.launchPersistentContext(profile, { executablePath, args, locale: "en-GB", timeout: 60_000, ...options });
  context.setDefaultTimeout(20_000);
  const close = async () => {
    await context.close();
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  };
  return { context, close };
}
