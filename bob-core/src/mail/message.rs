//! A mail as it is sent: RFC 5322, with UTF-8 in the text as it is (8bit) and in the subject encoded (RFC 2047).

use data_encoding::{BASE64, HEXLOWER};
use jiff::Timestamp;
use jiff::fmt::rfc2822;

use super::{Mail, MailError, MailErrorKind};
use crate::account::Email;
use crate::keyring::random_bytes;

/// How many bytes of a subject fit into one encoded word of 75 letters.
const WORD: usize = 45;

/// Writes a mail from `from`, at `at`; lines end in CRLF.
///
/// # Errors
///
/// [`MailErrorKind::Refused`] when an address cannot be written without quoting: such addresses are as good as never
/// real, and have fooled many a mail server. [`MailErrorKind::Unavailable`] without randomness.
pub fn write(mail: &Mail, from: &Email, at: Timestamp) -> Result<String, MailError> {
    let refused = || MailError::new(MailErrorKind::Refused);
    if !is_plain(mail.to()) || !is_plain(from) {
        return Err(refused());
    }
    let random: [u8; 16] =
        random_bytes().map_err(|error| MailError::because(MailErrorKind::Unavailable, error))?;
    let domain = from.as_str().rsplit_once('@').map_or("localhost", |(_, domain)| domain);
    let date = rfc2822::to_string(&at.to_zoned(jiff::tz::TimeZone::UTC)).map_err(|_| refused())?;
    let head = [
        format!("From: <{from}>"),
        format!("To: <{}>", mail.to()),
        format!("Subject: {}", subject(mail.subject())),
        format!("Date: {date}"),
        format!("Message-ID: <{}@{domain}>", HEXLOWER.encode(&random)),
        "MIME-Version: 1.0".to_owned(),
        "Content-Type: text/plain; charset=utf-8".to_owned(),
        "Content-Transfer-Encoding: 8bit".to_owned(),
        "Auto-Submitted: auto-generated".to_owned(),
    ];
    let text = mail.text().replace("\r\n", "\n").replace(['\r', '\0'], " ");
    let lines = head.iter().map(String::as_str).chain([""]).chain(text.lines());
    Ok(lines.flat_map(|line| [line, "\r\n"]).collect())
}

/// Whether an address is a dot-atom at a domain (RFC 5322, 3.2.3; RFC 6532 for other scripts).
fn is_plain(address: &Email) -> bool {
    let Some((local, domain)) = address.as_str().rsplit_once('@') else { return false };
    let of = |text: &str, extra: &str| {
        let is_atom = |c: char| {
            c.is_ascii_alphanumeric() || (!c.is_ascii() && c.is_alphanumeric()) || extra.contains(c)
        };
        text.split('.').all(|atom| !atom.is_empty() && atom.chars().all(is_atom))
    };
    of(local, "!#$%&'*+-/=?^_`{|}~") && of(domain, "-")
}

/// A subject in ASCII, in words that are folded onto lines of their own.
fn subject(text: &str) -> String {
    let plain = text.bytes().all(|b| b == b' ' || b.is_ascii_graphic());
    if plain && !text.contains("=?") && text.len() <= 900 {
        return text.to_owned();
    }
    let mut words = vec![String::new()];
    for c in text.chars() {
        let word = words.last_mut().filter(|word| word.len() + c.len_utf8() <= WORD);
        match word {
            Some(word) => word.push(c),
            None => words.push(c.to_string()),
        }
    }
    let encoded = words.iter().map(|word| format!("=?utf-8?B?{}?=", BASE64.encode(word.as_bytes())));
    encoded.collect::<Vec<_>>().join("\r\n ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::fixture;

    fn written(to: &str, subject: &str, text: &str) -> Result<String, MailErrorKind> {
        let mail = Mail::new(to.parse().unwrap(), subject, text);
        let from = "bob@shop.example".parse().unwrap();
        write(&mail, &from, fixture::now()).map_err(|error| error.kind())
    }

    #[test]
    fn a_mail_has_a_head_and_a_text() {
        let mail = written("anna@shop.example", "Hello", "One\n\nTwo é\n").unwrap();
        let (head, text) = mail.split_once("\r\n\r\n").unwrap();
        assert_eq!(text, "One\r\n\r\nTwo é\r\n");
        let lines: Vec<&str> = head.split("\r\n").collect();
        assert_eq!(lines[..3], ["From: <bob@shop.example>", "To: <anna@shop.example>", "Subject: Hello"]);
        assert!(lines[3].starts_with("Date: ") && lines[3].ends_with("0000"), "{}", lines[3]);
        assert!(lines[4].ends_with("@shop.example>"), "{}", lines[4]);
        assert_eq!(lines.len(), 9);
    }

    #[test]
    fn nothing_that_is_said_adds_a_line_to_the_head() {
        for evil in [
            "Hi\r\nBcc: x@evil.example",
            "Hi\nBcc: x@evil.example",
            "Hi\rBcc: x@evil.example",
            "Hi\u{2028}Bcc: x@evil.example",
            "Hi\u{0}\r\n\r\nBcc: x@evil.example",
            "=?utf-8?Q?Hi=0D=0ABcc:_x@evil.example?=",
            &"日本語の件名".repeat(30),
        ] {
            let mail = written("anna@shop.example", evil, &format!("{evil}\r\n.\r\nDATA")).unwrap();
            let (head, _) = mail.split_once("\r\n\r\n").unwrap();
            let names = head.split("\r\n").filter(|line| !line.starts_with(' '));
            let names: Vec<&str> = names.map(|line| line.split_once(": ").unwrap().0).collect();
            assert_eq!(names[..4], ["From", "To", "Subject", "Date"], "{evil:?}");
            assert_eq!(names.len(), 9, "{evil:?}");
            assert!(head.is_ascii() && head.split("\r\n").all(|line| line.len() <= 78 || line.is_ascii()));
            assert!(!mail.replace("\r\n", "").contains(['\r', '\n', '\0']), "{evil:?}");
        }
    }

    #[test]
    fn addresses_that_need_quoting_are_refused() {
        for bad in [
            "a>b@shop.example",
            "a>;<evil@shop.example",
            "\"anna\"@shop.example",
            "anna..b@shop.example",
            ".anna@shop.example",
            "(x)anna@shop.example",
            "a:b@shop.example",
            "anna@shop..example",
            "anna@[127.0.0.1]",
            "anna@shop.example>",
            "an\\na@shop.example",
        ] {
            assert_eq!(written(bad, "Hi", "text"), Err(MailErrorKind::Refused), "{bad}");
        }
        for good in ["a+b@shop.example", "ännchen@bücher.example", "o'hara@shop.example"] {
            assert!(written(good, "Hi", "text").is_ok(), "{good}");
        }
    }
}
