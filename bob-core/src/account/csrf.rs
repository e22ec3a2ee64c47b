//! CSRF tokens: what a page must send beside the session cookie to change something.

use std::fmt;

use aws_lc_rs::hmac;
use data_encoding::BASE64URL_NOPAD;

use crate::id::LoginId;
use crate::keyring::PurposeKeys;
use crate::secret::Secret;

/// Makes and checks CSRF tokens: HMAC-SHA256 over the sign-in, in base64url; 43 letters, the same all its life long.
#[derive(Clone)]
pub(super) struct CsrfTokens {
    key: hmac::Key,
}

impl CsrfTokens {
    pub(super) fn new(keys: &PurposeKeys) -> Self {
        Self { key: keys.hmac("csrf token") }
    }

    pub(super) fn mint(&self, login: &LoginId) -> Secret {
        Secret::new(BASE64URL_NOPAD.encode(hmac::sign(&self.key, login.as_uuid().as_bytes()).as_ref()))
    }

    /// Whether `token` is the one of `login`; takes the same time for every wrong one of the right length.
    pub(super) fn check(&self, login: &LoginId, token: &str) -> bool {
        self.mint(login) == Secret::new(token)
    }
}

impl fmt::Debug for CsrfTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CsrfTokens(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_belongs_to_one_sign_in() {
        let tokens = CsrfTokens::new(&PurposeKeys::from_root([1; 32]));
        let (mine, other) = (LoginId::new(), LoginId::new());
        let token = tokens.mint(&mine);
        assert_eq!(token.expose().len(), 43);
        assert!(tokens.check(&mine, token.expose()));
        assert!(!tokens.check(&other, token.expose()));
        assert!(!CsrfTokens::new(&PurposeKeys::from_root([2; 32])).check(&mine, token.expose()));
    }

    #[test]
    fn a_token_has_one_spelling_only() {
        let tokens = CsrfTokens::new(&PurposeKeys::from_root([1; 32]));
        let login = LoginId::new();
        let token = tokens.mint(&login).expose().to_owned();
        for wrong in ["", &token[1..], &format!("{token}="), &format!("{token} "), &token.to_lowercase()] {
            assert!(!tokens.check(&login, wrong), "{wrong}");
        }
    }
}
