//! Bob's words, rules and ports.
pub mod act;
pub mod answer;
pub mod clock;
pub mod id;
pub mod keyring;
pub mod knowledge;
pub mod language;
pub mod retrieve;
pub mod secret;
pub mod text;
