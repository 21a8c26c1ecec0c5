//! The keys for `ssl:` and `pssl:`, from options, files and databases.

use ovs_db::server::Server;
use ovs_stream::{Tls, TlsConfig, TlsNotice, TlsOptionError};

use crate::remotes::DbRemote;

/// The options that say which keys, protocols and ciphers to use. Each value is a file (or the text itself), or
/// `db:DB,TABLE,COLUMN` for where it stands in a database.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "TLS options")]
pub struct TlsOptions {
    /// File with the private key, or db:DB,TABLE,COLUMN
    #[arg(long, short = 'p', value_name = "FILE")]
    private_key: Option<String>,
    /// File with the certificate for the private key, or db:DB,TABLE,COLUMN
    #[arg(long, short = 'c', value_name = "FILE")]
    certificate: Option<String>,
    /// File with the certificate of the peers' authority, or db:DB,TABLE,COLUMN; "none" trusts everybody
    #[arg(long, short = 'C', value_name = "FILE")]
    ca_cert: Option<String>,
    /// As --ca-cert, but obtained from the first peer if there is no such file
    #[arg(long, value_name = "FILE", conflicts_with = "ca_cert")]
    bootstrap_ca_cert: Option<String>,
    /// File with certificates to send to peers, so that they can bootstrap
    #[arg(long, value_name = "FILE")]
    peer_ca_cert: Option<String>,
    /// TLS versions: a list (TLSv1.2,TLSv1.3) or a range (TLSv1.2+)
    #[arg(long, value_name = "PROTOS")]
    ssl_protocols: Option<String>,
    /// Ciphers of TLS 1.2, as an OpenSSL cipher list
    #[arg(long, value_name = "CIPHERS")]
    ssl_ciphers: Option<String>,
    /// Cipher suites of TLS 1.3
    #[arg(long, value_name = "SUITES")]
    ssl_ciphersuites: Option<String>,
}

impl TlsOptions {
    /// What the options come to, with what stands in databases now. A value that is nowhere counts as not given.
    pub fn resolve(&self, server: &Server) -> Result<TlsConfig, TlsOptionError> {
        let value = |option: &Option<String>| find(option.as_deref()?, server);
        let mut config = TlsConfig::default();
        if let Some(file) = value(&self.private_key) {
            config = config.private_key(file);
        }
        if let Some(file) = value(&self.certificate) {
            config = config.certificate(file);
        }
        if let Some(file) = value(&self.ca_cert) {
            config = config.ca_cert(file);
        }
        if let Some(file) = value(&self.bootstrap_ca_cert) {
            config = config.bootstrap_ca_cert(file);
        }
        if let Some(file) = value(&self.peer_ca_cert) {
            config = config.peer_ca_cert(file);
        }
        if let Some(text) = value(&self.ssl_protocols) {
            config = config.protocols(&text)?;
        }
        if let Some(text) = value(&self.ssl_ciphers) {
            config = config.ciphers(&text)?;
        }
        if let Some(text) = value(&self.ssl_ciphersuites) {
            config = config.ciphersuites(&text)?;
        }
        Ok(config)
    }
}

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
        self.tls.configure(self.options.resolve(server)?);
        Ok(())
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
        for notice in self.tls.take_notices() {
            match notice {
                TlsNotice::Unusable(_) => tracing::error!(target: "stream_ssl", "{notice}"),
                TlsNotice::Unverified => tracing::warn!(target: "stream_ssl", "{notice}"),
                notice => tracing::info!(target: "stream_ssl", "{notice}"),
            }
        }
    }
}
