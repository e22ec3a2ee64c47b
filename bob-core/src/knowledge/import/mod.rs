//! Many texts from one file: a table, or a document with headings.
//!
//! Reading a file touches nothing. Each text of it is fit or not by itself; a file of which it cannot be told where its
//! texts begin and end is refused as a whole.

mod markdown;
mod table;

use std::collections::HashSet;

use super::{Audience, KnowledgeText, KnowledgeTextError};
use crate::language::Language;

pub use markdown::read_markdown;
pub use table::read_table;

/// How many texts a file may have.
pub const MAX_TEXTS: usize = 1_000;

/// One text of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileText {
    /// The line it begins on, from 1.
    pub line: u64,
    /// Its title as it stands there, of at most 200 characters.
    pub title: String,
    /// What may be stored, or why it may not.
    pub text: Result<KnowledgeText, FileTextError>,
}

/// Why one text of a file cannot be stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FileTextError {
    /// Out of the bounds of texts.
    #[error(transparent)]
    Text(#[from] KnowledgeTextError),
    /// The row has more or fewer cells than the header.
    #[error("the row has not as many cells as the header")]
    Cells,
    /// The language is no tag.
    #[error("a language is a tag such as en or de-AT")]
    Language,
    /// The audience is unknown.
    #[error("an audience is public or staff")]
    Audience,
    /// An earlier text of the file has this title in this language.
    #[error("an earlier text of the file has this title in this language")]
    Repeated,
    /// Text that stands before the first heading.
    #[error("this text stands before the first heading and has no title")]
    Untitled,
}

impl FileTextError {
    /// A stable name, for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Text(KnowledgeTextError::Title) => "title",
            Self::Text(KnowledgeTextError::Body) => "body",
            Self::Text(KnowledgeTextError::Questions) => "questions",
            Self::Text(KnowledgeTextError::Url) => "url",
            Self::Cells => "cells",
            Self::Language => "language",
            Self::Audience => "audience",
            Self::Repeated => "duplicate_title",
            Self::Untitled => "untitled",
        }
    }
}

/// Why a file cannot be read at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// It is not UTF-8.
    #[error("the file is not UTF-8; line {line} is not. Save it as UTF-8")]
    NotUtf8 {
        /// The first line that is not.
        line: usize,
    },
    /// It has no texts.
    #[error("there are no texts in the file")]
    Empty,
    /// It has more than [`MAX_TEXTS`].
    #[error("a file has at most {MAX_TEXTS} texts")]
    TooMany,
    /// Its first row does not name the columns.
    #[error(
        "the first row names the columns: title and body, and as you like questions, language, url, audience; {0}"
    )]
    Header(String),
    /// A quoted cell has no end.
    #[error("the cell that begins with a quote on line {line} has no closing quote")]
    OpenQuote {
        /// Where it begins.
        line: usize,
    },
}

/// The file's text, without a byte order mark.
fn decoded(file: &[u8]) -> Result<&str, FileError> {
    let text = std::str::from_utf8(file).map_err(|error| {
        let before = &file[..error.valid_up_to()];
        FileError::NotUtf8 { line: before.iter().filter(|byte| **byte == b'\n').count() + 1 }
    })?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}

/// Which line a place of the source is on; asked from front to back.
struct Lines<'s> {
    source: &'s str,
    passed: usize,
    line: u64,
}

impl<'s> Lines<'s> {
    fn of(source: &'s str) -> Self {
        Self { source, passed: 0, line: 1 }
    }

    fn at(&mut self, place: usize) -> u64 {
        let since = self.source.as_bytes().get(self.passed..place).unwrap_or_default();
        self.line += since.iter().filter(|byte| **byte == b'\n').count() as u64;
        self.passed = self.passed.max(place);
        self.line
    }
}

/// A title that can be told to people, whatever stands there.
fn shown(title: &str) -> String {
    title.trim().chars().filter(|c| !c.is_control()).take(super::MAX_TITLE).collect()
}

/// Refuses a second text of the same title and language, and files without texts or with too many.
fn checked(mut texts: Vec<FileText>) -> Result<Vec<FileText>, FileError> {
    match texts.len() {
        0 => return Err(FileError::Empty),
        1..=MAX_TEXTS => {}
        _ => return Err(FileError::TooMany),
    }
    let mut seen = HashSet::new();
    for file_text in &mut texts {
        let Ok(text) = &file_text.text else { continue };
        if !seen.insert((text.language(), text.title().to_owned())) {
            file_text.text = Err(FileTextError::Repeated);
        }
    }
    Ok(texts)
}

/// What the texts of a file are where it does not say otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileDefaults {
    /// Their language.
    pub language: Language,
    /// Whom they are for.
    pub audience: Audience,
}
