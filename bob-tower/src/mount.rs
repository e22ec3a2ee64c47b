//! Where a mount stands: its public addresses and what follows from them.

use std::sync::Arc;

use bob_core::account::{Authoriser, ByRoles};
use bob_core::id::TenantId;
use bob_core::origin::{Origin, Scheme};
use bob_core::tenant::TenantRef;
use url::Url;

use crate::client::Network;

/// The longest public URL, in bytes.
const MAX_URL: usize = 500;

/// Whether a preflight that names no tenant is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum GenericPreflight {
    /// By the index of all live keys' origins. It tells whether an origin is on some key's list.
    #[default]
    Index,
    /// Never; pages then use the address with the tenant's UUID, as `widget.js` does.
    Off,
}

/// How one mount of Bob is reached and what it serves.
#[derive(Debug, Clone)]
#[must_use]
pub struct Mount {
    pub(crate) public_urls: Vec<Url>,
    pub(crate) own_origins: Vec<Origin>,
    pub(crate) trusted_proxies: Vec<Network>,
    pub(crate) default_tenant: Option<TenantRef>,
    pub(crate) tenants: Vec<TenantRef>,
    pub(crate) generic_preflight: GenericPreflight,
    pub(crate) authoriser: Arc<dyn Authoriser>,
}

/// A mount cannot stand there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MountError {
    /// Without an address there are no absolute URLs, cookies or own origins.
    #[error("a mount needs at least one public URL")]
    NoPublicUrl,
    /// An address that browsers cannot open.
    #[error("{0} is not a plain http or https URL")]
    NotAUrl(String),
    /// Cookies and tokens would cross the network in the open.
    #[error("{0} uses plain http off this machine; use https")]
    Insecure(String),
}

impl Mount {
    /// A mount at these public URLs, path included; the first is the canonical one.
    ///
    /// # Errors
    ///
    /// [`MountError`] when there is none, one is no URL, or one is plain http off loopback.
    pub fn at<'a>(public_urls: impl IntoIterator<Item = &'a str>) -> Result<Self, MountError> {
        let mut mount = Self {
            public_urls: Vec::new(),
            own_origins: Vec::new(),
            trusted_proxies: Vec::new(),
            default_tenant: None,
            tenants: Vec::new(),
            generic_preflight: GenericPreflight::default(),
            authoriser: Arc::new(ByRoles),
        };
        for text in public_urls {
            let wrong = || MountError::NotAUrl(text.to_owned());
            let mut url = Url::parse(text).map_err(|_| wrong())?;
            let origin = Origin::of(&url).map_err(|_| wrong())?;
            // A cookie's Path ends at a semicolon.
            let plain = url.query().is_none()
                && url.fragment().is_none()
                && url.username().is_empty()
                && url.password().is_none()
                && !url.path().contains(';');
            if origin.scheme() == Scheme::Http && !origin.is_loopback() {
                return Err(MountError::Insecure(text.to_owned()));
            }
            if !url.path().ends_with('/') {
                let path = format!("{}/", url.path());
                url.set_path(&path);
            }
            // Measured as it is used: other alphabets grow when they are written in ASCII.
            if !plain || url.as_str().len() > MAX_URL {
                return Err(wrong());
            }
            if !mount.own_origins.contains(&origin) {
                mount.own_origins.push(origin);
            }
            mount.public_urls.push(url);
        }
        if mount.public_urls.is_empty() { Err(MountError::NoPublicUrl) } else { Ok(mount) }
    }

    /// Believes what proxies in these networks say about their clients; none by default.
    pub fn trusting(mut self, proxies: impl IntoIterator<Item = Network>) -> Self {
        self.trusted_proxies.extend(proxies);
        self
    }

    /// Serves this tenant on the public door when a call names none.
    pub fn default_tenant(mut self, tenant: impl Into<TenantRef>) -> Self {
        self.default_tenant = Some(tenant.into());
        self
    }

    /// Serves this tenant too, when a call to the public door names it. Tenants that name one of the mount's hosts as
    /// theirs are served without being listed.
    pub fn serving(mut self, tenant: impl Into<TenantRef>) -> Self {
        self.tenants.push(tenant.into());
        self
    }

    /// Says how preflights that name no tenant are answered.
    pub fn generic_preflight(mut self, setting: GenericPreflight) -> Self {
        self.generic_preflight = setting;
        self
    }

    /// Lets somebody else than roles decide who may do what.
    pub fn authoriser(mut self, authoriser: Arc<dyn Authoriser>) -> Self {
        self.authoriser = authoriser;
        self
    }

    /// The canonical URL, ending in a slash.
    #[must_use]
    pub fn canonical(&self) -> &str {
        self.public_urls[0].as_str()
    }

    /// The origins of its public URLs.
    pub fn own_origins(&self) -> impl Iterator<Item = &Origin> {
        self.own_origins.iter()
    }

    /// Whether all its public URLs are this machine's own.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        self.own_origins.iter().all(Origin::is_loopback)
    }

    pub(crate) fn is_own(&self, origin: &Origin) -> bool {
        self.own_origins.contains(origin)
    }

    pub(crate) fn is_secure(&self) -> bool {
        self.own_origins[0].scheme() == Scheme::Https
    }

    /// The path cookies are bound to: the canonical URL's, without the slash at its end.
    pub(crate) fn cookie_path(&self) -> &str {
        match self.public_urls[0].path().trim_end_matches('/') {
            "" => "/",
            path => path,
        }
    }

    /// The name of a tenant's visitor cookie. The last digits of its UUID tell tenants apart; the first are a time.
    pub(crate) fn visitor_cookie(&self, tenant: &TenantId) -> String {
        let uuid = tenant.as_uuid().simple().to_string();
        format!("bob_visitor_{}", &uuid[24..])
    }

    /// The name of the session cookie: a suffix from the path, another one for every path, keeps two mounts of one host
    /// apart.
    pub(crate) fn session_cookie(&self) -> String {
        let path = self.public_urls[0].path().trim_end_matches('/');
        let mut suffix = String::with_capacity(path.len());
        for byte in path.bytes() {
            match byte {
                b'/' => suffix.push('_'),
                b'-' | b'.' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => suffix.push(char::from(byte)),
                other => suffix.push_str(&format!("~{other:02x}")),
            }
        }
        if self.is_secure() { format!("__Host-bob_session{suffix}") } else { format!("bob_session{suffix}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_is_for_this_machine_only() {
        for url in [
            "http://127.0.0.1:8080",
            "http://localhost:8080/bob",
            "http://[::1]:8080",
            "https://shop.example",
        ] {
            assert!(Mount::at([url]).is_ok(), "{url}");
        }
        assert!(matches!(Mount::at(["http://shop.example"]), Err(MountError::Insecure(_))));
        for url in
            ["shop.example", "ftp://shop.example", "https://user:pw@shop.example", "https://shop.example/?a"]
        {
            assert!(matches!(Mount::at([url]), Err(MountError::NotAUrl(_))), "{url}");
        }
        let long = format!("https://shop.example/{}", "ä".repeat(200));
        for url in [&long, "https://shop.example/a;b"] {
            assert!(matches!(Mount::at([url]), Err(MountError::NotAUrl(_))), "{url}");
        }
        assert_eq!(Mount::at([]).unwrap_err(), MountError::NoPublicUrl);
    }

    #[test]
    fn two_mounts_of_one_host_keep_two_cookies() {
        let name = |url: &str| Mount::at([url]).unwrap().session_cookie();
        assert_eq!(name("https://shop.example"), "__Host-bob_session");
        assert_eq!(name("https://shop.example/help/bob/"), "__Host-bob_session_help_bob");
        assert_eq!(name("http://localhost:8080/bob"), "bob_session_bob");
        let paths = ["", "/a/b", "/a_b", "/a-b", "/a.b", "/A/b", "/a~b", "/a~5fb", "/a%20b", "/ä"];
        let names: std::collections::HashSet<_> =
            paths.iter().map(|path| name(&format!("https://shop.example{path}"))).collect();
        assert_eq!(names.len(), paths.len(), "{names:?}");
        let token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
        assert!(names.iter().all(|name| name.bytes().all(token)), "{names:?}");
    }

    #[test]
    fn the_cookie_path_is_the_mounts() {
        let path = |url| Mount::at([url]).unwrap().cookie_path().to_owned();
        assert_eq!(path("https://shop.example"), "/");
        assert_eq!(path("https://shop.example/bob/"), "/bob");
    }
}
