//! What a new password must be: long enough, and nothing that is tried first.
//!
//! As NIST SP 800-63B (3.1.1.2) and OWASP ASVS 5 (6.2) ask: a length, the commonest refused, what everybody knows of the
//! person refused; no rules about kinds of characters, spaces and any script allowed. Characters are Unicode code points
//! of normal form C, in which passwords are hashed too, so that every keyboard writes the same one.

use std::ops::RangeInclusive;

use unicode_normalization::{IsNormalized, UnicodeNormalization as _, is_nfc_quick};

use super::LONGEST_PASSWORD;
use crate::secret::Secret;

/// How many characters a password has.
const LENGTH: RangeInclusive<usize> = 8..=128;

/// What is shorter is no word to find in a password: it must be all of it to be refused.
const SHORTEST_WORD: usize = 4;

/// A password that may be set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPassword(Secret);

/// Why a password may not be set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WeakPassword {
    /// It has fewer than 8 characters.
    #[error("a password has at least 8 characters")]
    Short,
    /// It has more than 128 characters, or more than [`LONGEST_PASSWORD`] bytes.
    #[error("a password has at most 128 characters")]
    Long,
    /// It is one of the commonest.
    #[error("this password is one of the commonest")]
    Common,
    /// It holds what others know: the person's address or name, or the business's name.
    #[error("a password holds neither its owner's address or name nor the business's name")]
    Known,
}

impl NewPassword {
    /// Takes a password, unless it is weak. `known` is what others know: address, name, names of businesses.
    ///
    /// ```
    /// use bob_core::account::{NewPassword, WeakPassword};
    /// use bob_core::secret::Secret;
    ///
    /// let check = |text: &str| NewPassword::check(Secret::new(text), ["anna@shop.example"]).err();
    /// assert_eq!(check("four small blue boats"), None);
    /// assert_eq!(check("Sunshine1"), Some(WeakPassword::Common));
    /// assert_eq!(check("anna@shop.example!"), Some(WeakPassword::Known));
    /// ```
    ///
    /// # Errors
    ///
    /// [`WeakPassword`] says what is wrong with it.
    pub fn check<'a>(
        password: Secret,
        known: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, WeakPassword> {
        let password = normalized(password);
        let text = password.expose();
        let length = text.chars().count();
        if length < *LENGTH.start() {
            return Err(WeakPassword::Short);
        }
        if length > *LENGTH.end() || text.len() > LONGEST_PASSWORD {
            return Err(WeakPassword::Long);
        }
        let folded = Secret::new(text.to_lowercase());
        if is_common(text) || is_common(folded.expose()) {
            return Err(WeakPassword::Common);
        }
        let packed = Secret::new(packed(folded.expose()));
        if known.into_iter().flat_map(words).any(|word| holds(packed.expose(), &word)) {
            return Err(WeakPassword::Known);
        }
        Ok(Self(password))
    }

    /// The password, to be hashed.
    #[must_use]
    pub fn into_secret(self) -> Secret {
        self.0
    }
}

/// The password in normal form C.
pub(super) fn normalized(password: Secret) -> Secret {
    match is_nfc_quick(password.expose().chars()) {
        IsNormalized::Yes => password,
        _ => Secret::new(password.expose().nfc().collect::<String>()),
    }
}

/// Whether it is on the list of the 100,000 commonest, some of them without a trailing digit or mark.
fn is_common(text: &str) -> bool {
    let stem = text.trim_end_matches(|c: char| c.is_ascii_digit() || c.is_ascii_punctuation());
    let listed = passwords::analyzer::is_common_password;
    let repeats = text.chars().all(|c| text.starts_with(c));
    repeats || listed(text) || (stem.chars().count() >= *LENGTH.start() && listed(stem))
}

/// What somebody who knows a text would try: itself, and of an address the part before its `@`.
fn words(known: &str) -> impl Iterator<Item = String> {
    let local = known.split_once('@').map(|(local, _)| local);
    [Some(known), local]
        .into_iter()
        .flatten()
        .map(|word| packed(&word.nfc().collect::<String>().to_lowercase()))
}

/// The text without its white space.
fn packed(text: &str) -> String {
    text.split_whitespace().collect()
}

fn holds(password: &str, word: &str) -> bool {
    password == word || (word.chars().count() >= SHORTEST_WORD && password.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [&str; 3] = ["li.wei@shop.example", "Li", "Blue Lemon GmbH"];

    #[track_caller]
    fn check(password: &str, weak: Option<WeakPassword>) {
        assert_eq!(NewPassword::check(Secret::new(password), KNOWN).err(), weak, "{password:?}");
    }

    #[test]
    fn a_password_has_8_to_128_characters_of_any_kind() {
        let longest = "aé日 ".repeat(32);
        for good in ["kd8 wpqz", "日本語日本語日本", "        x        ", &longest, "ΑΒΓ δεζ ηθι"]
        {
            check(good, None);
        }
        for short in ["", "x", "kd8wpqz", "日本語日本語日", "e\u{301}e\u{301}e\u{301}e\u{301}xyz"] {
            check(short, Some(WeakPassword::Short));
        }
        check(&format!("{longest}x"), Some(WeakPassword::Long));
        check(&"\u{1d15e}".repeat(100), Some(WeakPassword::Long));
    }

    #[test]
    fn one_password_is_the_same_from_every_keyboard() {
        let check = |text: &str| NewPassword::check(Secret::new(text), []).unwrap();
        assert_eq!(check("cafe\u{301} au lait"), check("caf\u{e9} au lait"));
    }

    #[test]
    fn what_is_tried_first_is_refused() {
        for common in [
            "password",
            "Password",
            "PASSWORD",
            "password1",
            "password1!",
            "12345678",
            "1234567890",
            "qwertyuiop",
            "sunshine",
            "Sunshine!",
            "iloveyou2",
            "trustno1",
            "11111111",
            "zzzzzzzzzzzz",
            "1q2w3e4r",
            "baseball",
            "football",
            "starwars",
            "!qaz2wsx",
            "passw0rd",
        ] {
            check(common, Some(WeakPassword::Common));
        }
    }

    #[test]
    fn what_others_know_of_the_person_is_refused() {
        for known in [
            "li.wei@shop.example",
            "LI.WEI@SHOP.EXAMPLE",
            "xx li.wei xx",
            "Blue Lemon GmbH",
            "my bluelemongmbh",
            "bLuElEmOnGmBh 7",
        ] {
            check(known, Some(WeakPassword::Known));
        }
        check("little green lizards", None);
        check("blue lemons are rare", None);
    }
}
