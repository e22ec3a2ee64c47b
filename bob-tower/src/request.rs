//! Reading requests: one header, one body, one JSON object, each within its bounds.

use std::time::Duration;

use bob_core::turn::IdempotencyKey;
use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, StatusCode};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use serde::de::{DeserializeOwned, IgnoredAny};

use crate::body::RequestBody;
use crate::problem::{FieldError, Problem};

/// The longest body, in bytes.
pub(crate) const MAX_BODY: usize = 64 * 1024;

/// How long a body may take to arrive.
pub(crate) const BODY_TIME: Duration = Duration::from_secs(10);

/// The one value of a header; two of them are an error, since different readers would believe different ones.
pub(crate) fn single<'a>(headers: &'a HeaderMap, name: &'static str) -> Result<Option<&'a str>, Problem> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(Problem::bad_request("duplicate_header", format!("The header {name} is there twice.")));
    }
    let text = value.to_str().map(str::trim);
    text.map(Some)
        .map_err(|_| Problem::bad_request("invalid_header", format!("The header {name} is not ASCII.")))
}

/// All values of a header that is a list, as one; what is not ASCII is left out.
pub(crate) fn list(headers: &HeaderMap, name: &'static str) -> String {
    let lines: Vec<&str> = headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).collect();
    lines.join(",")
}

/// What names a call that may be sent twice.
pub(crate) fn idempotency_key(headers: &HeaderMap) -> Result<Option<IdempotencyKey>, Problem> {
    let key = single(headers, "idempotency-key")?.map(str::parse).transpose();
    key.map_err(|_| {
        Problem::unprocessable(
            "idempotency_key_invalid",
            "An Idempotency-Key has 1 to 255 visible ASCII characters.",
        )
    })
}

/// Whether the caller wants a stream of events.
pub(crate) fn wants_events(headers: &HeaderMap) -> bool {
    list(headers, ACCEPT.as_str()).split(',').any(|range| {
        let mut parts = range.split(';').map(str::trim);
        let is_events = parts.next().is_some_and(|media| media.eq_ignore_ascii_case("text/event-stream"));
        is_events && !parts.any(|part| part.strip_prefix("q=").is_some_and(|q| q.parse() == Ok(0.0)))
    })
}

/// Reads a whole body of at most [`MAX_BODY`] bytes that arrives within [`BODY_TIME`].
pub(crate) async fn read_body(headers: &HeaderMap, body: RequestBody) -> Result<Bytes, Problem> {
    let too_large = || {
        let detail = "A body has at most 65,536 bytes.";
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "payload_too_large", detail)
    };
    let announced = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > MAX_BODY as u64) {
        return Err(too_large());
    }
    match tokio::time::timeout(BODY_TIME, Limited::new(body, MAX_BODY).collect()).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large()),
        Ok(Err(_)) => Err(Problem::bad_request("body_broke_off", "The body did not arrive whole.")),
        Err(_) => {
            let detail = "The body did not arrive within 10 seconds.";
            Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "request_timeout", detail))
        }
    }
}

/// Holds that the body is said to be JSON in UTF-8.
pub(crate) fn require_json(headers: &HeaderMap) -> Result<(), Problem> {
    let content_type = single(headers, CONTENT_TYPE.as_str())?.unwrap_or_default();
    let mut parts = content_type.split(';').map(str::trim);
    let is_json = parts.next().is_some_and(|media| media.eq_ignore_ascii_case("application/json"));
    let is_utf8 = parts.all(|part| match part.split_once('=') {
        Some((name, value)) if name.trim().eq_ignore_ascii_case("charset") => {
            value.trim().trim_matches('"').eq_ignore_ascii_case("utf-8")
        }
        _ => true,
    });
    if is_json && is_utf8 {
        return Ok(());
    }
    let detail = "Send JSON in UTF-8, with Content-Type: application/json.";
    Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", detail))
}

/// Reads a JSON object; fields it does not know, and fields of a wrong kind, are named.
pub(crate) fn parse_json<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    let malformed = || Problem::bad_request("malformed_json", "The body is not well-formed JSON in UTF-8.");
    let body = std::str::from_utf8(body).map_err(|_| malformed())?;
    // What is not JSON at all is told before what does not fit.
    let does_not_fit = |error| match serde_json::from_str::<IgnoredAny>(body) {
        Ok(_) => Problem::invalid(vec![error]),
        Err(_) => malformed(),
    };
    // serde would read an array as a struct by position; only an object names its fields.
    if !body.trim_ascii_start().starts_with('{') {
        let detail = "The body is a JSON object.".to_owned();
        return Err(does_not_fit(FieldError { pointer: String::new(), code: "invalid_type", detail }));
    }
    serde_json::from_str(body).map_err(|error| match error.classify() {
        serde_json::error::Category::Data => does_not_fit(field_error(&error.to_string())),
        _ => malformed(),
    })
}

/// Tells what serde found by the one place where it says so: its message.
fn field_error(message: &str) -> FieldError {
    let named = |prefix: &str| {
        let name = message.strip_prefix(prefix)?.split('`').next()?;
        Some(name.chars().take(100).collect::<String>().replace('~', "~0").replace('/', "~1"))
    };
    let field = |name: String, code, detail: &str| FieldError {
        pointer: format!("/{name}"),
        code,
        detail: detail.to_owned(),
    };
    if let Some(name) = named("unknown field `") {
        return field(name, "unknown_field", "There is no such field.");
    }
    if let Some(name) = named("missing field `") {
        return field(name, "required", "This field is required.");
    }
    if let Some(name) = named("duplicate field `") {
        return field(name, "duplicate_field", "This field is there twice.");
    }
    let detail = "A value has the wrong kind.".to_owned();
    FieldError { pointer: String::new(), code: "invalid_type", detail }
}

/// One field of a query string, decoded; `None` when absent, an error when there twice or not UTF-8.
pub(crate) fn query_field(query: Option<&str>, name: &str) -> Result<Option<String>, Problem> {
    let wrong = |detail: &str| Problem::bad_request("invalid_query", format!("{name}: {detail}"));
    let mut values = query
        .unwrap_or_default()
        .split('&')
        .filter_map(|pair| pair.split_once('=').filter(|(key, _)| *key == name).map(|(_, value)| value));
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(wrong("is there twice."));
    }
    let decoded = percent_encoding::percent_decode_str(value).decode_utf8();
    decoded.map(|text| Some(text.into_owned())).map_err(|_| wrong("is not UTF-8."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Sample {
        #[allow(dead_code, reason = "only parsed")]
        message: String,
    }

    #[test]
    fn what_is_wrong_with_a_body_is_named() {
        for (body, code, pointer) in [
            (r#"{"message":1}"#, "invalid_type", ""),
            (r#"{}"#, "required", "/message"),
            (r#"{"message":"a","x/y":1}"#, "unknown_field", "/x~1y"),
            (r#"{"message":"a","message":"b"}"#, "duplicate_field", "/message"),
            ("[]", "invalid_type", ""),
            (r#"["hi"]"#, "invalid_type", ""),
            ("null", "invalid_type", ""),
        ] {
            let problem = parse_json::<Sample>(body.as_bytes()).unwrap_err();
            let view = serde_json::to_value(problem.view("r")).unwrap();
            assert_eq!(
                (&view["errors"][0]["code"], &view["errors"][0]["pointer"]),
                (&code.into(), &pointer.into()),
                "{body}"
            );
            assert_eq!(view["status"], 422);
        }
        let deep = "[".repeat(10_000);
        for body in [
            "",
            "{",
            r#"{"x":1"#,
            r#"{"message":1]"#,
            r#"{"message":"a"} x"#,
            "\u{feff}{}",
            r#"{"message":"\ud800"}"#,
            &deep,
        ] {
            let problem = parse_json::<Sample>(body.as_bytes()).unwrap_err();
            assert_eq!(
                serde_json::to_value(problem.view("r")).unwrap()["code"],
                "malformed_json",
                "{body:.20}"
            );
        }
        let latin1 = b"{\"message\":\"\xfc\"}";
        assert_eq!(
            serde_json::to_value(parse_json::<Sample>(latin1).unwrap_err().view("r")).unwrap()["status"],
            400
        );
    }

    #[test]
    fn a_stream_is_sent_to_those_who_ask_for_one() {
        for (accept, wanted) in [
            ("text/event-stream", true),
            ("application/json, text/event-stream;q=0.5", true),
            ("TEXT/Event-Stream", true),
            ("text/event-stream;q=0", false),
            ("*/*", false),
            ("application/json", false),
        ] {
            let headers = HeaderMap::from_iter([(ACCEPT, accept.parse().unwrap())]);
            assert_eq!(wants_events(&headers), wanted, "{accept}");
        }
    }

    #[test]
    fn only_json_in_utf8_is_taken() {
        for (content_type, taken) in [
            ("application/json", true),
            ("Application/JSON; charset=UTF-8", true),
            ("application/json; charset=\"utf-8\"", true),
            ("application/json; charset=latin1", false),
            ("text/plain", false),
            ("application/x-www-form-urlencoded", false),
            ("application/jsonp", false),
            ("", false),
        ] {
            let headers = HeaderMap::from_iter([(CONTENT_TYPE, content_type.parse().unwrap())]);
            assert_eq!(require_json(&headers).is_ok(), taken, "{content_type}");
        }
        assert!(require_json(&HeaderMap::new()).is_err());
    }
}
