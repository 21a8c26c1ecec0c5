//! The checks of certificates and handshake signatures, as the TLS library asks for them.

use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, PeerMisbehaved, SignatureScheme,
};

use super::certificate::Certificate;
use super::chain::{Purpose, Verification};
use super::error::Refusal;
use super::files::{Material, Trust};

/// Why the peer of one connection was refused.
#[derive(Clone, Debug, Default)]
pub(super) struct Verdict(Arc<Mutex<Option<Refusal>>>);

impl Verdict {
    pub(super) fn take(&self) -> Option<Refusal> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Verifies the peer of one connection.
#[derive(Debug)]
pub(super) struct Verifier {
    pub(super) material: Arc<Material>,
    pub(super) algorithms: WebPkiSupportedAlgorithms,
    pub(super) verdict: Verdict,
}

impl Verifier {
    fn chain(
        &self,
        end: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        now: UnixTime,
        purpose: Purpose,
    ) -> Result<(), Error> {
        let Trust::Anchors { certificates, .. } = &self.material.trust else { return Ok(()) };
        let anchors: Vec<Certificate<'_>> =
            certificates.iter().filter_map(|der| Certificate::parse(der).ok()).collect();
        let others = others.iter().map(|der| &**der);
        let verification = Verification::new(&anchors, &self.algorithms, now.as_secs(), purpose);
        verification.run(end, others).map_err(|refusal| {
            let error = for_library(&refusal);
            *self.verdict.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(refusal);
            Error::InvalidCertificate(error)
        })
    }

    /// Checks the signature over a handshake. TLS 1.3 ties a scheme to the first of its algorithms.
    fn handshake(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
        tls13: bool,
    ) -> Result<HandshakeSignatureValid, Error> {
        let unadvertised = || Error::from(PeerMisbehaved::SignedHandshakeWithUnadvertisedSigScheme);
        let old = matches!(
            signed.scheme,
            SignatureScheme::RSA_PKCS1_SHA256
                | SignatureScheme::RSA_PKCS1_SHA384
                | SignatureScheme::RSA_PKCS1_SHA512
        );
        let scheme = self.algorithms.mapping.iter().find(|(scheme, _)| *scheme == signed.scheme);
        let (_, candidates) = scheme.filter(|_| !(tls13 && old)).ok_or_else(unadvertised)?;
        let candidates = if tls13 { &candidates[..candidates.len().min(1)] } else { candidates };
        let certificate = Certificate::parse(certificate)
            .map_err(|_| Error::InvalidCertificate(CertificateError::BadEncoding))?;
        let valid = candidates.iter().any(|candidate| {
            candidate.public_key_alg_id().as_ref() == certificate.key_algorithm
                && candidate.verify_signature(certificate.key, message, signed.signature()).is_ok()
        });
        if valid {
            Ok(HandshakeSignatureValid::assertion())
        } else {
            Err(Error::InvalidCertificate(CertificateError::BadSignature))
        }
    }
}

/// The error from which the library chooses the alert that it sends.
fn for_library(refusal: &Refusal) -> CertificateError {
    match refusal {
        Refusal::Malformed => CertificateError::BadEncoding,
        Refusal::Expired { .. } => CertificateError::Expired,
        Refusal::NotYetValid { .. } => CertificateError::NotValidYet,
        Refusal::BadSignature { .. } => CertificateError::BadSignature,
        Refusal::WrongPurpose { .. } => CertificateError::InvalidPurpose,
        Refusal::UnknownExtension { .. } => CertificateError::UnhandledCriticalExtension,
        Refusal::UnknownIssuer { .. }
        | Refusal::NotAuthority { .. }
        | Refusal::TooDeep
        | Refusal::UnknownAlgorithm { .. } => CertificateError::UnknownIssuer,
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.chain(end_entity, intermediates, now, Purpose::Server).map(|()| ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.handshake(message, cert, dss, false)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.handshake(message, cert, dss, true)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

impl ClientCertVerifier for Verifier {
    fn offer_client_auth(&self) -> bool {
        true
    }

    fn client_auth_mandatory(&self) -> bool {
        !matches!(self.material.trust, Trust::Everybody)
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        match &self.material.trust {
            Trust::Anchors { hints, .. } => hints,
            Trust::Bootstrap | Trust::Everybody => &[],
        }
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        self.chain(end_entity, intermediates, now, Purpose::Client).map(|()| ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.handshake(message, cert, dss, false)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.handshake(message, cert, dss, true)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
