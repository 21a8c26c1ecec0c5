//! TLS 1.2 and 1.3 for `ssl:` and `pssl:`: mutual authentication with certificates as `ovs-pki(8)` makes them.
//!
//! A [`Tls`] is the keys of one program: made from a [`TlsConfig`], put into
//! [`StreamConfig::tls`](crate::StreamConfig::tls), shared by all its streams and listeners. Each new connection looks
//! whether a file has changed and reads it again; connections that stand keep what they have.
//!
//! ```
//! use ovs_stream::{StreamConfig, Tls, TlsConfig};
//!
//! let config = TlsConfig::default()
//!     .private_key("/etc/openvswitch/sc-privkey.pem")
//!     .certificate("/etc/openvswitch/sc-cert.pem")
//!     .bootstrap_ca_cert("/etc/openvswitch/cacert.pem")
//!     .protocols("TLSv1.2+")?;
//! let config = StreamConfig::default().tls(Tls::new(config));
//! # Ok::<(), ovs_stream::TlsOptionError>(())
//! ```
//!
//! Peers are verified by the chain of their certificates alone; names are not compared. Whether a certificate's time
//! has come, or is over, is asked of the system's clock: the one place in this crate that reads one.

mod certificate;
mod chain;
mod ciphers;
mod der;
mod error;
mod files;
#[cfg(fuzzing)]
pub mod fuzz;
mod session;
mod verify;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustls::SupportedCipherSuite;
use rustls::crypto::{CryptoProvider, ring};

use ciphers::Version;
pub use error::{FileFault, Refusal, TlsError, TlsFile, TlsOptionError};
use files::{Material, Stamp};
pub(crate) use session::Session;

/// How many notices are kept for a program that does not fetch them.
const MAX_NOTICES: usize = 64;

/// Whom to trust.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum CaCert {
    #[default]
    Missing,
    Disabled,
    File(PathBuf),
    Bootstrap(PathBuf),
}

/// Which files, protocols and ciphers to use.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct TlsConfig {
    private_key: Option<PathBuf>,
    certificate: Option<PathBuf>,
    ca_cert: CaCert,
    peer_ca_cert: Option<PathBuf>,
    versions: Option<Vec<Version>>,
    ciphers: Option<Vec<SupportedCipherSuite>>,
    suites: Option<Vec<SupportedCipherSuite>>,
}

impl TlsConfig {
    /// Sets the file of the own private key (PEM: PKCS#8, PKCS#1 or SEC 1).
    pub fn private_key(mut self, file: impl Into<PathBuf>) -> TlsConfig {
        self.private_key = Some(file.into());
        self
    }

    /// Sets the file of the own certificate (PEM); others that follow in it are sent to peers too.
    pub fn certificate(mut self, file: impl Into<PathBuf>) -> TlsConfig {
        self.certificate = Some(file.into());
        self
    }

    /// Sets the file of the certificates (PEM) of the authorities that are trusted. The name `none` stands for no
    /// verification at all.
    pub fn ca_cert(mut self, file: impl Into<PathBuf>) -> TlsConfig {
        let file = file.into();
        self.ca_cert = if file.as_os_str() == "none" { CaCert::Disabled } else { CaCert::File(file) };
        self
    }

    /// As [`ca_cert`](Self::ca_cert), but if there is no such file, the first peer is believed, its authority's
    /// certificate is written to the file, and the connection is ended with [`TlsError::Bootstrapped`].
    pub fn bootstrap_ca_cert(mut self, file: impl Into<PathBuf>) -> TlsConfig {
        self.ca_cert = CaCert::Bootstrap(file.into());
        self
    }

    /// Sets a file of certificates (PEM) that are sent to peers after the own one, so that they can bootstrap.
    pub fn peer_ca_cert(mut self, file: impl Into<PathBuf>) -> TlsConfig {
        self.peer_ca_cert = Some(file.into());
        self
    }

    /// Sets the versions of the protocol: `TLSv1.2,TLSv1.3`, `TLSv1.2-TLSv1.3` or `TLSv1.2+`.
    pub fn protocols(mut self, text: &str) -> Result<TlsConfig, TlsOptionError> {
        self.versions = Some(ciphers::versions(text)?);
        Ok(self)
    }

    /// Sets which cipher suites of TLS 1.2 to use, in OpenSSL's language (`HIGH:!aNULL:!MD5`).
    pub fn ciphers(mut self, text: &str) -> Result<TlsConfig, TlsOptionError> {
        self.ciphers = Some(ciphers::cipher_list(text)?);
        Ok(self)
    }

    /// Sets which cipher suites of TLS 1.3 to use, by their names with `:` between them.
    pub fn ciphersuites(mut self, text: &str) -> Result<TlsConfig, TlsOptionError> {
        self.suites = Some(ciphers::suite_list(text)?);
        Ok(self)
    }

    /// The cryptography, bound to the suites of the versions that are allowed.
    fn provider(&self) -> Result<CryptoProvider, TlsError> {
        let allows = |version| self.versions.as_ref().is_none_or(|versions| versions.contains(&version));
        let mut provider = ring::default_provider();
        provider.cipher_suites.clear();
        for (version, chosen) in [(Version::Tls13, &self.suites), (Version::Tls12, &self.ciphers)] {
            if allows(version) {
                provider.cipher_suites.extend(chosen.clone().unwrap_or_else(|| ciphers::all(version)));
            }
        }
        if provider.cipher_suites.is_empty() { Err(TlsError::NoSuites) } else { Ok(provider) }
    }
}

/// Something that an operator may want to read in a log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TlsNotice {
    /// A file changed, and new connections use what is in it now.
    #[error("TLS files changed and were read again")]
    Reread,
    /// A file changed, and what is in it cannot be used: new connections use what was there before.
    #[error("TLS files changed and cannot be used, going on with the former ones: {0}")]
    Unusable(TlsError),
    /// The certificate of an authority was taken from a peer, and is trusted from now on.
    #[error("successfully bootstrapped CA cert to {}: \"{authority}\"", path.display())]
    Bootstrapped {
        /// Where it was written to.
        path: PathBuf,
        /// The common name of the authority.
        authority: String,
    },
    /// Peers are not verified.
    #[error("peers' certificates are not verified (this is a security risk)")]
    Unverified,
}

/// The keys of a program, shared by its streams and listeners. Clones are the same object.
#[derive(Clone)]
pub struct Tls(Arc<Mutex<Inner>>);

struct Inner {
    config: TlsConfig,
    stamps: [Stamp; 4],
    loaded: Option<Loaded>,
    notices: Vec<TlsNotice>,
}

/// What connections are made of.
#[derive(Clone)]
struct Loaded {
    material: Arc<Material>,
    provider: Arc<CryptoProvider>,
}

impl Tls {
    /// Nothing is read yet.
    pub fn new(config: TlsConfig) -> Tls {
        Tls(Arc::new(Mutex::new(Inner { config, stamps: [None; 4], loaded: None, notices: Vec::new() })))
    }

    /// Uses another configuration for new connections.
    pub fn configure(&self, config: TlsConfig) {
        let mut inner = self.lock();
        if inner.config != config {
            inner.config = config;
            inner.loaded = None;
        }
    }

    /// Whether connections can be made: fails if a file is missing or cannot be used.
    pub fn check(&self) -> Result<(), TlsError> {
        self.lock().load().map(|_| ())
    }

    /// What happened since the last call.
    pub fn take_notices(&self) -> Vec<TlsNotice> {
        std::mem::take(&mut self.lock().notices)
    }

    fn load(&self) -> Result<Loaded, TlsError> {
        self.lock().load()
    }

    /// Takes the authority's certificate from a peer's chain, the first time that a peer is met.
    fn bootstrap(&self, chain: &[rustls::pki_types::CertificateDer<'_>]) -> TlsError {
        let mut inner = self.lock();
        let CaCert::Bootstrap(path) = inner.config.ca_cert.clone() else { return TlsError::Bootstrapped };
        let last = chain.last().and_then(|der| certificate::Certificate::parse(der).ok());
        let Some(authority) = last.filter(|last| last.issuer == last.subject) else {
            return TlsError::NothingToBootstrap;
        };
        if let Err(error) = files::write_authority(&path, authority.der) {
            // Another connection was first: the next one is verified by what it wrote.
            return if path.exists() { TlsError::Bootstrapped } else { error };
        }
        inner.notice(TlsNotice::Bootstrapped { path, authority: authority.common_name() });
        TlsError::Bootstrapped
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn load(&mut self) -> Result<Loaded, TlsError> {
        let stamps = files::stamps(&self.config);
        if let Some(loaded) = self.loaded.as_ref().filter(|_| stamps == self.stamps) {
            return Ok(loaded.clone());
        }
        let provider = self.config.provider()?;
        let material = files::load(&self.config, &provider);
        self.stamps = stamps;
        match (material, &self.loaded) {
            (Ok(material), before) => {
                let notice = match (before, &material.trust) {
                    (Some(_), _) => Some(TlsNotice::Reread),
                    (None, files::Trust::Everybody) => Some(TlsNotice::Unverified),
                    (None, _) => None,
                };
                let loaded = Loaded { material: Arc::new(material), provider: Arc::new(provider) };
                self.loaded = Some(loaded.clone());
                if let Some(notice) = notice {
                    self.notice(notice);
                }
                Ok(loaded)
            }
            (Err(error), Some(before)) => {
                let before = before.clone();
                self.notice(TlsNotice::Unusable(error));
                Ok(before)
            }
            (Err(error), None) => Err(error),
        }
    }

    fn notice(&mut self, notice: TlsNotice) {
        if self.notices.len() < MAX_NOTICES {
            self.notices.push(notice);
        }
    }
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tls").field("config", &self.lock().config).finish_non_exhaustive()
    }
}

/// Two are equal if they are the same object.
impl PartialEq for Tls {
    fn eq(&self, other: &Tls) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Tls {}
