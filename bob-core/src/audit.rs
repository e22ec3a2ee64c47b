//! The audit: who did what, on what, through what and from where.
//!
//! A row is written in the transaction of the deed that it tells of and is never changed. It names things by their
//! identifiers and quotes nobody; the only words of people in it are the reasons that they give for what they do.

use std::net::IpAddr;

use jiff::Timestamp;
use uuid::Uuid;

use crate::act::{Act, Principal, Via};

/// One deed, as it was written down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRow {
    /// The row's identifier. Later rows of one node sort behind earlier ones.
    pub id: Uuid,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub principal: Principal,
    /// Whether it was a platform person.
    pub by_platform: bool,
    /// What: the name of the call that changed something, in small letters and `_`.
    pub operation: String,
    /// What was changed.
    pub subject: Option<Uuid>,
    /// What that belongs to.
    pub part_of: Option<Uuid>,
    /// Through what it came in.
    pub via: Via,
    /// From which address, where a person did it and it was known.
    pub address: Option<IpAddr>,
    /// The request it belongs to.
    pub request_id: String,
    /// Why.
    pub reason: Option<String>,
}

impl AuditRow {
    /// The row of a deed.
    #[must_use]
    pub fn of(act: &Act, id: Uuid, operation: &str, subject: Option<Uuid>, part_of: Option<Uuid>) -> Self {
        Self {
            id,
            at: act.at,
            principal: act.principal,
            by_platform: act.by_platform,
            operation: operation.to_owned(),
            subject,
            part_of,
            via: act.via,
            address: act.address,
            request_id: act.request_id.clone(),
            reason: act.reason.clone(),
        }
    }
}

/// Which rows are wanted; what is not said is not asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AuditFilter {
    /// Those of this principal, by its identifier.
    pub principal: Option<Uuid>,
    /// Those whose operation begins so.
    pub operation: Option<String>,
    /// Those about this thing, or about something that belongs to it.
    pub subject: Option<Uuid>,
    /// Those of this moment and later.
    pub from: Option<Timestamp>,
    /// Those before this moment.
    pub to: Option<Timestamp>,
}

impl AuditFilter {
    /// Whether a row is wanted.
    #[must_use]
    pub fn wants(&self, row: &AuditRow) -> bool {
        self.principal.is_none_or(|principal| row.principal.id() == principal)
            && self.operation.as_deref().is_none_or(|begins| row.operation.starts_with(begins))
            && self.subject.is_none_or(|subject| [row.subject, row.part_of].contains(&Some(subject)))
            && self.from.is_none_or(|from| row.at >= from)
            && self.to.is_none_or(|to| row.at < to)
    }
}

/// A page of an audit that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditQuery {
    /// Which rows.
    pub filter: AuditFilter,
    /// Only those behind the row with this identifier, which are earlier ones; from the latest on when absent.
    pub behind: Option<Uuid>,
    /// How many rows at most.
    pub limit: u32,
    /// How many rows are looked at for them at most. A filter that few rows pass ends a page early then.
    pub look_at: u32,
}

/// A page of an audit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditPage {
    /// The rows, the latest first.
    pub rows: Vec<AuditRow>,
    /// What [`behind`](AuditQuery::behind) is to get the next page; `None` when there is nothing behind this one. A page
    /// with fewer rows than asked for, or none, may have a next one.
    pub next: Option<Uuid>,
}

/// Something was read that its owner should know of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum NotedRead {
    /// A platform person read what belongs to a business; the act's reason names the address they called.
    Platform,
}

impl NotedRead {
    /// The operation that its row has.
    #[must_use]
    pub const fn operation(self) -> &'static str {
        match self {
            Self::Platform => "platform_read",
        }
    }
}
