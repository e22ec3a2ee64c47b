//! Spanish.

use super::Phrases;

pub(super) const PHRASES: Phrases = Phrases {
    disclosure: "Está hablando con un asistente de IA.",
    team: "nuestro equipo",
    greeting: "¡Hola! ¿En qué puedo ayudarle?",
    thanks: "¡De nada!",
    goodbye: "¡Adiós y gracias por su visita!",
    did_you_mean: "No estoy seguro de haber entendido. ¿Se refiere a uno de estos temas?",
    unclear: "No lo he entendido. ¿Puede preguntarlo con otras palabras?",
    refused: "No tengo una respuesta aprobada sobre eso. ¿Quiere hablar con una persona?",
    partial: "No tengo una respuesta aprobada para el resto de su pregunta. ¿Quiere hablar con una persona?",
    escalated: "Paso esta conversación a nuestro equipo. Una persona la leerá y le responderá.",
    model_trouble: "Ahora mismo no puedo darle una buena respuesta. Una persona se ocupará de su pregunta.",
    limited: "En este momento no puedo responder a más preguntas. Póngase en contacto directamente con nuestro equipo.",
    ask_person_title: "Hablar con una persona",
    ask_person_question: "Quiero hablar con una persona",
};
