//! Visitor tokens: signed names of visitors, kept by their browsers.

use std::fmt;
use std::time::Duration;

use aws_lc_rs::hmac;
use data_encoding::BASE64URL_NOPAD;
use jiff::Timestamp;
use uuid::Uuid;

use crate::clock::{earlier, later};
use crate::id::{TenantId, VisitorId};
use crate::keyring::PurposeKeys;

/// How long a token holds after it was made; every answer brings a new one.
pub const LIFETIME: Duration = Duration::from_secs(180 * 24 * 60 * 60);

/// Tokens of other nodes may come from clocks that run this much ahead.
const SKEW: Duration = Duration::from_secs(300);

const VERSION: u8 = 1;
const BODY: usize = 1 + 16 + 16 + 8;
const TAG: usize = 32;

/// The token is damaged, old, of another tenant or not ours; which of them is nobody's business.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the visitor token is not valid")]
pub struct InvalidVisitorToken;

/// Makes and checks visitor tokens: HMAC-SHA256 over version, tenant, visitor and time of issue.
#[derive(Clone)]
pub struct VisitorTokens {
    key: hmac::Key,
}

impl VisitorTokens {
    /// Uses the key that `keys` holds for this purpose.
    #[must_use]
    pub fn new(keys: &PurposeKeys) -> Self {
        Self { key: keys.hmac("visitor token") }
    }

    /// A token for a visitor of a tenant, good for 180 days.
    #[must_use]
    pub fn mint(&self, tenant: TenantId, visitor: VisitorId, now: Timestamp) -> String {
        let mut token = Vec::with_capacity(BODY + TAG);
        token.push(VERSION);
        token.extend_from_slice(tenant.as_uuid().as_bytes());
        token.extend_from_slice(visitor.as_uuid().as_bytes());
        token.extend_from_slice(&now.as_second().to_be_bytes());
        let tag = hmac::sign(&self.key, &token);
        token.extend_from_slice(tag.as_ref());
        BASE64URL_NOPAD.encode(&token)
    }

    /// The visitor a token names, if it is valid for `tenant` at `now`.
    ///
    /// # Errors
    ///
    /// [`InvalidVisitorToken`] in every other case.
    pub fn verify(
        &self,
        token: &str,
        tenant: TenantId,
        now: Timestamp,
    ) -> Result<VisitorId, InvalidVisitorToken> {
        if token.len() != BASE64URL_NOPAD.encode_len(BODY + TAG) {
            return Err(InvalidVisitorToken);
        }
        let bytes = BASE64URL_NOPAD.decode(token.as_bytes()).map_err(|_| InvalidVisitorToken)?;
        let (body, tag) = bytes.split_at(BODY);
        hmac::verify(&self.key, body, tag).map_err(|_| InvalidVisitorToken)?;
        let (head, issued) = body.split_at(BODY - 8);
        let [version, ids @ ..] = head else { return Err(InvalidVisitorToken) };
        let (of_tenant, visitor) = ids.split_at(16);
        let issued =
            Timestamp::from_second(i64::from_be_bytes(issued.try_into().map_err(|_| InvalidVisitorToken)?))
                .map_err(|_| InvalidVisitorToken)?;
        let in_time = issued <= later(now, SKEW) && issued > earlier(now, LIFETIME);
        if *version != VERSION || of_tenant != tenant.as_uuid().as_bytes() || !in_time {
            return Err(InvalidVisitorToken);
        }
        Uuid::from_slice(visitor).map(VisitorId::from_uuid).map_err(|_| InvalidVisitorToken)
    }
}

impl fmt::Debug for VisitorTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("VisitorTokens(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Clock as _, ManualClock};

    fn tokens() -> VisitorTokens {
        VisitorTokens::new(&PurposeKeys::from_root([1; 32]))
    }

    #[test]
    fn a_token_names_its_visitor_to_its_tenant_only() {
        let now = ManualClock::default().now();
        let (tenant, visitor) = (TenantId::new(), VisitorId::new());
        let token = tokens().mint(tenant, visitor, now);
        assert_eq!(tokens().verify(&token, tenant, now), Ok(visitor));
        assert_eq!(tokens().verify(&token, TenantId::new(), now), Err(InvalidVisitorToken));
    }

    #[test]
    fn a_token_ends_after_180_days_and_is_not_valid_before_its_time() {
        let now = ManualClock::default().now();
        let (tenant, visitor) = (TenantId::new(), VisitorId::new());
        let token = tokens().mint(tenant, visitor, now);
        let day = Duration::from_secs(24 * 60 * 60);
        assert_eq!(tokens().verify(&token, tenant, later(now, 179 * day)), Ok(visitor));
        assert_eq!(tokens().verify(&token, tenant, later(now, 180 * day)), Err(InvalidVisitorToken));
        assert_eq!(tokens().verify(&token, tenant, earlier(now, day)), Err(InvalidVisitorToken));
    }

    #[test]
    fn every_damaged_token_is_refused() {
        let now = ManualClock::default().now();
        let tenant = TenantId::new();
        let token = tokens().mint(tenant, VisitorId::new(), now);
        for at in 0..token.len() {
            let mut damaged = token.clone().into_bytes();
            damaged[at] = if damaged[at] == b'A' { b'B' } else { b'A' };
            let damaged = String::from_utf8(damaged).unwrap();
            assert_eq!(tokens().verify(&damaged, tenant, now), Err(InvalidVisitorToken), "byte {at}");
        }
        for damaged in ["", "a", &token[1..], &format!("{token}="), &format!(" {token}"), &token.repeat(2)] {
            assert_eq!(tokens().verify(damaged, tenant, now), Err(InvalidVisitorToken), "{damaged}");
        }
        let other = VisitorTokens::new(&PurposeKeys::from_root([2; 32]));
        assert_eq!(other.verify(&token, tenant, now), Err(InvalidVisitorToken), "another key");
    }
}
