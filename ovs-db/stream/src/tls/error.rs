//! What can go wrong with TLS.

use std::path::PathBuf;

use rustls::{AlertDescription, Error, PeerIncompatible};

use crate::error::OsError;

/// A file that TLS needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum TlsFile {
    /// The own private key.
    #[error("private key")]
    PrivateKey,
    /// The own certificate.
    #[error("certificate")]
    Certificate,
    /// The certificates of the authorities that are trusted.
    #[error("CA certificate")]
    CaCert,
}

/// What is wrong with a file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FileFault {
    /// It cannot be read or written.
    #[error("{0}")]
    Io(OsError),
    /// It is longer than any such file.
    #[error("the file is too long")]
    TooLong,
    /// What is to be in it is not there.
    #[error("no {0} in PEM format in it")]
    Nothing(TlsFile),
    /// A certificate in it cannot be read.
    #[error("a certificate in it is malformed")]
    Malformed,
    /// The private key is of a kind that is not supported (DSA, for example), or too short.
    #[error(
        "the private key is malformed or of an unsupported kind (supported: RSA of 2048 to 8192 bits, ECDSA on P-256 or P-384, Ed25519)"
    )]
    UnsupportedKey,
    /// The private key does not belong to the certificate.
    #[error("the certificate is not for the private key")]
    WrongKey,
}

/// Why a peer's certificate is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// It cannot be read.
    #[error("it is malformed")]
    Malformed,
    /// Its time is over.
    #[error("\"{subject}\" expired {seconds} seconds ago")]
    Expired {
        /// The common name.
        subject: String,
        /// How long ago, in seconds.
        seconds: u64,
    },
    /// Its time is to come.
    #[error("\"{subject}\" is valid only in {seconds} seconds")]
    NotYetValid {
        /// The common name.
        subject: String,
        /// In how many seconds.
        seconds: u64,
    },
    /// Nobody that is trusted signed it.
    #[error("the issuer \"{issuer}\" of \"{subject}\" is not trusted")]
    UnknownIssuer {
        /// The common name.
        subject: String,
        /// The common name of its issuer.
        issuer: String,
    },
    /// Its signature is not its issuer's.
    #[error("the signature of \"{subject}\" is not by the trusted issuer of that name")]
    BadSignature {
        /// The common name.
        subject: String,
    },
    /// It was signed by something that is no authority.
    #[error("its issuer \"{subject}\" is not a certificate authority")]
    NotAuthority {
        /// The common name of the issuer.
        subject: String,
    },
    /// The chain is too long, or longer than an authority in it allows.
    #[error("the chain of its issuers is too long")]
    TooDeep,
    /// Its key is for something else.
    #[error("\"{subject}\" is not for this end of a connection")]
    WrongPurpose {
        /// The common name.
        subject: String,
    },
    /// It has a critical extension that is not understood.
    #[error("\"{subject}\" has the critical extension {id}, which is not supported")]
    UnknownExtension {
        /// The common name.
        subject: String,
        /// The extension's object identifier.
        id: String,
    },
    /// It was signed in a way that is not supported (with MD5 or SHA-1, for example, or by a key that is too short).
    #[error("the signature algorithm {id} is not supported")]
    UnknownAlgorithm {
        /// The algorithm's object identifier.
        id: String,
    },
}

/// Why a secure connection cannot be made, or broke.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A file is needed and was not named. (Configuration.)
    #[error("{0} must be configured to use TLS")]
    Missing(TlsFile),
    /// A file cannot be used. (Configuration.)
    #[error("{}: {fault}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        fault: FileFault,
    },
    /// No cipher suite is left for the protocol versions. (Configuration.)
    #[error("no cipher suite is allowed for the allowed TLS versions")]
    NoSuites,
    /// The peer's certificate is refused. (Peer.)
    #[error("certificate refused: {0}")]
    Refused(Refusal),
    /// The peer has no certificate. (Peer.)
    #[error("certificate refused: the peer did not present one")]
    NoCertificate,
    /// The peer refused, and said why with an alert (RFC 8446, section 6). (Peer.)
    #[error("the peer refused with TLS alert {number} ({})", alert_name(*number))]
    Alert {
        /// The number of the alert.
        number: u8,
    },
    /// What the peer sent is not TLS. (Peer.)
    #[error("the peer does not speak TLS")]
    NotTls,
    /// There is no protocol version that both sides allow. (Peer.)
    #[error("no TLS version in common")]
    NoVersion,
    /// There is no cipher suite, or signature scheme, that both sides allow. (Peer.)
    #[error("no cipher suite in common")]
    NoSuite,
    /// The peer broke the rules of TLS. (Peer.)
    #[error("the peer broke the TLS protocol")]
    Protocol,
    /// The peer went away while the connection was being secured. (Peer.)
    #[error("connection closed during the TLS handshake")]
    Closed,
    /// The peer's chain has no authority at its end whose certificate could be taken. (Peer.)
    #[error("could not bootstrap the CA certificate: the peer sent no self-signed certificate of its CA")]
    NothingToBootstrap,
    /// The CA certificate was taken from the peer; the next connection is verified with it.
    #[error("bootstrapped the CA certificate; connect again")]
    Bootstrapped,
}

impl TlsError {
    /// Sorts an error of the TLS library.
    pub(super) fn from_library(error: &Error, secured: bool) -> TlsError {
        match error {
            Error::NoCertificatesPresented => TlsError::NoCertificate,
            Error::AlertReceived(alert) => TlsError::Alert { number: u8::from(*alert) },
            Error::InvalidMessage(_) if !secured => TlsError::NotTls,
            Error::PeerIncompatible(why) => match why {
                PeerIncompatible::ServerDoesNotSupportTls12Or13
                | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig
                | PeerIncompatible::SupportedVersionsExtensionRequired
                | PeerIncompatible::Tls12NotOffered
                | PeerIncompatible::Tls12NotOfferedOrEnabled => TlsError::NoVersion,
                _ => TlsError::NoSuite,
            },
            _ => TlsError::Protocol,
        }
    }
}

/// The names that RFC 8446 (6.2) gives to alerts.
fn alert_name(number: u8) -> &'static str {
    match AlertDescription::from(number) {
        AlertDescription::UnexpectedMessage => "unexpected message",
        AlertDescription::BadRecordMac => "bad record MAC",
        AlertDescription::RecordOverflow => "record overflow",
        AlertDescription::HandshakeFailure => "handshake failure",
        AlertDescription::BadCertificate => "bad certificate",
        AlertDescription::UnsupportedCertificate => "unsupported certificate",
        AlertDescription::CertificateRevoked => "certificate revoked",
        AlertDescription::CertificateExpired => "certificate expired",
        AlertDescription::CertificateUnknown => "certificate unknown",
        AlertDescription::IllegalParameter => "illegal parameter",
        AlertDescription::UnknownCA => "unknown CA",
        AlertDescription::AccessDenied => "access denied",
        AlertDescription::DecodeError => "decode error",
        AlertDescription::DecryptError => "decrypt error",
        AlertDescription::ProtocolVersion => "protocol version",
        AlertDescription::InsufficientSecurity => "insufficient security",
        AlertDescription::InternalError => "internal error",
        AlertDescription::CertificateRequired => "certificate required",
        _ => "not named",
    }
}

/// Something in the option of protocols or ciphers that cannot be honoured. Each names the word.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TlsOptionError {
    /// A protocol that is not known, or too old.
    #[error("{0}: unsupported TLS protocol (supported: TLSv1.2 TLSv1.3)")]
    Protocol(String),
    /// A range that runs backwards.
    #[error("{0}: the range of TLS protocols is empty")]
    EmptyRange(String),
    /// A word of a cipher list that is not known.
    #[error("{0}: unknown cipher or group of ciphers")]
    Cipher(String),
    /// A command of a cipher list that cannot be honoured.
    #[error("{0}: unsupported command in a cipher list")]
    Command(String),
    /// A word of a list of TLS 1.3 cipher suites that is not known.
    #[error("{0}: unknown TLS 1.3 cipher suite")]
    Suite(String),
    /// The list allows nothing.
    #[error("{0}: no supported cipher suite is left")]
    NothingLeft(String),
}
