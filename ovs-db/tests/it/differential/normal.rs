//! Making two servers' messages comparable.

use std::collections::BTreeMap;

use ovs_db::json::Json;
use ovs_db::value::Uuid;

/// UUIDs that a server chose for rows, and what they are called in comparisons. Others that it made up are all called
/// alike: they lead to no row.
#[derive(Default)]
pub struct Names(BTreeMap<String, String>);

/// Those of the peer, and ours.
#[derive(Default)]
pub struct BothNames {
    pub theirs: Names,
    pub ours: Names,
}

impl BothNames {
    /// Learns from the results of one transaction: what is inserted at one place is one row.
    pub fn learn(&mut self, theirs: &Json, ours: &Json) {
        let (Some(a), Some(b)) = (theirs.as_array(), ours.as_array()) else { return };
        for (a, b) in a.iter().zip(b) {
            if let (Some(a), Some(b)) = (inserted(a), inserted(b)) {
                self.theirs.0.insert(a, b.clone());
                self.ours.0.insert(b.clone(), b);
            }
        }
    }
}

impl Names {
    /// Puts common names, takes away what may differ (texts for people, versions), and puts sets and
    /// maps in order.
    pub fn normal(&self, json: &Json) -> Json {
        match json {
            Json::Object(members) => {
                let kept = members.iter().filter(|(name, _)| !matches!(name.as_str(), "details" | "syntax"));
                Json::object(kept.map(|(name, value)| match name.as_str() {
                    "_version" => (name.clone(), Json::Null),
                    _ => (self.name(name), self.normal(value)),
                }))
            }
            Json::Array(elements) => match elements.as_slice() {
                [Json::String(tag), Json::Array(members)] if tag == "set" || tag == "map" => {
                    let mut members: Vec<Json> = members.iter().map(|m| self.normal(m)).collect();
                    members.sort_by_key(ToString::to_string);
                    Json::array([Json::from(tag.as_str()), Json::Array(members)])
                }
                elements => Json::array(elements.iter().map(|e| self.normal(e))),
            },
            Json::String(text) => Json::from(self.name(text)),
            other => other.clone(),
        }
    }

    fn name(&self, text: &str) -> String {
        let made_up = text.parse::<Uuid>().is_ok() && !text.starts_with("00000000-0000-");
        match self.0.get(text) {
            Some(name) => name.clone(),
            None if made_up => "a UUID".to_owned(),
            None => text.to_owned(),
        }
    }
}

fn inserted(result: &Json) -> Option<String> {
    match result.get("uuid")?.as_array()? {
        [_, Json::String(uuid)] => Some(uuid.clone()),
        _ => None,
    }
}

/// Puts the rows of every `select` in order.
pub fn sort_rows(results: &Json) -> Json {
    let Some(results) = results.as_array() else { return results.clone() };
    let sorted = results.iter().map(|result| match result.get("rows").and_then(Json::as_array) {
        Some(rows) => {
            let mut rows = rows.to_vec();
            rows.sort_by_key(ToString::to_string);
            Json::object([("rows", Json::Array(rows))])
        }
        None => result.clone(),
    });
    Json::array(sorted)
}

/// The name of an error, of whatever form.
pub fn error_tag(error: &Json) -> String {
    match error {
        Json::String(text) => text.clone(),
        Json::Array(errors) => errors.first().map(error_tag).unwrap_or_default(),
        other => other.get("error").and_then(Json::as_str).unwrap_or_default().to_owned(),
    }
}
