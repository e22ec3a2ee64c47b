//! Access tokens, session cookies and refresh tokens that do not hold: all of them are nobody, and told so alike.

use std::time::Duration;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256};
use aws_lc_rs::{hmac, rand, rsa};
use bob_core::account::{IDLE, LONGEST, SIGNING_KEY_CACHE_AGE, replace_signing_keys, rotate_signing_key};
use bob_core::clock::Clock as _;
use bob_core::storage::SigningKeyStore as _;
use data_encoding::{BASE64, BASE64URL_NOPAD};
use serde_json::{Value, json};

use crate::harness::{Answer, App, Ask, OWN, Setup, SignedIn, app, mount_at};

const ME: &str = "/api/auth/me";

/// Signs tokens as Bob does, so that only what is checked besides the signature can refuse them.
struct Forge {
    pair: Ed25519KeyPair,
    header: Value,
    claims: Value,
}

impl Forge {
    /// Takes the key that signs, and a person's own token as what is varied.
    async fn of(app: &App, person: &SignedIn) -> Self {
        let key = app.store.signing_keys(app.clock.now()).await.unwrap().remove(0);
        let pair = Ed25519KeyPair::from_seed_unchecked(key.seed.as_slice()).unwrap();
        Self { pair, header: part(&person.token, 0), claims: part(&person.token, 1) }
    }

    fn sign(&self, header: &[u8], claims: &[u8]) -> String {
        let message = format!("{}.{}", encode(header), encode(claims));
        format!("{message}.{}", encode(self.pair.sign(message.as_bytes()).as_ref()))
    }

    fn with_header(&self, name: &str, value: Value) -> String {
        self.sign(with(&self.header, name, value).to_string().as_bytes(), self.claims.to_string().as_bytes())
    }

    fn with_claim(&self, name: &str, value: Value) -> String {
        self.with_claims(with(&self.claims, name, value).to_string().as_bytes())
    }

    fn with_claims(&self, claims: &[u8]) -> String {
        self.sign(self.header.to_string().as_bytes(), claims)
    }

    fn with_times(&self, iat: i64, exp: i64) -> String {
        let claims = with(&with(&self.claims, "iat", json!(iat)), "exp", json!(exp));
        self.with_claims(claims.to_string().as_bytes())
    }

    /// Signed by the public key as if it were a shared secret.
    fn by_hmac(&self, key: &[u8]) -> String {
        let header = with(&self.header, "alg", json!("HS256")).to_string();
        let message = format!("{}.{}", encode(header.as_bytes()), encode(self.claims.to_string().as_bytes()));
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), message.as_bytes());
        format!("{message}.{}", encode(tag.as_ref()))
    }

    fn by_rsa(&self) -> String {
        let header = with(&self.header, "alg", json!("RS256")).to_string();
        let message = format!("{}.{}", encode(header.as_bytes()), encode(self.claims.to_string().as_bytes()));
        let pair = rsa::KeyPair::generate(rsa::KeySize::Rsa2048).unwrap();
        let mut tag = vec![0; pair.public_modulus_len()];
        pair.sign(&RSA_PKCS1_SHA256, &rand::SystemRandom::new(), message.as_bytes(), &mut tag).unwrap();
        format!("{message}.{}", encode(&tag))
    }
}

fn encode(bytes: &[u8]) -> String {
    BASE64URL_NOPAD.encode(bytes)
}

fn part(token: &str, at: usize) -> Value {
    let part = token.split('.').nth(at).unwrap();
    serde_json::from_slice(&BASE64URL_NOPAD.decode(part.as_bytes()).unwrap()).unwrap()
}

fn with(object: &Value, name: &str, value: Value) -> Value {
    let mut object = object.clone();
    object[name] = value;
    object
}

fn without(object: &Value, name: &str) -> Value {
    let mut object = object.clone();
    object.as_object_mut().unwrap().remove(name).unwrap();
    object
}

/// What every refusal is but for its request id: status, body, and the names and values of the headers that matter.
fn told(answer: &Answer) -> (u16, Value, Option<String>, usize) {
    let mut body = answer.json();
    body.as_object_mut().unwrap().remove("request_id").expect("every problem has one");
    (answer.status, body, answer.header("www-authenticate").map(str::to_owned), answer.set_cookies().len())
}

/// Holds that a proof is nobody's, and that the answer does not tell why.
#[track_caller]
fn check_nobody(answer: &Answer, like: &Answer, what: &str) {
    assert_eq!(told(answer), told(like), "{what}");
}

/// What a call without any proof is answered, by all routes alike.
async fn nobody(app: &App) -> Answer {
    let answer = app.get(ME).send().await;
    assert_eq!((answer.status, &*answer.code()), (401, "unauthorized"));
    assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
    answer
}

/// Tokens by what is wrong with them.
type Table = Vec<(String, String)>;

fn row(what: &str, token: String) -> (String, String) {
    (what.to_owned(), token)
}

fn other_algorithms(forge: &Forge) -> Table {
    let public = forge.pair.public_key().as_ref();
    let der = [&[0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00], public].concat();
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", BASE64.encode(&der));
    let mut table: Table =
        ["none", "None", "NONE", "nOnE", "", "HS256", "HS512", "RS256", "ES256", "eddsa", "Ed25519"]
            .into_iter()
            .map(|alg| row(&format!("alg {alg:?} over our signature"), forge.with_header("alg", json!(alg))))
            .collect();
    for alg in ["none", "None", "NONE"] {
        let signed = forge.with_header("alg", json!(alg));
        let unsigned = &signed[..=signed.rfind('.').unwrap()];
        table.push(row(&format!("alg {alg} without a signature"), unsigned.to_owned()));
    }
    table.extend([
        row("HS256 with the public key's bytes", forge.by_hmac(public)),
        row("HS256 with the public key in PEM", forge.by_hmac(pem.as_bytes())),
        row("HS256 with the public key's x", forge.by_hmac(encode(public).as_bytes())),
        row("HS256 with nothing", forge.by_hmac(b"")),
        row("RS256 of another key", forge.by_rsa()),
        row("alg null", forge.with_header("alg", Value::Null)),
        row("alg a list", forge.with_header("alg", json!(["EdDSA"]))),
        row("alg a number", forge.with_header("alg", json!(1))),
    ]);
    table
}

fn other_headers(forge: &Forge) -> Table {
    let claims = forge.claims.to_string();
    let raw = |header: &str| forge.sign(header.as_bytes(), claims.as_bytes());
    let kid = forge.header["kid"].as_str().unwrap();
    let stranger = Ed25519KeyPair::generate().unwrap();
    let jwk = json!({"kty": "OKP", "crv": "Ed25519", "x": encode(stranger.public_key().as_ref())});
    let by_stranger = |header: &Value| {
        let message = format!("{}.{}", encode(header.to_string().as_bytes()), encode(claims.as_bytes()));
        format!("{message}.{}", encode(stranger.sign(message.as_bytes()).as_ref()))
    };
    let certificate = BASE64.encode(&[0x30; 300]);
    let mut table: Table = [
        "",
        "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
        "../../../../dev/null",
        "/etc/passwd",
        "x' UNION SELECT 'AAAA' --",
        "1; DROP TABLE bob_signing_keys",
        "%00",
        "\0",
        "*",
    ]
    .into_iter()
    .map(|kid| row(&format!("kid {kid:?}"), forge.with_header("kid", json!(kid))))
    .collect();
    table.extend([
        row("kid missing", raw(&without(&forge.header, "kid").to_string())),
        row("kid null", forge.with_header("kid", Value::Null)),
        row("kid a number", forge.with_header("kid", json!(1))),
        row("kid a list", forge.with_header("kid", json!([kid]))),
        row("kid with a space behind it", forge.with_header("kid", json!(format!("{kid} ")))),
        row("kid in lower case", forge.with_header("kid", json!(kid.to_lowercase()))),
        row("the key of somebody else under our name", by_stranger(&forge.header)),
        row("jwk of their own", by_stranger(&with(&forge.header, "jwk", jwk))),
        row("jku", by_stranger(&with(&forge.header, "jku", json!("https://evil.example/jwks.json")))),
        row("x5u", by_stranger(&with(&forge.header, "x5u", json!("https://evil.example/cert.pem")))),
        row("x5c", by_stranger(&with(&forge.header, "x5c", json!([certificate])))),
        row("jku beside our signature", forge.with_header("jku", json!("https://bob.example/jwks.json"))),
        row("crit", forge.with_header("crit", json!(["exp"]))),
        row("crit of nothing", forge.with_header("crit", json!([]))),
        row("b64 false", forge.with_header("b64", json!(false))),
        row("zip", forge.with_header("zip", json!("DEF"))),
        row("cty", forge.with_header("cty", json!("JWT"))),
        row("typ JWT", forge.with_header("typ", json!("JWT"))),
        row("typ at+JWT", forge.with_header("typ", json!("at+JWT"))),
        row("typ as a media type", forge.with_header("typ", json!("application/at+jwt"))),
        row("typ missing", raw(&without(&forge.header, "typ").to_string())),
        row("typ of an ID token", forge.with_header("typ", json!("id+jwt"))),
        row("kid twice", raw(&forge.header.to_string().replacen('{', r#"{"kid":"x","#, 1))),
        row("alg twice", raw(&forge.header.to_string().replacen('{', r#"{"alg":"none","#, 1))),
        row("a header that is a list", raw("[]")),
        row("a header that is a text", raw(r#""EdDSA""#)),
        row("an empty header", raw("")),
    ]);
    table
}

fn other_claims(forge: &Forge, other: &SignedIn, now: i64) -> Table {
    let claims = &forge.claims;
    let theirs = part(&other.token, 1);
    let mut table: Table = ["iss", "aud", "sub", "sid", "iat", "exp", "jti", "kind", "tenant"]
        .into_iter()
        .map(|name| {
            row(&format!("{name} missing"), forge.with_claims(without(claims, name).to_string().as_bytes()))
        })
        .collect();
    table.extend(
        ["iss", "aud", "sub", "sid", "iat", "exp", "jti", "kind"]
            .into_iter()
            .map(|name| row(&format!("{name} null"), forge.with_claim(name, Value::Null))),
    );
    let nil = "00000000-0000-0000-0000-000000000000";
    table.extend([
        row("iss of somebody else", forge.with_claim("iss", json!("https://evil.example/"))),
        row("iss without its slash", forge.with_claim("iss", json!(OWN))),
        row("iss a list", forge.with_claim("iss", json!([claims["iss"]]))),
        row("aud of another mount", forge.with_claim("aud", json!("https://bob.example/other"))),
        row("aud a list", forge.with_claim("aud", json!([claims["aud"]]))),
        row(
            "aud a list with others",
            forge.with_claim("aud", json!([claims["aud"], "https://evil.example"])),
        ),
        row("aud in capitals", forge.with_claim("aud", json!("HTTPS://BOB.EXAMPLE/"))),
        row("exp now", forge.with_times(now - 600, now)),
        row("exp past", forge.with_times(now - 700, now - 100)),
        row("exp a text", forge.with_claim("exp", json!((now + 600).to_string()))),
        row("exp a fraction", forge.with_claim("exp", json!(now as f64 + 599.5))),
        row("exp negative", forge.with_claim("exp", json!(-1))),
        row("exp enormous", forge.with_claim("exp", json!(1e300))),
        row("exp true", forge.with_claim("exp", json!(true))),
        row("nbf ahead", forge.with_claim("nbf", json!(now + 60))),
        row("iat ahead", forge.with_times(now + 31, now + 631)),
        row("iat a text", forge.with_claim("iat", json!(now.to_string()))),
        row("a lifetime of a second too long", forge.with_times(now, now + 601)),
        row("a lifetime of years", forge.with_times(now, now + 100_000_000)),
        row("sub of somebody else", forge.with_claim("sub", theirs["sub"].clone())),
        row("sub that is no identifier", forge.with_claim("sub", json!("owner@shop.example"))),
        row("sid of somebody else", forge.with_claim("sid", theirs["sid"].clone())),
        row("sid that nobody has", forge.with_claim("sid", json!("01997b2c-0000-7000-8000-000000000000"))),
        row("sid nil", forge.with_claim("sid", json!(nil))),
        row("sid with SQL", forge.with_claim("sid", json!("' OR 1=1 --"))),
        row("tenant of the rival", forge.with_claim("tenant", theirs["tenant"].clone())),
        row("tenant nil", forge.with_claim("tenant", json!(nil))),
        row("tenant by its slug", forge.with_claim("tenant", json!("shop"))),
        row("kind platform", forge.with_claim("kind", json!("platform"))),
        row("kind platform without tenant", {
            forge.with_claims(
                with(&without(claims, "tenant"), "kind", json!("platform")).to_string().as_bytes(),
            )
        }),
        row("kind in capitals", forge.with_claim("kind", json!("Tenant"))),
        row("kind nobody knows", forge.with_claim("kind", json!("root"))),
        row(
            "kind twice",
            forge.with_claims(claims.to_string().replacen('{', r#"{"kind":"platform","#, 1).as_bytes()),
        ),
        row("exp twice", forge.with_claims(claims.to_string().replacen('{', r#"{"exp":1,"#, 1).as_bytes())),
        row("claims that are a list", forge.with_claims(b"[]")),
        row("claims that are a text", forge.with_claims(br#""x""#)),
        row("claims that are no JSON", forge.with_claims(b"{")),
        row("claims that are no UTF-8", forge.with_claims(b"{\"\xff\":1}")),
        row("no claims at all", forge.with_claims(b"")),
        row("5 KB, though signed", forge.with_claim("x", json!("x".repeat(5_000)))),
    ]);
    table
}

fn other_spellings(good: &str, other: &str) -> Table {
    let [head, claims, signature] = good.split('.').collect::<Vec<_>>()[..] else { unreachable!() };
    let theirs: Vec<_> = other.split('.').collect();
    let mut table = vec![
        row("nothing", String::new()),
        row("one letter", "x".to_owned()),
        row("dots", "..".to_owned()),
        row("two parts", format!("{head}.{claims}")),
        row("no signature", format!("{head}.{claims}.")),
        row("no claims", format!("{head}..{signature}")),
        row("no header", format!(".{claims}.{signature}")),
        row("a fourth part", format!("{good}.{signature}")),
        row("five parts", format!("{head}.{claims}.{claims}.{claims}.{signature}")),
        row("padding", format!("{good}==")),
        row("padding in the middle", format!("{head}=.{claims}.{signature}")),
        row("plain base64", format!("{head}.{claims}.{}", "+/".repeat(43))),
        row("a space within", format!("{head}.{claims}. {signature}")),
        row("a tab within", format!("{head}\t.{claims}.{signature}")),
        row("a comma and another", format!("{good},{good}")),
        row("a space and another", format!("{good} {good}")),
        row("cut short", good[..good.len() - 4].to_owned()),
        row("more behind it", format!("{good}AAAA")),
        row("the claims of another", format!("{head}.{}.{signature}", theirs[1])),
        row("the signature of another", format!("{head}.{claims}.{}", theirs[2])),
        row("a signature of zeros", format!("{head}.{claims}.{}", encode(&[0; 64]))),
        row("in lower case", good.to_lowercase()),
        row("in quotes", format!("\"{good}\"")),
        row("in percent encoding", good.replace('.', "%2E")),
        row("5 KB", good.repeat(10)),
    ];
    let mut raw = BASE64URL_NOPAD.decode(signature.as_bytes()).unwrap();
    for byte in 0..raw.len() {
        raw[byte] ^= 1 << (byte % 8);
        table
            .push(row(&format!("a flipped bit in byte {byte}"), format!("{head}.{claims}.{}", encode(&raw))));
        raw[byte] ^= 1 << (byte % 8);
    }
    table
}

#[tokio::test]
async fn damaged_access_tokens_are_nobody_alone_and_beside_a_good_cookie() {
    let app = app().await;
    let (person, rival) = (app.person("agent@shop.example").await, app.person("owner@rival.example").await);
    let forge = Forge::of(&app, &person).await;
    let good = forge.with_claims(forge.claims.to_string().as_bytes());
    assert_eq!(
        app.get(ME).bearer(&good).send().await.status,
        200,
        "what is forged is good until it is damaged"
    );
    let platform = app.platform("admin@bob.example").await;
    let mut table = other_algorithms(&forge);
    table.extend(other_headers(&forge));
    table.extend(other_claims(&forge, &rival, app.clock.now().as_second()));
    table.extend(other_spellings(&person.token, &platform.token));
    assert!(table.len() >= 40, "{}", table.len());
    let like = nobody(&app).await;
    for (what, token) in &table {
        check_nobody(&app.get(ME).bearer(token).send().await, &like, what);
        let beside = app.get(ME).bearer(token).header("cookie", &person.cookie).send().await;
        check_nobody(&beside, &like, &format!("{what}, beside a good cookie"));
    }
    // Signed-in doors refuse before anything else of a call is read.
    for (what, token) in table.iter().step_by(7) {
        let say = app.post("/api/chat/message").json(&json!({"message": "hi"})).bearer(token).send().await;
        check_nobody(&say, &like, what);
    }
    assert_eq!(app.get(ME).bearer(&person.token).send().await.status, 200, "the good one still holds");
}

#[tokio::test]
async fn authorization_in_another_shape_is_nobody() {
    let app = app().await;
    let person = app.person("agent@shop.example").await;
    let token = person.token.as_str();
    let like = nobody(&app).await;
    let bytes = |text: &str| text.as_bytes().to_vec();
    let rows: Vec<(&str, Vec<Vec<u8>>)> = vec![
        ("nothing", vec![bytes("")]),
        ("the scheme alone", vec![bytes("Bearer")]),
        ("the token alone", vec![bytes(token)]),
        ("another scheme", vec![bytes(&format!("Basic {token}"))]),
        ("DPoP", vec![bytes(&format!("DPoP {token}"))]),
        ("a scheme that begins alike", vec![bytes(&format!("Bearerx {token}"))]),
        ("a colon", vec![bytes(&format!("Bearer: {token}"))]),
        ("a tab between", vec![bytes(&format!("Bearer\t{token}"))]),
        ("as a parameter", vec![bytes(&format!("Bearer token={token}"))]),
        ("not ASCII before", vec![[b"Bearer \xc3\xa9", token.as_bytes()].concat()]),
        ("not UTF-8 behind", vec![[b"Bearer ", token.as_bytes(), b"\xff"].concat()]),
        ("two lines, both good", vec![bytes(&format!("Bearer {token}")), bytes(&format!("Bearer {token}"))]),
        ("two lines, the second good", vec![bytes("Bearer x"), bytes(&format!("Bearer {token}"))]),
        ("two lines, the first good", vec![bytes(&format!("Bearer {token}")), bytes("")]),
    ];
    for (what, lines) in &rows {
        let with = |ask: Ask| lines.iter().fold(ask, |ask, line| ask.header_bytes("authorization", line));
        check_nobody(&with(app.get(ME)).send().await, &like, what);
        let beside = with(app.get(ME).header("cookie", &person.cookie)).send().await;
        check_nobody(&beside, &like, &format!("{what}, beside a good cookie"));
    }
    for scheme in ["bearer", "BEARER", "Bearer "] {
        let ask = app.get(ME).header("authorization", &format!("{scheme} {token}"));
        assert_eq!(ask.send().await.status, 200, "a scheme has no case (RFC 9110): {scheme}");
    }
}

#[tokio::test]
async fn a_token_ends_with_its_time_its_sign_in_and_its_key() {
    let app = app().await;
    let like = nobody(&app).await;
    let me = async |token: &str| app.get(ME).bearer(token).send().await;
    let old = app.person("agent@shop.example").await;
    app.clock.advance(Duration::from_secs(600));
    check_nobody(&me(&old.token).await, &like, "after ten minutes");

    let left = app.person("agent@shop.example").await;
    assert_eq!(app.post("/api/auth/logout").bearer(&left.token).send().await.status, 204);
    check_nobody(&me(&left.token).await, &like, "after logout");

    let person = app.person("agent@shop.example").await;
    let act = bob_core::testing::fixture::act_at(app.clock.now());
    rotate_signing_key(&*app.store, &act).await.unwrap();
    app.clock.advance(SIGNING_KEY_CACHE_AGE);
    let keys = app.get("/.well-known/jwks.json").send().await;
    assert_eq!(
        (keys.header("cache-control"), keys.header("set-cookie")),
        (Some("public, max-age=300"), None)
    );
    assert_eq!(keys.json()["keys"].as_array().unwrap().len(), 2, "published before it signs");
    assert_eq!(me(&person.token).await.status, 200, "a rotation interrupts nobody");

    replace_signing_keys(&*app.store, &act).await.unwrap();
    app.clock.advance(SIGNING_KEY_CACHE_AGE);
    check_nobody(&me(&person.token).await, &like, "of a key that was withdrawn");
    let refresh = json!({"refresh_token": person.refresh});
    let next = app.post("/api/auth/refresh").json(&refresh).send().await;
    assert_eq!(next.status, 200, "the sign-in goes on");
    assert_eq!(me(next.json()["token"].as_str().unwrap()).await.status, 200);
    assert_eq!(app.get("/.well-known/jwks.json").send().await.json()["keys"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn tokens_of_one_mount_are_nobodys_at_another() {
    let app = app().await;
    let other = bob_tower::BobService::new(app.bob.clone(), mount_at(&["https://bob.example/other"]));
    let person = app.person("agent@shop.example").await;
    assert_eq!(Ask::new(other, "GET", ME).bearer(&person.token).send().await.status, 401);
    let elsewhere = Setup::new().run().await;
    let foreign = elsewhere.person("agent@shop.example").await;
    assert_eq!(app.get(ME).bearer(&foreign.token).send().await.status, 401, "another installation's key");
}

/// `bs_` or `br_`, realm, sign-in and random part of an opaque token.
fn parts(token: &str) -> [&str; 4] {
    token.split('_').collect::<Vec<_>>().try_into().unwrap()
}

/// Spellings of an opaque token that are not it; `other` is one of the same kind of somebody else.
fn damaged_opaque(good: &str, other: &str) -> Table {
    let ([kind, realm, login, random], [_, their_realm, their_login, their_random]) =
        (parts(good), parts(other));
    let nil = "a".repeat(26);
    vec![
        row("empty", String::new()),
        row("another realm", format!("{kind}_{their_realm}_{login}_{random}")),
        row("the platform's realm", format!("{kind}_{nil}_{login}_{random}")),
        row("another sign-in", format!("{kind}_{realm}_{their_login}_{random}")),
        row("another sign-in's secret", format!("{kind}_{realm}_{login}_{their_random}")),
        row("our secret for another's sign-in", format!("{kind}_{their_realm}_{their_login}_{random}")),
        row("a secret of zeros", format!("{kind}_{realm}_{login}_{}", "a".repeat(32))),
        row("no secret", format!("{kind}_{realm}_{login}_")),
        row("no secret and no line", format!("{kind}_{realm}_{login}")),
        row("a fifth part", format!("{good}_{random}")),
        row("capitals", good.to_uppercase()),
        row("cut short", good[..good.len() - 1].to_owned()),
        row("longer", format!("{good}a")),
        row("not base32", good.replace(&random[..1], "1")),
        row("a letter before", format!("x{good}")),
        row("SQL", format!("{kind}_{realm}_{login}_' OR 1=1 --")),
        row("5 KB", good.repeat(50)),
    ]
}

#[tokio::test]
async fn damaged_session_cookies_are_nobody() {
    let app = app().await;
    let (person, rival) = (app.person("agent@shop.example").await, app.person("owner@rival.example").await);
    let like = nobody(&app).await;
    let (name, value) = person.cookie.split_once('=').unwrap();
    let mut table = damaged_opaque(value, rival.cookie.split_once('=').unwrap().1);
    table.extend([
        row("a refresh token", person.refresh.clone()),
        row("an access token", person.token.clone()),
        row("a refresh token's secret", format!("bs_{}", &person.refresh[3..])),
    ]);
    for (what, value) in &table {
        let answer = app.get(ME).header("cookie", &format!("{name}={value}")).send().await;
        check_nobody(&answer, &like, what);
    }
    for cookie in [
        format!("{name}=x; {name}={value}"),
        format!("{name}={value}; {name}=x"),
        format!("{name}x={value}"),
        format!("x{name}={value}"),
        format!("bob_session={value}"),
    ] {
        check_nobody(&app.get(ME).header("cookie", &cookie).send().await, &like, &cookie);
    }
    assert_eq!(app.get(ME).header("cookie", &person.cookie).send().await.status, 200);
}

#[tokio::test]
async fn damaged_refresh_tokens_get_nothing_and_end_nothing() {
    let app = app().await;
    let (person, rival) = (app.person("agent@shop.example").await, app.person("owner@rival.example").await);
    let like = nobody(&app).await;
    let mut table = damaged_opaque(&person.refresh, &rival.refresh);
    let (_, cookie) = person.cookie.split_once('=').unwrap();
    table.extend([
        row("a session cookie", cookie.to_owned()),
        row("an access token", person.token.clone()),
        row("a session cookie's secret", format!("br_{}", &cookie[3..])),
    ]);
    for (what, token) in &table {
        let ask = app.post("/api/auth/refresh").json(&json!({"refresh_token": token}));
        check_nobody(&ask.send().await, &like, what);
    }
    for person in [&person, &rival] {
        let ask = app.post("/api/auth/refresh").json(&json!({"refresh_token": person.refresh}));
        assert_eq!(ask.send().await.status, 200, "whoever guesses throws nobody out");
    }
}

#[tokio::test]
async fn of_two_callers_with_one_refresh_token_one_wins_and_the_other_ends_the_sign_in() {
    let app = app().await;
    let person = app.person("agent@shop.example").await;
    let refresh = || app.post("/api/auth/refresh").json(&json!({"refresh_token": person.refresh})).send();
    let (a, b) = tokio::join!(refresh(), refresh());
    let mut statuses = [a.status, b.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 401], "exactly one");
    let won = if a.status == 200 { a.json() } else { b.json() };
    let like = nobody(&app).await;
    check_nobody(
        &app.get(ME).bearer(won["token"].as_str().unwrap()).send().await,
        &like,
        "the winner's token",
    );
    check_nobody(&app.get(ME).header("cookie", &person.cookie).send().await, &like, "the cookie");
    let next = json!({"refresh_token": won["refresh_token"]});
    check_nobody(
        &app.post("/api/auth/refresh").json(&next).send().await,
        &like,
        "the winner's refresh token",
    );
}

/// How a sign-in ends.
enum End {
    Logout,
    /// Time passes in these steps, with a use of the cookie between two.
    Pass(Vec<Duration>),
}

impl End {
    async fn come(&self, app: &App, person: &SignedIn) {
        match self {
            Self::Logout => {
                assert_eq!(app.post("/api/auth/logout").bearer(&person.token).send().await.status, 204);
            }
            Self::Pass(steps) => {
                for (number, step) in steps.iter().enumerate() {
                    let used = number == 0
                        || app.get(ME).header("cookie", &person.cookie).send().await.status == 200;
                    assert!(used, "step {number}");
                    app.clock.advance(*step);
                }
            }
        }
    }
}

#[tokio::test]
async fn nothing_of_a_sign_in_outlives_its_end() {
    let steps = vec![Duration::from_secs(1_200); 36];
    assert_eq!(steps.iter().sum::<Duration>(), LONGEST);
    for (what, end) in [
        ("logout", End::Logout),
        ("30 minutes without use", End::Pass(vec![IDLE])),
        ("12 hours of use", End::Pass(steps)),
    ] {
        let app = app().await;
        let person = app.person("agent@shop.example").await;
        end.come(&app, &person).await;
        let like = nobody(&app).await;
        check_nobody(&app.get(ME).bearer(&person.token).send().await, &like, what);
        check_nobody(&app.get(ME).header("cookie", &person.cookie).send().await, &like, what);
        let refresh = app.post("/api/auth/refresh").json(&json!({"refresh_token": person.refresh}));
        check_nobody(&refresh.send().await, &like, what);
    }
}
