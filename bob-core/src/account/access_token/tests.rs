use aws_lc_rs::signature::{self, Ed25519KeyPair};
use aws_lc_rs::{hmac, rsa};
use serde_json::{Value, json};

use super::*;
use crate::account::{PublicKey, SigningKey};
use crate::keyring::PurposeKeys;
use crate::testing::fixture;

const ISSUER: &str = "https://bob.example";
const AUDIENCE: &str = "https://bob.example/api";

fn tokens() -> AccessTokens {
    AccessTokens::new(ISSUER, AUDIENCE).unwrap()
}

fn ring_of(root: u8) -> KeyRing {
    KeyRing::new(vec![SigningKey::first(&PurposeKeys::from_root([root; 32]), fixture::now())])
}

fn ring() -> KeyRing {
    ring_of(1)
}

fn public() -> PublicKey {
    ring().published(fixture::now()).remove(0)
}

fn mint(claims: &AccessClaims) -> String {
    tokens().mint(&ring(), claims, fixture::now()).unwrap().expose().to_owned()
}

fn verify(token: &str, now: Timestamp) -> Result<AccessClaims, InvalidAccessToken> {
    tokens().verify(&ring(), token, now)
}

fn claims() -> AccessClaims {
    AccessClaims {
        account: AccountId::new(),
        login: LoginId::new(),
        realm: TenantId::new(),
        kind: AccountKind::Tenant,
    }
}

fn good() -> String {
    mint(&claims())
}

fn part(json: impl AsRef<[u8]>) -> String {
    BASE64URL_NOPAD.encode(json.as_ref())
}

/// Signs any two parts with our own key, so that only what is checked besides the signature can refuse them.
fn signed_parts(header: &str, payload: &str) -> String {
    let message = format!("{header}.{payload}");
    let ring = ring();
    let key = &ring.signer(fixture::now()).unwrap().signing;
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), key, Algorithm::EdDSA).unwrap();
    format!("{message}.{signature}")
}

fn header() -> Value {
    json!({"typ": "at+jwt", "alg": "EdDSA", "kid": public().kid})
}

fn payload() -> Value {
    let now = fixture::now().as_second();
    json!({
        "iss": ISSUER, "aud": AUDIENCE, "sub": AccountId::new().to_string(), "sid": LoginId::new().to_string(),
        "iat": now, "exp": now + 600, "jti": "1", "tenant": TenantId::new().to_string(), "kind": "tenant",
    })
}

fn signed(header: &Value, payload: &Value) -> String {
    signed_parts(&part(header.to_string()), &part(payload.to_string()))
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
fn a_token_says_who_signed_in_and_where() {
    let platform = AccessClaims { realm: PLATFORM_REALM, kind: AccountKind::Platform, ..claims() };
    for said in [claims(), platform] {
        assert_eq!(verify(&mint(&said), fixture::now()), Ok(said));
    }
}

#[test]
fn a_token_is_written_as_rfc_9068_says() {
    let said = claims();
    let token = mint(&said);
    let parts: Vec<_> = token.split('.').collect();
    let read = |part: &str| -> Value {
        serde_json::from_slice(&BASE64URL_NOPAD.decode(part.as_bytes()).unwrap()).unwrap()
    };
    assert_eq!(read(parts[0]), header());
    let mut payload = read(parts[1]);
    let id = payload.as_object_mut().unwrap().remove("jti").unwrap();
    assert_eq!(id.as_str().unwrap().len(), 22);
    let now = fixture::now().as_second();
    assert_eq!(
        payload,
        json!({
            "iss": ISSUER, "aud": AUDIENCE, "sub": said.account.to_string(), "sid": said.login.to_string(),
            "iat": now, "exp": now + 600, "tenant": said.realm.to_string(), "kind": "tenant",
        })
    );
    assert!(!token.contains('='));
}

#[test]
fn what_the_tests_sign_by_hand_is_good_until_it_is_damaged() {
    assert!(verify(&signed(&header(), &payload()), fixture::now()).is_ok());
}

#[test]
fn a_token_ends_after_ten_minutes_to_the_second() {
    let (token, now) = (good(), fixture::now());
    let at = |seconds: i64| Timestamp::from_second(now.as_second() + seconds).unwrap();
    assert!(verify(&token, at(599)).is_ok());
    assert_eq!(verify(&token, at(600)), Err(InvalidAccessToken));
    assert!(verify(&token, at(-30)).is_ok(), "another node's clock may be ahead");
    assert_eq!(verify(&token, at(-31)), Err(InvalidAccessToken));
}

#[test]
fn all_nodes_with_the_same_root_key_agree() {
    assert_eq!(ring().published(fixture::now()), ring().published(fixture::now()));
    assert_ne!(ring_of(2).published(fixture::now()), ring().published(fixture::now()));
    assert_eq!(tokens().verify(&ring_of(2), &good(), fixture::now()), Err(InvalidAccessToken));
}

#[test]
fn names_must_be_there_and_leave_room_for_the_rest() {
    let new = |issuer: &str, audience: &str| AccessTokens::new(issuer, audience).map(|_| ());
    let longest = "\"".repeat(512);
    let long = "x".repeat(513);
    for (issuer, audience) in [("", AUDIENCE), (ISSUER, ""), (&long, AUDIENCE), (ISSUER, &long)] {
        assert_eq!(new(issuer, audience), Err(TokenNameError));
    }
    let widest = AccessTokens::new(&*longest, &*longest).unwrap();
    let token = widest.mint(&ring(), &claims(), fixture::now()).unwrap();
    assert!(widest.verify(&ring(), token.expose(), fixture::now()).is_ok(), "{} bytes", token.expose().len());
}

#[test]
fn every_flipped_bit_is_noticed() {
    let good = good();
    for at in 0..good.len() {
        for bit in 0..7 {
            let mut bytes = good.clone().into_bytes();
            bytes[at] ^= 1 << bit;
            let damaged = String::from_utf8(bytes).unwrap();
            assert_eq!(verify(&damaged, fixture::now()), Err(InvalidAccessToken), "byte {at} bit {bit}");
        }
    }
}

#[test]
fn damaged_tokens_are_refused() {
    let table = damaged();
    assert!(table.len() >= 40, "{}", table.len());
    for (what, token) in table {
        assert_eq!(verify(&token, fixture::now()), Err(InvalidAccessToken), "{what}: {token}");
    }
}

fn damaged() -> Vec<(&'static str, String)> {
    let mut table = wrong_algorithms();
    table.extend(wrong_headers());
    table.extend(wrong_claims());
    table.extend(wrong_spellings());
    table
}

fn wrong_algorithms() -> Vec<(&'static str, String)> {
    let claims = part(payload().to_string());
    let head = |alg: &str| part(with(header(), "alg", json!(alg)).to_string());
    let raw = BASE64URL_NOPAD.decode(public().x.as_bytes()).unwrap();
    let hmac = |key: &[u8]| {
        let message = format!("{}.{claims}", head("HS256"));
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), message.as_bytes());
        format!("{message}.{}", part(tag.as_ref()))
    };
    let rs256 = {
        let message = format!("{}.{claims}", head("RS256"));
        let pair = rsa::KeyPair::generate(rsa::KeySize::Rsa2048).unwrap();
        let mut tag = vec![0; pair.public_modulus_len()];
        let random = aws_lc_rs::rand::SystemRandom::new();
        pair.sign(&signature::RSA_PKCS1_SHA256, &random, message.as_bytes(), &mut tag).unwrap();
        format!("{message}.{}", part(tag))
    };
    let es256 = {
        let message = format!("{}.{claims}", head("ES256"));
        let pair = signature::EcdsaKeyPair::generate(&signature::ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let random = aws_lc_rs::rand::SystemRandom::new();
        format!("{message}.{}", part(pair.sign(&random, message.as_bytes()).unwrap().as_ref()))
    };
    let stranger = {
        let message = format!("{}.{claims}", part(header().to_string()));
        let pair = Ed25519KeyPair::generate().unwrap();
        format!("{message}.{}", part(pair.sign(message.as_bytes()).as_ref()))
    };
    vec![
        ("alg none, no signature", format!("{}.{claims}.", head("none"))),
        ("alg None", format!("{}.{claims}.", head("None"))),
        ("alg none, our signature", signed_parts(&head("none"), &claims)),
        ("alg empty", signed_parts(&head(""), &claims)),
        ("alg eddsa in lower case", signed_parts(&head("eddsa"), &claims)),
        ("alg Ed25519 (RFC 9864)", signed_parts(&head("Ed25519"), &claims)),
        ("alg missing", signed_parts(&part(without(header(), "alg").to_string()), &claims)),
        ("alg a list", signed_parts(&part(with(header(), "alg", json!(["EdDSA"])).to_string()), &claims)),
        ("HS256 with the public key", hmac(&raw)),
        ("HS256 with the public key's text", hmac(public().x.as_bytes())),
        ("HS256 with nothing", hmac(b"")),
        ("RS256 of another key", rs256),
        ("ES256 of another key", es256),
        ("RS256 over our signature", signed_parts(&head("RS256"), &claims)),
        ("EdDSA of another key", stranger),
    ]
}

fn wrong_headers() -> Vec<(&'static str, String)> {
    let with_header = |name, value| signed(&with(header(), name, value), &payload());
    let raw = |text: String| signed_parts(&part(text), &part(payload().to_string()));
    let kid = public().kid;
    vec![
        ("typ JWT", with_header("typ", json!("JWT"))),
        ("typ in capitals", with_header("typ", json!("AT+JWT"))),
        ("typ as a media type", with_header("typ", json!("application/at+jwt"))),
        ("typ missing", signed(&without(header(), "typ"), &payload())),
        ("typ null", with_header("typ", json!(null))),
        ("kid unknown", with_header("kid", json!("kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"))),
        ("kid empty", with_header("kid", json!(""))),
        ("kid missing", signed(&without(header(), "kid"), &payload())),
        ("crit", with_header("crit", json!(["exp"]))),
        ("crit empty", with_header("crit", json!([]))),
        ("crit nested", with_header("crit", json!([["crit"]]))),
        ("b64 false", with_header("b64", json!(false))),
        ("a key of its own", with_header("jwk", json!({"kty": "OKP", "crv": "Ed25519", "x": public().x}))),
        ("a key elsewhere", with_header("jku", json!("https://evil.example/jwks.json"))),
        ("a certificate elsewhere", with_header("x5u", json!("https://evil.example/cert.pem"))),
        ("a content type", with_header("cty", json!("JWT"))),
        ("compression", with_header("zip", json!("DEF"))),
        ("an unknown header", with_header("x", json!(1))),
        ("kid twice", raw(format!(r#"{{"typ":"at+jwt","alg":"EdDSA","kid":"x","kid":"{kid}"}}"#))),
        ("alg twice", raw(format!(r#"{{"typ":"at+jwt","alg":"none","alg":"EdDSA","kid":"{kid}"}}"#))),
        ("a header that is a list", raw("[]".to_owned())),
        ("a header that ends early", raw(r#"{"typ":"at+jwt""#.to_owned())),
        ("a header with more behind it", raw(format!("{}{{}}", header()))),
        ("an empty header", raw(String::new())),
    ]
}

fn wrong_claims() -> Vec<(&'static str, String)> {
    let now = fixture::now().as_second();
    let claim = |name, value| signed(&header(), &with(payload(), name, value));
    let times =
        |iat: i64, exp: i64| signed(&header(), &with(with(payload(), "iat", json!(iat)), "exp", json!(exp)));
    let raw = |text: &[u8]| signed_parts(&part(header().to_string()), &part(text));
    let mut table = vec![
        ("another issuer", claim("iss", json!("https://evil.example"))),
        ("an issuer with a slash", claim("iss", json!(format!("{ISSUER}/")))),
        ("a list of issuers", claim("iss", json!([ISSUER]))),
        ("another audience", claim("aud", json!("https://bob.example/other"))),
        ("an audience in capitals", claim("aud", json!(AUDIENCE.to_uppercase()))),
        ("a list of audiences", claim("aud", json!([AUDIENCE]))),
        ("an audience among others", claim("aud", json!([AUDIENCE, "https://evil.example"]))),
        ("expired", times(now - 600, now)),
        ("expired long ago", times(now - 100_000, now - 99_400)),
        ("issued in the future", times(now + 31, now + 631)),
        ("holds too long", times(now, now + 601)),
        ("holds for ever", times(now, i64::MAX)),
        ("iat out of range", times(i64::MAX, i64::MAX)),
        ("not before a second from now", claim("nbf", json!(now + 1))),
        ("nbf a text", claim("nbf", json!("0"))),
        ("exp a text", claim("exp", json!((now + 600).to_string()))),
        ("exp a fraction", claim("exp", json!(now as f64 + 600.5))),
        ("exp null", claim("exp", json!(null))),
        ("exp too large", claim("exp", json!(u64::MAX))),
        ("sub not an identifier", claim("sub", json!("anna"))),
        ("sub in another spelling", claim("sub", json!(AccountId::new().as_uuid().simple().to_string()))),
        ("sid not an identifier", claim("sid", json!(""))),
        ("a tenant's person without tenant", signed(&header(), &without(payload(), "tenant"))),
        ("a platform person with tenant", claim("kind", json!("platform"))),
        ("an unknown kind", claim("kind", json!("owner"))),
        ("tenant not an identifier", claim("tenant", json!("shop"))),
        ("claims that are a list", raw(b"[]")),
        ("claims that are no JSON", raw(b"iss=bob")),
        ("claims that are no UTF-8", raw(b"\xff\xfe")),
        ("claims with more behind them", raw(format!("{}x", payload()).as_bytes())),
        ("a claim twice", raw(payload().to_string().replacen('{', r#"{"kind":"platform","#, 1).as_bytes())),
        ("nested too deep", raw(format!(r#"{{"x":{}"#, "[".repeat(1_000)).as_bytes())),
        ("huge, though signed", claim("x", json!("x".repeat(5_000)))),
    ];
    for name in ["iss", "aud", "sub", "sid", "iat", "exp", "jti", "kind"] {
        table.push(("a claim is missing", signed(&header(), &without(payload(), name))));
    }
    table
}

fn wrong_spellings() -> Vec<(&'static str, String)> {
    let (good, other) = (good(), good());
    let [head, claims, signature] = good.split('.').collect::<Vec<_>>()[..] else { unreachable!() };
    let other: Vec<_> = other.split('.').collect();
    // The last letter of 64 bytes holds two bits of them; the other four must be zero.
    let twin = format!("{}{}", &good[..good.len() - 1], {
        let last = good.chars().next_back().unwrap();
        let letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let at = letters.find(last).unwrap();
        letters.chars().nth(at + 1).unwrap()
    });
    vec![
        ("nothing", String::new()),
        ("dots", "..".to_owned()),
        ("a dot too many in front", format!(".{good}")),
        ("a dot too many at the end", format!("{good}.")),
        ("a doubled dot", good.replacen('.', "..", 1)),
        ("a fourth part", format!("{good}.{signature}")),
        ("five parts, as JWE", format!("{head}.{claims}.{claims}.{claims}.{signature}")),
        ("two parts", format!("{head}.{claims}")),
        ("no signature", format!("{head}.{claims}.")),
        ("no claims", format!("{head}..{signature}")),
        ("no header", format!(".{claims}.{signature}")),
        ("a padded signature", format!("{good}==")),
        ("a padded header", format!("{head}=.{claims}.{signature}")),
        ("padded claims", format!("{head}.{claims}=.{signature}")),
        ("trailing bytes in the signature", format!("{good}AAAA")),
        ("a signature cut short", good[..good.len() - 4].to_owned()),
        ("a signature of 64 zeros", format!("{head}.{claims}.{}", part([0; 64]))),
        ("another spelling of the signature", twin),
        ("the alphabet of plain base64", format!("{head}.{claims}.{}", "+/".repeat(43))),
        ("a trailing line end", format!("{good}\n")),
        ("a leading space", format!(" {good}")),
        ("a zero byte at the end", format!("{good}\0")),
        ("the scheme still before it", format!("Bearer {good}")),
        ("the claims of another token", format!("{head}.{}.{signature}", other[1])),
        ("the signature of another token", format!("{head}.{claims}.{}", other[2])),
        ("header and claims swapped", format!("{claims}.{head}.{signature}")),
        ("letters beyond ASCII", good.replacen('.', "․", 2)),
        ("in percent encoding", good.replace('.', "%2E")),
        ("in lower case", good.to_lowercase()),
        ("huge", good.repeat(100)),
        ("a megabyte of dots", ".".repeat(1 << 20)),
    ]
}

#[test]
fn without_a_key_no_token_is_made() {
    let made = tokens().mint(&KeyRing::new(Vec::new()), &claims(), fixture::now());
    assert!(matches!(made, Err(MintError::NoKey)), "{made:?}");
}
