//! Mail to people: what is said, and the port through which it leaves.
//!
//! Bob writes few mails, all of them fixed texts in a business's language ([`MailPhrases`]): invitations, links to set
//! another password, and what somebody must know about their own account. They leave after what they tell was committed.
//! Without a [`Mailer`] none leaves; whoever invites is told so.
//!
//! - [`MemoryMailer`] keeps them, for tests; [`FileMailer`] writes each into a file of a folder.
//! - `SmtpMailer` sends them (feature `smtp`).
//! - [`message`] writes a mail as RFC 5322 wants it, for other adapters.

mod file;
mod memory;
pub mod message;
mod phrases;
#[cfg(feature = "smtp")]
mod smtp;

use std::fmt;

use async_trait::async_trait;

use crate::account::Email;

pub use file::FileMailer;
pub use memory::MemoryMailer;
pub use phrases::MailPhrases;
#[cfg(feature = "smtp")]
pub use smtp::{SmtpMailer, SmtpUrlError};

/// One mail: plain text to one person.
#[derive(Clone, PartialEq, Eq)]
pub struct Mail {
    to: Email,
    subject: String,
    text: String,
}

impl Mail {
    /// Writes a mail. A subject is one line: what would begin another one becomes a space.
    pub fn new(to: Email, subject: &str, text: impl Into<String>) -> Self {
        let subject: String = subject.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        Self { to, subject: subject.trim().to_owned(), text: text.into() }
    }

    /// To whom.
    #[must_use]
    pub fn to(&self) -> &Email {
        &self.to
    }

    /// The subject; one line.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// The text; lines end in `\n`. It may hold a one-time link, so it is not for logs.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl fmt::Debug for Mail {
    /// Addresses are personal data and texts may hold links; logs do without both.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mail(…)")
    }
}

/// What can be done about a mail that did not leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MailErrorKind {
    /// Nobody takes mail at the moment; try again later.
    Unavailable,
    /// This mail will not be taken, now or later: an address that mail cannot reach, a server that says no.
    Refused,
}

impl fmt::Display for MailErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unavailable => "nobody takes mail at the moment",
            Self::Refused => "the mail was refused",
        })
    }
}

/// A mail did not leave; [`kind`](Self::kind) says what can be done about it.
#[derive(Debug, thiserror::Error)]
#[error("{kind}")]
pub struct MailError {
    kind: MailErrorKind,
    #[source]
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl MailError {
    /// A failure without a deeper cause.
    #[must_use]
    pub fn new(kind: MailErrorKind) -> Self {
        Self { kind, source: None }
    }

    /// A failure with its cause, which is for logs and holds neither addresses nor texts.
    pub fn because(kind: MailErrorKind, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self { kind, source: Some(source.into()) }
    }

    /// What can be done.
    #[must_use]
    pub fn kind(&self) -> MailErrorKind {
        self.kind
    }
}

/// Takes mail and sees to it that it arrives.
///
/// `Ok` means that somebody else is responsible for the mail from now on. A mail is not sent twice by Bob; callers bound
/// how long they wait.
///
/// ```
/// use async_trait::async_trait;
/// use bob_core::mail::{Mail, MailError, Mailer};
///
/// /// Counts and drops.
/// #[derive(Debug, Default)]
/// struct Counter(std::sync::atomic::AtomicU32);
///
/// #[async_trait]
/// impl Mailer for Counter {
///     async fn send(&self, _: &Mail) -> Result<(), MailError> {
///         self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
///         Ok(())
///     }
/// }
/// ```
#[async_trait]
pub trait Mailer: fmt::Debug + Send + Sync {
    /// Hands a mail over.
    ///
    /// # Errors
    ///
    /// [`MailError`] when it did not leave.
    async fn send(&self, mail: &Mail) -> Result<(), MailError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mail_does_not_print_itself() {
        let mail =
            Mail::new("anna@shop.example".parse().unwrap(), "Hi", "https://shop.example/#token=bp_secret");
        assert_eq!(format!("{mail:?}"), "Mail(…)");
    }

    #[test]
    fn a_subject_is_one_line() {
        let mail = Mail::new("a@b.example".parse().unwrap(), " Hi\r\nBcc: x@y.example\u{85}\0 ", "text");
        assert_eq!(mail.subject(), "Hi  Bcc: x@y.example");
    }
}
