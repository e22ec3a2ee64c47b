//! English.

use super::{MailPhrases, Texts};

pub(super) const PHRASES: MailPhrases = MailPhrases {
    invitation: Texts {
        subject: "{business} invites you",
        text: "Hello,

{business} invites you to work with them. Choose a password here:

{link}

The link works once, for 7 days. If you did not expect this, ignore it.
",
    },
    welcome: Texts {
        subject: "You belong to {business} now",
        text: "Hello,

{business} added you to their people. Sign in with your address and your password:

{link}

If you did not expect this, ask them.
",
    },
    reset: Texts {
        subject: "Choose another password",
        text: "Hello,

somebody, probably you, forgot the password of this address. Choose another one here:

{link}

The link works once, for an hour. If it was not you, ignore this: your password stays as it is.
",
    },
    password_changed: Texts {
        subject: "Your password was changed",
        text: "Hello,

your password was changed, and everybody who was signed in with the old one is signed out.

If it was not you, choose another one at once by \"forgotten password\", and tell whoever runs this service.
",
    },
    failed_sign_ins: Texts {
        subject: "Many failed attempts to sign in",
        text: "Hello,

there were many attempts to sign in with your address and wrong passwords. Nobody got in by them, and sign-ins are
answered more slowly for a while.

If your password is easy to guess or used elsewhere too, choose another one.
",
    },
};
