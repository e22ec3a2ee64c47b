//! English.

use super::Phrases;

pub(super) const PHRASES: Phrases = Phrases {
    disclosure: "You are talking to an AI assistant.",
    team: "our team",
    greeting: "Hello! What can I help you with?",
    thanks: "You are welcome!",
    goodbye: "Goodbye, and thank you for your visit!",
    did_you_mean: "I am not sure I understood. Did you mean one of these?",
    unclear: "I did not understand that. Could you ask in other words?",
    refused: "I have no approved answer to that. Would you like to talk to a person?",
    partial: "I have no approved answer to the rest of your question. Would you like to talk to a person?",
    escalated: "I am handing this conversation over to our team. A person will read it and reply.",
    model_trouble: "I cannot give you a good answer right now. A person will take care of your question.",
    limited: "I cannot answer any more questions at the moment. Please contact our team directly.",
    ask_person_title: "Talk to a person",
    ask_person_question: "I would like to talk to a person",
};
