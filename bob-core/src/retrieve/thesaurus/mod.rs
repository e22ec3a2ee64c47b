//! What every business's customers say in more than one way.
//!
//! A tenant's own [`Synonyms`](super::Synonyms) come on top. A group holds only what may always stand for each other.

mod de;
mod en;
mod es;
mod fr;
mod ja;

use crate::language::Language;

/// The groups of `language`; each line holds one group, parted by commas.
pub(super) fn groups(language: Language) -> impl Iterator<Item = Vec<String>> {
    let lines = match language {
        Language::EN => en::GROUPS,
        Language::DE => de::GROUPS,
        Language::JA => ja::GROUPS,
        Language::FR => fr::GROUPS,
        Language::ES => es::GROUPS,
        _ => &[],
    };
    lines.iter().map(|line| line.split(',').map(|phrase| phrase.trim().to_owned()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_holds_at_least_two_different_phrases() {
        for language in [Language::EN, Language::DE, Language::JA, Language::FR, Language::ES] {
            for group in groups(language) {
                let mut different = group.clone();
                different.sort();
                different.dedup();
                assert!(group.len() > 1 && different.len() == group.len(), "{language}: {group:?}");
                assert!(group.iter().all(|phrase| !phrase.is_empty()), "{language}: {group:?}");
            }
        }
    }
}
