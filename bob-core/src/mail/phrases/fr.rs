//! French.

use super::{MailPhrases, Texts};

pub(super) const PHRASES: MailPhrases = MailPhrases {
    invitation: Texts {
        subject: "{business} vous invite",
        text: "Bonjour,

{business} vous invite à rejoindre son équipe. Choisissez un mot de passe ici :

{link}

Le lien fonctionne une seule fois, pendant 7 jours. Si vous n'attendiez pas ce message, ignorez-le.
",
    },
    welcome: Texts {
        subject: "Vous faites maintenant partie de {business}",
        text: "Bonjour,

{business} vous a ajouté à son équipe. Connectez-vous avec votre adresse et votre mot de passe :

{link}

Si vous n'attendiez pas ce message, renseignez-vous auprès d'eux.
",
    },
    reset: Texts {
        subject: "Choisir un autre mot de passe",
        text: "Bonjour,

quelqu'un, sans doute vous, a oublié le mot de passe de cette adresse. Choisissez-en un autre ici :

{link}

Le lien fonctionne une seule fois, pendant une heure. Si ce n'était pas vous, ne faites rien : votre mot de passe reste
inchangé.
",
    },
    password_changed: Texts {
        subject: "Votre mot de passe a été modifié",
        text: "Bonjour,

votre mot de passe a été modifié, et toutes les sessions ouvertes avec l'ancien sont fermées.

Si ce n'était pas vous, choisissez-en tout de suite un autre par « mot de passe oublié » et prévenez l'exploitant.
",
    },
    failed_sign_ins: Texts {
        subject: "De nombreuses connexions refusées",
        text: "Bonjour,

il y a eu de nombreuses tentatives de connexion avec votre adresse et de mauvais mots de passe. Aucune n'a réussi, et les
connexions répondent plus lentement pendant un moment.

Si votre mot de passe est facile à deviner ou sert aussi ailleurs, choisissez-en un autre.
",
    },
};
