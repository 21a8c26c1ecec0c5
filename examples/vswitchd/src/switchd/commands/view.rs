//! What our own commands show: named counts, as text for people and as JSON for programs.

use std::fmt::Write as _;

use ovs_db::json::Json;

/// Named counts, and a word on the whole.
#[derive(Clone, Debug, Default)]
pub struct View {
    rows: Vec<(String, i64)>,
    verdict: Option<(&'static str, String)>,
}

impl View {
    /// With one more count, `name` being what people read.
    pub fn row(mut self, name: impl Into<String>, count: u64) -> Self {
        // A count of 2^63 is centuries away.
        self.rows.push((name.into(), i64::try_from(count).unwrap_or(i64::MAX)));
        self
    }

    /// With a last line, and its name in JSON.
    pub fn verdict(mut self, name: &'static str, text: impl Into<String>) -> Self {
        self.verdict = Some((name, text.into()));
        self
    }

    /// A line a count, in two columns.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for (name, count) in &self.rows {
            // Writing to a string does not fail.
            let _ = writeln!(text, "{name:<32} {count}");
        }
        if let Some((_, verdict)) = &self.verdict {
            let _ = writeln!(text, "{verdict}");
        }
        text
    }

    /// An object: the names in lower case with hyphens, as keys.
    pub fn json(&self) -> Json {
        let counts = self.rows.iter().map(|(name, count)| (key(name), Json::from(*count)));
        let verdict = self.verdict.iter().map(|(name, text)| ((*name).to_owned(), Json::from(text.as_str())));
        Json::object(counts.chain(verdict))
    }
}

/// `created: cloned` as `created-cloned`.
fn key(name: &str) -> String {
    name.split([' ', ':', '_']).filter(|word| !word.is_empty()).collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_say_the_same() {
        let view = View::default().row("created: cloned", 7).row("sent", 0).verdict("state", "balanced");
        assert_eq!(
            view.text(),
            "created: cloned                  7\nsent                             0\nbalanced\n"
        );
        assert_eq!(view.json().to_string(), r#"{"created-cloned":7,"sent":0,"state":"balanced"}"#);
    }
}
