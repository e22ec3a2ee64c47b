//! The fixed texts of mails.
//!
//! A struct of texts without gaps, *because* a language that lacks one does not compile. `{business}` and `{link}` stand
//! for what differs; a blank line is a new paragraph.

mod de;
mod en;
mod es;
mod fr;
mod ja;

use super::Mail;
use crate::account::Email;
use crate::language::Language;

/// One mail's texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Texts {
    subject: &'static str,
    text: &'static str,
}

/// Every mail in one language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MailPhrases {
    /// Asks somebody new to set a password.
    invitation: Texts,
    /// Tells somebody known that they belong to a business now.
    welcome: Texts,
    /// Lets somebody set another password.
    reset: Texts,
    /// Tells that a password was changed.
    password_changed: Texts,
    /// Tells that many tried to sign in.
    failed_sign_ins: Texts,
}

impl MailPhrases {
    /// The mails of a language; English where there are none.
    #[must_use]
    pub fn for_language(language: Language) -> &'static Self {
        match language {
            Language::DE => &de::PHRASES,
            Language::JA => &ja::PHRASES,
            Language::FR => &fr::PHRASES,
            Language::ES => &es::PHRASES,
            _ => &en::PHRASES,
        }
    }

    /// Asks somebody to set a first password behind `link`.
    #[must_use]
    pub fn invitation(&self, to: Email, business: &str, link: &str) -> Mail {
        self.invitation.mail(to, business, link)
    }

    /// Tells somebody that they belong to a business now, which is at `link`.
    #[must_use]
    pub fn welcome(&self, to: Email, business: &str, link: &str) -> Mail {
        self.welcome.mail(to, business, link)
    }

    /// Lets somebody set another password behind `link`.
    #[must_use]
    pub fn reset(&self, to: Email, link: &str) -> Mail {
        self.reset.mail(to, "", link)
    }

    /// Tells somebody that their password was changed.
    #[must_use]
    pub fn password_changed(&self, to: Email) -> Mail {
        self.password_changed.mail(to, "", "")
    }

    /// Tells somebody that many attempts to sign in as them failed.
    #[must_use]
    pub fn failed_sign_ins(&self, to: Email) -> Mail {
        self.failed_sign_ins.mail(to, "", "")
    }

    #[cfg(test)]
    fn all(&self) -> [Texts; 5] {
        [self.invitation, self.welcome, self.reset, self.password_changed, self.failed_sign_ins]
    }
}

impl Texts {
    fn mail(&self, to: Email, business: &str, link: &str) -> Mail {
        let business: String = business.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        // The link first: a business may be called anything, also {link}.
        let filled = |text: &str| text.replace("{link}", link).replace("{business}", &business);
        Mail::new(to, &filled(self.subject), filled(self.text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::Phrases;

    #[test]
    fn every_language_says_the_same_with_the_same_gaps() {
        let english = MailPhrases::for_language(Language::EN).all();
        for language in Phrases::LANGUAGES {
            let mails = MailPhrases::for_language(language).all();
            for (texts, english) in mails.iter().zip(&english) {
                for gap in ["{business}", "{link}"] {
                    for (text, english) in [(texts.subject, english.subject), (texts.text, english.text)] {
                        assert_eq!(text.contains(gap), english.contains(gap), "{language}: {text}");
                    }
                }
                assert!(!texts.subject.contains('\n') && texts.text.ends_with('\n'), "{language}");
                assert!(texts.text.lines().all(|line| line.len() <= 400), "{language}");
            }
            if language != Language::EN {
                assert_ne!(mails, english, "{language}");
            }
        }
    }

    #[test]
    fn a_business_called_like_a_gap_moves_no_link() {
        let phrases = MailPhrases::for_language(Language::EN);
        let mail =
            phrases.invitation("a@b.example".parse().unwrap(), "{link}\r\nBcc: x", "https://bob.example/");
        assert_eq!(mail.text().matches("https://bob.example/").count(), 1);
        assert!(mail.subject().contains("{link}  Bcc: x"), "{}", mail.subject());
    }
}
