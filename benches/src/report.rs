//! Figures, and the table they are shown in.

use std::fmt;

/// What one case came to in each round.
#[derive(Debug, Clone, Default)]
pub struct Rounds(Vec<f64>);

impl Rounds {
    /// Adds a round.
    pub fn add(&mut self, figure: f64) {
        self.0.push(figure);
    }

    /// Whether nothing was measured.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The middle one; 0 without rounds.
    pub fn median(&self) -> f64 {
        let sorted = self.sorted();
        match sorted.len() {
            0 => 0.0,
            odd if odd % 2 == 1 => sorted[odd / 2],
            even => f64::midpoint(sorted[even / 2 - 1], sorted[even / 2]),
        }
    }

    /// Each round's figure by the same round's of `other`: what disturbed the machine in a round disturbed both.
    pub fn by(&self, other: &Self) -> Self {
        self.0.iter().zip(&other.0).map(|(one, other)| one / other).collect()
    }

    fn sorted(&self) -> Vec<f64> {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        sorted
    }
}

impl FromIterator<f64> for Rounds {
    fn from_iter<I: IntoIterator<Item = f64>>(figures: I) -> Self {
        Self(figures.into_iter().collect())
    }
}

/// What a figure should be.
#[derive(Debug, Clone, Copy)]
pub enum Goal {
    /// No more than this.
    AtMost(f64),
    /// No less than this.
    AtLeast(f64),
    /// From this to that.
    Between(f64, f64),
}

impl Goal {
    fn met(self, figure: f64) -> bool {
        match self {
            Self::AtMost(most) => figure <= most,
            Self::AtLeast(least) => figure >= least,
            Self::Between(least, most) => (least..=most).contains(&figure),
        }
    }
}

/// All figures of a run.
#[derive(Debug, Default)]
pub struct Report {
    rows: Vec<[String; 5]>,
}

impl Report {
    /// Adds what a case came to, in `unit`.
    pub fn add(&mut self, bench: &str, case: impl Into<String>, unit: &str, rounds: &Rounds) {
        self.row(bench, case.into(), unit, rounds, String::new());
    }

    /// Adds a figure that there is a goal for.
    pub fn against(&mut self, goal: Goal, bench: &str, case: impl Into<String>, unit: &str, rounds: &Rounds) {
        let goal_told = match goal {
            Goal::AtMost(most) => format!("≤ {}", Short(most)),
            Goal::AtLeast(least) => format!("≥ {}", Short(least)),
            Goal::Between(least, most) => format!("{} – {}", Short(least), Short(most)),
        };
        let judged = if goal.met(rounds.median()) { "met" } else { "**missed**" };
        self.row(bench, case.into(), unit, rounds, format!("{goal_told}: {judged}"));
    }

    /// Adds a case that was not measured, and why.
    pub fn skip(&mut self, bench: &str, why: &str) {
        self.rows.push([bench.to_owned(), format!("not measured: {why}"), "–".into(), "–".into(), "".into()]);
    }

    fn row(&mut self, bench: &str, case: String, unit: &str, rounds: &Rounds, goal: String) {
        let sorted = rounds.sorted();
        let spread = match sorted[..] {
            [least, .., most] => format!("{} – {}", Short(least), Short(most)),
            _ => "one run".to_owned(),
        };
        let unit = if unit.is_empty() { String::new() } else { format!(" {unit}") };
        self.rows.push([bench.to_owned(), case, format!("{}{unit}", Short(rounds.median())), spread, goal]);
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| Bench | Case | Median | Spread | Goal |")?;
        writeln!(f, "|---|---|---:|---:|---|")?;
        for [bench, case, figure, spread, goal] in &self.rows {
            writeln!(f, "| {bench} | {case} | {figure} | {spread} | {goal} |")?;
        }
        Ok(())
    }
}

/// A number to three digits, which is more than any of these figures is good for.
struct Short(f64);

impl fmt::Display for Short {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let places = match self.0.abs() {
            large if large >= 99.95 => 0,
            medium if medium >= 9.995 => 1,
            _ => 2,
        };
        write!(f, "{:.places$}", self.0)
    }
}
