//! Taking figures in turns, and printing them as a table.

use std::hint::black_box;
use std::time::Instant;

/// Turns of a group, of which the lower decile counts: whatever else the machine does only adds.
const TURNS: usize = 60;

/// Whether this is `cargo bench`: `cargo test --benches` only tries whether a little of it runs.
pub fn is_measured() -> bool {
    std::env::args().any(|arg| arg == "--bench")
}

/// Whether the command line asks for a group, or for none in particular.
pub fn wanted(name: &str) -> bool {
    let is_name = |arg: &String| !arg.starts_with('-') && arg.parse::<usize>().is_err();
    let mut names = std::env::args().skip(1).filter(is_name).peekable();
    names.peek().is_none() || names.any(|wanted| wanted == name)
}

/// Whether the command line asks for a number of masks, or for none in particular.
pub fn wanted_count(count: usize) -> bool {
    let mut counts = std::env::args().skip(1).filter_map(|arg| arg.parse().ok()).peekable();
    counts.peek().is_none() || counts.any(|wanted: usize| wanted == count)
}

type Work = Box<dyn FnMut() -> usize>;

/// Figures that are compared with each other.
pub struct Group {
    title: String,
    base: String,
    rows: Vec<Row>,
}

struct Row {
    name: String,
    count: usize,
    work: Work,
    /// What the figure is reduced by.
    less: Option<Work>,
    beside: Option<(Work, usize)>,
}

impl Group {
    /// A group whose ratios are to the row called `base`.
    pub fn new(title: &str, base: &str) -> Self {
        Self { title: title.to_owned(), base: base.to_owned(), rows: Vec::new() }
    }

    /// Adds a row: work that does something `count` times.
    pub fn add(&mut self, name: &str, count: usize, work: impl FnMut() -> usize + 'static) {
        let row = Row { name: name.to_owned(), count, work: Box::new(work), less: None, beside: None };
        self.rows.push(row);
    }

    /// Says what of the last row's work is not to count.
    pub fn less(&mut self, work: impl FnMut() -> usize + 'static) {
        if let Some(row) = self.rows.last_mut() {
            row.less = Some(Box::new(work));
        }
    }

    /// Gives the last row something to be compared with, that does it `count` times.
    pub fn beside(&mut self, work: impl FnMut() -> usize + 'static, count: usize) {
        if let Some(row) = self.rows.last_mut() {
            row.beside = Some((Box::new(work), count));
        }
    }

    /// Takes all figures, in turns, and prints them.
    pub fn print(mut self, beside: &str) {
        let mut times = vec![Vec::new(); self.rows.len()];
        let mut lesses = vec![Vec::new(); self.rows.len()];
        let mut others = vec![Vec::new(); self.rows.len()];
        for turn in 0..=TURNS {
            for (n, row) in self.rows.iter_mut().enumerate() {
                let less = row.less.as_mut().map_or(0.0, |less| time(less, row.count));
                let took = time(&mut row.work, row.count);
                if turn > 0 {
                    times[n].push(took);
                    lesses[n].push(less);
                }
                if let Some((work, count)) = row.beside.as_mut().filter(|_| turn < 3) {
                    others[n].push(time(work, *count));
                }
            }
        }
        let both = times.into_iter().zip(lesses);
        let deciles: Vec<f64> = both.map(|(times, lesses)| decile(times) - decile(lesses)).collect();
        let base = self.rows.iter().position(|row| row.name == self.base).map(|n| deciles[n]);
        println!("\n{:<42} {:>9} {:>8}  {beside}", self.title, "ns", "ratio");
        for ((row, ns), others) in self.rows.iter().zip(&deciles).zip(others) {
            let ratio = base.map_or(String::new(), |base| format!("{:.2}", ns / base));
            let other = if others.is_empty() { String::new() } else { format!("{:.0} ns", decile(others)) };
            println!("  {:<40} {ns:>9.1} {ratio:>8}  {other}", row.name);
        }
    }
}

fn time(work: &mut Work, count: usize) -> f64 {
    let start = Instant::now();
    black_box(work());
    start.elapsed().as_nanos() as f64 / count as f64
}

fn decile(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 10]
}
