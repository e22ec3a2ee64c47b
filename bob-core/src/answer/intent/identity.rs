//! "Are you a human?": a question that is never left open.

use crate::text::{fold, without_accents};

/// What is asked, beginning with these words …
#[rustfmt::skip]
const ASKING: &[&[&str]] = &[
    &["are", "you"], &["am", "i"], &["is", "this"], &["is", "that"],
    &["sind", "sie"], &["bist", "du"], &["spreche", "ich"], &["schreibe", "ich"], &["rede", "ich"], &["ist", "das"],
    &["etes", "vous"], &["es", "tu"], &["est", "ce"], &["eres"], &["es", "usted"], &["estoy", "hablando"],
];

/// … about one of these.
#[rustfmt::skip]
const WHO: &[&str] = &[
    "human", "robot", "bot", "chatbot", "machine", "ai", "computer", "person", "mensch", "menschen", "roboter", "maschine", "ki", "echt", "humain", "machine", "ia", "personne",
    "humano", "humana", "maquina", "persona", "robots",
];

/// Whether a message asks if a person or a machine is talking.
pub(in crate::answer) fn asks_who_talks(message: &str) -> bool {
    let folded = fold(message);
    let plain: Vec<String> = folded
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .take(24)
        .map(without_accents)
        .collect();
    let asks = |beginning: &[&str]| {
        plain
            .windows(beginning.len())
            .position(|words| words.iter().zip(beginning).all(|(word, wanted)| word == wanted))
    };
    let latin = ASKING
        .iter()
        .filter_map(|beginning| asks(beginning))
        .any(|at| plain[at..].iter().take(8).any(|word| WHO.contains(&word.as_str())));
    latin || asks_in_japanese(folded.trim())
}

fn asks_in_japanese(message: &str) -> bool {
    let who = ["人間", "ロボット", "ボット", "ai", "機械", "コンピュータ"];
    let ends = ["ですか", "でしょうか", "なの", "か"];
    let question = message.trim_end_matches(['?', '。', ' ']);
    let subject = ends.iter().find_map(|end| question.strip_suffix(end));
    subject.is_some_and(|subject| who.iter().any(|who| subject.ends_with(who)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_asks_who_talks_is_understood() {
        for message in [
            "Are you a human?",
            "are you a real person",
            "Am I talking to a robot?",
            "Is this an AI?",
            "Sind Sie ein Mensch?",
            "Bist du ein Bot?",
            "Spreche ich mit einem echten Menschen?",
            "あなたは人間ですか？",
            "AIですか？",
            "Êtes-vous un robot ?",
            "¿Eres humano?",
        ] {
            assert!(asks_who_talks(message), "{message}");
        }
    }

    #[test]
    fn other_questions_are_left_alone() {
        for message in [
            "Are you open?",
            "Is this desk in stock?",
            "Wie viele Menschen arbeiten hier?",
            "何時ですか？",
            "How much per person?",
        ] {
            assert!(!asks_who_talks(message), "{message}");
        }
    }
}
