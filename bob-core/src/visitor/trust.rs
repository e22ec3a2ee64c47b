//! How much is known of who a visitor is.

/// How sure a business can be of who sends a message; each level is more than the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[non_exhaustive]
pub enum TrustLevel {
    /// Nobody says who it is.
    #[default]
    Anonymous,
    /// The page says who it is, and nothing proves it: anybody's browser can be made to say so.
    Identified,
    /// The business signed who it is.
    Verified,
}

impl TrustLevel {
    /// The name used on the wire and in storage.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Anonymous => "anonymous",
            Self::Identified => "identified",
            Self::Verified => "verified",
        }
    }

    /// Reads a name that [`as_str`](Self::as_str) gave.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Anonymous, Self::Identified, Self::Verified].into_iter().find(|level| level.as_str() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_grow_and_read_back_their_names() {
        assert!(
            TrustLevel::Anonymous < TrustLevel::Identified && TrustLevel::Identified < TrustLevel::Verified
        );
        for level in [TrustLevel::Anonymous, TrustLevel::Identified, TrustLevel::Verified] {
            assert_eq!(TrustLevel::from_name(level.as_str()), Some(level));
        }
        assert_eq!(TrustLevel::from_name("root"), None);
    }
}
