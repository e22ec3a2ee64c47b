//! Languages: their names and how Bob tells which one a visitor writes.

pub mod detect;

use std::fmt;
use std::str::FromStr;

/// A language by its primary subtag (BCP 47): `en`, `de`, `ja`.
///
/// Regions and scripts are left out on purpose: a text approved in German answers a visitor from Vienna as well.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Language {
    letters: [u8; 3],
    length: u8,
}

impl Language {
    /// English.
    pub const EN: Self = Self::known("en");
    /// German.
    pub const DE: Self = Self::known("de");
    /// Japanese.
    pub const JA: Self = Self::known("ja");
    /// French.
    pub const FR: Self = Self::known("fr");
    /// Spanish.
    pub const ES: Self = Self::known("es");

    const fn known(tag: &str) -> Self {
        let tag = tag.as_bytes();
        assert!(tag.len() == 2, "only for two-letter tags");
        Self { letters: [tag[0], tag[1], 0], length: 2 }
    }

    /// The tag, in lower case.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.letters[..usize::from(self.length)])
            .expect("a language holds ASCII letters only")
    }
}

impl FromStr for Language {
    type Err = ParseLanguageError;

    /// Reads a tag and keeps its primary subtag: `de-AT` is `de`.
    fn from_str(text: &str) -> Result<Self, ParseLanguageError> {
        let primary = text.split(['-', '_']).next().unwrap_or_default();
        let bytes = primary.as_bytes();
        if !(2..=3).contains(&bytes.len()) || !bytes.iter().all(u8::is_ascii_alphabetic) {
            return Err(ParseLanguageError);
        }
        let mut letters = [0; 3];
        for (letter, byte) in letters.iter_mut().zip(bytes) {
            *letter = byte.to_ascii_lowercase();
        }
        Ok(Self { letters, length: u8::try_from(bytes.len()).map_err(|_| ParseLanguageError)? })
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Language({self})")
    }
}

/// The text is not a language tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a language tag")]
pub struct ParseLanguageError;

/// Reads an `Accept-Language` header (RFC 9110, 12.5.4), best first; what cannot be read is left out.
///
/// At most 16 entries count, so that a hostile header costs little.
#[must_use]
pub fn parse_accept_language(header: &str) -> Vec<Language> {
    let mut wanted: Vec<(u16, Language)> = header
        .split(',')
        .take(16)
        .filter_map(|entry| {
            let mut parts = entry.split(';');
            let language = parts.next()?.trim().parse().ok()?;
            let weight = parts
                .find_map(|p| p.trim().strip_prefix("q="))
                .map_or(Some(1.0), |q| q.parse::<f32>().ok())?;
            // A weight is between 0 and 1; per mille keeps the order exact and the sort stable.
            let per_mille = (weight.clamp(0.0, 1.0) * 1000.0) as u16;
            (per_mille > 0).then_some((per_mille, language))
        })
        .collect();
    wanted.sort_by_key(|(weight, _)| std::cmp::Reverse(*weight));
    let mut seen = Vec::new();
    for (_, language) in wanted {
        if !seen.contains(&language) {
            seen.push(language);
        }
    }
    seen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_keeps_its_primary_subtag_in_lower_case() {
        for (text, tag) in [("de", "de"), ("DE-at", "de"), ("ja_JP", "ja"), ("gsw", "gsw")] {
            assert_eq!(text.parse::<Language>().unwrap().as_str(), tag);
        }
        for text in ["", "d", "*", "engl", "e1", "日本"] {
            assert_eq!(text.parse::<Language>(), Err(ParseLanguageError), "{text}");
        }
    }

    #[test]
    fn accept_language_is_read_best_first() {
        let read = parse_accept_language("fr;q=0.2, de-AT, en;q=0.8, de;q=0.7, *;q=0.1, xx-;q=oops, ja;q=0");
        assert_eq!(read, [Language::DE, Language::EN, Language::FR]);
    }
}
