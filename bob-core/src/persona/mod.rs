//! Personas: the name, tone and instructions in which a business wants to speak.

mod prompt;

use crate::id::PersonaId;

pub use prompt::{Prompt, PromptRole, PromptTurn};

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
    /// What a language model is told; at most 8,000 characters. Never shown to visitors.
    pub system_prompt: String,
}

/// A persona is out of its bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{field} has {bounds} characters")]
pub struct PersonaError {
    /// The field, as on the wire.
    pub field: &'static str,
    /// What it may have.
    pub bounds: &'static str,
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
            system_prompt: format!(
                "You are the front office of {business}. Help its visitors with what the sources say."
            ),
        }
    }

    /// Checks the bounds of every field.
    ///
    /// # Errors
    ///
    /// Names the first field that is out of bounds.
    pub fn check(&self) -> Result<(), PersonaError> {
        let fields = [
            ("name", self.name.as_str(), 1..=100, "1 to 100"),
            ("description", &self.description, 0..=500, "at most 500"),
            ("tone", &self.tone, 0..=200, "at most 200"),
            ("systemPrompt", &self.system_prompt, 0..=8_000, "at most 8,000"),
        ];
        for (field, text, allowed, bounds) in fields {
            if !allowed.contains(&text.trim().chars().count()) || text.contains('\0') {
                return Err(PersonaError { field, bounds });
            }
        }
        Ok(())
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
    fn a_field_out_of_bounds_is_named() {
        let good = Persona::default_for(PersonaId::new(), "Shop");
        let bad = [
            Persona { name: "  ".to_owned(), ..good.clone() },
            Persona { tone: "x".repeat(201), ..good.clone() },
            Persona { system_prompt: "nul \0".to_owned(), ..good },
        ];
        assert_eq!(bad.map(|p| p.check().unwrap_err().field), ["name", "tone", "systemPrompt"]);
    }
}
