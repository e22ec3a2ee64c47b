//! Personas: the name, tone and instructions in which a business wants to speak.

mod prompt;
mod slots;
mod template;

use jiff::Timestamp;

use crate::id::PersonaId;

pub use prompt::{Prompt, PromptRole, PromptTurn};
pub use slots::Slots;
pub use template::{LONGEST_FILLED, TemplateError};

/// The most personas of a tenant.
pub const MOST_PERSONAS: u32 = 50;

/// The most versions of a persona.
pub const MOST_VERSIONS: u32 = 1_000;

/// One version of a persona.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Persona {
    /// Its identifier, over all its versions.
    pub id: PersonaId,
    /// 1 for the first version, without gaps.
    pub version: u32,
    /// The name visitors see; 1 to 100 characters.
    pub name: String,
    /// What it is for, for the business's people; at most 500 characters.
    pub description: String,
    /// How it speaks, in a few words; at most 200 characters.
    pub tone: String,
    /// What a language model is told; at most 8,000 characters, in which [`Slots`] are filled in. Never shown to visitors.
    pub system_prompt: String,
}

/// What a version of a persona says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonaText {
    /// The name visitors see; 1 to 100 characters.
    pub name: String,
    /// What it is for, for the business's people; at most 500 characters.
    pub description: String,
    /// How it speaks, in a few words; at most 200 characters.
    pub tone: String,
    /// What a language model is told; at most 8,000 characters, in which [`Slots`] are filled in.
    pub system_prompt: String,
}

/// What becomes of a version when it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// It waits to be published.
    AsDraft,
    /// It is published at once.
    Published,
}

/// A persona as its people find it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonaOverview {
    /// The version that was written last.
    pub latest: Persona,
    /// The version that is published, if one is.
    pub published: Option<Persona>,
    /// Whether it speaks where nobody chooses another.
    pub is_default: bool,
}

impl PersonaOverview {
    /// The version that holds: the published one, or before there is one the latest.
    #[must_use]
    pub fn shown(&self) -> &Persona {
        self.published.as_ref().unwrap_or(&self.latest)
    }

    /// The latest version, where it was written after the published one.
    #[must_use]
    pub fn draft(&self) -> Option<&Persona> {
        let published = self.published.as_ref().map_or(0, |published| published.version);
        Some(&self.latest).filter(|latest| latest.version > published)
    }
}

/// One version, when it was written, and whether it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonaVersion {
    /// The version.
    pub persona: Persona,
    /// When it was written.
    pub written_at: Timestamp,
    /// Whether it is the published one.
    pub is_published: bool,
}

/// A persona cannot be taken as it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PersonaError {
    /// A field is out of its bounds.
    #[error("{field} has {bounds} characters")]
    Bounds {
        /// The field, as on the wire.
        field: &'static str,
        /// What it may have.
        bounds: &'static str,
    },
    /// The instructions cannot be filled in.
    #[error(transparent)]
    Template(#[from] TemplateError),
}

impl PersonaError {
    /// The field that is wrong, as on the wire.
    #[must_use]
    pub fn field(&self) -> &'static str {
        match self {
            Self::Bounds { field, .. } => field,
            Self::Template(_) => "systemPrompt",
        }
    }
}

impl PersonaText {
    /// Checks the bounds of every field, and that the instructions can be filled in whatever the slots hold.
    ///
    /// # Errors
    ///
    /// Names the first field that is wrong.
    pub fn check(&self) -> Result<(), PersonaError> {
        let fields = [
            ("name", self.name.as_str(), 1..=100, "1 to 100"),
            ("description", &self.description, 0..=500, "at most 500"),
            ("tone", &self.tone, 0..=200, "at most 200"),
            ("systemPrompt", &self.system_prompt, 0..=8_000, "at most 8,000"),
        ];
        for (field, text, allowed, bounds) in fields {
            let on_one_line = field == "name" || field == "tone";
            let broken = text.contains('\0') || (on_one_line && text.contains(char::is_control));
            if !allowed.contains(&text.trim().chars().count()) || broken {
                return Err(PersonaError::Bounds { field, bounds });
            }
        }
        Ok(template::check(&self.system_prompt)?)
    }

    /// The same as a version of a persona.
    #[must_use]
    pub fn at(self, id: PersonaId, version: u32) -> Persona {
        let Self { name, description, tone, system_prompt } = self;
        Persona { id, version, name, description, tone, system_prompt }
    }
}

impl Persona {
    /// The persona every tenant starts with: plain, friendly and named Bob.
    #[must_use]
    pub fn default_for(id: PersonaId, business: &str) -> Self {
        Self {
            id,
            version: 1,
            name: "Bob".to_owned(),
            description: format!("The front office of {business}."),
            tone: "friendly, brief, exact".to_owned(),
            system_prompt:
                "You are the front office of {{ business.name }}. Help its visitors with what the sources say."
                    .to_owned(),
        }
    }

    /// What it says, without its number.
    #[must_use]
    pub fn text(&self) -> PersonaText {
        PersonaText {
            name: self.name.clone(),
            description: self.description.clone(),
            tone: self.tone.clone(),
            system_prompt: self.system_prompt.clone(),
        }
    }

    /// Checks the bounds of every field, and that the instructions can be filled in.
    ///
    /// # Errors
    ///
    /// Names the first field that is wrong.
    pub fn check(&self) -> Result<(), PersonaError> {
        self.text().check()
    }

    /// What a language model is told, filled in.
    ///
    /// Instructions that were checked can always be filled in; others, which an earlier version of Bob took, are told as
    /// they are.
    #[must_use]
    pub fn instructions(&self, slots: &Slots) -> String {
        if !template::is_template(&self.system_prompt) {
            return self.system_prompt.clone();
        }
        template::fill(&self.system_prompt, slots).unwrap_or_else(|error| {
            tracing::warn!(persona = %self.id, version = self.version, %error, "a persona's slots cannot be filled in");
            self.system_prompt.clone()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_persona_is_within_its_bounds() {
        assert_eq!(Persona::default_for(PersonaId::new(), &"x".repeat(200)).check(), Ok(()));
    }

    #[test]
    fn a_persona_of_an_earlier_version_is_told_as_it_is() {
        let tenant = crate::testing::fixture::onboarding("shop").tenant;
        let now = crate::testing::fixture::now();
        let slots = Slots::of(&tenant, crate::language::Language::EN, crate::conversation::Door::Public, now);
        let old = Persona {
            system_prompt: "Say {{ what }}".to_owned(),
            ..Persona::default_for(PersonaId::new(), "Shop")
        };
        assert_eq!(old.instructions(&slots), "Say {{ what }}");
        assert!(Persona::default_for(PersonaId::new(), "x").instructions(&slots).contains("office of shop."));
    }

    #[test]
    fn a_field_out_of_bounds_is_named() {
        let good = Persona::default_for(PersonaId::new(), "Shop");
        let bad = [
            Persona { name: "  ".to_owned(), ..good.clone() },
            Persona { name: "Bob\nTone: rude".to_owned(), ..good.clone() },
            Persona { tone: "x".repeat(201), ..good.clone() },
            Persona { system_prompt: "nul \0".to_owned(), ..good.clone() },
            Persona { system_prompt: "{{ secret }}".to_owned(), ..good },
        ];
        let fields = ["name", "name", "tone", "systemPrompt", "systemPrompt"];
        assert_eq!(bad.map(|p| p.check().unwrap_err().field()), fields);
    }
}
