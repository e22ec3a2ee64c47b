//! How mail leaves this server: by SMTP, into a folder, or onto the screen of a server that only this machine reaches.

use std::error::Error;
use std::io::Write as _;
use std::sync::Arc;

use async_trait::async_trait;
use bob_core::account::Email;
use bob_core::clock::SystemClock;
use bob_core::mail::{FileMailer, Mail, MailError, MailErrorKind, Mailer};

use crate::options::MailOptions;

/// The mailer that the options name; nobody sends mail off this machine unless one is named.
pub fn mailer(options: &MailOptions, loopback: bool) -> Result<Option<Arc<dyn Mailer>>, Box<dyn Error>> {
    if let Some(folder) = &options.mail_dir {
        let from = from(options)?;
        return Ok(Some(Arc::new(FileMailer::new(folder, from, Arc::new(SystemClock)))));
    }
    if let Some(url) = &options.smtp_url {
        return Ok(Some(smtp(url, from(options)?)?));
    }
    Ok(loopback.then(|| Arc::new(Console) as Arc<dyn Mailer>))
}

fn from(options: &MailOptions) -> Result<Email, Box<dyn Error>> {
    match &options.mail_from {
        Some(from) => Ok(from.clone()),
        None => Err("sending mail needs BOB_MAIL_FROM, the address that it comes from".into()),
    }
}

#[cfg(feature = "smtp")]
fn smtp(url: &str, from: Email) -> Result<Arc<dyn Mailer>, Box<dyn Error>> {
    let mailer = bob_core::mail::SmtpMailer::new(url, from, Arc::new(SystemClock));
    Ok(Arc::new(mailer.map_err(|error| format!("BOB_SMTP_URL: {error}"))?))
}

#[cfg(not(feature = "smtp"))]
fn smtp(_: &str, _: Email) -> Result<Arc<dyn Mailer>, Box<dyn Error>> {
    Err("BOB_SMTP_URL: this bob-server was built without the feature smtp".into())
}

/// Shows what would be sent, links included: on the operator's own screen, for trying things out.
#[derive(Debug)]
struct Console;

#[async_trait]
impl Mailer for Console {
    async fn send(&self, mail: &Mail) -> Result<(), MailError> {
        let text = mail.text().trim_end().replace('\n', "\n  | ");
        let shown = writeln!(
            std::io::stdout(),
            "A mail that is not sent, because no BOB_SMTP_URL or BOB_MAIL_DIR is set:\n  | To: {}\n  | Subject: {}\n  |\n  | {text}",
            mail.to(),
            mail.subject()
        );
        shown.map_err(|error| MailError::because(MailErrorKind::Unavailable, error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(smtp_url: Option<&str>, mail_dir: Option<&str>, mail_from: Option<&str>) -> MailOptions {
        MailOptions {
            smtp_url: smtp_url.map(str::to_owned),
            mail_dir: mail_dir.map(Into::into),
            mail_from: mail_from.map(|from| from.parse().unwrap()),
        }
    }

    #[test]
    fn mail_is_shown_on_this_machine_and_goes_nowhere_elsewhere_unless_told() {
        assert!(mailer(&options(None, None, None), true).unwrap().is_some());
        assert!(mailer(&options(None, None, None), false).unwrap().is_none());
        assert!(mailer(&options(None, Some("mail"), Some("bob@shop.example")), false).unwrap().is_some());
        let needs_from = mailer(&options(None, Some("mail"), None), true).unwrap_err().to_string();
        assert!(needs_from.contains("BOB_MAIL_FROM"), "{needs_from}");
    }

    #[cfg(feature = "smtp")]
    #[tokio::test]
    async fn a_mail_server_is_named_and_its_password_never_quoted() {
        let from = Some("bob@shop.example");
        assert!(mailer(&options(Some("smtps://u:p@mail.example"), None, from), false).unwrap().is_some());
        let wrong = mailer(&options(Some("mailto://user:hunter2@mail.example"), None, from), false);
        let told = wrong.unwrap_err().to_string();
        assert!(told.starts_with("BOB_SMTP_URL: ") && !told.contains("hunter2"), "{told}");
    }
}
