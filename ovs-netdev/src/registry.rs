//! Device types by name.

use std::collections::BTreeMap;

use crate::{Netdev, wrap};

/// Options of a device, as its `options` column gives them.
pub type Options = BTreeMap<String, String>;

/// Makes devices of one type.
pub trait Factory: Send {
    /// The type's name.
    fn kind(&self) -> &'static str;

    /// Opens, or creates, the device `name`.
    fn open(&self, name: &str, options: &Options) -> Result<Box<dyn Netdev>, OpenError>;
}

/// The device types that a switch knows. A value: each switch has its own.
#[derive(Default)]
pub struct Registry {
    factories: BTreeMap<String, Box<dyn Factory>>,
}

impl Registry {
    /// An empty registry.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a type under its own name, in place of an earlier one of that name.
    pub fn register(&mut self, factory: Box<dyn Factory>) {
        self.factories.insert(factory.kind().to_owned(), factory);
    }

    /// Adds a type under another name (the dummy in place of `system`, for instance).
    pub fn register_as(&mut self, kind: &str, factory: Box<dyn Factory>) {
        self.factories.insert(kind.to_owned(), factory);
    }

    /// The names of all types, sorted.
    pub fn kinds(&self) -> impl Iterator<Item = &str> {
        self.factories.keys().map(String::as_str)
    }

    /// Opens the device `name` of type `kind`, with what [`wrap`] puts around it if its options ask for that.
    pub fn open(&self, kind: &str, name: &str, options: &Options) -> Result<Box<dyn Netdev>, OpenError> {
        match self.factories.get(kind) {
            Some(factory) => wrap::apply(factory.open(name, options)?, name, options),
            None => Err(OpenError::UnknownKind { name: name.to_owned(), kind: kind.to_owned() }),
        }
    }
}

impl std::fmt::Debug for Registry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.factories.keys()).finish()
    }
}

/// Why a device could not be opened. The text is what a user finds in `Interface.error`.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// No such type.
    #[error("could not create interface {name}: unknown type {kind}")]
    UnknownKind {
        /// The device.
        name: String,
        /// The type asked for.
        kind: String,
    },
    /// No such device.
    #[error("could not open network device {name} (No such device)")]
    NoDevice {
        /// The device.
        name: String,
    },
    /// The name is empty, too long for the system, or has characters that it does not take.
    #[error("could not open network device {name} (invalid name: {reason})")]
    BadName {
        /// The device.
        name: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// An option is missing or makes no sense.
    #[error("{name}: option {option}: {reason}")]
    BadOption {
        /// The device.
        name: String,
        /// The option.
        option: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The name is taken.
    #[error("could not open network device {name} (File exists)")]
    InUse {
        /// The device.
        name: String,
    },
    /// The switch may not do that here.
    #[error("could not open network device {name} (Operation not permitted)")]
    NotPermitted {
        /// The device.
        name: String,
    },
    /// The system refused.
    #[error("could not open network device {name} ({source})")]
    System {
        /// The device.
        name: String,
        /// What the system said.
        source: std::io::Error,
    },
}
