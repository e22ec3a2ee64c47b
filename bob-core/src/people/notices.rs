//! Mails that tell people about their accounts; they leave in the background.

use std::time::Duration;

use super::{MailSent, People};
use crate::account::Email;
use crate::id::AccountId;
use crate::language::Language;
use crate::mail::{Mail, MailPhrases};

/// How long a mail may take; whoever waits for it has an answer to give.
const PATIENCE: Duration = Duration::from_secs(20);

impl People {
    /// Tells a person that their password was changed.
    pub fn tell_password_changed(&self, email: Email) {
        self.tell(email, MailPhrases::password_changed);
    }

    /// Tells those whose sign-ins failed often since the last call; each once a throttle's window.
    pub fn tell_failed_sign_ins(&self) {
        for email in self.parts.memory.throttle.take_alarms() {
            self.tell(email, MailPhrases::failed_sign_ins);
        }
    }

    fn tell(&self, email: Email, mail: fn(&MailPhrases, Email) -> Mail) {
        if self.parts.mailer.is_none() {
            return;
        }
        let people = self.clone();
        let tell = async move {
            let Ok(Some(account)) = people.parts.storage.account_by_email(&email).await else { return };
            if account.disabled_at.is_none() && account.password.is_some() {
                let phrases = MailPhrases::for_language(people.language_of(&account.id).await);
                people.send(&mail(phrases, account.email)).await;
            }
        };
        if self.parts.life.spawn(tell).is_err() {
            tracing::warn!("a notice about an account could not be sent: Bob is not running");
        }
    }

    /// The language of the first business that a person belongs to; English when there is none or it cannot be read.
    pub(super) async fn language_of(&self, account: &AccountId) -> Language {
        let Ok(memberships) = self.parts.storage.memberships(account).await else { return Language::EN };
        let Some(first) = memberships.first() else { return Language::EN };
        let snapshot = self.parts.storage.tenant_snapshot(&first.tenant).await;
        snapshot.map_or(Language::EN, |snapshot| snapshot.tenant.default_language())
    }

    /// Hands a mail over and waits for that, for a while.
    pub(super) async fn send(&self, mail: &Mail) -> MailSent {
        let Some(mailer) = &self.parts.mailer else { return MailSent::None };
        match tokio::time::timeout(PATIENCE, mailer.send(mail)).await {
            Ok(Ok(())) => MailSent::Sent,
            Ok(Err(error)) => {
                tracing::warn!(error = ?error, "a mail did not leave");
                MailSent::Failed
            }
            Err(_) => {
                tracing::warn!("a mail did not leave in time");
                MailSent::Failed
            }
        }
    }
}
