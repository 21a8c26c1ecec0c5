//! Taking an operation's JSON object apart, so that nothing in it is overlooked.

use crate::error::DbError;
use crate::json::{Json, Object};

/// The members of an object that were not asked for yet.
pub(crate) struct Members<'a> {
    json: &'a Json,
    object: &'a Object,
    taken: Vec<&'static str>,
}

impl<'a> Members<'a> {
    /// Starts with `json`, which must be an object; `what` names it in errors.
    pub(crate) fn new(json: &'a Json, what: &str) -> Result<Members<'a>, DbError> {
        let object = json.as_object().ok_or_else(|| DbError::syntax(json, format!("{what} is no object")))?;
        Ok(Members { json, object, taken: Vec::new() })
    }

    /// The member `name`, if there is one.
    pub(crate) fn take(&mut self, name: &'static str) -> Option<&'a Json> {
        self.taken.push(name);
        self.object.get(name)
    }

    /// The member `name`, which must be there.
    pub(crate) fn need(&mut self, name: &'static str) -> Result<&'a Json, DbError> {
        self.take(name).ok_or_else(|| self.missing(name))
    }

    /// The string `name`, which must be there.
    pub(crate) fn need_str(&mut self, name: &'static str) -> Result<&'a str, DbError> {
        self.need(name)?.as_str().ok_or_else(|| self.wrong(name, "a string"))
    }

    /// The array `name`, which must be there.
    pub(crate) fn need_array(&mut self, name: &'static str) -> Result<&'a [Json], DbError> {
        self.need(name)?.as_array().ok_or_else(|| self.wrong(name, "an array"))
    }

    /// The array `name`, if there is one.
    pub(crate) fn array(&mut self, name: &'static str) -> Result<Option<&'a [Json]>, DbError> {
        match self.take(name) {
            None => Ok(None),
            Some(Json::Array(elements)) => Ok(Some(elements)),
            Some(_) => Err(self.wrong(name, "an array")),
        }
    }

    /// The boolean `name`, or `default`.
    pub(crate) fn bool_or(&mut self, name: &'static str, default: bool) -> Result<bool, DbError> {
        match self.take(name) {
            None => Ok(default),
            Some(Json::Bool(b)) => Ok(*b),
            Some(_) => Err(self.wrong(name, "a boolean")),
        }
    }

    /// The string `name`, if there is one.
    pub(crate) fn string(&mut self, name: &'static str) -> Result<Option<&'a str>, DbError> {
        match self.take(name) {
            None => Ok(None),
            Some(Json::String(s)) => Ok(Some(s)),
            Some(_) => Err(self.wrong(name, "a string")),
        }
    }

    /// Refuses members that nobody asked for.
    pub(crate) fn finish(self) -> Result<(), DbError> {
        match self.object.keys().find(|name| !self.taken.contains(&name.as_str())) {
            Some(name) => Err(DbError::syntax(self.json, format!("member \"{name}\" is not known here"))),
            None => Ok(()),
        }
    }

    /// The error for a member of the wrong type.
    pub(crate) fn wrong(&self, name: &str, expected: &str) -> DbError {
        DbError::syntax(self.json, format!("member \"{name}\" must be {expected}"))
    }

    fn missing(&self, name: &str) -> DbError {
        DbError::syntax(self.json, format!("member \"{name}\" is missing"))
    }
}
