//! How the widget looks, in JSON.

use std::collections::BTreeMap;

use bob_core::language::Language;
use bob_core::widget_key::{Corner, WidgetSettings};
use serde::{Deserialize, Serialize};

use super::{RecordError, read, write};

#[derive(Serialize, Deserialize)]
struct WidgetRecord {
    corner: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    colour: Option<String>,
    #[serde(default)]
    greeting: BTreeMap<String, String>,
    #[serde(default)]
    launcher: BTreeMap<String, String>,
}

/// Writes settings; their version stands in a column of its own.
pub(crate) fn of_widget(settings: &WidgetSettings) -> Result<String, RecordError> {
    let by_tag = |said: &BTreeMap<Language, String>| {
        said.iter().map(|(language, text)| (language.to_string(), text.clone())).collect()
    };
    write(&WidgetRecord {
        corner: settings.corner.as_str().to_owned(),
        colour: settings.colour.map(|colour| colour.to_string()),
        greeting: by_tag(&settings.greeting),
        launcher: by_tag(&settings.launcher),
    })
}

/// Reads what [`of_widget`] wrote.
pub(crate) fn widget(json: &str, version: u64) -> Result<WidgetSettings, RecordError> {
    let record: WidgetRecord = read(json)?;
    let by_language = |said: BTreeMap<String, String>| {
        let read = |(tag, text): (String, String)| tag.parse().map(|language| (language, text));
        said.into_iter().map(read).collect::<Result<_, _>>().map_err(|_| RecordError::Field("language"))
    };
    let colour = record.colour.map(|colour| colour.parse()).transpose();
    Ok(WidgetSettings {
        version,
        corner: Corner::from_name(&record.corner).ok_or(RecordError::Field("corner"))?,
        colour: colour.map_err(|_| RecordError::Field("colour"))?,
        greeting: by_language(record.greeting)?,
        launcher: by_language(record.launcher)?,
    })
}
