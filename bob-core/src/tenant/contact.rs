//! How people reach a business.

use url::Url;

use super::ProfileError;
use crate::account::Email;

/// The ways to reach a business; what it has not told is `None`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Contact {
    /// Its e-mail address.
    pub email: Option<Email>,
    /// Its telephone number, as people write it; 3 to 50 of digits, white space and `+ ( ) - . /`.
    pub phone: Option<String>,
    /// Where it is, in as many lines as it takes; 1 to 500 characters.
    pub address: Option<String>,
    /// Its own page, `http` or `https`; at most 500 bytes.
    pub website: Option<String>,
}

/// The most characters of each way.
pub(crate) const LONGEST_EMAIL: usize = 254;
pub(crate) const LONGEST_PHONE: usize = 50;
pub(crate) const LONGEST_ADDRESS: usize = 500;
pub(crate) const LONGEST_WEBSITE: usize = 500;

impl Contact {
    /// Whether there is any way at all.
    #[must_use]
    pub fn is_reachable(&self) -> bool {
        self.email.is_some() || self.phone.is_some() || self.address.is_some()
    }

    /// Checks the bounds of every field.
    ///
    /// # Errors
    ///
    /// Names the first field that is out of bounds.
    pub fn check(&self) -> Result<(), ProfileError> {
        let wrong = |field, bounds| Err(ProfileError { field, bounds });
        let phone = |text: &String| {
            let known = |c: char| c.is_ascii_digit() || " +()-./".contains(c);
            (3..=LONGEST_PHONE).contains(&text.len())
                && text.chars().all(known)
                && text.contains(|c: char| c.is_ascii_digit())
        };
        if !self.phone.as_ref().is_none_or(phone) {
            return wrong("contact/phone", "has 3 to 50 of digits, white space and + ( ) - . /");
        }
        let address = |text: &String| {
            (1..=LONGEST_ADDRESS).contains(&text.chars().count())
                && !text.trim().is_empty()
                && !text.contains(|c: char| c.is_control() && c != '\n')
        };
        if !self.address.as_ref().is_none_or(address) {
            return wrong("contact/address", "has 1 to 500 characters");
        }
        let website = |text: &String| {
            text.len() <= LONGEST_WEBSITE
                && !text.contains(|c: char| c.is_whitespace() || c.is_control())
                && Url::parse(text).is_ok_and(|url| {
                    matches!(url.scheme(), "http" | "https")
                        && url.has_host()
                        && url.username().is_empty()
                        && url.password().is_none()
                })
        };
        if !self.website.as_ref().is_none_or(website) {
            return wrong("contact/website", "is an http or https address of at most 500 bytes");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_way_that_cannot_be_used_is_named() {
        let full = Contact {
            email: Some("help@shop.example".parse().unwrap()),
            phone: Some("+49 (0)40 / 123-456.7".to_owned()),
            address: Some("Am Markt 1\n20095 Hamburg".to_owned()),
            website: Some("https://shop.example/contact?from=bob".to_owned()),
        };
        assert_eq!(full.check(), Ok(()));
        assert_eq!(Contact::default().check(), Ok(()));
        let phone = |text: &str| Contact { phone: Some(text.to_owned()), ..full.clone() };
        let address = |text: &str| Contact { address: Some(text.to_owned()), ..full.clone() };
        let website = |text: &str| Contact { website: Some(text.to_owned()), ..full.clone() };
        for (contact, field) in [
            (phone(""), "contact/phone"),
            (phone("--- ---"), "contact/phone"),
            (phone("call me"), "contact/phone"),
            (phone(&"1".repeat(51)), "contact/phone"),
            (address(" "), "contact/address"),
            (address("a\u{7}b"), "contact/address"),
            (address(&"ä".repeat(501)), "contact/address"),
            (website("shop.example"), "contact/website"),
            (website("javascript:alert(1)"), "contact/website"),
            (website("https://anna:secret@shop.example"), "contact/website"),
            (website("https://shop.example/a b"), "contact/website"),
            (website(&format!("https://shop.example/{}", "a".repeat(500))), "contact/website"),
        ] {
            assert_eq!(contact.check().unwrap_err().field, field, "{contact:?}");
        }
    }
}
