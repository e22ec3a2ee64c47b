//! French.

use super::Phrases;

pub(super) const PHRASES: Phrases = Phrases {
    disclosure: "Vous parlez avec un assistant IA.",
    team: "notre équipe",
    greeting: "Bonjour ! En quoi puis-je vous aider ?",
    thanks: "Avec plaisir !",
    goodbye: "Au revoir et merci de votre visite !",
    did_you_mean: "Je ne suis pas sûr d’avoir bien compris. Parlez-vous de l’un de ces sujets ?",
    unclear: "Je n’ai pas compris. Pouvez-vous reformuler votre question ?",
    refused: "Je n’ai pas de réponse approuvée à ce sujet. Souhaitez-vous parler à une personne ?",
    partial: "Je n’ai pas de réponse approuvée au reste de votre question. Souhaitez-vous parler à une personne ?",
    escalated: "Je transmets cette conversation à notre équipe. Une personne la lira et vous répondra.",
    model_trouble: "Je ne peux pas vous donner une bonne réponse en ce moment. Une personne s’occupera de votre question.",
    limited: "Je ne peux plus répondre à d’autres questions en ce moment. Veuillez contacter directement notre équipe.",
    ask_person_title: "Parler à une personne",
    ask_person_question: "Je voudrais parler à une personne",
};
