//! What holds for the whole workspace, and the server's commands.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

mod architecture;
mod backup;
mod people;
