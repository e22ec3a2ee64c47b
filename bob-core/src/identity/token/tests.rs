use aws_lc_rs::signature::{self, KeyPair as _};
use aws_lc_rs::{hmac, rand, rsa};
use serde_json::json;

use super::*;
use crate::identity::{IdentityChange, IdentityPolicy, IdentitySecret, KeySet};
use crate::secret::Secret;
use crate::testing::fixture;

const ISSUER: &str = "https://shop.example";
const SECRET: &str = "a-secret-of-the-business,-which-is-long-enough-for-each-of-the-hashes";
/// Long enough for HS256 only.
const SHORT: &str = "0123456789abcdef0123456789abcdef";

fn part(json: impl AsRef<[u8]>) -> String {
    BASE64URL_NOPAD.encode(json.as_ref())
}

/// One business with every kind of key.
struct World {
    tenant: TenantId,
    settings: IdentitySettings,
    ed: signature::Ed25519KeyPair,
    rsa: rsa::KeyPair,
    p256: signature::EcdsaKeyPair,
    set: Value,
}

fn world() -> World {
    let ed = signature::Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
    let rsa = rsa::KeyPair::generate(rsa::KeySize::Rsa2048).unwrap();
    let p256 = signature::EcdsaKeyPair::generate(&signature::ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let point = p256.public_key().as_ref();
    let public = rsa.public_key();
    let set = json!({"keys": [
        {"kty": "OKP", "crv": "Ed25519", "kid": "ed", "x": part(ed.public_key())},
        {"kty": "RSA", "kid": "rsa", "n": part(public.modulus().big_endian_without_leading_zero()),
         "e": part(public.exponent().big_endian_without_leading_zero())},
        {"kty": "EC", "crv": "P-256", "kid": "ec", "x": part(&point[1..33]), "y": part(&point[33..])},
    ]});
    let keys: KeySet = set.to_string().parse().unwrap();
    let policy =
        IdentityPolicy { issuer: Some(ISSUER.to_owned()), keys: Some(keys), ..IdentityPolicy::default() };
    let mut settings = IdentitySettings { policy, ..IdentitySettings::default() };
    for text in [SHORT, SECRET] {
        let secret = IdentitySecret::given(Secret::new(text), fixture::now()).unwrap();
        settings = settings.after(IdentityChange::Add(secret)).unwrap();
    }
    World { tenant: TenantId::new(), settings, ed, rsa, p256, set }
}

impl World {
    fn claims(&self) -> Value {
        let now = fixture::now().as_second();
        json!({
            "sub": "customer 7", "aud": self.tenant.to_string(), "iss": ISSUER, "iat": now, "exp": now + 3_600,
            "jti": "once", "name": "Anna Ärmel", "email": "anna@home.example", "email_verified": true,
            "attributes": {"plan": "gold"},
        })
    }

    fn sign(&self, head: &str, claims: &str, by: &str) -> String {
        let message = format!("{}.{}", part(head), part(claims));
        let shared = |algorithm, key: &[u8]| {
            hmac::sign(&hmac::Key::new(algorithm, key), message.as_bytes()).as_ref().to_vec()
        };
        let rsa = |padding: &'static dyn signature::RsaEncoding| {
            let mut signature = vec![0; self.rsa.public_modulus_len()];
            self.rsa.sign(padding, &rand::SystemRandom::new(), message.as_bytes(), &mut signature).unwrap();
            signature
        };
        let signature = match by {
            "HS256" => shared(hmac::HMAC_SHA256, SECRET.as_bytes()),
            "HS256 short" => shared(hmac::HMAC_SHA256, SHORT.as_bytes()),
            "HS384" => shared(hmac::HMAC_SHA384, SECRET.as_bytes()),
            "HS512" => shared(hmac::HMAC_SHA512, SECRET.as_bytes()),
            "HS512 short" => shared(hmac::HMAC_SHA512, SHORT.as_bytes()),
            "HS256 other" => shared(hmac::HMAC_SHA256, b"a secret of somebody else altogether"),
            "HS256 by the public key" => shared(hmac::HMAC_SHA256, self.ed.public_key().as_ref()),
            "HS256 by the key set" => shared(hmac::HMAC_SHA256, self.set.to_string().as_bytes()),
            "HS256 empty" => shared(hmac::HMAC_SHA256, b""),
            "RS256" => rsa(&signature::RSA_PKCS1_SHA256),
            "PS256" => rsa(&signature::RSA_PSS_SHA256),
            "ES256" => {
                self.p256.sign(&rand::SystemRandom::new(), message.as_bytes()).unwrap().as_ref().to_vec()
            }
            "EdDSA" => self.ed.sign(message.as_bytes()).as_ref().to_vec(),
            other => panic!("no such signer: {other}"),
        };
        format!("{message}.{}", part(signature))
    }

    fn shared(&self, claims: &Value) -> String {
        self.sign(r#"{"alg":"HS256","typ":"JWT"}"#, &claims.to_string(), "HS256")
    }

    fn verify(&self, token: &str) -> Result<VerifiedIdentity, InvalidIdentity> {
        self.settings.verify(token, self.tenant, fixture::now())
    }
}

fn with(mut object: Value, name: &str, value: Value) -> Value {
    object[name] = value;
    object
}

fn without(mut object: Value, name: &str) -> Value {
    object.as_object_mut().unwrap().remove(name).unwrap();
    object
}

#[test]
fn an_identity_says_who_somebody_is() {
    let world = world();
    let identity = world.verify(&world.shared(&world.claims())).unwrap();
    let profile = &identity.profile;
    assert_eq!(
        (profile.issuer.as_deref(), profile.subject.as_deref(), profile.name.as_deref()),
        (Some(ISSUER), Some("customer 7"), Some("Anna Ärmel"))
    );
    assert_eq!(profile.email.as_ref().unwrap().as_str(), "anna@home.example");
    assert_eq!(profile.attributes.as_deref(), Some(r#"{"plan":"gold"}"#));
    assert!(profile.email_verified && identity.is_fresh(fixture::now()));
    let least = without(without(without(world.claims(), "name"), "email"), "attributes");
    let least = world.verify(&world.shared(&without(least, "jti"))).unwrap();
    assert_eq!((least.profile.name, least.profile.email, least.profile.email_verified), (None, None, false));
    assert_eq!(least.token_id, None);
}

#[test]
fn every_kind_of_key_signs_what_it_is_for() {
    let world = world();
    let claims = world.claims().to_string();
    let first = world.settings.secrets[0].id;
    for (head, by) in [
        (json!({"alg": "HS256"}), "HS256"),
        (json!({"alg": "HS256"}), "HS256 short"),
        (json!({"alg": "HS256", "kid": first.to_string()}), "HS256 short"),
        (json!({"alg": "HS384", "typ": "jwt"}), "HS384"),
        (json!({"alg": "HS512", "typ": "JWT"}), "HS512"),
        (json!({"alg": "RS256", "kid": "rsa"}), "RS256"),
        (json!({"alg": "PS256", "kid": "rsa"}), "PS256"),
        (json!({"alg": "ES256", "kid": "ec"}), "ES256"),
        (json!({"alg": "EdDSA", "kid": "ed"}), "EdDSA"),
    ] {
        let verified = world.verify(&world.sign(&head.to_string(), &claims, by));
        assert!(verified.is_ok(), "{head} {by}: {verified:?}");
    }
}

#[test]
fn a_damaged_identity_is_refused_for_its_reason() {
    use InvalidIdentity::{
        Algorithm, Audience, Claims, Expired, Header, Issuer, Lifetime, Malformed, NotYet, Signature,
        UnknownKey,
    };
    let world = world();
    let (claims, now) = (world.claims(), fixture::now().as_second());
    let text = claims.to_string();
    let good = world.shared(&claims);
    let parts: Vec<&str> = good.split('.').collect();
    let (head, body, tag) = (parts[0], parts[1], parts[2]);
    let by = |head: Value, by: &str| world.sign(&head.to_string(), &text, by);
    let said = |name: &str, value: Value| world.shared(&with(claims.clone(), name, value));
    let lacks = |name: &str| world.shared(&without(claims.clone(), name));
    let raw = |json: &str| world.sign(r#"{"alg":"HS256"}"#, json, "HS256");
    let plain = |head: &str| format!("{}.{body}.", part(head));
    let second = world.settings.secrets[1].id.to_string();
    let mut damaged = vec![
        // No JWT at all.
        ("nothing", String::new(), Malformed),
        ("one part", head.to_owned(), Malformed),
        ("two parts", format!("{head}.{body}"), Malformed),
        ("four parts", format!("{good}.{tag}"), Malformed),
        ("five parts", format!("{good}.a.b"), Malformed),
        ("an empty head", format!(".{body}.{tag}"), Malformed),
        ("a space before it", format!(" {good}"), Malformed),
        ("a line end behind it", format!("{good}\n"), Malformed),
        ("padding", format!("{head}.{body}.{tag}="), Malformed),
        ("the other alphabet", format!("{head}.{body}.+/{}", &tag[2..]), Malformed),
        ("a bearer's prefix", format!("Bearer {good}"), Malformed),
        ("too long", said("padding", json!("x".repeat(4_000))), Malformed),
        ("a head that is no JSON", format!("{}.{body}.{tag}", part("alg")), Malformed),
        ("a head that is an array", format!("{}.{body}.{tag}", part(r#"["HS256"]"#)), Malformed),
        ("claims that are no JSON", raw("sub"), Claims),
        ("claims that are an array", raw("[1]"), Claims),
        ("claims that break off", raw(&text[..text.len() - 1]), Claims),
        // Algorithms.
        ("no algorithm", by(json!({"typ": "JWT"}), "HS256"), Header),
        ("none", plain(r#"{"alg":"none"}"#), Signature),
        ("none with a signature", by(json!({"alg": "none"}), "HS256"), Algorithm),
        ("None", by(json!({"alg": "None"}), "HS256"), Algorithm),
        ("hs256", by(json!({"alg": "hs256"}), "HS256"), Algorithm),
        ("ES384", by(json!({"alg": "ES384", "kid": "ec"}), "ES256"), Algorithm),
        ("RS512", by(json!({"alg": "RS512", "kid": "rsa"}), "RS256"), Algorithm),
        ("an algorithm that is a number", by(json!({"alg": 256}), "HS256"), Header),
        ("another hash than said", by(json!({"alg": "HS384"}), "HS256"), Signature),
        ("PS256 said, RS256 signed", by(json!({"alg": "PS256", "kid": "rsa"}), "RS256"), Signature),
        // Confusion of public and shared keys.
        ("the public key as a shared one", by(json!({"alg": "HS256"}), "HS256 by the public key"), Signature),
        ("the key set as a shared key", by(json!({"alg": "HS256"}), "HS256 by the key set"), Signature),
        (
            "a shared key under a public one's name",
            by(json!({"alg": "HS256", "kid": "ed"}), "HS256 by the public key"),
            UnknownKey,
        ),
        ("an empty key", by(json!({"alg": "HS256"}), "HS256 empty"), Signature),
        (
            "RS256 under the name of another key",
            by(json!({"alg": "RS256", "kid": "ed"}), "RS256"),
            UnknownKey,
        ),
        ("EdDSA by a shared key", by(json!({"alg": "EdDSA", "kid": "ed"}), "HS256"), Signature),
        ("a secret too short for the hash", by(json!({"alg": "HS512"}), "HS512 short"), Signature),
        // Keys.
        ("another secret", by(json!({"alg": "HS256"}), "HS256 other"), Signature),
        ("another secret's name", by(json!({"alg": "HS256", "kid": second}), "HS256 short"), Signature),
        ("an unknown secret's name", by(json!({"alg": "HS256", "kid": "x"}), "HS256"), UnknownKey),
        ("no name of a public key", by(json!({"alg": "EdDSA"}), "EdDSA"), UnknownKey),
        ("an unknown public key", by(json!({"alg": "EdDSA", "kid": "x"}), "EdDSA"), UnknownKey),
        ("a name that is a list", by(json!({"alg": "HS256", "kid": ["ed"]}), "HS256"), Header),
        // Signatures.
        ("no signature", format!("{head}.{body}."), Signature),
        ("half a signature", format!("{head}.{body}.{}", &tag[..20]), Signature),
        ("a signature of zeros", format!("{head}.{body}.{}", part([0; 32])), Signature),
        ("a changed head", format!("{}.{body}.{tag}", part(r#"{"alg":"HS256"}"#)), Signature),
        (
            "changed claims",
            format!("{head}.{}.{tag}", part(with(claims.clone(), "sub", json!("customer 8")).to_string())),
            Signature,
        ),
        // Types and duplicates.
        ("another type", by(json!({"alg": "HS256", "typ": "at+jwt"}), "HS256"), Header),
        ("alg twice", world.sign(r#"{"alg":"none","alg":"HS256"}"#, &text, "HS256"), Header),
        ("sub twice", raw(&text.replacen('{', r#"{"sub":"admin","#, 1)), Claims),
        ("aud twice", raw(&text.replacen('{', r#"{"aud":"x","#, 1)), Claims),
        // Whose it is.
        ("no audience", lacks("aud"), Claims),
        ("another business", said("aud", json!(TenantId::new().to_string())), Audience),
        ("an upper-case audience", said("aud", json!(world.tenant.to_string().to_uppercase())), Audience),
        ("the business's slug", said("aud", json!("shop")), Audience),
        ("a list of audiences", said("aud", json!([world.tenant.to_string()])), Claims),
        ("no issuer", lacks("iss"), Issuer),
        ("another issuer", said("iss", json!("https://shop.example/")), Issuer),
        ("a list of issuers", said("iss", json!([ISSUER])), Claims),
        ("no subject", lacks("sub"), Claims),
        ("an empty subject", said("sub", json!("")), Claims),
        ("a subject that is a number", said("sub", json!(7)), Claims),
        ("a subject of nothing", said("sub", Value::Null), Claims),
        ("a subject over two lines", said("sub", json!("a\nb")), Claims),
        ("a long subject", said("sub", json!("x".repeat(201))), Claims),
        // Times.
        ("no end", lacks("exp"), Claims),
        ("no beginning", lacks("iat"), Claims),
        ("an end in words", said("exp", json!("tomorrow")), Claims),
        ("an end with a fraction", said("exp", json!(1.5)), Claims),
        ("an end after the last moment", said("exp", json!(u64::MAX)), Claims),
        ("ended", said("exp", json!(now - 60)), Expired),
        ("ended long ago", said("exp", json!(i64::MIN)), Expired),
        ("made in the future", said("iat", json!(now + 61)), NotYet),
        ("not to be used yet", said("nbf", json!(now + 61)), NotYet),
        ("for more than a day", said("exp", json!(now + 86_401)), Lifetime),
        ("for ever", said("exp", json!(i64::MAX)), Lifetime),
        ("made a year ago", said("iat", json!(now - 365 * 86_400)), Lifetime),
        (
            "ending before it begins",
            world.shared(&with(with(claims.clone(), "iat", json!(now + 30)), "exp", json!(now + 10))),
            Lifetime,
        ),
        // What else is said.
        ("no address", said("email", json!("anna")), Claims),
        ("an address that is a list", said("email", json!(["anna@home.example"])), Claims),
        ("verified in words", said("email_verified", json!("yes")), Claims),
        ("an empty name", said("name", json!("")), Claims),
        ("a name over two lines", said("name", json!("Anna\r\nX: y")), Claims),
        ("a long name", said("name", json!("x".repeat(201))), Claims),
        ("attributes that are a list", said("attributes", json!(["gold"])), Claims),
        ("too many attributes", said("attributes", json!({"a": "x".repeat(2_048)})), Claims),
        ("a proof's name that is a number", said("jti", json!(1)), Claims),
        ("an empty proof's name", said("jti", json!("")), Claims),
    ];
    // Whatever else a header says helps to choose a key, or must be understood.
    for name in [
        "jwk", "jku", "x5u", "x5c", "x5t", "x5t#S256", "crit", "cty", "zip", "b64", "enc", "p2c", "epk",
        "nonce",
    ] {
        let value = if name == "jwk" { world.set["keys"][0].clone() } else { json!(["exp"]) };
        damaged.push((name, by(with(json!({"alg": "HS256"}), name, value), "HS256"), Header));
    }
    assert!(damaged.len() >= 90, "{}", damaged.len());
    for (what, token, why) in damaged {
        assert_eq!(world.verify(&token).err(), Some(why), "{what}");
    }
    assert!(world.verify(&good).is_ok());
}

#[test]
fn clocks_may_differ_by_a_minute_and_no_more() {
    let world = world();
    let now = fixture::now().as_second();
    for (name, value) in [("exp", now - 59), ("iat", now + 60), ("nbf", now + 60), ("exp", now + 86_400)] {
        let token = world.shared(&with(world.claims(), name, json!(value)));
        let token = if name == "exp" && value < now {
            world.shared(&with(with(world.claims(), "iat", json!(now - 600)), name, json!(value)))
        } else {
            token
        };
        assert!(world.verify(&token).is_ok(), "{name} {value}");
    }
}

#[test]
fn an_identity_is_fresh_for_five_minutes_if_it_has_a_name() {
    let world = world();
    let now = fixture::now();
    let made = |ago: i64| {
        let claims = with(world.claims(), "iat", json!(now.as_second() - ago));
        world.verify(&world.shared(&claims)).unwrap()
    };
    assert!(made(0).is_fresh(now) && made(300).is_fresh(now));
    assert!(!made(301).is_fresh(now));
    let unnamed = world.verify(&world.shared(&without(world.claims(), "jti"))).unwrap();
    assert!(!unnamed.is_fresh(now));
}

#[test]
fn without_keys_nothing_holds() {
    let world = world();
    let none = IdentitySettings::default();
    for by in ["HS256", "EdDSA"] {
        let token = world.sign(&json!({"alg": by, "kid": "ed"}).to_string(), &world.claims().to_string(), by);
        assert_eq!(
            none.verify(&token, world.tenant, fixture::now()),
            Err(InvalidIdentity::Algorithm),
            "{by}"
        );
    }
}
