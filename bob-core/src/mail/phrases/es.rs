//! Spanish.

use super::{MailPhrases, Texts};

pub(super) const PHRASES: MailPhrases = MailPhrases {
    invitation: Texts {
        subject: "{business} le invita",
        text: "Hola:

{business} le invita a formar parte de su equipo. Elija aquí una contraseña:

{link}

El enlace funciona una sola vez, durante 7 días. Si no esperaba este mensaje, ignórelo.
",
    },
    welcome: Texts {
        subject: "Ya forma parte de {business}",
        text: "Hola:

{business} le ha añadido a su equipo. Inicie sesión con su dirección y su contraseña:

{link}

Si no esperaba este mensaje, pregúnteles.
",
    },
    reset: Texts {
        subject: "Elegir otra contraseña",
        text: "Hola:

alguien, probablemente usted, olvidó la contraseña de esta dirección. Elija otra aquí:

{link}

El enlace funciona una sola vez, durante una hora. Si no fue usted, no haga nada: su contraseña sigue igual.
",
    },
    password_changed: Texts {
        subject: "Se ha cambiado su contraseña",
        text: "Hola:

se ha cambiado su contraseña y se han cerrado todas las sesiones abiertas con la anterior.

Si no fue usted, elija otra de inmediato con «contraseña olvidada» y avise a quien gestiona este servicio.
",
    },
    failed_sign_ins: Texts {
        subject: "Muchos intentos fallidos de inicio de sesión",
        text: "Hola:

ha habido muchos intentos de iniciar sesión con su dirección y contraseñas incorrectas. Nadie entró con ellos, y durante
un rato los inicios de sesión se responden más despacio.

Si su contraseña es fácil de adivinar o la usa también en otro sitio, elija otra.
",
    },
};
