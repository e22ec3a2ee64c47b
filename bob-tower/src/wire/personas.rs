//! Personas on the wire.

use bob_core::persona::{Persona, PersonaOverview, PersonaText, PersonaVersion};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::problem::Problem;

/// What a persona says.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PersonaRequest {
    /// The name visitors see; 1 to 100 characters on one line.
    name: String,
    /// What it is for; at most 500 characters.
    #[serde(default)]
    description: String,
    /// How it speaks, in a few words; at most 200 characters on one line.
    #[serde(default)]
    tone: String,
    /// What a language model is told; at most 8,000 characters, with slots such as `{{ business.name }}`.
    #[serde(rename = "systemPrompt")]
    system_prompt: String,
}

impl TryFrom<PersonaRequest> for PersonaText {
    type Error = Problem;

    fn try_from(request: PersonaRequest) -> Result<Self, Problem> {
        let PersonaRequest { name, description, tone, system_prompt } = request;
        let text = Self {
            name: name.trim().to_owned(),
            description: description.trim().to_owned(),
            tone: tone.trim().to_owned(),
            system_prompt: system_prompt.trim().to_owned(),
        };
        text.check()?;
        Ok(text)
    }
}

/// A persona: what of it is published, and the draft that may follow.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PersonaView {
    id: String,
    /// Of the published version; before there is one, of the draft.
    name: String,
    description: String,
    tone: String,
    #[serde(rename = "systemPrompt")]
    system_prompt: String,
    /// Whether it speaks where nobody chooses another.
    is_default: bool,
    /// The version that turns use; `null` before one is published.
    published_version: Option<u32>,
    /// The latest version, where it was written after the published one.
    draft_version: Option<u32>,
    /// What the draft says.
    draft: Option<PersonaTextView>,
    /// The latest version, as in `ETag`.
    latest_version: u32,
}

#[derive(Debug, Serialize, ToSchema)]
struct PersonaTextView {
    name: String,
    description: String,
    tone: String,
    #[serde(rename = "systemPrompt")]
    system_prompt: String,
}

impl From<&Persona> for PersonaTextView {
    fn from(persona: &Persona) -> Self {
        let PersonaText { name, description, tone, system_prompt } = persona.text();
        Self { name, description, tone, system_prompt }
    }
}

impl From<&PersonaOverview> for PersonaView {
    fn from(overview: &PersonaOverview) -> Self {
        let PersonaTextView { name, description, tone, system_prompt } = overview.shown().into();
        Self {
            id: overview.latest.id.to_string(),
            name,
            description,
            tone,
            system_prompt,
            is_default: overview.is_default,
            published_version: overview.published.as_ref().map(|published| published.version),
            draft_version: overview.draft().map(|draft| draft.version),
            draft: overview.draft().map(Into::into),
            latest_version: overview.latest.version,
        }
    }
}

/// One version of a persona.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PersonaVersionView {
    version: u32,
    /// Whether turns use it.
    published: bool,
    written_at: String,
    name: String,
    description: String,
    tone: String,
    #[serde(rename = "systemPrompt")]
    system_prompt: String,
}

impl From<&PersonaVersion> for PersonaVersionView {
    fn from(version: &PersonaVersion) -> Self {
        let PersonaTextView { name, description, tone, system_prompt } = (&version.persona).into();
        Self {
            version: version.persona.version,
            published: version.is_published,
            written_at: version.written_at.to_string(),
            name,
            description,
            tone,
            system_prompt,
        }
    }
}

/// What a language model would be told.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PreviewView {
    pub(crate) persona_id: String,
    pub(crate) version: u32,
    pub(crate) locale: String,
    pub(crate) channel: &'static str,
    /// All of the instructions, without sources.
    pub(crate) prompt: String,
}
