//! What the generator has reached.

use std::collections::BTreeMap;

/// Everything that is to be reached, by kind.
const WANTED: [(&str, &[&str]); 9] = [
    (
        "operation",
        &["insert", "select", "update", "mutate", "delete", "wait", "commit", "abort", "comment", "assert"],
    ),
    ("mutator", &["+=", "-=", "*=", "/=", "%=", "insert", "delete"]),
    ("function", &["<", "<=", "==", "!=", ">=", ">", "includes", "excludes", "true", "false"]),
    (
        "type",
        &["integer", "real", "boolean", "string", "uuid", "scalar", "optional", "set", "map", "ephemeral"],
    ),
    (
        "constraint",
        &[
            "enum",
            "range",
            "length",
            "count",
            "duplicate",
            "strong",
            "remaining",
            "weak",
            "index",
            "rows",
            "immutable",
        ],
    ),
    ("consequence", &["garbage", "weak reference dropped"]),
    (
        "error",
        &[
            "syntax error",
            "constraint violation",
            "referential integrity violation",
            "range error",
            "domain error",
            "timed out",
            "aborted",
            "not owner",
            "duplicate uuid",
            "duplicate uuid-name",
            "unknown column",
            "unknown function",
            "unknown mutator",
            "ovsdb error",
        ],
    ),
    (
        "method",
        &[
            "transact",
            "monitor",
            "monitor_cond",
            "monitor_cond_since",
            "monitor_cond_change",
            "monitor_cancel",
            "lock",
            "steal",
            "unlock",
            "echo",
            "list_dbs",
            "get_schema",
            "get_server_id",
            "set_db_change_aware",
            "convert",
        ],
    ),
    (
        "notification",
        &[
            "initial",
            "insert",
            "delete",
            "modify",
            "new",
            "old",
            "old+new",
            "update",
            "update2",
            "update3",
            "locked",
            "stolen",
            "monitor_canceled",
        ],
    ),
];

#[derive(Default)]
pub struct Coverage {
    counts: BTreeMap<(String, String), u64>,
    pub transactions: u64,
    pub good: u64,
    pub sessions: u64,
    pub monitors: u64,
    pub updates: u64,
    pub conversions: u64,
    pub forgiven: u64,
    /// How often the distribution's server died.
    pub deaths: u64,
    /// How often it left a weak reference to a deleted row.
    pub dangling: u64,
}

impl Coverage {
    pub fn hit(&mut self, kind: &str, what: &str) {
        *self.counts.entry((kind.into(), what.into())).or_default() += 1;
    }

    /// Prints what was reached, and gives what was not.
    pub fn report(&self) -> Vec<String> {
        let mut missing = Vec::new();
        let mut reached = 0;
        for (kind, items) in WANTED {
            let counts: Vec<String> = items
                .iter()
                .map(|item| {
                    let count = self.counts.get(&(kind.to_owned(), (*item).to_owned())).copied().unwrap_or(0);
                    if count == 0 {
                        missing.push(format!("{kind} {item}"));
                    } else {
                        reached += 1;
                    }
                    format!("{item} {count}")
                })
                .collect();
            println!("{kind}: {}", counts.join(", "));
        }
        let all = reached + missing.len();
        println!(
            "{} transactions ({} good), {} monitor sessions, {} monitors, {} updates, {} conversions; \
             {} of two errors either was right; it died {} times, and left {} dangling references; coverage {reached}/{all} = {}%",
            self.transactions,
            self.good,
            self.sessions,
            self.monitors,
            self.updates,
            self.conversions,
            self.forgiven,
            self.deaths,
            self.dangling,
            100 * reached / all
        );
        missing
    }
}
