//! The same work on our switch and on the distribution's, in turn.
//!
//! ```text
//!   for each workload:  ours ─▶ peer ─▶ ours ─▶ peer …     each on a fresh switch, in a fresh namespace
//!                        └───┬───┘       └───┬───┘
//!                         ratio 1         ratio 2   …  ─▶ median, least, most ─▶ Comparison
//! ```
//!
//! What a shared machine does to one measurement it does to the one beside it, too; so it is the ratio within a
//! round that is compared, and a difference counts only if it shows in every round.

mod flows;
mod hosts;
mod ports;
mod record;
mod workload;

use std::fmt;

pub use record::Record;
pub use workload::{Better, WORKLOADS, Workload};

use crate::{BenchError, Programs, Spread, Who};

/// How to measure.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Options {
    /// How often each is measured.
    pub rounds: usize,
    /// How many seconds of traffic a measurement takes.
    pub seconds: u32,
    /// Whom to measure.
    pub who: Vec<Who>,
}

impl Default for Options {
    fn default() -> Self {
        Self { rounds: 3, seconds: 4, who: vec![Who::Ours, Who::Peer] }
    }
}

/// What came of one workload.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Comparison {
    /// Which one.
    pub workload: &'static Workload,
    /// Our figures.
    pub ours: Option<Spread>,
    /// The distribution's figures.
    pub peer: Option<Spread>,
    /// How many times as good ours was, round by round.
    pub ratio: Option<Spread>,
    /// Rounds in which all were measured.
    pub rounds: usize,
    /// What failed.
    pub failures: Vec<String>,
}

/// Measures one workload; `tell` gets a line each round.
pub fn compare(
    programs: &Programs,
    workload: &'static Workload,
    options: &Options,
    tell: &dyn Fn(&str),
) -> Result<Comparison, BenchError> {
    let mut figures: [Vec<f64>; 2] = Default::default();
    let (mut ratios, mut failures) = (Vec::new(), Vec::new());
    for round in 1..=options.rounds {
        let mut got = [None; 2];
        for &who in &options.who {
            match (workload.measure)(programs, who, options.seconds) {
                Ok(figure) => got[who as usize] = Some(figure),
                // Without root or programs there is nothing to go on with.
                Err(error @ (BenchError::Root | BenchError::Missing(_))) => return Err(error),
                Err(error) => {
                    failures.push(format!("{} on {}, round {round}: {error}", workload.name, who.name()));
                }
            }
        }
        for (all, one) in figures.iter_mut().zip(got) {
            all.extend(one);
        }
        if let [Some(ours), Some(peer)] = got {
            ratios.push(workload.better.ratio(ours, peer));
        }
        let shown = got.map(|figure| figure.map_or_else(|| "-".to_owned(), workload::figure));
        tell(&format!("{} {round}/{}: ours {}, peer {}", workload.name, options.rounds, shown[0], shown[1]));
    }
    let [ours, peer] = figures;
    let rounds = if options.who.len() == 2 { ratios.len() } else { ours.len().max(peer.len()) };
    let (ours, peer, ratio) = (Spread::of(&ours), Spread::of(&peer), Spread::of(&ratios));
    Ok(Comparison { workload, ours, peer, ratio, rounds, failures })
}

impl Comparison {
    /// In a word: whether every round says the same.
    pub fn verdict(&self) -> &'static str {
        match self.ratio {
            None => "",
            Some(ratio) if ratio.least > 1.0 => "better",
            Some(ratio) if ratio.most < 1.0 => "worse",
            Some(_) => "even",
        }
    }

    /// The columns of a table: workload, ours, peer, ratio, verdict.
    pub fn columns(&self) -> [String; 5] {
        let spread = |spread: Option<Spread>| {
            spread.map_or_else(
                || "-".to_owned(),
                |s| {
                    let [median, least, most] = [s.median, s.least, s.most].map(workload::figure);
                    format!("{median} ({least}–{most})")
                },
            )
        };
        let ratio = self
            .ratio
            .map_or_else(|| "-".to_owned(), |r| format!("{:.2} ({:.2}–{:.2})", r.median, r.least, r.most));
        [
            format!("{} ({})", self.workload.name, self.workload.unit),
            spread(self.ours),
            spread(self.peer),
            ratio,
            self.verdict().to_owned(),
        ]
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [name, ours, peer, ratio, verdict] = self.columns();
        write!(f, "{name:<24} {ours:>30} {peer:>30} {ratio:>20}  {verdict}")
    }
}
