// The older embed: <script src="HOST/widget/loader.js" data-widget-key="pk_live_…" async>. One file for every
// tenant: the key on the tag says whose widget it is, and the module reads the tenant out of it. The server fills
// in the strings in double braces.
(function () {
  "use strict";
  const tag = document.currentScript;
  const address = tag ? tag.src.split(/[?#]/)[0] : "";
  const cut = address.lastIndexOf("/widget/");
  if (cut < 0) return console.error("bob: loader.js must be loaded by its own classic <script src>");
  const base = address.slice(0, cut);

  // 26 base32 characters hold 130 bits, two more than a tenant's id: in the last one they must be zero.
  const { widgetKey: key = "", position, language } = tag.dataset;
  if (!/^pk_(?:live|test)_[a-z2-7]{25}[aeimquy4]_[\w-]+$/.test(key)) {
    return console.error("bob: data-widget-key is not a widget key; copy it again from the portal");
  }

  // Pages may say who their visitor is before the chat is there.
  window.Bob = window.Bob || {
    identify(identity) { this.identity = identity; },
    logout() { this.identity = null; },
  };
  const queue = (window.BobWidget = Array.isArray(window.BobWidget) ? window.BobWidget : []);
  queue.push({ base, key, position, language });

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
