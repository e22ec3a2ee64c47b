//! Cookies (RFC 6265): read one by name, write one with everything it needs.

use std::time::Duration;

use http::HeaderMap;
use http::header::{COOKIE, HeaderValue};

/// The value of a cookie; `None` when it is absent or there twice with different values.
pub(crate) fn read<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let lines = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut values = lines.flat_map(|line| line.split(';')).filter_map(|pair| {
        pair.trim().split_once('=').filter(|(key, _)| *key == name).map(|(_, value)| value)
    });
    let first = values.next()?;
    values.all(|other| other == first).then_some(first)
}

/// A cookie that scripts cannot read and other sites' forms do not send.
pub(crate) fn write(
    name: &str,
    value: &str,
    path: &str,
    secure: bool,
    max_age: Duration,
) -> Option<HeaderValue> {
    let secure = if secure { "; Secure" } else { "" };
    let max_age = max_age.as_secs();
    let line = format!("{name}={value}; Path={path}; Max-Age={max_age}; HttpOnly; SameSite=Lax{secure}");
    HeaderValue::from_str(&line).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_read_by_its_whole_name() {
        let headers =
            HeaderMap::from_iter([(COOKIE, HeaderValue::from_static("xa=1; a=2;b=3; a=2; c=4; c=5"))]);
        assert_eq!(read(&headers, "a"), Some("2"));
        assert_eq!(read(&headers, "b"), Some("3"));
        assert_eq!(read(&headers, "c"), None, "two values, neither believed");
        assert_eq!(read(&headers, "x"), None);
    }
}
