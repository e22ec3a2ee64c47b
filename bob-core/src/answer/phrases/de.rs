//! German.

use super::Phrases;

pub(super) const PHRASES: Phrases = Phrases {
    disclosure: "Sie sprechen mit einem KI-Assistenten.",
    team: "unser Team",
    greeting: "Guten Tag! Womit kann ich Ihnen helfen?",
    thanks: "Gern geschehen!",
    goodbye: "Auf Wiedersehen und vielen Dank für Ihren Besuch!",
    did_you_mean: "Ich bin nicht sicher, ob ich Sie richtig verstanden habe. Meinten Sie eines davon?",
    unclear: "Das habe ich nicht verstanden. Können Sie es anders formulieren?",
    refused: "Dazu habe ich keine freigegebene Antwort. Möchten Sie mit einem Menschen sprechen?",
    partial: "Auf den Rest Ihrer Frage habe ich keine freigegebene Antwort. Möchten Sie mit einem Menschen sprechen?",
    escalated: "Ich übergebe dieses Gespräch an unser Team. Ein Mensch liest es und antwortet Ihnen.",
    model_trouble: "Ich kann Ihnen gerade keine gute Antwort geben. Ein Mensch kümmert sich um Ihre Frage.",
    limited: "Ich kann im Moment keine weiteren Fragen beantworten. Bitte wenden Sie sich direkt an unser Team.",
    ask_person_title: "Mit einem Menschen sprechen",
    ask_person_question: "Ich möchte mit einem Menschen sprechen",
};
