//! A business that signs who its visitors are.

use std::sync::atomic::{AtomicU32, Ordering};

use bob_core::clock::Clock as _;
use bob_core::id::TenantId;
use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{App, Ask};

/// Where identities are decided about.
pub const SETTINGS: &str = "/api/customer-portal/visitor-identity";

/// What a business signs with.
#[derive(Debug)]
pub struct Signer {
    pub secret: String,
    tenant: TenantId,
    now: i64,
    signed: AtomicU32,
}

impl App {
    /// A call of a person of the shop about identities.
    pub async fn about_identities(&self, email: &str, method: &str, path: &str) -> Ask {
        let person = self.person(email).await;
        self.ask(method, &format!("{SETTINGS}{path}")).bearer(&person.token)
    }

    /// Lets the owner of a business have a secret made, and decides what is done about identities.
    pub async fn signer_of(&self, owner: &str, tenant: TenantId, mode: &Value) -> Signer {
        let made = self.about_identities(owner, "POST", "/secrets").await.send().await;
        assert_eq!(made.status, 201, "{}", made.text());
        let decided = self.about_identities(owner, "PUT", "").await.json(mode).send().await;
        assert_eq!(decided.status, 200, "{}", decided.text());
        let secret = made.json()["secret"].as_str().unwrap().to_owned();
        Signer { secret, tenant, now: self.clock.now().as_second(), signed: AtomicU32::new(0) }
    }

    /// The shop's signer.
    pub async fn signer(&self, mode: &str) -> Signer {
        self.signer_of("owner@shop.example", self.shop.id, &json!({ "mode": mode })).await
    }
}

impl Signer {
    /// What an identity says of a person; it holds for an hour and has a name of its own.
    pub fn claims(&self, subject: &str) -> Value {
        let name = format!("{} {}", subject, self.signed.fetch_add(1, Ordering::Relaxed));
        json!({
            "sub": subject, "aud": self.tenant.to_string(), "iat": self.now, "exp": self.now + 3_600, "jti": name,
        })
    }

    /// An identity of a person.
    pub fn of(&self, subject: &str) -> String {
        self.sign(&self.claims(subject))
    }

    /// An identity of a person, changed in one claim.
    pub fn with(&self, subject: &str, claim: &str, value: Value) -> String {
        let mut claims = self.claims(subject);
        claims[claim] = value;
        self.sign(&claims)
    }

    pub fn sign(&self, claims: &Value) -> String {
        let part = |json: &[u8]| BASE64URL_NOPAD.encode(json);
        let message =
            format!("{}.{}", part(br#"{"alg":"HS256","typ":"JWT"}"#), part(claims.to_string().as_bytes()));
        let signature = hmac_sha256(self.secret.as_bytes(), message.as_bytes());
        format!("{message}.{}", part(&signature))
    }
}

/// HMAC-SHA256 (RFC 2104), so that the tests sign by other code than Bob checks with.
fn hmac_sha256(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut block = [0; 64];
    match key.len() {
        0..=64 => block[..key.len()].copy_from_slice(key),
        _ => block[..32].copy_from_slice(&Sha256::digest(key)),
    }
    let padded = |pad: u8| block.map(|byte| byte ^ pad);
    let inner = Sha256::new().chain_update(padded(0x36)).chain_update(message).finalize();
    Sha256::new().chain_update(padded(0x5c)).chain_update(inner).finalize().into()
}

#[test]
fn the_tests_sign_as_the_rfc_says() {
    // RFC 4231, test case 2, and a key over one block, test case 6.
    let first = hmac_sha256(b"Jefe", b"what do ya want for nothing?");
    assert_eq!(data_encoding::HEXLOWER.encode(&first[..8]), "5bdcc146bf60754e");
    let long = hmac_sha256(&[0xaa; 131], b"Test Using Larger Than Block-Size Key - Hash Key First");
    assert_eq!(data_encoding::HEXLOWER.encode(&long[..8]), "60e431591ee0b67f");
}
