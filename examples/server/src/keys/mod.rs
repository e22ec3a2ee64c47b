//! The key-encryption keys of this server: in a file beside the database, or in an environment variable.

mod file;

use std::fmt;
use std::str::FromStr;

use bob_core::keyring::{LocalKeyring, NoRandomness, random_bytes};
use data_encoding::HEXLOWER_PERMISSIVE;
use zeroize::Zeroizing;

pub use file::KeyFile;

/// One or more root keys, the current one first; the others still open what they sealed.
#[derive(Clone)]
pub struct RootKeys(Vec<Zeroizing<[u8; 32]>>);

/// The text holds something else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a key is 64 hexadecimal digits on a line of its own")]
pub struct NotKeys;

impl RootKeys {
    /// A new key.
    pub fn generate() -> Result<Self, NoRandomness> {
        Ok(Self(vec![Zeroizing::new(random_bytes()?)]))
    }

    /// A new key before all others.
    pub fn with_a_new_one(mut self) -> Result<Self, NoRandomness> {
        self.0.insert(0, Zeroizing::new(random_bytes()?));
        Ok(self)
    }

    /// The current key alone.
    pub fn current_only(mut self) -> Self {
        self.0.truncate(1);
        self
    }

    /// How many there are besides the current one.
    pub fn earlier(&self) -> usize {
        self.0.len() - 1
    }

    /// The keyring of these keys.
    pub fn keyring(&self) -> LocalKeyring {
        let mut roots = self.0.iter();
        let current = roots.next().expect("there is a current key");
        roots.fold(LocalKeyring::from_root(**current), |keyring, earlier| keyring.accepting(**earlier))
    }

    /// The text of a key file.
    pub fn to_text(&self) -> Zeroizing<String> {
        let lines = self.0.iter().map(|root| HEXLOWER_PERMISSIVE.encode(root.as_slice()) + "\n");
        Zeroizing::new(lines.collect())
    }
}

impl FromStr for RootKeys {
    type Err = NotKeys;

    /// Reads one key a line, or several separated by commas; blank lines and lines that begin with `#` do not count.
    fn from_str(text: &str) -> Result<Self, NotKeys> {
        let lines = text.split([',', '\n']).map(str::trim);
        let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
        let roots = lines.map(|line| {
            let bytes = HEXLOWER_PERMISSIVE.decode(line.as_bytes()).map_err(|_| NotKeys)?;
            Ok(Zeroizing::new(bytes.try_into().map_err(|_| NotKeys)?))
        });
        let roots = roots.collect::<Result<Vec<_>, _>>()?;
        if roots.is_empty() { Err(NotKeys) } else { Ok(Self(roots)) }
    }
}

impl fmt::Debug for RootKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RootKeys({})", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_key_is_the_current_one() {
        let (one, two) = ("01".repeat(32), "02".repeat(32));
        let keys: RootKeys = format!("# of 2026\n{one}\n\n{two}\n").parse().unwrap();
        assert_eq!((keys.earlier(), keys.to_text().as_str()), (1, format!("{one}\n{two}\n").as_str()));
        assert_eq!(keys.current_only().to_text().as_str(), format!("{one}\n"));
        assert_eq!(format!("{one},{two}").parse::<RootKeys>().unwrap().earlier(), 1);
    }

    #[test]
    fn what_is_no_key_is_refused() {
        for text in
            ["", "\n", "#", "secret", &"0".repeat(63), &"0".repeat(66), &format!("{}x", "0".repeat(63))]
        {
            assert_eq!(text.parse::<RootKeys>().map(|_| ()), Err(NotKeys), "{text}");
        }
    }
}
