//! Knowledge on the wire.

use bob_core::knowledge::import::FileTextError;
use bob_core::knowledge::{
    Audience, ImportedAs, KnowledgeEntry, KnowledgeItem, KnowledgeStep, KnowledgeText, KnowledgeTextError,
    KnowledgeVersion,
};
use bob_core::language::Language;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{content_hash, sentence};
use crate::problem::Problem;

/// What an author writes.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct KnowledgeRequest {
    title: String,
    body: String,
    #[serde(default)]
    language: Option<String>,
    #[serde(default)]
    questions: Vec<String>,
    #[serde(default)]
    url: Option<String>,
    #[serde(default)]
    audience: Option<String>,
    #[serde(default)]
    expires_at: Option<String>,
}

impl KnowledgeRequest {
    /// The text, in `usual` where no language is said.
    pub(crate) fn into_text(self, usual: Language, now: Timestamp) -> Result<KnowledgeText, Problem> {
        let language = match &self.language {
            Some(tag) => {
                let wrong = |_| Problem::field("language", "A language is a tag such as en or de-AT.");
                tag.parse().map_err(wrong)?
            }
            None => usual,
        };
        let audience = match &self.audience {
            Some(name) => Audience::from_name(name)
                .ok_or_else(|| Problem::field("audience", "An audience is public or staff."))?,
            None => Audience::Public,
        };
        let mut text = KnowledgeText::new(language, &self.title, &self.body)
            .and_then(|text| text.asked_as(self.questions))
            .map_err(out_of_bounds)?
            .for_audience(audience);
        if let Some(url) = &self.url {
            text = text.found_at(url).map_err(out_of_bounds)?;
        }
        if let Some(end) = &self.expires_at {
            let end: Timestamp = end.parse().map_err(|_| {
                Problem::field("expires_at", "A moment is written as in RFC 3339, with its offset.")
            })?;
            if end <= now {
                return Err(Problem::field("expires_at", "This moment has passed."));
            }
            text = text.until(whole_micros(end));
        }
        Ok(text)
    }
}

/// As exact as storage keeps it.
fn whole_micros(at: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(at.as_microsecond()).unwrap_or(at)
}

fn out_of_bounds(error: KnowledgeTextError) -> Problem {
    let name = match error {
        KnowledgeTextError::Title => "title",
        KnowledgeTextError::Questions => "questions",
        KnowledgeTextError::Url => "url",
        _ => "body",
    };
    Problem::field(name, sentence(&error))
}

/// Why a text goes back to its author.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RejectRequest {
    pub(crate) reason: String,
}

/// How a business publishes.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PolicyRequest {
    pub(crate) gathers_releases: bool,
}

/// How a business publishes.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PolicyView {
    /// Whether approved texts wait until they are published together.
    pub(crate) gathers_releases: bool,
}

/// A publication.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ReleaseView {
    pub(crate) release: u64,
}

/// An item in a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ItemEntryView<'a> {
    id: String,
    version: u32,
    status: &'static str,
    published_version: Option<u32>,
    language: String,
    audience: &'static str,
    title: &'a str,
    changed_at: String,
    expires_at: Option<String>,
    expired: bool,
}

impl<'a> ItemEntryView<'a> {
    pub(crate) fn new(entry: &'a KnowledgeEntry, now: Timestamp) -> Self {
        Self {
            id: entry.item.to_string(),
            version: entry.number,
            status: entry.status.as_str(),
            published_version: entry.published,
            language: entry.language.to_string(),
            audience: entry.audience.as_str(),
            title: &entry.title,
            changed_at: entry.changed_at.to_string(),
            expires_at: entry.expires_at.map(|end| end.to_string()),
            expired: entry.expires_at.is_some_and(|end| end <= now),
        }
    }
}

/// An item with its texts.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ItemView<'a> {
    id: String,
    #[serde(flatten)]
    latest: KnowledgeVersionView<'a>,
    /// What visitors are answered from, unless it has expired.
    published: Option<KnowledgeVersionView<'a>>,
    /// The latest 200, the latest first.
    versions: Vec<KnowledgeStepView>,
}

#[derive(Debug, Serialize, ToSchema)]
struct KnowledgeVersionView<'a> {
    version: u32,
    status: &'static str,
    language: String,
    audience: &'static str,
    title: &'a str,
    body: &'a str,
    questions: &'a [String],
    url: Option<&'a str>,
    content_hash: String,
    changed_at: String,
    expires_at: Option<String>,
    expired: bool,
}

#[derive(Debug, Serialize, ToSchema)]
struct KnowledgeStepView {
    version: u32,
    status: &'static str,
    changed_at: String,
}

impl<'a> ItemView<'a> {
    pub(crate) fn new(item: &'a KnowledgeItem, now: Timestamp) -> Self {
        let step = |step: &KnowledgeStep| KnowledgeStepView {
            version: step.number,
            status: step.status.as_str(),
            changed_at: step.changed_at.to_string(),
        };
        Self {
            id: item.latest.item.to_string(),
            latest: KnowledgeVersionView::new(&item.latest, now),
            published: item.published.as_ref().map(|version| KnowledgeVersionView::new(version, now)),
            versions: item.steps.iter().map(step).collect(),
        }
    }
}

impl<'a> KnowledgeVersionView<'a> {
    fn new(version: &'a KnowledgeVersion, now: Timestamp) -> Self {
        let text = &version.text;
        Self {
            version: version.number,
            status: version.status.as_str(),
            language: text.language().to_string(),
            audience: text.audience().as_str(),
            title: text.title(),
            body: text.body(),
            questions: text.questions(),
            url: text.url(),
            content_hash: content_hash(&text.content_hash()),
            changed_at: version.changed_at.to_string(),
            expires_at: text.expires_at().map(|end| end.to_string()),
            expired: text.expires_at().is_some_and(|end| end <= now),
        }
    }
}

/// What became of a file.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ImportView {
    dry_run: bool,
    created: u32,
    updated: u32,
    unchanged: u32,
    failed: Vec<ImportFailedView>,
}

/// A text of a file that was not stored.
#[derive(Debug, Serialize, ToSchema)]
struct ImportFailedView {
    line: u64,
    title: String,
    code: &'static str,
    detail: String,
}

impl ImportView {
    pub(crate) fn new(dry_run: bool, failed: Vec<(u64, String, FileTextError)>) -> Self {
        let failed = failed.into_iter().map(|(line, title, error)| {
            let detail = sentence(&error);
            ImportFailedView { line, title, code: error.code(), detail }
        });
        Self { dry_run, created: 0, updated: 0, unchanged: 0, failed: failed.collect() }
    }

    pub(crate) fn count(&mut self, imported: ImportedAs) {
        match imported {
            ImportedAs::Created => self.created += 1,
            ImportedAs::Updated => self.updated += 1,
            ImportedAs::Unchanged => self.unchanged += 1,
        }
    }
}
