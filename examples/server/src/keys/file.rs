//! The file that holds the root keys.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock};

use async_trait::async_trait;
use bob_core::id::{NodeId, TenantId};
use bob_core::keyring::{Keyring, KeyringError, KeyringErrorKind, LocalKeyring, NoRandomness};
use zeroize::Zeroizing;

use super::RootKeys;

/// No key file is longer.
const LONGEST: u64 = 16 * 1024;

/// The keys cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// The database is there and its key is not: a new key would read nothing.
    #[error(
        "the key file {0} is missing; restore it, or name it in BOB_KEY_FILE (a new database gets a first key by: bob-server keys add)"
    )]
    Missing(String),
    /// The file holds something else.
    #[error("the key file {0} does not hold keys of 64 hexadecimal digits, one a line")]
    NotKeys(String),
    /// Others could read it.
    #[error("the key file {0} can be read by others; run: chmod 600 {0}")]
    Exposed(String),
    /// The file system refused.
    #[error("the key file {0} cannot be used")]
    File(String, #[source] io::Error),
    /// There is no randomness to make one from.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
}

/// A keyring whose keys stand in a file, and that reads it again when it meets a key it does not know: keys are changed
/// while servers run.
pub struct KeyFile {
    path: PathBuf,
    keyring: RwLock<LocalKeyring>,
}

impl KeyFile {
    /// Reads the file, or makes it with a first key when `may_make`.
    pub fn open(path: &Path, may_make: bool) -> Result<Self, KeyFileError> {
        let keys = match read(path) {
            Err(KeyFileError::Missing(_)) if may_make => match make(path, &RootKeys::generate()?) {
                // Another node was faster; its key is everybody's.
                Err(KeyFileError::File(_, error)) if error.kind() == io::ErrorKind::AlreadyExists => {
                    read(path)?
                }
                made => made?,
            },
            read => read?,
        };
        Ok(Self { path: path.to_owned(), keyring: RwLock::new(keys.keyring()) })
    }

    /// Puts a new key before all others, or makes the file with a first one; answers the keys it holds then.
    pub fn add_key(path: &Path) -> Result<RootKeys, KeyFileError> {
        match change(path, RootKeys::with_a_new_one) {
            Err(KeyFileError::Missing(_)) => make(path, &RootKeys::generate()?),
            changed => changed.map(|(_, after)| after),
        }
    }

    /// Leaves the current key alone; answers how many others there were.
    pub fn forget_earlier(path: &Path) -> Result<usize, KeyFileError> {
        let (before, _) = change(path, |keys| Ok(keys.current_only()))?;
        Ok(before.earlier())
    }

    fn current(&self) -> LocalKeyring {
        self.keyring.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn read_again(&self) -> Result<LocalKeyring, KeyringError> {
        let read =
            read(&self.path).map_err(|error| KeyringError::because(KeyringErrorKind::Unavailable, error))?;
        let keyring = read.keyring();
        *self.keyring.write().unwrap_or_else(PoisonError::into_inner) = keyring.clone();
        Ok(keyring)
    }
}

#[async_trait]
impl Keyring for KeyFile {
    async fn wrap(&self, tenant: &TenantId, key: &[u8; 32]) -> Result<Vec<u8>, KeyringError> {
        self.current().wrap(tenant, key).await
    }

    async fn unwrap(&self, tenant: &TenantId, wrapped: &[u8]) -> Result<Zeroizing<[u8; 32]>, KeyringError> {
        match self.current().unwrap(tenant, wrapped).await {
            Err(error) if error.kind() == KeyringErrorKind::WrongKey => {
                self.read_again()?.unwrap(tenant, wrapped).await
            }
            unwrapped => unwrapped,
        }
    }

    fn is_current(&self, wrapped: &[u8]) -> bool {
        self.current().is_current(wrapped)
    }
}

impl fmt::Debug for KeyFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("KeyFile").field(&self.path).finish()
    }
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

fn refused(path: &Path) -> impl Fn(io::Error) -> KeyFileError {
    let shown = shown(path);
    move |error| KeyFileError::File(shown.clone(), error)
}

fn read(path: &Path) -> Result<RootKeys, KeyFileError> {
    let refused_or_missing = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => KeyFileError::Missing(shown(path)),
        _ => refused(path)(error),
    };
    // A pipe would be waited for, a device be read for ever.
    if !path.metadata().map_err(refused_or_missing)?.is_file() {
        return Err(KeyFileError::NotKeys(shown(path)));
    }
    let mut file = File::open(path).map_err(refused_or_missing)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = file.metadata().map_err(refused(path))?.permissions().mode();
        if mode & 0o077 != 0 {
            return Err(KeyFileError::Exposed(shown(path)));
        }
    }
    let mut text = Zeroizing::new(String::new());
    Read::by_ref(&mut file).take(LONGEST).read_to_string(&mut text).map_err(refused(path))?;
    text.parse().map_err(|_| KeyFileError::NotKeys(shown(path)))
}

/// Makes the file, unless it is there.
fn make(path: &Path, keys: &RootKeys) -> Result<RootKeys, KeyFileError> {
    write(path, keys, |draft| std::fs::hard_link(draft, path))
}

/// Puts other keys in the file's place, one process at a time; whoever reads it meanwhile reads the old ones or the new
/// ones. Answers the keys of before and of now.
fn change(
    path: &Path,
    change: impl FnOnce(RootKeys) -> Result<RootKeys, NoRandomness>,
) -> Result<(RootKeys, RootKeys), KeyFileError> {
    // Behind a link stands the file that others know by its own name.
    let path = &path.canonicalize().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => KeyFileError::Missing(shown(path)),
        _ => refused(path)(error),
    })?;
    let _lock = lock(path)?;
    let before = read(path)?;
    remove_drafts(path);
    let after = change(before.clone())?;
    write(path, &after, |draft| std::fs::rename(draft, path))?;
    Ok((before, after))
}

/// Holds the lock of the file that has this name now; one that was replaced meanwhile is nobody's any more.
fn lock(path: &Path) -> Result<File, KeyFileError> {
    loop {
        let file = File::open(path).map_err(refused(path))?;
        file.lock().map_err(refused(path))?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt as _;
            let held = file.metadata().map_err(refused(path))?;
            if !path.metadata().is_ok_and(|named| (named.dev(), named.ino()) == (held.dev(), held.ino())) {
                continue;
            }
        }
        return Ok(file);
    }
}

/// Removes what processes left behind that were killed while they wrote; drafts hold keys.
fn remove_drafts(path: &Path) {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let drafts = std::fs::read_dir(folder).into_iter().flatten().flatten().filter(|entry| {
        let name = entry.file_name().to_string_lossy().into_owned();
        let middle = name.strip_prefix(&format!("{stem}.")).and_then(|rest| rest.strip_suffix(".new"));
        middle.is_some_and(|middle| middle.parse::<NodeId>().is_ok())
    });
    for draft in drafts {
        let _ = std::fs::remove_file(draft.path());
    }
}

/// Writes the keys to a file of its own and only then gives it its name, so that nobody ever reads half a key.
fn write(
    path: &Path,
    keys: &RootKeys,
    name: impl FnOnce(&Path) -> io::Result<()>,
) -> Result<RootKeys, KeyFileError> {
    let draft = path.with_extension(format!("{}.new", NodeId::new()));
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(&draft).and_then(|mut file| {
        file.write_all(keys.to_text().as_bytes())?;
        file.sync_all()?;
        name(&draft)?;
        match path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            Some(folder) => File::open(folder)?.sync_all(),
            None => File::open(".")?.sync_all(),
        }
    });
    let _ = std::fs::remove_file(&draft);
    written.map(|()| keys.clone()).map_err(refused(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TENANT: TenantId = TenantId::from_uuid(bob_core::account::PLATFORM_REALM.as_uuid());

    fn folder() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bob.key");
        (folder, path)
    }

    #[tokio::test]
    async fn a_key_is_made_once_for_its_owner_only_and_read_again() {
        let (_folder, path) = folder();
        let wrapped = KeyFile::open(&path, true).unwrap().wrap(&TENANT, &[9; 32]).await.unwrap();
        let again = KeyFile::open(&path, false).unwrap();
        assert_eq!(*again.unwrap(&TENANT, &wrapped).await.unwrap(), [9; 32]);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
            assert!(matches!(KeyFile::open(&path, false), Err(KeyFileError::Exposed(_))));
        }
    }

    #[test]
    fn nodes_that_start_at_once_share_one_key() {
        let (folder, path) = folder();
        std::thread::scope(|nodes| {
            let started: Vec<_> =
                (0..8).map(|_| nodes.spawn(|| KeyFile::open(&path, true).unwrap())).collect();
            started.into_iter().for_each(|node| drop(node.join().unwrap()));
        });
        assert_eq!(read(&path).unwrap().earlier(), 0);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no draft is left behind");
    }

    #[tokio::test]
    async fn a_running_server_learns_a_key_that_was_added_behind_it() {
        let (_folder, path) = folder();
        let running = KeyFile::open(&path, true).unwrap();
        let old = running.wrap(&TENANT, &[9; 32]).await.unwrap();
        assert_eq!(KeyFile::add_key(&path).unwrap().earlier(), 1);
        let other = KeyFile::open(&path, false).unwrap();
        assert!(!other.is_current(&old));
        let new = other.wrap(&TENANT, &other.unwrap(&TENANT, &old).await.unwrap()).await.unwrap();
        assert_eq!(*running.unwrap(&TENANT, &new).await.unwrap(), [9; 32]);
        assert!(running.is_current(&new), "it wraps by the new key from now on");
        assert_eq!(KeyFile::forget_earlier(&path).unwrap(), 1);
        let error = KeyFile::open(&path, false).unwrap().unwrap(&TENANT, &old).await.unwrap_err();
        assert_eq!(error.kind(), KeyringErrorKind::WrongKey);
    }

    #[test]
    fn a_database_without_its_key_is_not_given_another() {
        let (_folder, path) = folder();
        assert!(matches!(KeyFile::open(&path, false), Err(KeyFileError::Missing(_))));
        assert!(!path.exists());
    }

    #[test]
    fn keys_that_are_added_at_once_all_stand_and_drafts_of_the_dead_go() {
        let (folder, path) = folder();
        KeyFile::open(&path, true).unwrap();
        std::fs::write(path.with_extension(format!("{}.new", NodeId::new())), "left behind").unwrap();
        std::thread::scope(|operators| {
            let added: Vec<_> =
                (0..8).map(|_| operators.spawn(|| KeyFile::add_key(&path).unwrap())).collect();
            added.into_iter().for_each(|one| drop(one.join().unwrap()));
        });
        assert_eq!(read(&path).unwrap().earlier(), 8);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn a_key_is_added_to_the_file_behind_a_link() {
        let (folder, path) = folder();
        KeyFile::open(&path, true).unwrap();
        let link = folder.path().join("link.key");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        assert_eq!(KeyFile::add_key(&link).unwrap().earlier(), 1);
        assert_eq!(read(&path).unwrap().earlier(), 1);
        assert!(link.is_symlink());
    }

    #[test]
    fn what_is_no_file_is_no_key_file() {
        let (folder, _) = folder();
        assert!(matches!(KeyFile::open(folder.path(), false), Err(KeyFileError::NotKeys(_))));
    }

    #[test]
    fn a_file_with_something_else_is_refused() {
        let (_folder, path) = folder();
        KeyFile::open(&path, true).unwrap();
        std::fs::write(&path, "secret").unwrap();
        assert!(matches!(KeyFile::open(&path, true), Err(KeyFileError::NotKeys(_))));
    }
}
