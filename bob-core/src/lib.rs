//! Bob's words, rules and ports.
pub mod account;
pub mod act;
pub mod answer;
pub mod clock;
pub mod conversation;
pub mod credit;
pub mod directory;
pub mod gate;
pub mod id;
pub mod keyring;
pub mod knowledge;
pub mod language;
pub mod limit;
pub mod llm;
pub mod origin;
pub mod persona;
pub mod pricebook;
pub mod retrieve;
pub mod secret;
pub mod storage;
pub mod tenant;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod text;
pub mod turn;
pub mod visitor;
pub mod widget_key;
