//! The list of pages that a key's people write.

use super::KeyMode;
use crate::origin::{OriginPattern, OriginPatternError, Scheme};

/// How many entries the list of one key may have.
pub const MOST_ORIGINS: usize = 200;

/// Why a list of origins is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct OriginsError {
    /// Which entry is wrong, from 0; none when it is the list.
    pub entry: Option<usize>,
    /// What is wrong with it.
    pub why: OriginError,
}

/// What is wrong with an entry, or the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OriginError {
    /// No pattern at all.
    #[error(transparent)]
    Pattern(#[from] OriginPatternError),
    /// Anybody on the way may change a page without TLS, and so call with its key.
    #[error("http is for this machine only (localhost, 127.0.0.1, [::1]); write https")]
    Insecure,
    /// A test key's page is somewhere else.
    #[error("a test key is for pages of this machine only: localhost, 127.0.0.1, [::1]")]
    NotLoopback,
    /// It is on the list already.
    #[error("this origin is on the list already")]
    Repeated,
    /// An empty list opens nothing, so it is no list.
    #[error("a key needs at least one origin")]
    None,
    /// More than [`MOST_ORIGINS`].
    #[error("a key has at most {MOST_ORIGINS} origins")]
    TooMany,
}

/// Reads the list of a new key, or the new list of one; `known` is what stood there already and may stay.
///
/// # Errors
///
/// [`OriginsError`] for the first entry that is wrong.
pub fn read_origins(
    mode: KeyMode,
    texts: &[String],
    known: &[OriginPattern],
) -> Result<Vec<OriginPattern>, OriginsError> {
    match texts.len() {
        0 => return Err(OriginsError { entry: None, why: OriginError::None }),
        1..=MOST_ORIGINS => {}
        _ => return Err(OriginsError { entry: None, why: OriginError::TooMany }),
    }
    let mut origins = Vec::with_capacity(texts.len());
    for (entry, text) in texts.iter().enumerate() {
        let wrong = |why| OriginsError { entry: Some(entry), why };
        let origin: OriginPattern =
            text.trim().parse().map_err(|error| wrong(OriginError::Pattern(error)))?;
        if origins.contains(&origin) {
            return Err(wrong(OriginError::Repeated));
        }
        if !known.contains(&origin) {
            allowed(mode, &origin).map_err(wrong)?;
        }
        origins.push(origin);
    }
    Ok(origins)
}

fn allowed(mode: KeyMode, origin: &OriginPattern) -> Result<(), OriginError> {
    match (origin.is_loopback(), mode) {
        (true, _) => Ok(()),
        (false, KeyMode::Test) => Err(OriginError::NotLoopback),
        (false, KeyMode::Live) if origin.scheme() == Scheme::Http => Err(OriginError::Insecure),
        (false, KeyMode::Live) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(mode: KeyMode, texts: &[&str], expected: Result<&[&str], OriginsError>) {
        let owned: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
        let read = read_origins(mode, &owned, &["http://old.example".parse().unwrap()]);
        let told = read.map(|origins| origins.iter().map(ToString::to_string).collect::<Vec<_>>());
        let expected = expected.map(|texts| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>());
        assert_eq!(told, expected, "{texts:?}");
    }

    #[test]
    fn a_list_is_read_in_its_order_and_in_one_spelling() {
        check(
            KeyMode::Live,
            &[
                " https://SHOP.example:443 ",
                "https://*.bücher.example",
                "http://localhost:3000",
                "https://[::1]",
            ],
            Ok(&[
                "https://shop.example",
                "https://*.xn--bcher-kva.example",
                "http://localhost:3000",
                "https://[::1]",
            ]),
        );
        check(KeyMode::Test, &["http://127.0.0.1:8080"], Ok(&["http://127.0.0.1:8080"]));
    }

    #[test]
    fn an_entry_that_opens_too_much_is_refused_with_its_place() {
        use OriginPatternError::{InsecureWildcard, NotAPattern, PublicSuffix};
        let wrong = |why| Err(OriginsError { entry: Some(1), why });
        for (mode, text, why) in [
            (KeyMode::Live, "https://*.co.uk", PublicSuffix.into()),
            (KeyMode::Live, "https://*.github.io", PublicSuffix.into()),
            (KeyMode::Live, "http://*.shop.example", InsecureWildcard.into()),
            (KeyMode::Live, "https://shop.example/path", NotAPattern.into()),
            (KeyMode::Live, "null", NotAPattern.into()),
            (KeyMode::Live, "*", NotAPattern.into()),
            (KeyMode::Live, "", NotAPattern.into()),
            (KeyMode::Live, "http://shop.example", OriginError::Insecure),
            (KeyMode::Live, "http://10.0.0.1", OriginError::Insecure),
            (KeyMode::Live, "http://localhost.example", OriginError::Insecure),
            (KeyMode::Live, "http://LOCALHOST:80", OriginError::Repeated),
            (KeyMode::Test, "https://shop.example", OriginError::NotLoopback),
            (KeyMode::Test, "https://*.shop.example", OriginError::NotLoopback),
        ] {
            check(mode, &["http://localhost", text], wrong(why));
        }
        check(
            KeyMode::Live,
            &["https://shop.example", "http://old.example"],
            Ok(&["https://shop.example", "http://old.example"]),
        );
    }

    #[test]
    fn a_list_has_between_1_and_200_entries() {
        let many: Vec<String> = (0..=MOST_ORIGINS).map(|n| format!("https://s{n}.example")).collect();
        let wrong = |why| Err(OriginsError { entry: None, why });
        assert_eq!(read_origins(KeyMode::Live, &[], &[]), wrong(OriginError::None));
        assert_eq!(read_origins(KeyMode::Live, &many, &[]), wrong(OriginError::TooMany));
        assert_eq!(read_origins(KeyMode::Live, &many[1..], &[]).unwrap().len(), MOST_ORIGINS);
    }
}
