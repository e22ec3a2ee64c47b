//! Many texts at once, from a table or a document.

use bob_core::knowledge::import::{
    FileDefaults, FileError, FileText, FileTextError, read_markdown, read_table,
};
use bob_core::knowledge::{Audience, ImportInto, KnowledgeText};
use http::{Response, StatusCode};

use crate::auth::business;
use crate::body::BobBody;
use crate::dispatch::Call;
use crate::problem::Problem;
use crate::request::{media_type, query_field};
use crate::wire::knowledge::ImportView;
use crate::wire::{json, sentence};

/// The largest file, in bytes.
const MAX_FILE: usize = 2 * 1024 * 1024;

/// How many texts are stored in one transaction: others wait for it.
const BATCH: usize = 100;

type ReadFile = fn(&[u8], FileDefaults) -> Result<Vec<FileText>, FileError>;

/// `POST /api/customer-portal/knowledge/import?dry_run=&submit=&language=`
///
/// Each text is stored whole or not at all. The same file again finds everything as it is, so a call that broke off is
/// sent again.
pub(crate) async fn import(mut call: Call) -> Result<Response<BobBody>, Problem> {
    let read = reader(&call)?;
    let query = call.head.uri.query();
    let (dry_run, submit) = (flag(query, "dry_run")?, flag(query, "submit")?);
    let language = query_field(query, "language")?.map(|tag| tag.parse());
    let language = language
        .transpose()
        .map_err(|_| Problem::bad_request("invalid_query", "language is a tag such as en or de."))?;
    let file = call.read_body_within(MAX_FILE).await?;
    let tenant = business(&call).await?;
    let language = language.unwrap_or_else(|| tenant.tenant.default_language());
    let defaults = FileDefaults { language, audience: Audience::Public };
    // A large file takes a while, and nobody else is to wait for it.
    let reading = tokio::task::spawn_blocking(move || read(&file, defaults)).await;
    let texts = reading.map_err(|_| Problem::internal())?.map_err(|error| {
        let code = if matches!(error, FileError::NotUtf8 { .. }) { "not_utf8" } else { "unreadable_file" };
        Problem::unprocessable(code, sentence(&error))
    })?;
    let into = match (dry_run, submit) {
        (true, _) => ImportInto::Nowhere,
        (false, false) => ImportInto::Draft,
        (false, true) => ImportInto::Review,
    };
    let (fit, failed) = parted(texts);
    let mut report = ImportView::new(dry_run, failed);
    let act = call.deed()?;
    for batch in fit.chunks(BATCH) {
        let storage = call.mounted.bob.storage();
        let imported = storage.import_knowledge(&act, &tenant.tenant.id, into, batch.to_vec()).await?;
        imported.into_iter().for_each(|imported| report.count(imported));
    }
    json(StatusCode::OK, &report)
}

/// How a file of this kind is read.
fn reader(call: &Call) -> Result<ReadFile, Problem> {
    match media_type(call.headers())?.as_deref() {
        Some("text/csv") => Ok(read_table),
        Some("text/markdown") => Ok(read_markdown),
        _ => {
            let detail = "Send a file in UTF-8, with Content-Type: text/csv or text/markdown.";
            Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", detail))
        }
    }
}

fn flag(query: Option<&str>, name: &str) -> Result<bool, Problem> {
    match query_field(query, name)?.as_deref() {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(_) => Err(Problem::bad_request("invalid_query", format!("{name} is true or false."))),
    }
}

/// What may be stored, and what may not with where it stands.
fn parted(texts: Vec<FileText>) -> (Vec<KnowledgeText>, Vec<(u64, String, FileTextError)>) {
    let (mut fit, mut failed) = (Vec::new(), Vec::new());
    for FileText { line, title, text } in texts {
        match text {
            Ok(text) => fit.push(text),
            Err(error) => failed.push((line, title, error)),
        }
    }
    (fit, failed)
}
