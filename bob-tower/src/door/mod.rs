//! The three doors: public, widget, signed in. Each finds out who calls; what follows is the same.

mod claim;
pub(crate) mod public;
mod reads;
mod send;
pub(crate) mod signed_in;
mod who;
pub(crate) mod widget;
