//! The keys for `ssl:` and `pssl:`, from options, files and databases.

use std::cell::Cell;

use ovs_db::server::Server;
use ovs_stream::{Tls, TlsConfig, TlsOptionError};
use vswitchd::tls::{TlsOptions, log_notices};

use crate::remotes::DbRemote;

/// The value itself, or what stands where it points to.
fn find(value: &str, server: &Server) -> Option<String> {
    match DbRemote::parse(value) {
        Ok(None) => Some(value.to_owned()),
        Ok(Some(place)) => place.first_text(server),
        Err(_) => None,
    }
}

/// The keys as they are now, and how to find them again.
#[derive(Debug)]
pub struct Keys {
    options: TlsOptions,
    tls: Tls,
    /// What was last said to be wrong with the options, so that it is said once.
    fault: Option<TlsOptionError>,
}

impl Keys {
    /// Takes the keys from the options; databases are not there yet.
    pub fn new(options: TlsOptions) -> Keys {
        Keys { options, tls: Tls::new(TlsConfig::default()), fault: None }
    }

    /// What sockets need.
    pub fn tls(&self) -> Tls {
        self.tls.clone()
    }

    /// Looks for the keys again. A fault in the options leaves the keys as they are.
    pub fn refresh(&mut self, server: &Server) -> Result<(), TlsOptionError> {
        let options = self.options.map(|value| find(value, server));
        self.tls.configure(options.config()?);
        Ok(())
    }

    /// Whether a commit may change what the options mean.
    pub fn stand_in_database(&self) -> bool {
        let found = Cell::new(false);
        let _ = self.options.map(|value| {
            found.set(found.get() || value.starts_with("db:"));
            None
        });
        found.get()
    }

    /// As [`refresh`](Self::refresh), with a fault going to the log.
    pub fn refresh_or_log(&mut self, server: &Server) {
        let fault = self.refresh(server).err();
        if let Some(fault) = fault.as_ref().filter(|fault| self.fault.as_ref() != Some(fault)) {
            tracing::error!(target: "stream_ssl", "{fault}");
        }
        self.fault = fault;
    }

    /// Logs what happened.
    pub fn log(&self) {
        log_notices(&self.tls);
    }
}
