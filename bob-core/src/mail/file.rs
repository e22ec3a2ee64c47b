//! Mail that is put into a folder, one file each, for something else to send or for somebody to read.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use uuid::Uuid;

use super::{Mail, MailError, MailErrorKind, Mailer, message};
use crate::account::Email;
use crate::clock::Clock;

/// Writes each mail into a file of its own, whose name ends in `.eml`.
///
/// A file has its name only once it is whole and on disk, and only its owner may read it: it may hold a link that sets a
/// password. Later mails have later names.
#[derive(Debug, Clone)]
pub struct FileMailer {
    folder: PathBuf,
    from: Email,
    clock: Arc<dyn Clock>,
}

impl FileMailer {
    /// Writes into `folder`, which is made with the first mail if it is not there.
    pub fn new(folder: impl Into<PathBuf>, from: Email, clock: Arc<dyn Clock>) -> Self {
        Self { folder: folder.into(), from, clock }
    }
}

#[async_trait]
impl Mailer for FileMailer {
    async fn send(&self, mail: &Mail) -> Result<(), MailError> {
        let unavailable = |error: std::io::Error| MailError::because(MailErrorKind::Unavailable, error);
        let text = message::write(mail, &self.from, self.clock.now())?;
        let folder = self.folder.clone();
        let written = tokio::task::spawn_blocking(move || put(&folder, text.as_bytes())).await;
        written.map_err(|error| unavailable(error.into()))?.map_err(unavailable)
    }
}

fn put(folder: &Path, content: &[u8]) -> std::io::Result<()> {
    fs::create_dir_all(folder)?;
    let name = Uuid::now_v7();
    let (unfinished, path) = (folder.join(format!(".{name}")), folder.join(format!("{name}.eml")));
    let written = create(&unfinished).and_then(|mut file| {
        file.write_all(content)?;
        file.sync_all()
    });
    let done = written.and_then(|()| fs::rename(&unfinished, &path));
    if done.is_err() {
        // Half a mail is of no use; that it cannot be removed either changes nothing.
        let _ = fs::remove_file(&unfinished);
    }
    done
}

#[cfg(unix)]
fn create(path: &Path) -> std::io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

#[cfg(not(unix))]
fn create(path: &Path) -> std::io::Result<File> {
    File::create_new(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::fixture;

    #[tokio::test]
    async fn each_mail_is_a_whole_file_that_only_its_owner_reads() {
        let folder = std::env::temp_dir().join(format!("bob-mail-{}", Uuid::now_v7()));
        let mailer =
            FileMailer::new(folder.join("out"), "bob@shop.example".parse().unwrap(), fixture::clock());
        for subject in ["One", "Two"] {
            let mail = Mail::new("anna@shop.example".parse().unwrap(), subject, "Hello");
            mailer.send(&mail).await.unwrap();
        }
        let mut files: Vec<PathBuf> =
            fs::read_dir(folder.join("out")).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        let texts: Vec<String> = files.iter().map(|file| fs::read_to_string(file).unwrap()).collect();
        let modes = files.iter().map(|file| {
            use std::os::unix::fs::PermissionsExt as _;
            fs::metadata(file).unwrap().permissions().mode() & 0o777
        });
        assert!(modes.eq([0o600, 0o600]));
        fs::remove_dir_all(&folder).unwrap();
        assert!(files.iter().all(|file| file.extension().is_some_and(|ending| ending == "eml")), "{files:?}");
        assert!(texts[0].contains("Subject: One\r\n") && texts[1].contains("Subject: Two\r\n"));
    }

    #[tokio::test]
    async fn a_folder_that_cannot_be_written_is_a_failure_to_try_again() {
        let folder = std::env::temp_dir().join(format!("bob-mail-{}", Uuid::now_v7()));
        fs::write(&folder, "a file").unwrap();
        let mailer = FileMailer::new(&folder, "bob@shop.example".parse().unwrap(), fixture::clock());
        let mail = Mail::new("anna@shop.example".parse().unwrap(), "One", "Hello");
        let refused = mailer.send(&mail).await.unwrap_err();
        fs::remove_file(&folder).unwrap();
        assert_eq!(refused.kind(), MailErrorKind::Unavailable);
    }
}
