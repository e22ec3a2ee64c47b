//! Mail that stays here, for tests.

use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use tokio::sync::Notify;

use super::{Mail, MailError, MailErrorKind, Mailer};

/// Keeps every mail, or refuses all of them.
#[derive(Debug, Default)]
pub struct MemoryMailer {
    state: Mutex<State>,
    sent: Notify,
}

#[derive(Debug, Default)]
struct State {
    mails: Vec<Mail>,
    taken: usize,
    fault: Option<MailErrorKind>,
}

impl MemoryMailer {
    /// From now on every mail fails like this, or none does.
    pub fn fail(&self, fault: Option<MailErrorKind>) {
        self.state().fault = fault;
    }

    /// All mails so far.
    #[must_use]
    pub fn all(&self) -> Vec<Mail> {
        self.state().mails.clone()
    }

    /// The next mail that was not taken yet; waits for it.
    pub async fn next(&self) -> Mail {
        loop {
            let sent = self.sent.notified();
            {
                let mut state = self.state();
                if let Some(mail) = state.mails.get(state.taken).cloned() {
                    state.taken += 1;
                    return mail;
                }
            }
            sent.await;
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        // A list is right after each step.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Mailer for MemoryMailer {
    async fn send(&self, mail: &Mail) -> Result<(), MailError> {
        let mut state = self.state();
        if let Some(kind) = state.fault {
            return Err(MailError::new(kind));
        }
        state.mails.push(mail.clone());
        drop(state);
        self.sent.notify_one();
        Ok(())
    }
}
