//! Reading requests: one header, one body, one JSON object, each within its bounds.

use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, StatusCode};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_path_to_error::{Path, Segment};

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

/// Whether the caller wants a stream of events.
pub(crate) fn wants_events(headers: &HeaderMap) -> bool {
    list(headers, ACCEPT.as_str()).split(',').any(|range| {
        let mut parts = range.split(';').map(str::trim);
        let is_events = parts.next().is_some_and(|media| media.eq_ignore_ascii_case("text/event-stream"));
        is_events && !parts.any(|part| part.strip_prefix("q=").is_some_and(|q| q.parse() == Ok(0.0)))
    })
}

/// Reads a whole body of at most `most` bytes that arrives within [`BODY_TIME`], and a second more for each [`MAX_BODY`]
/// that it may have.
pub(crate) async fn read_body(headers: &HeaderMap, body: RequestBody, most: usize) -> Result<Bytes, Problem> {
    let too_large = || {
        let detail = format!("A body has at most {most} bytes here.");
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "payload_too_large", detail)
    };
    let announced = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > most as u64) {
        return Err(too_large());
    }
    let patience = BODY_TIME + Duration::from_secs((most.saturating_sub(MAX_BODY) / MAX_BODY) as u64);
    match tokio::time::timeout(patience, Limited::new(body, most).collect()).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large()),
        Ok(Err(_)) => Err(Problem::bad_request("body_broke_off", "The body did not arrive whole.")),
        Err(_) => {
            let detail = format!("The body did not arrive within {} seconds.", patience.as_secs());
            Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "request_timeout", detail))
        }
    }
}

/// The media type of the body, in lower case and without parameters; none when it is said not to be UTF-8.
pub(crate) fn media_type(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let content_type = single(headers, CONTENT_TYPE.as_str())?.unwrap_or_default();
    let mut parts = content_type.split(';').map(str::trim);
    let media = parts.next().unwrap_or_default().to_ascii_lowercase();
    let is_utf8 = parts.all(|part| match part.split_once('=') {
        Some((name, value)) if name.trim().eq_ignore_ascii_case("charset") => {
            value.trim().trim_matches('"').eq_ignore_ascii_case("utf-8")
        }
        _ => true,
    });
    Ok(is_utf8.then_some(media))
}

/// Holds that the body is said to be JSON in UTF-8.
pub(crate) fn require_json(headers: &HeaderMap) -> Result<(), Problem> {
    if media_type(headers)?.is_some_and(|media| media == "application/json") {
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
    let mut reader = serde_json::Deserializer::from_str(body);
    let read =
        serde_path_to_error::deserialize(&mut reader).map_err(|error| match error.inner().classify() {
            serde_json::error::Category::Data => does_not_fit(field_error(error.path(), error.inner())),
            _ => malformed(),
        })?;
    reader.end().map_err(|_| malformed())?;
    Ok(read)
}

/// Tells what serde found: where by the way to it, what by its message, which is the one place that says so.
fn field_error(path: &Path, error: &serde_json::Error) -> FieldError {
    let (at, message) = (pointer(path), error.to_string());
    let named = |prefix: &str| Some(segment(message.strip_prefix(prefix)?.split('`').next()?));
    let found = |pointer, code, detail: &str| FieldError { pointer, code, detail: detail.to_owned() };
    // The way leads to a field that is not known, but only up to the object of one that is missing or there twice.
    if message.starts_with("unknown field `") {
        return found(at, "unknown_field", "There is no such field.");
    }
    if let Some(name) = named("missing field `") {
        return found(at + &name, "required", "This field is required.");
    }
    if let Some(name) = named("duplicate field `") {
        return found(at + &name, "duplicate_field", "This field is there twice.");
    }
    found(at, "invalid_type", "A value has the wrong kind.")
}

/// A JSON Pointer (RFC 6901) to where a path leads.
fn pointer(path: &Path) -> String {
    let segments = path.iter().filter_map(|part| match part {
        Segment::Seq { index } => Some(format!("/{index}")),
        Segment::Map { key } => Some(segment(key)),
        // The names of variants stand in the body as keys, which are parts of their own.
        Segment::Enum { .. } | Segment::Unknown => None,
    });
    segments.collect()
}

/// One step of a JSON Pointer, cut where it is longer than any name of ours.
fn segment(name: &str) -> String {
    let name: String = name.chars().take(100).collect();
    format!("/{}", name.replace('~', "~0").replace('/', "~1"))
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
    #[allow(dead_code, reason = "only parsed")]
    struct Sample {
        message: String,
        #[serde(default)]
        lines: Vec<Line>,
        #[serde(default)]
        named: std::collections::BTreeMap<String, Line>,
    }

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code, reason = "only parsed")]
    struct Line {
        count: u8,
        #[serde(default)]
        kind: Option<Kind>,
    }

    #[derive(Debug, serde::Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Kind {
        Plain,
    }

    #[test]
    fn what_is_wrong_with_a_body_is_named() {
        for (body, code, pointer) in [
            (r#"{"message":1}"#, "invalid_type", "/message"),
            (r#"{"message":null}"#, "invalid_type", "/message"),
            (r#"{"message":{"a":[1]}}"#, "invalid_type", "/message"),
            (r#"{"message":"a","lines":{}}"#, "invalid_type", "/lines"),
            (r#"{"message":"a","lines":[{"count":1},{"count":"2"}]}"#, "invalid_type", "/lines/1/count"),
            (r#"{"message":"a","lines":[{"count":256}]}"#, "invalid_type", "/lines/0/count"),
            (r#"{"message":"a","lines":[7]}"#, "invalid_type", "/lines/0"),
            (r#"{"message":"a","lines":[{}]}"#, "required", "/lines/0/count"),
            (r#"{"message":"a","lines":[{"count":1,"x":1}]}"#, "unknown_field", "/lines/0/x"),
            (r#"{"message":"a","lines":[{"count":1,"count":1}]}"#, "duplicate_field", "/lines/0/count"),
            (r#"{"message":"a","lines":[{"count":1,"kind":"odd"}]}"#, "invalid_type", "/lines/0/kind"),
            (r#"{"message":"a","named":{"a/b~c":{"count":"1"}}}"#, "invalid_type", "/named/a~1b~0c/count"),
            (r#"{"message":"a","named":{"":{"count":"1"}}}"#, "invalid_type", "/named//count"),
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
        let long = format!(r#"{{"message":"a","named":{{"{}":1}}}}"#, "x".repeat(5_000));
        let problem = parse_json::<Sample>(long.as_bytes()).unwrap_err();
        let pointer = &serde_json::to_value(problem.view("r")).unwrap()["errors"][0]["pointer"];
        assert_eq!(pointer, &format!("/named/{}", "x".repeat(100)));
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
