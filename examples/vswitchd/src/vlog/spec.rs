//! What `-v` and `vlog/set` say.

use super::level::{Destination, Facility, Level};

/// Why a specification is wrong; each text is what users of Open vSwitch get.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SpecError {
    /// A word that means nothing.
    #[error("no destination, level, or module \"{0}\"")]
    UnknownWord(String),
    /// More than one destination.
    #[error("cannot specify multiple destinations")]
    ManyDestinations,
    /// More than one level.
    #[error("cannot specify multiple levels")]
    ManyLevels,
    /// More than one module.
    #[error("cannot specify multiple modules")]
    ManyModules,
    /// `PATTERN:` with something that is no destination.
    #[error("unknown destination \"{0}\"")]
    UnknownDestination(String),
    /// `PATTERN:` without a pattern.
    #[error("missing pattern")]
    MissingPattern,
    /// `FACILITY:` with something that is no facility.
    #[error("invalid facility")]
    InvalidFacility,
}

/// A specification, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Spec {
    /// Sets levels; `None` is all.
    Level { module: Option<usize>, destination: Option<Destination>, level: Level },
    /// Sets a pattern; `None` is all destinations.
    Pattern { destination: Option<Destination>, pattern: String },
    /// Sets the facility.
    Facility(Facility),
}

/// Reads one specification; modules are given by their index in `modules`.
pub(super) fn parse(text: &str, modules: &[&str]) -> Result<Spec, SpecError> {
    if let Some(rest) = strip_prefix_nocase(text, "PATTERN:") {
        let (name, pattern) = match rest.split_once(':') {
            Some((name, pattern)) => (name, Some(pattern)),
            None => (rest, None),
        };
        let destination = match Destination::from_name(name) {
            None if name.eq_ignore_ascii_case("any") => None,
            None => return Err(SpecError::UnknownDestination(name.into())),
            known => known,
        };
        let pattern = pattern.ok_or(SpecError::MissingPattern)?.to_string();
        return Ok(Spec::Pattern { destination, pattern });
    }
    if let Some(name) = strip_prefix_nocase(text, "FACILITY:") {
        return Facility::from_name(name).map(Spec::Facility).ok_or(SpecError::InvalidFacility);
    }
    let (mut module, mut destination, mut level) = (None, None, None);
    for word in text.split([' ', ',', ':']).filter(|w| !w.is_empty()) {
        if let Some(d) = Destination::from_name(word) {
            once(&mut destination, d, SpecError::ManyDestinations)?;
        } else if let Some(l) = Level::from_name(word) {
            once(&mut level, l, SpecError::ManyLevels)?;
        } else if let Some(m) = modules.iter().position(|m| m.eq_ignore_ascii_case(word)) {
            once(&mut module, m, SpecError::ManyModules)?;
        } else if !word.eq_ignore_ascii_case("any") {
            return Err(SpecError::UnknownWord(word.into()));
        }
    }
    Ok(Spec::Level { module, destination, level: level.unwrap_or(Level::Dbg) })
}

fn once<T>(slot: &mut Option<T>, value: T, error: SpecError) -> Result<(), SpecError> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(error),
    }
}

fn strip_prefix_nocase<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let head = text.get(..prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then(|| &text[prefix.len()..])
}
