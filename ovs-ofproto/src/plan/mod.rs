//! Reconfiguration as a value: what has to be done to get from what is to what is wanted.
//!
//! A [`Plan`] is computed without touching anything, can be looked at, and is then applied as a whole. Its
//! steps stand in the order of the original: across all bridges interfaces and ports are deleted first, then
//! bridges; then bridges and ports are added, those with a requested port number first.

mod diff;

use std::collections::BTreeMap;
use std::fmt;

use ovs_flow::OfPort;

use crate::{DesiredState, InterfaceError};

pub(crate) use diff::{Present, diff};

/// Steps from the present state to a wanted one. See the module's head.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    pub(crate) steps: Vec<Step>,
    pub(crate) wanted: DesiredState,
}

impl Plan {
    /// The steps, in the order in which they are applied.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// The state that the plan leads to, local ports included.
    pub fn wanted(&self) -> &DesiredState {
        &self.wanted
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.steps.iter().try_for_each(|step| writeln!(f, "{step}"))
    }
}

/// One step of a plan. What is to be made of a thing stands in [`Plan::wanted`] under its names.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// Close the device of an interface.
    DeleteInterface {
        /// Its bridge.
        bridge: String,
        /// Its name.
        interface: String,
    },
    /// Forget a port.
    DeletePort {
        /// Its bridge.
        bridge: String,
        /// Its name.
        port: String,
    },
    /// Delete a bridge, its rules and its connections.
    DeleteBridge {
        /// Its name.
        bridge: String,
    },
    /// Make an empty bridge.
    AddBridge {
        /// Its name.
        bridge: String,
    },
    /// Give a bridge its settings.
    ConfigureBridge {
        /// Its name.
        bridge: String,
    },
    /// Open the device of an interface.
    AddInterface {
        /// Its bridge.
        bridge: String,
        /// Its port.
        port: String,
        /// Its name.
        interface: String,
    },
    /// Change the device of an interface.
    ConfigureInterface {
        /// Its bridge.
        bridge: String,
        /// Its port.
        port: String,
        /// Its name.
        interface: String,
    },
    /// Give a port its settings; it is made if it is new.
    ConfigurePort {
        /// Its bridge.
        bridge: String,
        /// Its name.
        port: String,
    },
    /// Take over the settings of the whole switch.
    ConfigureSwitch,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DeleteInterface { bridge, interface } => {
                write!(f, "{bridge}: delete interface {interface}")
            }
            Self::DeletePort { bridge, port } => write!(f, "{bridge}: delete port {port}"),
            Self::DeleteBridge { bridge } => write!(f, "delete bridge {bridge}"),
            Self::AddBridge { bridge } => write!(f, "add bridge {bridge}"),
            Self::ConfigureBridge { bridge } => write!(f, "{bridge}: configure"),
            Self::AddInterface { bridge, port, interface } => {
                write!(f, "{bridge}: add interface {interface} to port {port}")
            }
            Self::ConfigureInterface { bridge, interface, .. } => {
                write!(f, "{bridge}: configure interface {interface}")
            }
            Self::ConfigurePort { bridge, port } => write!(f, "{bridge}: configure port {port}"),
            Self::ConfigureSwitch => f.write_str("configure the switch"),
        }
    }
}

/// What became of a plan.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Applied {
    /// What became of each interface that was added or changed, by name of bridge and interface. The rest of
    /// a plan goes on when one fails; what failed is tried again by the next plan.
    pub interfaces: BTreeMap<(String, String), Result<OfPort, InterfaceError>>,
}
