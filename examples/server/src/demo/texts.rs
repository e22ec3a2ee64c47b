//! The shop's texts, as they were when this was compiled.

use std::collections::BTreeMap;
use std::error::Error;

use bob_core::id::KnowledgeId;
use bob_core::knowledge::{KnowledgeText, Synonyms};
use bob_core::language::Language;
use bob_core::pricebook::Pricebook;
use serde::Deserialize;

use super::plans;

const FILES: [(Language, &str); 3] = [
    (Language::EN, include_str!("../../demo/knowledge/en.toml")),
    (Language::DE, include_str!("../../demo/knowledge/de.toml")),
    (Language::JA, include_str!("../../demo/knowledge/ja.toml")),
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    item: Vec<Item>,
}

/// One text as its author wrote it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Item {
    /// What it is about, the same in every language.
    pub key: String,
    pub title: String,
    pub questions: Vec<String>,
    pub body: String,
}

/// All texts, with the plans of the pricebook among them.
pub fn all(
    canonical: &str,
    pricebook: &Pricebook,
) -> Result<Vec<(KnowledgeId, KnowledgeText)>, Box<dyn Error>> {
    let mut texts = Vec::new();
    for (language, file) in FILES {
        let mut items = toml::from_str::<File>(file)?.item;
        items.push(plans::item(language, pricebook));
        for item in items {
            let text = KnowledgeText::new(language, &item.title, &item.body)?
                .asked_as(item.questions)?
                .found_at(&format!("{canonical}help/{language}#{}", item.key))?;
            texts.push((KnowledgeId::new(), text));
        }
    }
    Ok(texts)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Group {
    words: Vec<String>,
}

/// Words that mean the same to the shop's customers.
pub fn synonyms() -> Result<Synonyms, Box<dyn Error>> {
    let groups: BTreeMap<String, Vec<Group>> = toml::from_str(include_str!("../../demo/synonyms.toml"))?;
    let mut synonyms = Synonyms::new();
    for (language, groups) in groups {
        let language: Language = language.parse()?;
        synonyms = groups.into_iter().fold(synonyms, |all, group| all.with(language, group.words));
    }
    Ok(synonyms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_topic_is_told_in_every_language_under_one_key() {
        let keys = FILES.map(|(_, file)| {
            let items = toml::from_str::<File>(file).unwrap().item;
            items.into_iter().map(|item| item.key).collect::<Vec<_>>()
        });
        assert!(keys[0].len() >= 25, "{}", keys[0].len());
        assert_eq!(keys[0], keys[1]);
        assert_eq!(keys[0], keys[2]);
    }

    #[test]
    fn the_demo_is_within_all_bounds() {
        let texts = all("http://127.0.0.1:8080/", &Pricebook::first()).unwrap();
        assert!(texts.len() > 75);
        assert!(!synonyms().unwrap().groups().is_empty());
    }
}
