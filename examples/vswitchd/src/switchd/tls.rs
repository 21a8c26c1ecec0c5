//! The keys for `ssl:` and `pssl:`: of the database, of managers, of controllers.
//!
//! What the command line says holds until the database says otherwise in its `SSL` row; files are read again when they
//! change.

use ovs_stream::{Tls, TlsConfig, TlsNotice, TlsOptionError};

use super::rows::Row;

/// The options that say which keys, protocols and ciphers to use.
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
    /// These, with what a row of table `SSL` says in their place.
    fn with(&self, row: Row<'_>) -> Self {
        let column = |name: &str| Some(row.string(name).to_owned()).filter(|text| !text.is_empty());
        let mut all = self.clone();
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

    /// What they come to.
    fn config(self) -> Result<TlsConfig, TlsOptionError> {
        let set =
            |config: TlsConfig, file: Option<String>, set: fn(TlsConfig, String) -> TlsConfig| match file {
                Some(file) => set(config, file),
                None => config,
            };
        let mut config = TlsConfig::default();
        config = set(config, self.private_key, TlsConfig::private_key);
        config = set(config, self.certificate, TlsConfig::certificate);
        config = set(config, self.ca_cert, TlsConfig::ca_cert);
        config = set(config, self.bootstrap_ca_cert, TlsConfig::bootstrap_ca_cert);
        config = set(config, self.peer_ca_cert, TlsConfig::peer_ca_cert);
        if let Some(text) = self.ssl_protocols {
            config = config.protocols(&text)?;
        }
        if let Some(text) = self.ssl_ciphers {
            config = config.ciphers(&text)?;
        }
        if let Some(text) = self.ssl_ciphersuites {
            config = config.ciphersuites(&text)?;
        }
        Ok(config)
    }
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
        Ok(Self { options: options.clone(), tls: Tls::new(options.clone().config()?) })
    }

    /// What sockets need; it follows what is said later.
    pub fn tls(&self) -> Tls {
        self.tls.clone()
    }

    /// Takes up the row of table `SSL`. What cannot be used is logged, and the keys stay as they were.
    pub fn follow(&self, row: Option<Row<'_>>) {
        let options = row.map_or_else(|| self.options.clone(), |row| self.options.with(row));
        match options.config() {
            Ok(config) => self.tls.configure(config),
            Err(error) => tracing::error!(target: "stream_ssl", "{error}"),
        }
    }

    /// Logs what has happened to them.
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
