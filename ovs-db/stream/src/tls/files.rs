//! The files that TLS needs, and whether they have changed.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;

use rustls::DistinguishedName;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SingleCertAndKey};

use super::certificate::Certificate;
use super::der::{self, Reader};
use super::error::{FileFault, TlsError, TlsFile};
use super::{CaCert, TlsConfig};
use crate::error::OsError;

/// Longer files are refused.
const MAX_FILE: u64 = 4 << 20;

/// What was read from the files.
#[derive(Debug)]
pub(super) struct Material {
    pub(super) identity: Arc<SingleCertAndKey>,
    pub(super) trust: Trust,
}

/// Whom to believe.
#[derive(Debug)]
pub(super) enum Trust {
    /// Whoever one of these signed.
    Anchors { certificates: Vec<CertificateDer<'static>>, hints: Vec<DistinguishedName> },
    /// The first peer, whose authority is then trusted.
    Bootstrap,
    /// Everybody.
    Everybody,
}

/// What tells one state of a file from the next; `None` while there is no file.
pub(super) type Stamp = Option<(u64, u64, u64, i64, i64)>;

/// The state of all files of a configuration.
pub(super) fn stamps(config: &TlsConfig) -> [Stamp; 4] {
    let ca = match &config.ca_cert {
        CaCert::File(path) | CaCert::Bootstrap(path) => Some(path),
        CaCert::Missing | CaCert::Disabled => None,
    };
    let files = [config.private_key.as_ref(), config.certificate.as_ref(), ca, config.peer_ca_cert.as_ref()];
    let stamp = |m: Metadata| (m.dev(), m.ino(), m.size(), m.mtime(), m.mtime_nsec());
    files.map(|path| path.and_then(|path| std::fs::metadata(path).ok()).map(stamp))
}

/// Reads all files of a configuration.
pub(super) fn load(config: &TlsConfig, provider: &CryptoProvider) -> Result<Material, TlsError> {
    let key_path = config.private_key.as_deref().ok_or(TlsError::Missing(TlsFile::PrivateKey))?;
    let path = config.certificate.as_deref().ok_or(TlsError::Missing(TlsFile::Certificate))?;
    let trust = match &config.ca_cert {
        CaCert::Missing => return Err(TlsError::Missing(TlsFile::CaCert)),
        CaCert::Disabled => Trust::Everybody,
        CaCert::Bootstrap(path) if !path.exists() => Trust::Bootstrap,
        CaCert::File(path) | CaCert::Bootstrap(path) => {
            let certificates = certificates(path, TlsFile::CaCert)?;
            let name = |der: &CertificateDer<'_>| {
                let subject = Certificate::parse(der).ok()?.subject;
                let content = Reader::new(subject).expect(der::SEQUENCE).ok()?.content;
                Some(DistinguishedName::in_sequence(content))
            };
            let hints = certificates.iter().filter_map(name).collect();
            Trust::Anchors { certificates, hints }
        }
    };
    let mut chain = certificates(path, TlsFile::Certificate)?;
    if let Some(more) = &config.peer_ca_cert {
        chain.extend(certificates(more, TlsFile::CaCert)?);
    }
    let fault = |path: &Path, fault| TlsError::File { path: path.to_owned(), fault };
    let key = PrivateKeyDer::from_pem_slice(&read(key_path)?)
        .map_err(|_| fault(key_path, FileFault::Nothing(TlsFile::PrivateKey)))?;
    let key = provider
        .key_provider
        .load_private_key(key)
        .map_err(|_| fault(key_path, FileFault::UnsupportedKey))?;
    let own = Certificate::parse(&chain[0]).map_err(|_| fault(path, FileFault::Malformed))?;
    if key.public_key().is_some_and(|public| public.as_ref() != own.public_key_info) {
        return Err(fault(path, FileFault::WrongKey));
    }
    let identity = Arc::new(SingleCertAndKey::from(CertifiedKey::new(chain, key)));
    Ok(Material { identity, trust })
}

/// The certificates of a file, at least one; each can be read.
fn certificates(path: &Path, what: TlsFile) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let fault = |fault| TlsError::File { path: path.to_owned(), fault };
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&read(path)?).collect();
    let found = found.map_err(|_| fault(FileFault::Malformed))?;
    if found.is_empty() {
        return Err(fault(FileFault::Nothing(what)));
    }
    if found.iter().any(|der| Certificate::parse(der).is_err()) {
        return Err(fault(FileFault::Malformed));
    }
    Ok(found)
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    let fault = |fault| TlsError::File { path: path.to_owned(), fault };
    let mut bytes = Vec::new();
    let opened = File::open(path).and_then(|file| file.take(MAX_FILE + 1).read_to_end(&mut bytes));
    match opened {
        Ok(n) if n as u64 > MAX_FILE => Err(fault(FileFault::TooLong)),
        Ok(_) => Ok(bytes),
        Err(error) => Err(fault(FileFault::Io(os_error(&error)))),
    }
}

/// Writes the certificate of an authority to a file that must not be there yet.
pub(super) fn write_authority(path: &Path, der: &[u8]) -> Result<(), TlsError> {
    let create = OpenOptions::new().write(true).create_new(true).mode(0o444).open(path);
    let written = create.and_then(|mut file| {
        let written = file.write_all(pem(der).as_bytes());
        if written.is_err() {
            // Half a certificate would stand in the way of every later connection.
            let _ = std::fs::remove_file(path);
        }
        written
    });
    written.map_err(|error| TlsError::File { path: path.to_owned(), fault: FileFault::Io(os_error(&error)) })
}

/// A certificate as text (RFC 7468).
fn pem(der: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::from("-----BEGIN CERTIFICATE-----\n");
    for line in der.chunks(48) {
        for group in line.chunks(3) {
            let byte = |at: usize| u32::from(group.get(at).copied().unwrap_or(0));
            let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
            for digit in 0..4 {
                let at = (bits >> (18 - 6 * digit)) & 0x3f;
                text.push(if digit > group.len() { '=' } else { char::from(DIGITS[at as usize]) });
            }
        }
        text.push('\n');
    }
    text.push_str("-----END CERTIFICATE-----\n");
    text
}

fn os_error(error: &std::io::Error) -> OsError {
    OsError::from_raw(error.raw_os_error().unwrap_or(5))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_a_certificate_reads_back() {
        for length in [1, 2, 3, 47, 48, 49, 100] {
            let der: Vec<u8> = (0..length).collect();
            let read = CertificateDer::from_pem_slice(pem(&der).as_bytes()).unwrap();
            assert_eq!(read.as_ref(), der);
        }
    }
}
