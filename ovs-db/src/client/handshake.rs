//! From a new connection to a complete snapshot.

use std::collections::BTreeMap;

use crate::json::Json;
use crate::schema::{ColumnType, Schema};
use crate::value::Uuid;

use super::session::{Pending, Session, SessionError, SessionEvent, refused};
use super::snapshot::{Snapshot, UpdateForm};

/// What names our monitor to the server.
const MONITOR: &str = "main";

/// The three ways to follow a database, the newest first; servers refuse those that they do not know.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Method {
    /// `monitor_cond_since` (`ovsdb-server(7)`): goes on from where a former connection ended, if the server can.
    #[default]
    CondSince,
    /// `monitor_cond` (`ovsdb-server(7)`).
    Cond,
    /// `monitor` (RFC 7047, section 4.1.5).
    Plain,
}

impl Method {
    const fn name(self) -> &'static str {
        match self {
            Method::CondSince => "monitor_cond_since",
            Method::Cond => "monitor_cond",
            Method::Plain => "monitor",
        }
    }

    const fn older(self) -> Option<Method> {
        match self {
            Method::CondSince => Some(Method::Cond),
            Method::Cond => Some(Method::Plain),
            Method::Plain => None,
        }
    }

    const fn form(self) -> UpdateForm {
        match self {
            Method::CondSince | Method::Cond => UpdateForm::Difference,
            Method::Plain => UpdateForm::Whole,
        }
    }
}

/// What the making of a snapshot needs to remember.
#[derive(Debug, Default)]
pub(super) struct Handshake {
    /// What of the configuration the server has.
    selected: BTreeMap<String, Vec<(String, ColumnType)>>,
    /// The last transaction that the snapshot has, if the server names them.
    last: Option<Uuid>,
}

impl Session {
    pub(super) fn got_schema(&mut self, result: Result<Json, Json>) -> Result<(), SessionError> {
        let json = result.map_err(|error| match error.get("error").and_then(Json::as_str) {
            Some("unknown database") => SessionError::NoDatabase(self.config.database.clone()),
            _ => refused("get_schema", &error),
        })?;
        let schema = Schema::from_json(&json)?;
        self.handshake.selected = Snapshot::select(&self.config, &schema);
        if !self.snapshot.fits(&self.handshake.selected) {
            self.handshake.last = None;
        }
        self.schema = Some(schema);
        self.monitor(Method::default());
        Ok(())
    }

    pub(super) fn got_content(
        &mut self,
        method: Method,
        result: Result<Json, Json>,
    ) -> Result<(), SessionError> {
        let result = match (result, method.older()) {
            (Ok(result), _) => result,
            (Err(Json::String(text)), Some(older)) if text == "unknown method" => {
                self.monitor(older);
                return Ok(());
            }
            (Err(error), _) => return Err(refused(method.name(), &error)),
        };
        if method == Method::CondSince {
            let Some([Json::Bool(found), last, content]) = result.as_array() else {
                return Err(SessionError::BadUpdate);
            };
            self.handshake.last = last_id(last);
            if *found {
                self.snapshot.update(content, method.form())?;
            } else {
                self.fill(content, method.form())?;
            }
        } else {
            self.handshake.last = None;
            self.fill(&result, method.form())?;
        }
        self.synced = true;
        self.event(SessionEvent::Synced);
        Ok(())
    }

    pub(super) fn updated(&mut self, method: &str, params: &[Json]) -> Result<(), SessionError> {
        let (form, content) = match (method, params) {
            ("update", [_, content]) => (UpdateForm::Whole, content),
            ("update2", [_, content]) => (UpdateForm::Difference, content),
            ("update3", [_, last, content]) => {
                self.handshake.last = last_id(last);
                (UpdateForm::Difference, content)
            }
            _ => return Err(SessionError::BadUpdate),
        };
        if self.snapshot.update(content, form)? {
            self.event(SessionEvent::Changed);
        }
        Ok(())
    }

    fn fill(&mut self, content: &Json, form: UpdateForm) -> Result<(), SessionError> {
        let selected = self.handshake.selected.clone();
        self.snapshot.replace(selected, content, form)
    }

    fn monitor(&mut self, method: Method) {
        let requests = self.handshake.selected.iter().map(|(table, columns)| {
            let columns = columns.iter().map(|(name, _)| Json::from(name.as_str()));
            let request = Json::object([("columns", Json::array(columns))]);
            // The older method also takes the request without an array around it; the newer ones need the array.
            (table.as_str(), Json::array([request]))
        });
        let requests = Json::object(requests);
        let mut params = vec![Json::from(self.config.database.as_str()), Json::from(MONITOR), requests];
        if method == Method::CondSince {
            params.push(Json::from(self.handshake.last.unwrap_or(Uuid::ZERO).to_string()));
        }
        self.request(method.name(), params, Pending::Monitor(method));
    }
}

/// A server that keeps no history names every transaction by zeros.
fn last_id(json: &Json) -> Option<Uuid> {
    json.as_str()?.parse().ok().filter(|uuid: &Uuid| !uuid.is_zero())
}
