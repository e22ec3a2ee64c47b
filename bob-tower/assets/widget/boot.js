// The embed: <script src="HOST/widget/TENANT/widget.js" async>. Served per tenant; the server fills in the
// strings in double braces. It only queues what the module needs and asks for the module, so that a page pays
// one small cacheable request, and so that keys and modules rotate without a change in the customer's HTML.
(function () {
  "use strict";
  const tag = document.currentScript;
  const address = tag ? tag.src.split(/[?#]/)[0] : "";
  const cut = address.lastIndexOf("/widget/");
  if (cut < 0) return console.error("bob: widget.js must be loaded by its own classic <script src>");
  const base = address.slice(0, cut);

  // Pages may say who their visitor is before the chat is there.
  window.Bob = window.Bob || {
    identify(identity) { this.identity = identity; },
    logout() { this.identity = null; },
  };
  const queue = (window.BobWidget = Array.isArray(window.BobWidget) ? window.BobWidget : []);
  const { position, language } = tag.dataset;
  const look = "{{look}}";
  queue.push({ base, tenant: "{{tenant}}", key: "{{key}}", look, position, language });

  const source = base + "/widget/m/" + "{{module}}";
  queue.asked = queue.asked || {};
  if (queue.asked[source]) return;
  queue.asked[source] = true;
  try {
    const script = document.createElement("script");
    script.type = "module";
    script.crossOrigin = "anonymous";
    script.integrity = "{{integrity}}";
    if (tag.nonce) script.nonce = tag.nonce;
    script.src = trusted(source);
    (document.head || document.documentElement).append(script);
  } catch (error) {
    console.error("bob: this page does not let the chat load", error);
  }

  // The policy passes one address only. A page may refuse it, and may still have a default policy for strings.
  function trusted(url) {
    if (!window.trustedTypes) return url;
    const rules = { createScriptURL: (asked) => (asked === url ? asked : "about:invalid") };
    try { return trustedTypes.createPolicy("bob", rules).createScriptURL(url); } catch { return url; }
  }
})();
