//! The three doors: public, widget, signed in. Each finds out who calls; what follows is the same.

pub(crate) mod public;
mod reads;
mod send;
pub(crate) mod signed_in;
pub(crate) mod widget;
