//! What a message wants that no text is needed for: a person, or just to be polite.
//!
//! Known by small lists of phrases, in every language at once, *because* a person can always be asked for, also in a
//! language that a business does not answer in.

mod courtesy;
mod identity;
mod person;

pub(super) use courtesy::Courtesy;
pub(super) use identity::asks_who_talks;

/// What a message wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Intent<'a> {
    /// A person, whatever else it says.
    Person,
    /// Only to be polite.
    Courtesy(Courtesy),
    /// To know something: the message without the greeting it begins with.
    Question(&'a str),
}

/// Tells what a message wants.
pub(super) fn intent(message: &str) -> Intent<'_> {
    if person::is_asked_for(message) {
        return Intent::Person;
    }
    match courtesy::of(message) {
        (Some(courtesy), "") => Intent::Courtesy(courtesy),
        (_, rest) => Intent::Question(rest),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::phrases::Phrases;

    #[track_caller]
    fn wants_a_person(messages: &[&str]) {
        for message in messages {
            assert_eq!(intent(message), Intent::Person, "{message}");
        }
    }

    #[track_caller]
    fn wants_no_person(messages: &[&str]) {
        for message in messages {
            assert!(matches!(intent(message), Intent::Question(_)), "{message}: {:?}", intent(message));
        }
    }

    #[test]
    fn a_person_can_be_asked_for_in_many_words() {
        wants_a_person(&[
            "I want to talk to a person",
            "Can I speak to a human?",
            "I want to talk to a real person",
            "Please put me through to a person on your staff",
            "Connect me with an employee",
            "Can a colleague help me?",
            "Is a live agent there?",
            "human please",
            "Agent!",
            "this doesn't help, let me talk to somebody",
            "How can I talk to a person?",
            "I’d like to chat with someone from your team about my order",
            "Can somebody call me back?",
            "get me a human",
            "transfer me to your manager",
        ]);
    }

    #[test]
    fn a_person_can_be_asked_for_in_german() {
        wants_a_person(&[
            "Ich möchte mit einem Menschen sprechen",
            "Kann ich mit einem Mitarbeiter reden?",
            "Verbinden Sie mich bitte mit einem Kollegen",
            "Bitte holen Sie mir einen Menschen aus dem Team in den Chat",
            "Mitarbeiter bitte",
            "Das hilft mir nicht, ich will mit jemandem sprechen!",
            "Ich brauche einen echten Menschen",
            "ich moechte mit dem kundendienst sprechen",
            "Kann mich jemand zurückrufen?",
        ]);
    }

    #[test]
    fn a_person_can_be_asked_for_in_japanese() {
        wants_a_person(&[
            "担当者と話したいです",
            "担当者",
            "オペレーターにつないでください",
            "人と話したい",
            "チャットで担当者と会話したいです",
            "スタッフの方とお話しできますか？",
            "有人チャットをお願いします",
            "役に立ちません。担当の方をお願いします。",
            "人間のスタッフに代わってください",
        ]);
    }

    #[test]
    fn a_person_can_be_asked_for_in_french_and_spanish() {
        wants_a_person(&[
            "Je voudrais parler à un conseiller",
            "Puis-je parler avec quelqu’un ?",
            "Passez-moi un humain",
            "Quiero hablar con una persona",
            "¿Puedo hablar con alguien?",
            "Necesito un agente",
        ]);
    }

    #[test]
    fn the_chip_that_asks_for_a_person_is_understood() {
        for language in Phrases::LANGUAGES {
            wants_a_person(&[Phrases::for_language(language).ask_person_question]);
        }
    }

    #[test]
    fn talking_about_people_is_not_asking_for_one() {
        wants_no_person(&[
            "Are you a human?",
            "Am I talking to a real person?",
            "Are you a robot or a real person?",
            "Do your employees speak German?",
            "How many people work for you?",
            "How much is it per person?",
            "Can somebody build the desk for me?",
            "What do you do with personal data?",
            "Sind Sie ein Mensch?",
            "Spreche ich mit einem echten Menschen?",
            "Wie viele Mitarbeiter haben Sie?",
            "Sprechen Ihre Mitarbeiter Englisch?",
            "Was kostet eine Nacht pro Person?",
            "スタッフは何人いますか？",
            "個人情報の対応はどうなっていますか？",
            "大人二人の料金はいくらですか？",
            "あなたは人間ですか？",
            "C’est combien par personne ?",
            "¿Cuántas personas caben?",
        ]);
    }

    #[test]
    fn courtesy_alone_needs_no_text() {
        for (message, courtesy) in [
            ("Hello", Courtesy::Greeting),
            ("Hi there!", Courtesy::Greeting),
            ("Guten Tag", Courtesy::Greeting),
            ("hallo zusammen 🙂", Courtesy::Greeting),
            ("こんにちは", Courtesy::Greeting),
            ("はじめまして。よろしくお願いします", Courtesy::Greeting),
            ("Bonjour !", Courtesy::Greeting),
            ("¡Buenos días!", Courtesy::Greeting),
            ("How are you?", Courtesy::Greeting),
            ("Thank you very much!", Courtesy::Thanks),
            ("great, thanks", Courtesy::Thanks),
            ("no thanks", Courtesy::Thanks),
            ("Vielen Dank für Ihre Hilfe", Courtesy::Thanks),
            ("ありがとうございました。", Courtesy::Thanks),
            ("merci beaucoup", Courtesy::Thanks),
            ("ok thanks, bye", Courtesy::Goodbye),
            ("Tschüss!", Courtesy::Goodbye),
            ("さようなら", Courtesy::Goodbye),
        ] {
            assert_eq!(intent(message), Intent::Courtesy(courtesy), "{message}");
        }
    }

    #[test]
    fn a_greeting_before_a_question_is_left_out() {
        for (message, question) in [
            ("Hello, I need help with my order", "I need help with my order"),
            ("Good morning! When do you open?", "When do you open?"),
            ("Guten Tag, wo ist mein Paket?", "wo ist mein Paket?"),
            ("こんにちは。返品できますか？", "返品できますか？"),
            ("Hilton booking", "Hilton booking"),
            ("Ok", "Ok"),
            ("", ""),
        ] {
            assert_eq!(intent(message), Intent::Question(question));
        }
    }

    #[test]
    fn hostile_messages_are_read_in_no_time() {
        let start = std::time::Instant::now();
        for message in [
            "talk to ".repeat(1_000),
            "hello ".repeat(1_300),
            "人".repeat(8_000),
            "担当者と".repeat(2_000),
            "a\u{301}".repeat(4_000),
            "\0".repeat(8_000),
            ".".repeat(8_000),
        ] {
            let _ = intent(&message);
        }
        assert!(start.elapsed() < std::time::Duration::from_secs(5), "{:?}", start.elapsed());
    }
}
