//! The widget's files, as they were when this was compiled.

use data_encoding::{BASE64, HEXLOWER};
use sha2::{Digest as _, Sha256, Sha384};

const BOOT: &str = include_str!("../assets/widget/boot.js");
const LOADER: &str = include_str!("../assets/widget/loader.js");
const MODULE: &str = include_str!("../assets/widget/widget.mjs");

/// The files with everything filled in that is the same for all tenants.
#[derive(Debug)]
pub(crate) struct Assets {
    /// The module's file name, which changes with its content.
    pub(crate) module_name: String,
    loader: String,
    boot: String,
}

impl Assets {
    pub(crate) fn load() -> Self {
        let hash = HEXLOWER.encode(&Sha256::digest(MODULE.as_bytes()));
        let module_name = format!("widget-{}.mjs", &hash[..16]);
        let integrity = format!("sha384-{}", BASE64.encode(&Sha384::digest(MODULE.as_bytes())));
        let filled =
            |text: &str| text.replace("{{module}}", &module_name).replace("{{integrity}}", &integrity);
        Self { loader: filled(LOADER), boot: filled(BOOT), module_name }
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
    fn no_token_is_left_unfilled() {
        let assets = Assets::load();
        assert!(!assets.loader().contains("{{"));
        let boot = assets.boot("t", "pk_live_x", r#"{"launcher":{"en":"{{key}}"}}"#);
        assert!(boot.contains("pk_live_x") && boot.contains(r#"look = {"launcher":{"en":"{{key}}"}};"#));
        assert_eq!(boot.matches("{{").count(), 1, "only what the business wrote");
    }
}
