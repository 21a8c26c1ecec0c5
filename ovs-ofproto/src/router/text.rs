//! Routes as `ovs/route/show` prints them.

use std::fmt;

use super::{DEFAULT_TABLE, Hop, LOCAL_TABLE, MAIN_TABLE, Route, Router, RoutingRule};

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", if self.user { "User" } else { "Cached" }, self.prefix)?;
        if self.mark != 0 {
            write!(f, " MARK {}", self.mark)?;
        }
        write!(f, " dev {}", self.device)?;
        if let Some(gateway) = self.gateway {
            write!(f, " GW {gateway}")?;
        }
        if let Some(source) = self.source {
            write!(f, " SRC {source}")?;
        }
        f.write_str(if self.local { " local" } else { "" })
    }
}

impl fmt::Display for Router {
    /// All routes with a head, a line each.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Route Table:\n")?;
        self.routes().try_for_each(|route| writeln!(f, "{route}"))
    }
}

impl fmt::Display for RoutingRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let origin = if self.user { "User" } else { "Cached" };
        write!(f, "{origin}: {}: {}from ", self.priority, if self.invert { "not " } else { "" })?;
        match &self.from {
            Some(prefix) => write!(f, "{prefix}")?,
            None => f.write_str("all")?,
        }
        match self.table {
            LOCAL_TABLE => f.write_str(" lookup local"),
            MAIN_TABLE => f.write_str(" lookup main"),
            DEFAULT_TABLE => f.write_str(" lookup default"),
            table => write!(f, " lookup {table}"),
        }
    }
}

impl fmt::Display for Hop {
    /// As `ovs/route/lookup` prints it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "src {}\ngateway ", self.source)?;
        match self.gateway {
            Some(gateway) => write!(f, "{gateway}")?,
            None => f.write_str("::")?,
        }
        write!(f, "\ndev {}\n", self.device)
    }
}
