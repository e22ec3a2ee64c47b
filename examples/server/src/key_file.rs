//! The file that holds the root key.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write as _};
use std::path::Path;

use bob_core::keyring::Keyring;
use data_encoding::HEXLOWER_PERMISSIVE;

/// The key cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// The database is there and its key is not: a new key would sign everybody out and, one day, read nothing.
    #[error("the database exists but its key file {0} does not; restore it, or name it in BOB_KEY_FILE")]
    Missing(String),
    /// The file holds something else.
    #[error("the key file {0} does not hold 64 hexadecimal digits")]
    NotAKey(String),
    /// Others could read it.
    #[error("the key file {0} can be read by others; run: chmod 600 {0}")]
    Exposed(String),
    /// The file system refused.
    #[error("the key file {0} cannot be used")]
    File(String, #[source] io::Error),
    /// There is no randomness to make one from.
    #[error(transparent)]
    NoRandomness(#[from] bob_core::keyring::NoRandomness),
}

/// Reads the key, or makes one when the database is new.
pub fn read_or_make(path: &Path, database_exists: bool) -> Result<Keyring, KeyFileError> {
    let shown = || path.display().to_string();
    match File::open(path) {
        Ok(file) => read(file, shown()),
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(KeyFileError::File(shown(), error)),
        Err(_) if database_exists => Err(KeyFileError::Missing(shown())),
        Err(_) => match make(path) {
            Ok(keyring) => Ok(keyring),
            // Another node was faster; its key is everybody's.
            Err(Ok(error)) if error.kind() == io::ErrorKind::AlreadyExists => read_or_make(path, true),
            Err(Ok(error)) => Err(KeyFileError::File(shown(), error)),
            Err(Err(none)) => Err(none.into()),
        },
    }
}

fn read(mut file: File, shown: String) -> Result<Keyring, KeyFileError> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode =
            file.metadata().map_err(|error| KeyFileError::File(shown.clone(), error))?.permissions().mode();
        if mode & 0o077 != 0 {
            return Err(KeyFileError::Exposed(shown));
        }
    }
    let mut text = String::new();
    Read::by_ref(&mut file)
        .take(1_024)
        .read_to_string(&mut text)
        .map_err(|error| KeyFileError::File(shown.clone(), error))?;
    let root =
        HEXLOWER_PERMISSIVE.decode(text.trim().as_bytes()).ok().and_then(|bytes| bytes.try_into().ok());
    root.map(Keyring::from_root).ok_or(KeyFileError::NotAKey(shown))
}

/// Makes the key in a file of its own and then gives it its name, so that of several nodes that start at once all read
/// one whole key.
fn make(path: &Path) -> Result<Keyring, Result<io::Error, bob_core::keyring::NoRandomness>> {
    let keyring = Keyring::generate().map_err(Err)?;
    let draft = path.with_extension(format!("{}.new", bob_core::id::NodeId::new()));
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    let written = options.open(&draft).and_then(|mut file| {
        writeln!(file, "{}", HEXLOWER_PERMISSIVE.encode(keyring.expose_root()))?;
        file.sync_all()?;
        std::fs::hard_link(&draft, path)
    });
    let _ = std::fs::remove_file(&draft);
    written.map(|()| keyring).map_err(Ok)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_for_its_owner_only_and_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bob.key");
        let made = read_or_make(&path, false).unwrap();
        assert_eq!(read_or_make(&path, true).unwrap().expose_root(), made.expose_root());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
            assert!(matches!(read_or_make(&path, true), Err(KeyFileError::Exposed(_))));
        }
    }

    #[test]
    fn nodes_that_start_at_once_share_one_key() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bob.key");
        let keys: Vec<_> = std::thread::scope(|nodes| {
            let started: Vec<_> =
                (0..8).map(|_| nodes.spawn(|| read_or_make(&path, false).unwrap())).collect();
            started.into_iter().map(|node| *node.join().unwrap().expose_root()).collect()
        });
        assert!(keys.iter().all(|key| *key == keys[0]));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no draft is left behind");
    }

    #[test]
    fn a_database_without_its_key_is_not_given_another() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bob.key");
        assert!(matches!(read_or_make(&path, true), Err(KeyFileError::Missing(_))));
        assert!(!path.exists());
    }

    #[test]
    fn a_file_with_something_else_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bob.key");
        read_or_make(&path, false).unwrap();
        std::fs::write(&path, "secret").unwrap();
        assert!(matches!(read_or_make(&path, true), Err(KeyFileError::NotAKey(_))));
    }
}
