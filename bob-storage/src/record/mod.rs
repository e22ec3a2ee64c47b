//! What stands in JSON columns: records of our own, because the domain's types carry no serde.

mod answer;
mod identity;
mod pricebook;
mod profile;
mod widget;

use serde::{Deserialize, Serialize};

pub(crate) use answer::{answer, of_answer};
pub(crate) use identity::{identity_settings, of_identity_settings, of_profile, profile};
pub(crate) use pricebook::{of_pricebook, pricebook};
pub(crate) use profile::{contact, hours, of_contact, of_hours};
pub(crate) use widget::{of_widget, widget};

/// A record that cannot be read back.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RecordError {
    #[error("not the JSON of its column")]
    Json(#[from] serde_json::Error),
    #[error("a field of a JSON column makes no sense: {0}")]
    Field(&'static str),
}

/// Writes a list, or another record.
pub(crate) fn write(record: &impl Serialize) -> Result<String, RecordError> {
    Ok(serde_json::to_string(record)?)
}

/// Reads what [`write`] wrote.
pub(crate) fn read<'a, T: Deserialize<'a>>(json: &'a str) -> Result<T, RecordError> {
    Ok(serde_json::from_str(json)?)
}
