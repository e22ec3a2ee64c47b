//! The audit on the wire.

use std::collections::HashMap;

use bob_core::act::Principal;
use bob_core::audit::{AuditFilter, AuditRow};
use bob_core::id::AccountId;
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::problem::Problem;
use crate::request::query_field;

/// The longest beginning of an operation's name that is asked for.
const LONGEST: usize = 64;

/// Reads `principal`, `operation`, `subject`, `from` and `to` of a query string.
pub(crate) fn filter(query: Option<&str>) -> Result<AuditFilter, Problem> {
    Ok(AuditFilter {
        principal: field(query, "principal", "is no UUID.", uuid)?,
        operation: field(query, "operation", "has 1 to 64 of a to z and _.", operation)?,
        subject: field(query, "subject", "is no UUID.", uuid)?,
        from: field(query, "from", "is no moment such as 2026-01-31T12:00:00Z.", moment)?,
        to: field(query, "to", "is no moment such as 2026-01-31T12:00:00Z.", moment)?,
    })
}

fn field<T>(
    query: Option<&str>,
    name: &str,
    wrong: &str,
    read: fn(&str) -> Option<T>,
) -> Result<Option<T>, Problem> {
    let Some(text) = query_field(query, name)? else { return Ok(None) };
    let refused = || Problem::bad_request("invalid_query", format!("{name} {wrong}"));
    read(&text).map(Some).ok_or_else(refused)
}

fn uuid(text: &str) -> Option<Uuid> {
    Uuid::try_parse(text).ok().filter(|_| text.len() == 36)
}

fn operation(text: &str) -> Option<String> {
    let plain = text.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    (plain && (1..=LONGEST).contains(&text.len())).then(|| text.to_owned())
}

fn moment(text: &str) -> Option<Timestamp> {
    text.parse().ok()
}

/// One deed.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AuditRowView {
    id: String,
    at: String,
    principal: PrincipalView,
    /// What was done; the names are an open set.
    operation: String,
    /// What was changed.
    subject: Option<String>,
    /// What that belongs to.
    part_of: Option<String>,
    /// Through what it came in.
    via: &'static str,
    /// From where, when a person did it; that of platform people is told to platform people.
    address: Option<String>,
    request_id: String,
    reason: Option<String>,
}

/// Who did something.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PrincipalView {
    /// system, visitor, account or host.
    kind: &'static str,
    id: String,
    /// `Bob`, `Visitor`, `Platform`, or what a person is called whom the reader may know.
    name: Option<String>,
    /// Whether it was a platform person.
    platform: bool,
}

/// To whom rows are shown.
pub(crate) struct Reader {
    /// Whether the rows are the platform's own.
    pub(crate) of_platform: bool,
    /// Whether the reader is a platform person.
    pub(crate) is_platform: bool,
    /// What people are called whom the reader may know.
    pub(crate) names: HashMap<AccountId, String>,
}

impl Reader {
    pub(crate) fn view(&self, row: AuditRow) -> AuditRowView {
        let name = match row.principal {
            Principal::System(_) => Some("Bob".to_owned()),
            Principal::Visitor(_) => Some("Visitor".to_owned()),
            _ if row.by_platform && !self.of_platform => Some("Platform".to_owned()),
            Principal::Account(account) => self.names.get(&account).cloned(),
            _ => None,
        };
        let text = |id: Uuid| id.to_string();
        AuditRowView {
            id: text(row.id),
            at: row.at.to_string(),
            principal: PrincipalView {
                kind: row.principal.kind(),
                id: text(row.principal.id()),
                name,
                platform: row.by_platform,
            },
            operation: row.operation,
            subject: row.subject.map(text),
            part_of: row.part_of.map(text),
            via: row.via.as_str(),
            address: row.address.filter(|_| self.is_platform || !row.by_platform).map(|at| at.to_string()),
            request_id: row.request_id,
            reason: row.reason,
        }
    }
}
