//! The widget's files and the pages, as they were when this was compiled.

use data_encoding::{BASE64, HEXLOWER};
use http::HeaderValue;
use sha2::{Digest as _, Sha256, Sha384};

const BOOT: &str = include_str!("../assets/widget/boot.js");
const LOADER: &str = include_str!("../assets/widget/loader.js");
const MODULE: &str = include_str!("../assets/widget/widget.mjs");
const SET_PASSWORD: &str = include_str!("../assets/account/set-password.html");

/// A page that is one file.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) html: &'static str,
    /// Lets its own style and script run and nothing else.
    pub(crate) policy: HeaderValue,
}

impl Page {
    fn new(html: &'static str) -> Self {
        let hash = |tag: &str| {
            let (_, rest) = html.split_once(&format!("<{tag}>")).unwrap_or_default();
            let (inside, _) = rest.split_once(&format!("</{tag}>")).unwrap_or_default();
            BASE64.encode(&Sha256::digest(inside.as_bytes()))
        };
        let policy = format!(
            "default-src 'none'; script-src 'sha256-{}'; style-src 'sha256-{}'; connect-src 'self'; form-action 'none'; \
             base-uri 'none'; frame-ancestors 'none'",
            hash("script"),
            hash("style")
        );
        let policy = HeaderValue::from_str(&policy).expect("a policy of letters is a header value");
        Self { html, policy }
    }
}

/// The files with everything filled in that is the same for all tenants.
#[derive(Debug)]
pub(crate) struct Assets {
    /// The module's file name, which changes with its content.
    pub(crate) module_name: String,
    loader: String,
    boot: String,
    pub(crate) set_password: Page,
}

impl Assets {
    pub(crate) fn load() -> Self {
        let hash = HEXLOWER.encode(&Sha256::digest(MODULE.as_bytes()));
        let module_name = format!("widget-{}.mjs", &hash[..16]);
        let integrity = format!("sha384-{}", BASE64.encode(&Sha384::digest(MODULE.as_bytes())));
        let filled =
            |text: &str| text.replace("{{module}}", &module_name).replace("{{integrity}}", &integrity);
        let set_password = Page::new(SET_PASSWORD);
        Self { loader: filled(LOADER), boot: filled(BOOT), module_name, set_password }
    }

    /// The module of the widget.
    pub(crate) fn module(&self) -> &'static str {
        MODULE
    }

    /// The script for pages that name their key themselves.
    pub(crate) fn loader(&self) -> &str {
        &self.loader
    }

    /// The script of one tenant, with its key in it, and in JSON how its widget looks.
    pub(crate) fn boot(&self, tenant: &str, key: &str, look: &str) -> String {
        // Tenant and key are letters, digits, - and _, which need no escaping in a string literal; JSON is JavaScript.
        // What a business wrote comes last, so that it is filled into nothing.
        self.boot.replace("{{tenant}}", tenant).replace("{{key}}", key).replace("\"{{look}}\"", look)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_lets_its_own_parts_run_by_their_hashes() {
        let page = Page::new("<style>a{}</style><script>1</script>");
        let of = |text: &str| BASE64.encode(&Sha256::digest(text.as_bytes()));
        let policy = page.policy.to_str().unwrap();
        assert!(policy.contains(&format!("script-src 'sha256-{}'", of("1"))), "{policy}");
        assert!(policy.contains(&format!("style-src 'sha256-{}'", of("a{}"))), "{policy}");
        assert!(SET_PASSWORD.matches("<script").count() == 1 && SET_PASSWORD.matches("<style").count() == 1);
        assert!(!SET_PASSWORD.contains("style=") && !SET_PASSWORD.contains("onclick"));
    }

    #[test]
    fn no_token_is_left_unfilled() {
        let assets = Assets::load();
        assert!(!assets.loader().contains("{{"));
        let boot = assets.boot("t", "pk_live_x", r#"{"launcher":{"en":"{{key}}"}}"#);
        assert!(boot.contains("pk_live_x") && boot.contains(r#"look = {"launcher":{"en":"{{key}}"}};"#));
        assert_eq!(boot.matches("{{").count(), 1, "only what the business wrote");
    }
}
