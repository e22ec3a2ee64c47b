//! "Let me talk to a person", in the words people use.

use crate::text::{fold, without_accents};

/// A pattern: one word of each list, in order, with at most so many words between one and the next.
struct Pattern {
    words: &'static [&'static [&'static str]],
    gap: usize,
}

const fn near(words: &'static [&'static [&'static str]]) -> Pattern {
    Pattern { words, gap: 4 }
}

const fn adjacent(words: &'static [&'static [&'static str]]) -> Pattern {
    Pattern { words, gap: 0 }
}

#[rustfmt::skip]
const EN_TALK: &[&str] = &["talk", "talking", "speak", "speaking", "chat", "connect", "connected", "transfer", "transferred", "put", "pass", "hand", "forward", "escalate", "switch"];
#[rustfmt::skip]
const EN_WHO: &[&str] = &[
    "person", "people", "human", "humans", "someone", "somebody", "anyone", "anybody", "agent", "representative", "rep", "employee", "colleague", "staff",
    "operator", "manager", "supervisor", "support", "team", "service", "adviser", "advisor", "specialist", "receptionist",
];
const EN_STRICT: &[&str] = &["human", "agent", "representative", "operator"];
const EN_REAL: &[&str] = &["real", "live", "actual", "human"];
#[rustfmt::skip]
const DE_TALK: &[&str] = &[
    "sprechen", "spreche", "reden", "rede", "unterhalten", "chatten", "telefonieren", "verbinden", "verbinde", "verbunden", "weiterleiten", "weitergeleitet", "durchstellen",
    "schreiben", "ubergeben", "weiterverbinden",
];
#[rustfmt::skip]
const DE_WHO: &[&str] = &[
    "mensch", "menschen", "person", "jemand", "jemanden", "jemandem", "mitarbeiter", "mitarbeiterin", "mitarbeitern", "kollege", "kollegen", "kollegin", "berater", "beraterin", "kundenberater",
    "kundendienst", "kundenservice", "support", "agent", "agenten", "ansprechpartner", "ansprechpartnerin", "sachbearbeiter", "chef", "angestellten", "team", "verkaufer", "service", "personal", "rezeption",
];
#[rustfmt::skip]
const DE_STRICT: &[&str] = &["mensch", "menschen", "mitarbeiter", "mitarbeiterin", "berater", "beraterin", "ansprechpartner", "ansprechpartnerin", "kundenberater"];
const DE_REAL: &[&str] =
    &["echte", "echten", "echter", "richtige", "richtigen", "richtiger", "lebende", "lebenden"];
#[rustfmt::skip]
const FR_TALK: &[&str] = &["parler", "parle", "discuter", "echanger", "communiquer", "transferez", "transferer", "passer", "mettre", "mettez", "chatter"];
#[rustfmt::skip]
const FR_WHO: &[&str] = &[
    "quelqu", "personne", "humain", "conseiller", "conseillere", "agent", "operateur", "operatrice", "employe", "employee", "responsable", "collegue", "collaborateur", "vendeur", "service", "equipe", "support",
];
const FR_STRICT: &[&str] = &["humain", "conseiller", "conseillere", "operateur", "agent"];
#[rustfmt::skip]
const ES_TALK: &[&str] = &["hablar", "hablo", "comunicar", "comunicarme", "chatear", "conectar", "conecteme", "pasar", "paseme", "transferir", "transfierame", "contactar"];
#[rustfmt::skip]
const ES_WHO: &[&str] = &[
    "persona", "alguien", "humano", "agente", "operador", "operadora", "asesor", "asesora", "empleado", "empleada", "representante", "encargado", "responsable", "servicio", "equipo", "soporte",
];
const ES_STRICT: &[&str] =
    &["humano", "agente", "operador", "operadora", "asesor", "asesora", "representante"];

#[rustfmt::skip]
const ASKING: &[Pattern] = &[
    near(&[EN_TALK, &["to", "with", "through", "over"], EN_WHO]),
    near(&[&["get", "give", "need", "want", "prefer", "request", "send"], EN_STRICT]),
    near(&[&["get", "give", "need", "want", "prefer"], EN_REAL, &["person"]]),
    adjacent(&[EN_REAL, &["person", "human", "agent", "representative", "support", "operator", "employee", "being"]]),
    near(&[&["colleague", "employee", "human", "person", "agent"], &["help", "assist", "call"], &["me", "us"]]),
    near(&[&["someone", "somebody", "anyone"], &["call", "phone", "ring", "contact"], &["me", "us"]]),
    adjacent(&[&["call", "phone", "ring"], &["me", "us"], &["back"]]),
    near(&[&["mit", "zu", "an"], DE_WHO, DE_TALK]),
    near(&[DE_TALK, &["mit", "zu", "an"], DE_WHO]),
    near(&[&["hole", "holen", "hol", "brauche", "brauchen", "mochte", "will", "wunsche", "geben", "gib", "gebt"], DE_STRICT]),
    adjacent(&[DE_REAL, DE_WHO]),
    near(&[&["mir", "uns"], &["mitarbeiter", "mitarbeiterin", "kollege", "kollegin", "mensch", "berater"], &["helfen", "hilft"]]),
    near(&[&["mich", "uns"], &["jemand", "mitarbeiter", "mitarbeiterin", "kollege"], &["anrufen", "zuruckrufen", "kontaktieren"]]),
    near(&[&["um"], &["ruckruf"]]),
    near(&[FR_TALK, &["a", "avec", "au", "en"], FR_WHO]),
    near(&[&["passez", "donnez", "veux", "voudrais", "besoin"], FR_STRICT]),
    adjacent(&[&["vrai", "vraie"], &["personne", "humain", "conseiller", "conseillere"]]),
    near(&[ES_TALK, &["con", "a"], ES_WHO]),
    near(&[&["quiero", "necesito", "deme"], ES_STRICT]),
    adjacent(&[&["persona"], &["real"]]),
];

/// Asking who is there, or about the people there, is not asking for one of them.
#[rustfmt::skip]
const ASKING_ABOUT: &[Pattern] = &[
    adjacent(&[&["am"], &["i"], &["talking", "speaking", "chatting"]]),
    adjacent(&[&["are"], &["you"]]),
    adjacent(&[&["is", "was"], &["this", "that", "bob"]]),
    adjacent(&[&["spreche", "rede", "schreibe", "chatte"], &["ich"]]),
    adjacent(&[&["sind"], &["sie"]]),
    adjacent(&[&["bist"], &["du"]]),
    adjacent(&[&["etes"], &["vous"]]),
    adjacent(&[&["es", "eres"], &["usted", "una", "un"]]),
    adjacent(&[&["not", "don", "dont"], &["t", "want", "need"], &["want", "need", "to"]]),
];

/// People, when a message names nothing else.
#[rustfmt::skip]
const ALONE: &[&str] = &[
    "human", "agent", "representative", "operator", "person", "employee", "staff", "mensch", "menschen", "mitarbeiter", "mitarbeiterin", "kundenberater", "ansprechpartner",
    "humain", "conseiller", "conseillere", "operateur", "humano", "agente", "operador", "asesor", "representante",
];
#[rustfmt::skip]
const ALONE_WITH: &[&str] = &[
    "a", "an", "the", "please", "pls", "real", "live", "now", "hello", "hi", "customer", "ein", "eine", "einen", "bitte", "jetzt", "echter", "echten", "hallo", "un", "une", "s", "il", "vous", "plait", "svp", "una", "por", "favor",
];

/// Whether a message asks for a person, in any of its sentences.
pub(super) fn is_asked_for(message: &str) -> bool {
    let folded = fold(message);
    folded.split(['.', '!', '?', '。', ';', '\n', ',', '、', '¿', '¡', ':']).any(|clause| {
        is_asked_for_in_japanese(clause) || {
            let plain: Vec<String> = clause
                .split(|c: char| !c.is_alphanumeric())
                .filter(|word| !word.is_empty() && word.len() < 40)
                .map(without_accents)
                .collect();
            let words: Vec<&str> = plain.iter().map(String::as_str).collect();
            is_asked_for_by(&words)
        }
    })
}

fn is_asked_for_by(words: &[&str]) -> bool {
    let is_alone = words.iter().any(|word| ALONE.contains(word))
        && words.iter().all(|word| ALONE.contains(word) || ALONE_WITH.contains(word));
    is_alone
        || ASKING.iter().any(|pattern| occurs(pattern, words))
            && !ASKING_ABOUT.iter().any(|pattern| occurs(pattern, words))
}

fn occurs(pattern: &Pattern, words: &[&str]) -> bool {
    (0..words.len()).any(|at| occurs_at(pattern.words, pattern.gap, words, at, 0))
}

fn occurs_at(steps: &[&[&str]], gap: usize, words: &[&str], from: usize, slack: usize) -> bool {
    let Some((step, later)) = steps.split_first() else { return true };
    let end = words.len().min(from + slack + 1);
    (from..end).any(|at| step.contains(&words[at]) && occurs_at(later, gap, words, at + 1, gap))
}

#[rustfmt::skip]
const JA_WHO: &[&str] = &["担当", "オペレーター", "オペレータ", "スタッフ", "係員", "係の", "従業員", "社員", "店員", "責任者", "人間", "誰か", "どなたか", "エージェント", "カスタマーサポート", "お客様サポート"];
const JA_LINK: &[&str] = &["と", "に", "へ", "を"];
#[rustfmt::skip]
const JA_TALK: &[&str] = &["話", "はなし", "会話", "つな", "繋", "代わ", "かわ", "相談", "お願い", "呼", "出して", "対応", "チャットし", "連絡し", "取り次", "引き継", "希望"];
#[rustfmt::skip]
const JA_PHRASES: &[&str] = &[
    "人と話", "人とはな", "人と会話", "人と直接", "人と相談", "人とチャット", "人に代わ", "人につな", "人に繋", "人に相談", "人の対応", "人による対応", "有人", "生身の人", "折り返し電話", "電話をください",
];

fn is_asked_for_in_japanese(clause: &str) -> bool {
    if clause.is_ascii() {
        return false;
    }
    let clause = clause.trim();
    let asks_who = clause.contains("ですか") && !clause.contains("お願い") || clause.contains("でしょうか");
    let is_identity =
        asks_who && (clause.starts_with("あなた") || clause.contains("人間で") || clause.contains("人で"));
    if is_identity {
        return false;
    }
    // A name of somebody and nothing else.
    let alone = clause.trim_end_matches("お願いします").trim_end_matches(['を', '者', '方', 'の']);
    if JA_WHO.contains(&alone) && clause.chars().count() <= 14 && alone != "人間" {
        return true;
    }
    JA_PHRASES.iter().any(|phrase| clause.contains(phrase))
        || JA_WHO.iter().any(|who| {
            clause.match_indices(who).take(16).any(|(at, _)| follows_in_order(&clause[at + who.len()..]))
        })
}

/// Somebody is followed by a particle and, soon after it, by talking.
fn follows_in_order(rest: &str) -> bool {
    let after_who = rest.char_indices().take(4);
    after_who.into_iter().any(|(at, c)| {
        let mut text = [0; 4];
        JA_LINK.contains(&&*c.encode_utf8(&mut text)) && {
            let tail = &rest[at + c.len_utf8()..];
            let end = tail.char_indices().nth(8).map_or(tail.len(), |(end, _)| end);
            JA_TALK.iter().any(|talk| tail[..end].contains(talk))
        }
    })
}
