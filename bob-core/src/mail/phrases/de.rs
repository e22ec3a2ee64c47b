//! German.

use super::{MailPhrases, Texts};

pub(super) const PHRASES: MailPhrases = MailPhrases {
    invitation: Texts {
        subject: "{business} lädt Sie ein",
        text: "Guten Tag,

{business} lädt Sie zur Mitarbeit ein. Wählen Sie hier ein Passwort:

{link}

Der Link gilt einmal, 7 Tage lang. Wenn Sie das nicht erwartet haben, beachten Sie ihn nicht.
",
    },
    welcome: Texts {
        subject: "Sie gehören jetzt zu {business}",
        text: "Guten Tag,

{business} hat Sie aufgenommen. Melden Sie sich mit Ihrer Adresse und Ihrem Passwort an:

{link}

Wenn Sie das nicht erwartet haben, fragen Sie dort nach.
",
    },
    reset: Texts {
        subject: "Ein anderes Passwort wählen",
        text: "Guten Tag,

jemand, wahrscheinlich Sie, hat das Passwort zu dieser Adresse vergessen. Wählen Sie hier ein anderes:

{link}

Der Link gilt einmal, eine Stunde lang. Wenn Sie es nicht waren, tun Sie nichts: Ihr Passwort bleibt, wie es ist.
",
    },
    password_changed: Texts {
        subject: "Ihr Passwort wurde geändert",
        text: "Guten Tag,

Ihr Passwort wurde geändert, und wer mit dem alten angemeldet war, ist abgemeldet.

Wenn Sie es nicht waren, wählen Sie sofort ein anderes über „Passwort vergessen“ und verständigen Sie den Betreiber.
",
    },
    failed_sign_ins: Texts {
        subject: "Viele fehlgeschlagene Anmeldungen",
        text: "Guten Tag,

es gab viele Versuche, sich mit Ihrer Adresse und falschen Passwörtern anzumelden. Niemand kam damit hinein, und
Anmeldungen werden für eine Weile langsamer beantwortet.

Wenn Ihr Passwort leicht zu erraten ist oder auch anderswo gilt, wählen Sie ein anderes.
",
    },
};
