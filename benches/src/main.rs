//! Every figure Bob claims, runnable with one command.
//!
//! `cargo run --release -p bob-benches` runs all benches and prints one Markdown table; names pick some, `--quick` makes
//! a smoke run whose figures mean nothing. What is compared with what is told in `README.md`.

mod by_hand;
mod callers;
mod client;
mod clock;
mod cors;
mod database;
mod durability;
mod fill;
mod growth;
mod http;
mod login;
mod lone;
mod model;
mod postgres;
mod report;
mod retrieve;
mod rival;
mod seal;
mod sqlite;
mod start;
mod turn;
mod world;

use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use report::Report;

/// Whatever made a bench fail.
type Error = Box<dyn std::error::Error + Send + Sync>;

/// What a step of a bench answers.
type Result<T> = std::result::Result<T, Error>;

/// Its name, and what runs it.
type Bench = (&'static str, fn(Effort, &mut Report) -> Result<()>);

const BENCHES: [Bench; 10] = [
    ("cors", cors::run),
    ("seal", seal::run),
    ("turn", turn::run),
    ("http", http::run),
    ("durability", durability::run),
    ("lone", lone::run),
    ("growth", growth::run),
    ("retrieve", retrieve::run),
    ("login", login::run),
    ("start", start::run),
];

/// How much is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Effort {
    /// Enough to compare.
    Full,
    /// Enough to see that a bench works.
    Smoke,
}

impl Effort {
    /// How often each case is measured, in turns with the others.
    fn rounds(self) -> usize {
        self.pick(5, 1)
    }

    /// For how long each case is measured in a round.
    fn span(self) -> Duration {
        self.pick(Duration::from_millis(1_500), Duration::from_millis(20))
    }

    fn pick<T>(self, full: T, smoke: T) -> T {
        match self {
            Self::Full => full,
            Self::Smoke => smoke,
        }
    }
}

fn main() -> ExitCode {
    match benches() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "bob-benches: {error}");
            ExitCode::FAILURE
        }
    }
}

fn benches() -> Result<()> {
    let (flags, names): (Vec<String>, Vec<String>) =
        std::env::args().skip(1).partition(|argument| argument.starts_with('-'));
    let effort = match flags.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => Effort::Full,
        ["--quick"] => Effort::Smoke,
        _ => return Err("the only flag is --quick".into()),
    };
    let known = BENCHES.map(|(name, _)| name);
    if let Some(unknown) = names.iter().find(|name| !known.contains(&name.as_str())) {
        return Err(format!("there is no bench {unknown}; the benches are {}", known.join(", ")).into());
    }
    let mut report = Report::default();
    for (name, run) in BENCHES {
        if names.is_empty() || names.iter().any(|wanted| wanted == name) {
            writeln!(std::io::stderr(), "{name} …")?;
            run(effort, &mut report).map_err(|error| format!("{name}: {error}"))?;
        }
    }
    write!(std::io::stdout(), "{report}")?;
    Ok(())
}
