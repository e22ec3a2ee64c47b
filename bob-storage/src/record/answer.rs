//! Answers in JSON.

use bob_core::answer::{Answer, Citation, Handoff, Outcome, Suggestion};
use bob_core::language::Language;
use data_encoding::HEXLOWER;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{RecordError, read, write};

/// An answer, all of it; `T` is borrowed text to write and owned text to read.
#[derive(Serialize, Deserialize)]
struct AnswerRecord<T> {
    outcome: T,
    language: T,
    pieces: Vec<T>,
    #[serde(default = "Vec::new", skip_serializing_if = "Vec::is_empty")]
    citations: Vec<CitationRecord<T>>,
    #[serde(default = "Vec::new", skip_serializing_if = "Vec::is_empty")]
    suggestions: Vec<SuggestionRecord<T>>,
    #[serde(default = "Option::default", skip_serializing_if = "Option::is_none")]
    handoff: Option<T>,
    /// In microseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expected_at: Option<i64>,
}

#[derive(Serialize, Deserialize)]
struct CitationRecord<T> {
    index: u32,
    title: T,
    #[serde(default = "Option::default", skip_serializing_if = "Option::is_none")]
    url: Option<T>,
    quote: T,
    /// In lower-case hexadecimal.
    hash: String,
}

#[derive(Serialize, Deserialize)]
struct SuggestionRecord<T> {
    title: T,
    question: T,
}

/// Writes an answer.
pub(crate) fn of_answer(answer: &Answer) -> Result<String, RecordError> {
    write(&AnswerRecord {
        outcome: answer.outcome.as_str(),
        language: answer.language.as_str(),
        pieces: answer.pieces.iter().map(String::as_str).collect(),
        citations: answer.citations.iter().map(of_citation).collect(),
        suggestions: answer.suggestions.iter().map(of_suggestion).collect(),
        handoff: answer.handoff.as_ref().map(|handoff| handoff.to.as_str()),
        expected_at: answer.handoff.as_ref().and_then(|handoff| Some(handoff.expected_at?.as_microsecond())),
    })
}

fn of_citation(citation: &Citation) -> CitationRecord<&str> {
    CitationRecord {
        index: citation.index,
        title: &citation.title,
        url: citation.url.as_deref(),
        quote: &citation.quote,
        hash: HEXLOWER.encode(&citation.content_hash),
    }
}

fn of_suggestion(suggestion: &Suggestion) -> SuggestionRecord<&str> {
    SuggestionRecord { title: &suggestion.title, question: &suggestion.question }
}

/// Reads an answer.
pub(crate) fn answer(json: &str) -> Result<Answer, RecordError> {
    let read: AnswerRecord<String> = read(json)?;
    let citation = |citation: CitationRecord<String>| {
        let CitationRecord { index, title, url, quote, hash } = citation;
        let hash = HEXLOWER.decode(hash.as_bytes()).ok().and_then(|hash| hash.try_into().ok());
        let content_hash = hash.ok_or(RecordError::Field("hash"))?;
        Ok(Citation { index, title, url, quote, content_hash })
    };
    let suggestion = |SuggestionRecord { title, question }| Suggestion { title, question };
    let expected_at = read.expected_at.map(Timestamp::from_microsecond).transpose();
    let expected_at = expected_at.map_err(|_| RecordError::Field("expected_at"))?;
    Ok(Answer {
        outcome: Outcome::from_name(&read.outcome).ok_or(RecordError::Field("outcome"))?,
        language: read.language.parse::<Language>().map_err(|_| RecordError::Field("language"))?,
        pieces: read.pieces,
        citations: read.citations.into_iter().map(citation).collect::<Result<_, RecordError>>()?,
        suggestions: read.suggestions.into_iter().map(suggestion).collect(),
        handoff: read.handoff.map(|to| Handoff { to, expected_at }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn full() -> Answer {
        bob_core::testing::fixture::answer("\"Dreißig\" Tage\n")
    }

    #[test]
    fn an_answer_reads_back_as_it_was_written() {
        let bare = Answer {
            citations: Vec::new(),
            suggestions: Vec::new(),
            handoff: None,
            pieces: Vec::new(),
            ..full()
        };
        for original in [full(), bare] {
            assert_eq!(answer(&of_answer(&original).unwrap()).unwrap(), original);
        }
    }

    #[test]
    fn what_is_no_answer_is_refused() {
        let good = of_answer(&full()).unwrap();
        for bad in ["", "{}", &good.replace("answered", "guessed"), &good.replace("0909", "09"), &good[1..]] {
            assert!(answer(bad).is_err(), "{bad}");
        }
    }
}
