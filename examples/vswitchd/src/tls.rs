//! The options for `ssl:` and `pssl:` that programs share.

use ovs_stream::{Tls, TlsConfig, TlsNotice, TlsOptionError};

/// The options that say which keys, protocols and ciphers to use; take them in with `#[command(flatten)]`.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "TLS options")]
#[non_exhaustive]
pub struct TlsOptions {
    /// File with the private key
    #[arg(long, short = 'p', value_name = "FILE")]
    pub private_key: Option<String>,
    /// File with the certificate for the private key
    #[arg(long, short = 'c', value_name = "FILE")]
    pub certificate: Option<String>,
    /// File with the certificate of the peers' authority; "none" trusts everybody
    #[arg(long, short = 'C', value_name = "FILE")]
    pub ca_cert: Option<String>,
    /// As --ca-cert, but obtained from the first peer if there is no such file
    #[arg(long, value_name = "FILE", conflicts_with = "ca_cert")]
    pub bootstrap_ca_cert: Option<String>,
    /// File with certificates to send to peers, so that they can bootstrap
    #[arg(long, value_name = "FILE")]
    pub peer_ca_cert: Option<String>,
    /// TLS versions: a list (TLSv1.2,TLSv1.3) or a range (TLSv1.2+)
    #[arg(long, value_name = "PROTOS")]
    pub ssl_protocols: Option<String>,
    /// Ciphers of TLS 1.2, as an OpenSSL cipher list
    #[arg(long, value_name = "CIPHERS")]
    pub ssl_ciphers: Option<String>,
    /// Cipher suites of TLS 1.3
    #[arg(long, value_name = "SUITES")]
    pub ssl_ciphersuites: Option<String>,
}

impl TlsOptions {
    /// The options with what `find` makes of each value; what it does not find counts as not given.
    #[must_use]
    pub fn map(&self, find: impl Fn(&str) -> Option<String>) -> Self {
        let value = |option: &Option<String>| option.as_deref().and_then(&find);
        Self {
            private_key: value(&self.private_key),
            certificate: value(&self.certificate),
            ca_cert: value(&self.ca_cert),
            bootstrap_ca_cert: value(&self.bootstrap_ca_cert),
            peer_ca_cert: value(&self.peer_ca_cert),
            ssl_protocols: value(&self.ssl_protocols),
            ssl_ciphers: value(&self.ssl_ciphers),
            ssl_ciphersuites: value(&self.ssl_ciphersuites),
        }
    }

    /// What the options come to. Files are not looked at yet.
    pub fn config(&self) -> Result<TlsConfig, TlsOptionError> {
        let mut config = TlsConfig::default();
        if let Some(file) = &self.private_key {
            config = config.private_key(file);
        }
        if let Some(file) = &self.certificate {
            config = config.certificate(file);
        }
        if let Some(file) = &self.ca_cert {
            config = config.ca_cert(file);
        }
        if let Some(file) = &self.bootstrap_ca_cert {
            config = config.bootstrap_ca_cert(file);
        }
        if let Some(file) = &self.peer_ca_cert {
            config = config.peer_ca_cert(file);
        }
        if let Some(text) = &self.ssl_protocols {
            config = config.protocols(text)?;
        }
        if let Some(text) = &self.ssl_ciphers {
            config = config.ciphers(text)?;
        }
        if let Some(text) = &self.ssl_ciphersuites {
            config = config.ciphersuites(text)?;
        }
        Ok(config)
    }
}

/// Logs what has happened to keys since the last call.
pub fn log_notices(tls: &Tls) {
    for notice in tls.take_notices() {
        match notice {
            TlsNotice::Unusable(_) => tracing::error!(target: "stream_ssl", "{notice}"),
            TlsNotice::Unverified => tracing::warn!(target: "stream_ssl", "{notice}"),
            notice => tracing::info!(target: "stream_ssl", "{notice}"),
        }
    }
}
