//! What holds for the whole workspace.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

mod architecture;
