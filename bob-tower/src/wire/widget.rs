//! Widget keys, and how the widget looks, on the wire.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::time::Duration;

use bob_core::credit::MilliCredits;
use bob_core::language::Language;
use bob_core::limit::Rate;
use bob_core::widget_key::{
    Corner, KeyMode, KeySettings, LONGEST_OVERLAP, MAX_GREETING, MAX_KEY_NAME, MAX_LAUNCHER, MOST_LANGUAGES,
    USUAL_OVERLAP, WidgetKey, WidgetSettings, read_origins,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{left_out_or_null, reason, sentence};
use crate::problem::{FieldError, Problem};

/// The most that a key's budget of a day can be: a thousand million credits.
const MOST_BUDGET: MilliCredits = MilliCredits::credits(1_000_000_000);

/// What makes a key.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewKeyRequest {
    #[serde(default)]
    name: String,
    #[serde(default)]
    mode: Option<String>,
    origins: Vec<String>,
    #[serde(default)]
    embed: bool,
    #[serde(default)]
    messages_per_minute: Option<u32>,
    #[serde(default)]
    daily_budget_millicredits: Option<i64>,
}

/// What changes about a key; a limit that is null is taken away.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChangeKeyRequest {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    origins: Option<Vec<String>>,
    #[serde(default)]
    embed: Option<bool>,
    #[serde(default, deserialize_with = "left_out_or_null")]
    #[schema(value_type = Option<u32>)]
    messages_per_minute: Option<Option<u32>>,
    #[serde(default, deserialize_with = "left_out_or_null")]
    #[schema(value_type = Option<i64>)]
    daily_budget_millicredits: Option<Option<i64>>,
}

impl NewKeyRequest {
    /// The key's mode and settings, within what the mount lets one key bring.
    pub(crate) fn read(self, ceiling: Rate) -> Result<(KeyMode, KeySettings), Problem> {
        let mode = match &self.mode {
            Some(name) => {
                KeyMode::from_name(name).ok_or_else(|| Problem::field("mode", "A mode is live or test."))?
            }
            None => KeyMode::Live,
        };
        let origins = origins(mode, &self.origins, &[])?;
        let settings = KeySettings {
            name: name(&self.name)?,
            origins,
            embed: embed(mode, self.embed)?,
            messages_per_minute: messages_per_minute(self.messages_per_minute, ceiling)?,
            daily_budget: daily_budget(self.daily_budget_millicredits)?,
        };
        Ok((mode, settings))
    }
}

impl ChangeKeyRequest {
    /// The key's settings with what changes, within what the mount lets one key bring.
    pub(crate) fn read(self, key: &WidgetKey, ceiling: Rate) -> Result<KeySettings, Problem> {
        let (mode, mut settings) = (key.key.mode(), key.settings.clone());
        if let Some(text) = &self.name {
            settings.name = name(text)?;
        }
        if let Some(texts) = &self.origins {
            settings.origins = origins(mode, texts, &settings.origins)?;
        }
        if let Some(wanted) = self.embed {
            settings.embed = embed(mode, wanted)?;
        }
        if let Some(most) = self.messages_per_minute {
            settings.messages_per_minute = messages_per_minute(most, ceiling)?;
        }
        if let Some(budget) = self.daily_budget_millicredits {
            settings.daily_budget = daily_budget(budget)?;
        }
        Ok(settings)
    }
}

fn name(text: &str) -> Result<String, Problem> {
    let text = text.trim();
    if text.chars().count() > MAX_KEY_NAME || text.contains(char::is_control) {
        return Err(Problem::field(
            "name",
            format!("A name has at most {MAX_KEY_NAME} characters, on one line."),
        ));
    }
    Ok(text.to_owned())
}

/// The origins that a key is made for or changed to; which one is refused, and why, is said at `/origins`.
pub(crate) fn origins(
    mode: KeyMode,
    texts: &[String],
    known: &[bob_core::origin::OriginPattern],
) -> Result<Vec<bob_core::origin::OriginPattern>, Problem> {
    read_origins(mode, texts, known).map_err(|error| {
        let pointer = match error.entry {
            Some(entry) => format!("/origins/{entry}"),
            None => "/origins".to_owned(),
        };
        Problem::invalid(vec![FieldError { pointer, code: "invalid", detail: sentence(&error) }])
    })
}

fn embed(mode: KeyMode, wanted: bool) -> Result<bool, Problem> {
    if wanted && mode == KeyMode::Test {
        let detail = "The embed brings a key to every page; a test key is for pages of this machine.";
        return Err(Problem::field("embed", detail));
    }
    Ok(wanted)
}

fn messages_per_minute(most: Option<u32>, ceiling: Rate) -> Result<Option<NonZeroU32>, Problem> {
    let Some(most) = most else { return Ok(None) };
    let within = NonZeroU32::new(most).filter(|_| !ceiling.is_below(Rate::per_minute(most)));
    within.map(Some).ok_or_else(|| {
        let (count, seconds) = (ceiling.count, ceiling.per.as_secs());
        let detail =
            format!("At least 1, and no more than a key may bring here: {count} in {seconds} seconds.");
        Problem::field("messages_per_minute", detail)
    })
}

fn daily_budget(amount: Option<i64>) -> Result<Option<MilliCredits>, Problem> {
    match amount.map(MilliCredits) {
        Some(budget) if !(MilliCredits::ZERO..=MOST_BUDGET).contains(&budget) => {
            let detail = format!("A budget is 0 to {} thousandths of a credit.", MOST_BUDGET.0);
            Err(Problem::field("daily_budget_millicredits", detail))
        }
        budget => Ok(budget),
    }
}

/// How a key is put in another's place.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RotateRequest {
    #[serde(default)]
    overlap_hours: Option<u32>,
    #[serde(default)]
    reason: Option<String>,
}

impl RotateRequest {
    /// For how long the old key lives on, and why.
    pub(crate) fn read(self, embed: bool) -> Result<(Duration, Option<String>), Problem> {
        let why = self.reason.as_deref().map(reason).transpose()?;
        let overlap = self.overlap_hours.map(|hours| Duration::from_secs(u64::from(hours) * 3_600));
        let overlap = overlap.unwrap_or(USUAL_OVERLAP);
        if overlap > LONGEST_OVERLAP {
            return Err(Problem::field(
                "overlap_hours",
                "The old key lives on for at most 720 hours, 30 days.",
            ));
        }
        if overlap.is_zero() && why.is_none() {
            return Err(Problem::field(
                "reason",
                "Say why the old key ends at once, such as that it leaked.",
            ));
        }
        if embed && !overlap.is_zero() && overlap < USUAL_OVERLAP {
            let detail = "Pages keep the embed's script for a while: at least 24 hours, or 0 for a leak.";
            return Err(Problem::field("overlap_hours", detail));
        }
        Ok((overlap, why))
    }
}

/// A key.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct KeyView<'a> {
    id: String,
    name: &'a str,
    mode: &'static str,
    /// Publishable: it stands in the source of every page that calls with it.
    key: &'a str,
    origins: Vec<String>,
    embed: bool,
    messages_per_minute: Option<u32>,
    daily_budget_millicredits: Option<i64>,
    version: u64,
    live: bool,
    ends_at: Option<String>,
}

impl<'a> KeyView<'a> {
    pub(crate) fn new(key: &'a WidgetKey, now: Timestamp) -> Self {
        let settings = &key.settings;
        Self {
            id: key.id.to_string(),
            name: &settings.name,
            mode: key.key.mode().as_str(),
            key: key.key.as_str(),
            origins: settings.origins.iter().map(ToString::to_string).collect(),
            embed: settings.embed,
            messages_per_minute: settings.messages_per_minute.map(NonZeroU32::get),
            daily_budget_millicredits: settings.daily_budget.map(|budget| budget.0),
            version: key.version,
            live: key.is_live(now),
            ends_at: key.ends_at.map(|end| end.to_string()),
        }
    }
}

/// A new key, and the one whose place it takes.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RotatedView<'a> {
    #[serde(flatten)]
    key: KeyView<'a>,
    replaces: ReplacedKeyView,
}

#[derive(Debug, Serialize, ToSchema)]
struct ReplacedKeyView {
    id: String,
    ends_at: String,
}

impl<'a> RotatedView<'a> {
    pub(crate) fn new(next: &'a WidgetKey, old: &WidgetKey, now: Timestamp, ends_at: Timestamp) -> Self {
        let replaces = ReplacedKeyView { id: old.id.to_string(), ends_at: ends_at.to_string() };
        Self { key: KeyView::new(next, now), replaces }
    }
}

/// How the widget is to look; what is left out is as usual.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SettingsRequest {
    #[serde(default)]
    position: Option<String>,
    #[serde(default)]
    colour: Option<String>,
    #[serde(default)]
    greeting: BTreeMap<String, String>,
    #[serde(default)]
    launcher: BTreeMap<String, String>,
}

impl SettingsRequest {
    pub(crate) fn read(self) -> Result<WidgetSettings, Problem> {
        let corner = self.position.map_or(Some(Corner::default()), |name| Corner::from_name(&name));
        let colour = self.colour.map(|colour| colour.parse()).transpose();
        Ok(WidgetSettings {
            version: 0,
            corner: corner.ok_or_else(|| Problem::field("position", "A position is left or right."))?,
            colour: colour.map_err(|_| {
                Problem::field("colour", "A colour is # and six hexadecimal digits, such as #3f4bd8.")
            })?,
            greeting: said("greeting", self.greeting, MAX_GREETING)?,
            launcher: said("launcher", self.launcher, MAX_LAUNCHER)?,
        })
    }
}

/// A text by language, shown as text and nothing else.
fn said(
    field: &str,
    texts: BTreeMap<String, String>,
    longest: usize,
) -> Result<BTreeMap<Language, String>, Problem> {
    if texts.len() > MOST_LANGUAGES {
        return Err(Problem::field(field, format!("At most {MOST_LANGUAGES} languages.")));
    }
    let mut read = BTreeMap::new();
    for (tag, text) in texts {
        let text = text.trim();
        let language: Language = tag
            .parse()
            .map_err(|_| Problem::field(field, "Each text stands under a language tag such as en or de."))?;
        if !(1..=longest).contains(&text.chars().count()) || text.contains(char::is_control) {
            return Err(Problem::field(
                field,
                format!("Each text has 1 to {longest} characters, on one line."),
            ));
        }
        if read.insert(language, text.to_owned()).is_some() {
            return Err(Problem::field(field, "Two of the tags are the same language."));
        }
    }
    Ok(read)
}

/// How the widget looks.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SettingsView<'a> {
    position: &'static str,
    /// `null` for the widget's own.
    colour: Option<String>,
    /// The one of black and white that is easier to read on the colour.
    text_colour: Option<String>,
    /// The contrast between the two, 1 to 21.
    contrast: Option<f64>,
    greeting: BTreeMap<&'a str, &'a str>,
    launcher: BTreeMap<&'a str, &'a str>,
}

impl<'a> From<&'a WidgetSettings> for SettingsView<'a> {
    fn from(settings: &'a WidgetSettings) -> Self {
        let contrast = settings.colour.map(|colour| colour.contrast(colour.readable()));
        Self {
            position: settings.corner.as_str(),
            colour: settings.colour.map(|colour| colour.to_string()),
            text_colour: settings.colour.map(|colour| colour.readable().to_string()),
            contrast: contrast.map(|contrast| (contrast * 100.0).floor() / 100.0),
            greeting: by_tag(&settings.greeting),
            launcher: by_tag(&settings.launcher),
        }
    }
}

fn by_tag(texts: &BTreeMap<Language, String>) -> BTreeMap<&str, &str> {
    texts.iter().map(|(language, text)| (language.as_str(), text.as_str())).collect()
}

/// What the widget must know before a visitor opens it; it goes out with the embed.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LookView<'a> {
    position: &'static str,
    colour: Option<String>,
    text_colour: Option<String>,
    launcher: BTreeMap<&'a str, &'a str>,
}

impl<'a> From<&'a WidgetSettings> for LookView<'a> {
    fn from(settings: &'a WidgetSettings) -> Self {
        let SettingsView { position, colour, text_colour, launcher, .. } = settings.into();
        Self { position, colour, text_colour, launcher }
    }
}
