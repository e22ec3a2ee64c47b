//! Lists in pages: `limit`, and the `cursor` that a page before gave out.

use uuid::Uuid;

use crate::problem::Problem;
use crate::request::query_field;

const MOST: u32 = 200;
const USUAL: u32 = 50;

/// Which part of a list is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PageQuery {
    /// How many things at most.
    pub(crate) limit: u32,
    /// Only what has a smaller number.
    pub(crate) before: Option<u64>,
}

/// Which part of a list of things with UUIDs is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct IdPageQuery {
    /// How many things at most.
    pub(crate) limit: u32,
    /// Only what comes behind this one in the list.
    pub(crate) after: Option<Uuid>,
}

impl IdPageQuery {
    /// Reads `limit` (1 to 200, 50 when absent) and `cursor` of a query string.
    pub(crate) fn read(query: Option<&str>) -> Result<Self, Problem> {
        let after =
            query_field(query, "cursor")?.map(|text| Uuid::try_parse(&text).map_err(|_| not_given_out()));
        Ok(Self { limit: read_limit(query)?, after: after.transpose()? })
    }
}

pub(crate) fn not_given_out() -> Problem {
    Problem::bad_request("invalid_query", "cursor is not one that was given out.")
}

pub(crate) fn read_limit(query: Option<&str>) -> Result<u32, Problem> {
    let Some(text) = query_field(query, "limit")? else { return Ok(USUAL) };
    let limit = number(&text).filter(|limit| (1..=u64::from(MOST)).contains(limit));
    let wrong = || Problem::bad_request("invalid_query", "limit is a number from 1 to 200.");
    limit.and_then(|limit| u32::try_from(limit).ok()).ok_or_else(wrong)
}

impl PageQuery {
    /// Reads `limit` (1 to 200, 50 when absent) and `cursor` of a query string.
    pub(crate) fn read(query: Option<&str>) -> Result<Self, Problem> {
        let before = query_field(query, "cursor")?.map(|text| {
            // What is written as a cursor is a number of storage, which counts no further.
            number(&text).filter(|before| (1..=i64::MAX as u64).contains(before)).ok_or_else(not_given_out)
        });
        Ok(Self { limit: read_limit(query)?, before: before.transpose()? })
    }
}

/// A number in digits and nothing else: no sign, no white space.
fn number(text: &str) -> Option<u64> {
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_read_or_refused() {
        for (query, limit, before) in [
            (None, 50, None),
            (Some(""), 50, None),
            (Some("limit=1"), 1, None),
            (Some("limit=200&cursor=7"), 200, Some(7)),
            (Some("cursor=9223372036854775807"), 50, Some(i64::MAX as u64)),
        ] {
            assert_eq!(PageQuery::read(query).unwrap(), PageQuery { limit, before }, "{query:?}");
        }
        for query in [
            "limit=0",
            "limit=201",
            "limit=abc",
            "limit=",
            "limit=-1",
            "limit=%2B5",
            "limit=1e2",
            "limit=5&limit=5",
            "limit=99999999999999999999",
            "cursor=",
            "cursor=0",
            "cursor=-1",
            "cursor=%2B7",
            "cursor=x",
            "cursor=7%20",
            "cursor=9223372036854775808",
            "cursor=99999999999999999999",
            "cursor=7&cursor=8",
            "cursor=%ff",
        ] {
            assert!(PageQuery::read(Some(query)).is_err(), "{query}");
        }
    }
}
