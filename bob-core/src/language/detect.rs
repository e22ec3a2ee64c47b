//! Telling a language.
