//! From a new connection to a complete snapshot, and how it is kept up to date.

use std::collections::BTreeMap;

use crate::json::Json;
use crate::schema::Schema;
use crate::value::Uuid;

use super::condition::Condition;
use super::fitness::{self, Fitness};
use super::session::{Pending, Session, SessionError, SessionEvent, refused};
use super::snapshot::{Selection, Snapshot, UpdateForm};

/// What names our monitor to the server.
const MONITOR: &str = "main";

/// Conditions by table.
type Conditions = BTreeMap<String, Condition>;

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
#[derive(Clone, Debug, Default)]
pub(super) struct Handshake {
    /// What the server says about the database.
    pub(super) fitness: Fitness,
    /// What of the configuration the server has.
    selected: Selection,
    /// The last transaction that the snapshot has, if the server names them.
    last: Option<Uuid>,
    /// How the present connection follows the database.
    method: Method,
    /// The conditions that the snapshot is for.
    applied: Conditions,
    /// The conditions that the server was told, if it has not answered yet, and their number.
    asked: Option<(Conditions, u64)>,
    /// Counts the changes of the configuration's conditions.
    wanted: u64,
    /// The count that the snapshot is for.
    met: u64,
}

impl Session {
    /// Begins on a new connection.
    pub(super) fn greet(&mut self) {
        self.request("set_db_change_aware", vec![Json::from(true)], Pending::Ignored);
        if let Some(lock) = self.config.lock.clone() {
            self.ask_lock(lock);
        }
        self.request("monitor_cond", Fitness::request(&self.config.database), Pending::Server);
    }

    /// Forgets what was under way on a connection that is no more.
    pub(super) fn part(&mut self) {
        let handshake = &mut self.handshake;
        handshake.fitness.disconnected();
        if handshake.asked.take().is_some() {
            // The copy may be for the old conditions or for the new ones.
            handshake.last = None;
        }
    }

    pub(super) fn got_server(&mut self, result: Result<Json, Json>) -> Result<(), SessionError> {
        // Servers before 2.9 refuse this, each in its own way.
        let Ok(content) = result else {
            self.ask_schema();
            return Ok(());
        };
        self.handshake.fitness.fill(&content)?;
        self.handshake.fitness.judge(&self.config)?;
        match self.handshake.fitness.schema() {
            Some(text) => {
                let schema = text.parse()?;
                self.follow(schema);
            }
            None => self.ask_schema(),
        }
        Ok(())
    }

    pub(super) fn got_schema(&mut self, result: Result<Json, Json>) -> Result<(), SessionError> {
        let json = result.map_err(|error| match error.get("error").and_then(Json::as_str) {
            Some("unknown database") => SessionError::NoDatabase(self.config.database.clone()),
            _ => refused("get_schema", &error),
        })?;
        self.follow(Schema::from_json(&json)?);
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
        let last = self.handshake.last.take();
        if method == Method::CondSince {
            let Some([Json::Bool(found), id, content]) = result.as_array() else {
                return Err(SessionError::BadUpdate);
            };
            match (*found, last) {
                (true, Some(_)) => {
                    self.snapshot.update(content, method.form(), self.changes.as_mut())?;
                }
                // It claims to know a state that nobody named.
                (true, None) => return Err(SessionError::BadUpdate),
                (false, _) => self.fill(content, method.form())?,
            }
            self.handshake.last = last_id(id);
        } else {
            self.fill(&result, method.form())?;
        }
        self.handshake.method = method;
        self.synced = true;
        self.conditions_applied();
        self.event(SessionEvent::Synced);
        self.send_conditions();
        Ok(())
    }

    pub(super) fn updated(&mut self, method: &str, params: &[Json]) -> Result<(), SessionError> {
        if params.first().and_then(Json::as_str) == Some(fitness::MONITOR) {
            let [_, content] = params else { return Err(SessionError::BadUpdate) };
            self.handshake.fitness.update(content)?;
            return self.handshake.fitness.judge(&self.config);
        }
        let (form, content, id) = match (method, params) {
            ("update", [_, content]) => (UpdateForm::Whole, content, None),
            ("update2", [_, content]) => (UpdateForm::Difference, content, None),
            ("update3", [_, id, content]) => (UpdateForm::Difference, content, last_id(id)),
            _ => return Err(SessionError::BadUpdate),
        };
        // If the update is bad, nothing can go on from what it leaves.
        self.handshake.last = None;
        if self.snapshot.update(content, form, self.changes.as_mut())? {
            self.event(SessionEvent::Changed);
        }
        self.handshake.last = id;
        Ok(())
    }

    /// The server ended a monitor, because the schema changed or the database went away.
    pub(super) fn cancelled(&mut self, params: &[Json]) -> Result<(), SessionError> {
        if !self.handshake.fitness.is_told() || params.first().and_then(Json::as_str) != Some(MONITOR) {
            return Err(SessionError::Cancelled);
        }
        self.synced = false;
        self.ask_schema();
        Ok(())
    }

    /// Changes which rows of a table are wanted, and gives the number of that change. The rows come, and others go, in
    /// an update; [`conditions_met`](Self::conditions_met) says when that is done, and
    /// [`SessionEvent::ConditionsMet`] tells it.
    pub fn set_condition(&mut self, table: impl Into<String>, condition: impl Into<Condition>) -> u64 {
        let (table, condition) = (table.into(), condition.into());
        let old = self.config.conditions.get(&table);
        if old.map_or(condition == Condition::always(), |old| *old == condition) {
            return self.handshake.wanted;
        }
        self.config.conditions.insert(table, condition);
        self.handshake.wanted += 1;
        self.send_conditions();
        self.handshake.wanted
    }

    /// Whether the snapshot is for the conditions as they were at the numbered change.
    pub fn conditions_met(&self, change: u64) -> bool {
        self.handshake.met >= change
    }

    pub(super) fn got_conditions(&mut self, result: Result<Json, Json>) -> Result<(), SessionError> {
        result.map_err(|error| refused("monitor_cond_change", &error))?;
        self.conditions_applied();
        self.send_conditions();
        Ok(())
    }

    fn conditions_applied(&mut self) {
        let Some((conditions, number)) = self.handshake.asked.take() else { return };
        self.handshake.applied = conditions;
        if number > self.handshake.met {
            self.handshake.met = number;
            self.event(SessionEvent::ConditionsMet(number));
        }
    }

    /// Tells the server which conditions are new, one change at a time.
    fn send_conditions(&mut self) {
        if !self.synced || self.handshake.asked.is_some() || self.handshake.met == self.handshake.wanted {
            return;
        }
        let wanted = self.config.conditions.clone();
        self.handshake.asked = Some((wanted.clone(), self.handshake.wanted));
        let mut requests = Vec::new();
        for (name, condition) in &wanted {
            let schema = self.schema.as_ref().filter(|_| self.handshake.selected.contains_key(name));
            let Some(table) = schema.and_then(|s| Some(s.table(s.table_id(name)?))) else { continue };
            let all = Condition::always();
            if self.handshake.applied.get(name).unwrap_or(&all) != condition {
                let clauses = condition.to_json(table).unwrap_or_else(|| Json::array([]));
                let request = Json::object([("where", clauses)]);
                requests.push((name.as_str(), Json::array([request])));
            }
        }
        if requests.is_empty() || self.handshake.method == Method::Plain {
            // Nothing that the server could do about it.
            self.conditions_applied();
            return;
        }
        let params = vec![Json::from(MONITOR), Json::from(MONITOR), Json::object(requests)];
        self.request("monitor_cond_change", params, Pending::Conditions);
    }

    fn fill(&mut self, content: &Json, form: UpdateForm) -> Result<(), SessionError> {
        let selected = self.handshake.selected.clone();
        self.snapshot.replace(selected, &self.config, content, form, self.changes.as_mut())
    }

    fn ask_schema(&mut self) {
        let database = Json::from(self.config.database.as_str());
        self.request("get_schema", vec![database], Pending::Schema);
    }

    /// Follows a database of which the schema is known now.
    fn follow(&mut self, schema: Schema) {
        self.handshake.selected = Snapshot::select(&self.config, &schema);
        if !self.snapshot.fits(&self.handshake.selected) {
            self.handshake.last = None;
        }
        self.schema = Some(schema);
        self.monitor(Method::default());
    }

    fn monitor(&mut self, method: Method) {
        // What the copy lacks is known to the server by the conditions that the copy is for.
        let resumes = method == Method::CondSince && self.handshake.last.is_some();
        let (conditions, number) = if resumes {
            (self.handshake.applied.clone(), self.handshake.met)
        } else {
            (self.config.conditions.clone(), self.handshake.wanted)
        };
        let requests = self.handshake.selected.iter().map(|(table, columns)| {
            let columns = columns.iter().map(|(name, _)| Json::from(name.as_str()));
            let mut request = vec![("columns", Json::array(columns))];
            let schema = self.schema.as_ref().and_then(|s| Some(s.table(s.table_id(table)?)));
            let condition = conditions.get(table).filter(|_| method != Method::Plain);
            request.extend(condition.zip(schema).and_then(|(c, s)| Some(("where", c.to_json(s)?))));
            // The older method also takes the request without an array around it; the newer ones need the array.
            (table.as_str(), Json::array([Json::object(request)]))
        });
        let requests = Json::object(requests);
        let mut params = vec![Json::from(self.config.database.as_str()), Json::from(MONITOR), requests];
        if method == Method::CondSince {
            params.push(Json::from(self.handshake.last.unwrap_or(Uuid::ZERO).to_string()));
        }
        self.handshake.asked = Some((conditions, number));
        self.request(method.name(), params, Pending::Monitor(method));
    }
}

/// A server that keeps no history names every transaction by zeros.
fn last_id(json: &Json) -> Option<Uuid> {
    json.as_str()?.parse().ok().filter(|uuid: &Uuid| !uuid.is_zero())
}
