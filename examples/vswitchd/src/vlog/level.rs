//! Levels, destinations and facilities.

use std::fmt;

/// How severe a message is; as a limit, which messages are let through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Lets nothing through. No message has this level.
    Off,
    /// The process must stop.
    Emer,
    /// An operation or subsystem failed and attention is needed.
    Err,
    /// Something failed from which the rest may recover.
    Warn,
    /// Of interest in retrospect.
    Info,
    /// Of interest to those who know the code.
    Dbg,
}

impl Level {
    const ALL: [Level; 6] = [Level::Off, Level::Emer, Level::Err, Level::Warn, Level::Info, Level::Dbg];

    /// The name that stands in log lines.
    pub const fn name(self) -> &'static str {
        match self {
            Level::Off => "OFF",
            Level::Emer => "EMER",
            Level::Err => "ERR",
            Level::Warn => "WARN",
            Level::Info => "INFO",
            Level::Dbg => "DBG",
        }
    }

    /// Reads a name in any case.
    pub fn from_name(name: &str) -> Option<Level> {
        Level::ALL.into_iter().find(|l| l.name().eq_ignore_ascii_case(name))
    }

    /// The severity of RFC 5424, section 6.2.1, table 2.
    pub(super) const fn severity(self) -> u8 {
        match self {
            Level::Off | Level::Emer => 1,
            Level::Err => 3,
            Level::Warn => 4,
            Level::Info => 5,
            Level::Dbg => 7,
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Where messages go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Destination {
    /// The system log.
    Syslog,
    /// Standard error.
    Console,
    /// The file of `--log-file`.
    File,
}

impl Destination {
    /// All, in the order of `vlog/list-pattern`.
    pub const ALL: [Destination; 3] = [Destination::Syslog, Destination::Console, Destination::File];

    /// The name in listings.
    pub const fn name(self) -> &'static str {
        match self {
            Destination::Syslog => "SYSLOG",
            Destination::Console => "CONSOLE",
            Destination::File => "FILE",
        }
    }

    /// Reads a name in any case.
    pub fn from_name(name: &str) -> Option<Destination> {
        Destination::ALL.into_iter().find(|d| d.name().eq_ignore_ascii_case(name))
    }
}

/// A facility of RFC 5424, section 6.2.1, table 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Facility(u8);

impl Facility {
    /// The names, each at its number.
    const NAMES: [&str; 24] = [
        "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "clock", "authpriv",
        "ftp", "ntp", "audit", "alert", "clock2", "local0", "local1", "local2", "local3", "local4", "local5",
        "local6", "local7",
    ];
    /// `daemon`, the default.
    pub const DAEMON: Facility = Facility(3);

    /// Reads a name.
    pub fn from_name(name: &str) -> Option<Facility> {
        let index = Self::NAMES.iter().position(|n| *n == name)?;
        Some(Facility(index as u8))
    }

    /// The number of the facility.
    pub const fn number(self) -> u8 {
        self.0
    }
}
