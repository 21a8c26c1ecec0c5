//! The keys for `ssl:` and `pssl:`: of the database, of managers, of controllers.
//!
//! What the command line says holds until the database says otherwise in its `SSL` row; files are read again when they
//! change.

use ovs_stream::{Tls, TlsOptionError};

use super::rows::Row;
use crate::tls::{TlsOptions, log_notices};

/// What the command line says, with what a row of table `SSL` says in its place.
fn with(options: &TlsOptions, row: Row<'_>) -> TlsOptions {
    let column = |name: &str| Some(row.string(name).to_owned()).filter(|text| !text.is_empty());
    let mut all = options.clone();
    all.private_key = column("private_key").or(all.private_key);
    all.certificate = column("certificate").or(all.certificate);
    if let Some(file) = column("ca_cert") {
        let bootstrap = row.boolean("bootstrap_ca_cert", false);
        (all.ca_cert, all.bootstrap_ca_cert) =
            if bootstrap { (None, Some(file)) } else { (Some(file), None) };
    }
    all.ssl_protocols = column("ssl_protocols").or(all.ssl_protocols);
    all.ssl_ciphers = column("ssl_ciphers").or(all.ssl_ciphers);
    all.ssl_ciphersuites = column("ssl_ciphersuites").or(all.ssl_ciphersuites);
    all
}

/// The keys as they are now.
#[derive(Debug)]
pub struct Keys {
    options: TlsOptions,
    tls: Tls,
}

impl Keys {
    /// As the command line says.
    pub fn new(options: &TlsOptions) -> Result<Self, TlsOptionError> {
        Ok(Self { options: options.clone(), tls: Tls::new(options.config()?) })
    }

    /// What sockets need; it follows what is said later.
    pub fn tls(&self) -> Tls {
        self.tls.clone()
    }

    /// Takes up the row of table `SSL`. What cannot be used is logged, and the keys stay as they were.
    pub fn follow(&self, row: Option<Row<'_>>) {
        let options = row.map_or_else(|| self.options.clone(), |row| with(&self.options, row));
        match options.config() {
            Ok(config) => self.tls.configure(config),
            Err(error) => tracing::error!(target: "stream_ssl", "{error}"),
        }
    }

    /// Logs what has happened to them.
    pub fn log(&self) {
        log_notices(&self.tls);
    }
}
