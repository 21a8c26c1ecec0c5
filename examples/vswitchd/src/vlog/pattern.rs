//! Patterns of log lines (`ovs-appctl(8)`, `vlog/set PATTERN`).

use std::fmt::Write as _;
use std::time::{Duration, SystemTime};

use super::level::{Facility, Level};
use super::time::Civil;
use crate::daemon::local_offset;

/// Everything that a pattern can show of one message.
pub(super) struct Record<'a> {
    pub(super) module: &'a str,
    pub(super) level: Level,
    pub(super) message: &'a str,
    pub(super) serial: u64,
    pub(super) time: SystemTime,
    pub(super) since_start: Duration,
    /// Empty in the main thread.
    pub(super) thread: &'a str,
    pub(super) program: &'a str,
    pub(super) hostname: &'a str,
    pub(super) facility: Facility,
}

/// Appends the line that `pattern` makes of `record`, without a line end.
pub(super) fn format(pattern: &str, record: &Record<'_>, out: &mut String) {
    let mut rest = pattern;
    while let Some(at) = rest.find('%') {
        out.push_str(&rest[..at]);
        rest = escape(&rest[at + 1..], record, out);
    }
    out.push_str(rest);
}

/// Expands one escape (without its `%`); gives what follows it.
fn escape<'p>(text: &'p str, record: &Record<'_>, out: &mut String) -> &'p str {
    let (left, text) = strip(text, '-');
    let (zero, text) = strip(text, '0');
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    // A width beyond any line is a mistake, and must not become memory.
    let width = text[..digits].parse::<usize>().unwrap_or(0).min(1000);
    let mut chars = text[digits..].chars();
    let Some(kind) = chars.next() else { return "" };
    let mut rest = chars.as_str();
    let mut value = String::new();
    match kind {
        'd' | 'D' => {
            let template;
            (template, rest) = braces(rest);
            let offset = if kind == 'd' { local_offset(record.time) } else { 0 };
            Civil::new(record.time, offset).format(template.unwrap_or("%Y-%m-%d %H:%M:%S"), &mut value);
        }
        _ => simple(kind, record, &mut value),
    }
    let pad = width.saturating_sub(value.chars().count());
    let fill = |n| std::iter::repeat_n(if zero && !left { '0' } else { ' ' }, n);
    if !left {
        out.extend(fill(pad));
    }
    out.push_str(&value);
    if left {
        out.extend(fill(pad));
    }
    rest
}

fn simple(kind: char, record: &Record<'_>, out: &mut String) {
    // Writing to a String cannot fail.
    let _ = match kind {
        'A' => write!(out, "{}", record.program),
        'B' => {
            write!(out, "{}", u16::from(record.facility.number()) * 8 + u16::from(record.level.severity()))
        }
        'c' => write!(out, "{}", record.module),
        'E' => write!(out, "{}", record.hostname),
        'm' => write!(out, "{}", record.message),
        'N' => write!(out, "{}", record.serial),
        'n' => writeln!(out),
        'p' => write!(out, "{}", record.level),
        'P' => write!(out, "{}", std::process::id()),
        'r' => write!(out, "{}", record.since_start.as_millis()),
        't' => write!(out, "{}", if record.thread.is_empty() { "main" } else { record.thread }),
        'T' if record.thread.is_empty() => Ok(()),
        'T' => write!(out, "({})", record.thread),
        other => write!(out, "{other}"),
    };
}

fn strip(text: &str, c: char) -> (bool, &str) {
    text.strip_prefix(c).map_or((false, text), |rest| (true, rest))
}

/// `{...}` at the beginning, if there is one that ends.
fn braces(text: &str) -> (Option<&str>, &str) {
    match text.strip_prefix('{').and_then(|t| t.split_once('}')) {
        Some((inside, rest)) => (Some(inside), rest),
        None => (None, text),
    }
}
