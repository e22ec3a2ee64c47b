//! The language of short questions, decided with a realistic vocabulary: the texts of the hotel.

use super::Hotel;
use crate::answer::decide_language;
use crate::language::Language;
use crate::retrieve::Retriever as _;

const EN: Language = Language::EN;
const DE: Language = Language::DE;
const JA: Language = Language::JA;
const FR: Language = Language::FR;
const ES: Language = Language::ES;

/// Questions whose language a person can tell, for a business that answers in English, German and Japanese.
#[rustfmt::skip]
const CLEAR: &[(&str, Language)] = &[
    // One word.
    ("Breakfast?", EN), ("Parking", EN), ("cancellation", EN), ("dogs", EN), ("towels", EN), ("invoice", EN), ("lunch?", EN), ("playground", EN),
    ("refund", EN), ("shuttle bus", EN), ("help", EN), ("Thanks!", EN), ("yes", EN), ("swimming", EN), ("why", EN),
    ("Frühstück?", DE), ("Fruehstueck", DE), ("Parken", DE), ("Stornierung", DE), ("Hunde", DE), ("Handtücher", DE), ("Rechnung", DE), ("Spielplatz", DE),
    ("Öffnungszeiten", DE), ("Fahrradverleih", DE), ("Bezahlung?", DE), ("Danke", DE), ("ja", DE), ("Schwimmbad", DE), ("Gepäckraum", DE), ("Hilfe", DE), ("warum", DE), ("Anreise", DE),
    ("Haustiere", DE), ("Abreisezeit", DE),
    ("朝食", JA), ("駐車場", JA), ("キャンセル", JA), ("犬", JA), ("タオル", JA), ("領収書", JA), ("ありがとう", JA), ("ペット", JA), ("ﾌﾟｰﾙ", JA), ("いくら", JA), ("住所", JA),
    // A few words.
    ("pets allowed", EN), ("late check-out price", EN), ("wifi password please", EN), ("no smoking?", EN), ("double room", EN), ("how much", EN), ("is it far", EN), ("gym available?", EN),
    ("room with lake view", EN), ("free parking?", EN), ("airport transfer cost", EN), ("Can I bring my dog?", EN), ("what time is breakfast", EN), ("do u have a pool", EN),
    ("where r u", EN), ("towels at the pool", EN), ("Is there an iron in the room", EN), ("I want to cancel", EN), ("cot for baby", EN), ("any vegan dishes", EN), ("Is Herr Müller there?", EN),
    ("I left my Kindle in room 12", EN), ("was the lift repaired", EN), ("Will you be open", EN), ("best rate for 2 nights", EN), ("in the sauna", EN),
    ("Haustiere erlaubt", DE), ("spaete Abreise Preis", DE), ("WLAN Passwort bitte", DE), ("Zimmer mit Seeblick", DE), ("wie teuer", DE), ("ist es weit", DE), ("kostenlos parken?", DE),
    ("Transfer vom Flughafen", DE), ("Darf mein Hund mit?", DE), ("wann Frühstück", DE), ("habt ihr einen Pool", DE), ("wo seid ihr", DE), ("Handtücher am Pool", DE), ("Gibt es ein Bügeleisen", DE),
    ("Ich will stornieren", DE), ("Babybett vorhanden?", DE), ("vegane Gerichte", DE), ("was kostet das Parken", DE), ("Ist der Check-in ab 15 Uhr?", DE), ("Doppelzimmer", DE),
    ("Habe mein Handy vergessen", DE), ("in der Sauna", DE), ("die Rechnung per Mail", DE), ("Was ist mit dem Lift", DE), ("Kann man bar zahlen", DE), ("zwei Erwachsene, ein Kind", DE), ("Storno moeglich?", DE),
    ("犬は泊まれますか", JA), ("WiFiのパスワードは？", JA), ("チェックアウトは何時", JA), ("空港からの送迎", JA), ("駐車場はありますか？", JA), ("Saver料金とは", JA), ("部屋番号12です", JA),
    ("カードで払えますか", JA), ("アレルギー対応", JA), ("２名で予約", JA), ("Visaは使えますか？", JA), ("プールの時間", JA), ("もしもし", JA),
    // Whole sentences.
    ("Could you tell me whether the restaurant is open on Mondays?", EN), ("We will arrive around midnight, is that a problem?", EN), ("My husband uses a wheelchair, which rooms can we book?", EN),
    ("Könnten Sie mir sagen, ob das Restaurant am Montag offen ist?", DE), ("Wir kommen gegen Mitternacht an, ist das ein Problem?", DE), ("Mein Mann sitzt im Rollstuhl, welche Zimmer passen?", DE),
    ("レストランは月曜日に開いているか教えてください。", JA), ("夜中に到着しますが、問題ありませんか？", JA), ("夫が車椅子を使っています。どの部屋が良いですか？", JA),
];

/// Questions that a French or Spanish reader tells, for a business that answers in all five.
#[rustfmt::skip]
const CLEAR_IN_FIVE: &[(&str, Language)] = &[
    ("Où êtes-vous ?", FR), ("Le petit-déjeuner est-il inclus ?", FR), ("annuler ma réservation", FR), ("merci", FR), ("C'est combien ?", FR), ("Je voudrais une facture", FR), ("avec mon chien", FR),
    ("¿Dónde están?", ES), ("¿Está incluido el desayuno?", ES), ("cancelar mi reserva", ES), ("gracias", ES), ("cuanto cuesta", ES), ("Quiero una factura", ES), ("con mi perro", ES),
    ("Where are you?", EN), ("Wo sind Sie?", DE), ("どこですか", JA), ("breakfast included?", EN), ("Frühstück inklusive?", DE),
];

async fn decided(
    hotel: &Hotel,
    question: &str,
    languages: &[Language],
    conversation: Option<Language>,
    accept: &[Language],
) -> Language {
    decide_language(&hotel.retriever, &hotel.scope, question, languages, conversation, accept).await.unwrap()
}

#[tokio::test]
async fn a_language_that_a_person_can_tell_is_told() {
    let hotel = Hotel::open();
    assert!(CLEAR.len() + CLEAR_IN_FIVE.len() >= 120, "{}", CLEAR.len() + CLEAR_IN_FIVE.len());
    assert!(CLEAR.iter().filter(|(question, _)| !question.contains(' ')).count() >= 35);
    let mut wrong = Vec::new();
    for (question, expected) in CLEAR {
        // All other evidence points elsewhere, so that nothing is right by luck.
        for other in [EN, DE, JA].into_iter().filter(|language| language != expected) {
            let languages: Vec<_> = [other, EN, DE, JA]
                .into_iter()
                .enumerate()
                .filter(|(at, l)| *at == 0 || *l != other)
                .map(|(_, l)| l)
                .collect();
            let found = decided(&hotel, question, &languages, Some(other), &[other]).await;
            if found != *expected {
                wrong.push(format!("{question}: {found} instead of {expected}"));
            }
        }
    }
    for (question, expected) in CLEAR_IN_FIVE {
        let other = if *expected == EN { DE } else { EN };
        let found = decided(&hotel, question, &[other, EN, DE, JA, FR, ES], Some(other), &[other]).await;
        if found != *expected {
            wrong.push(format!("{question}: {found} instead of {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Questions that nobody could tell by themselves.
const OPEN: &[&str] =
    &["Hotel?", "Restaurant", "Sauna", "PayPal", "Visa", "Bob", "OK", "12", "🙂", "", "xyz"];

#[tokio::test]
async fn what_nobody_could_tell_follows_the_conversation_then_the_browser_then_the_business() {
    let hotel = Hotel::open();
    for question in OPEN {
        for (conversation, accept, expected) in [
            (Some(DE), &[EN][..], DE),
            (None, &[FR, DE][..], DE),
            (None, &[FR][..], EN),
            (Some(FR), &[][..], EN),
        ] {
            let found = decided(&hotel, question, &[EN, DE], conversation, accept).await;
            assert_eq!(found, expected, "{question} {conversation:?} {accept:?}");
        }
    }
}

#[tokio::test]
async fn a_name_in_latin_letters_keeps_a_japanese_conversation_japanese() {
    let hotel = Hotel::open();
    for question in ["Mastercard?", "girocard", "Wi-Fi"] {
        assert_eq!(decided(&hotel, question, &[EN, JA], Some(JA), &[EN]).await, JA, "{question}");
    }
    assert_eq!(decided(&hotel, "parking", &[EN, JA], Some(JA), &[JA]).await, EN);
}

#[tokio::test]
async fn a_language_the_business_does_not_answer_in_is_never_chosen() {
    let hotel = Hotel::open();
    for question in ["Где вы находитесь?", "어디에 있어요?", "Où êtes-vous ?", "朝食", "أين أنتم؟"]
    {
        let found = decided(&hotel, question, &[DE, EN], None, &[]).await;
        assert!([DE, EN].contains(&found), "{question}: {found}");
    }
    assert_eq!(decided(&hotel, "朝食", &[DE], None, &[JA]).await, DE);
    assert_eq!(
        decided(&hotel, "hello", &[], None, &[]).await,
        EN,
        "a business without languages answers in English"
    );
}

#[tokio::test]
async fn the_texts_tell_how_much_of_a_question_they_know() {
    let hotel = Hotel::open();
    let shares = hotel.retriever.familiarity(&hotel.scope, "Haustiere erlaubt?").await.unwrap();
    let share = |language| shares.iter().find(|(of, _)| *of == language).map(|(_, share)| *share).unwrap();
    assert!(share(DE) > 0.9 && share(EN) < 0.5 && share(JA) < 0.5, "{shares:?}");
}
