//! Whether a chain of certificates leads to one that is trusted.
//!
//! What is checked is what the original checks: signatures, dates, that issuers are authorities, and what the keys
//! are for. Names are not compared with anything: in this world a peer is whoever the authority has signed.

use rustls::crypto::WebPkiSupportedAlgorithms;

use super::certificate::{
    CERTIFICATE_SIGN, Certificate, DIGITAL_SIGNATURE, KEY_AGREEMENT, KEY_ENCIPHERMENT, common_name, dotted,
};
use super::error::Refusal;

/// How many authorities may stand between the end of a chain and the one that is trusted.
const MAX_DEPTH: u32 = 8;

/// How many certificates of a peer are looked at.
const MAX_CERTIFICATES: usize = 32;

/// How many signatures are checked for one peer.
const MAX_SIGNATURES: u32 = 64;

/// What the peer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    Server,
    Client,
}

/// One verification.
pub(super) struct Verification<'a> {
    anchors: &'a [Certificate<'a>],
    others: Vec<Certificate<'a>>,
    algorithms: &'a WebPkiSupportedAlgorithms,
    /// Seconds since 1970.
    now: u64,
    purpose: Purpose,
    signatures: u32,
    /// Why the most promising way failed.
    refusal: Option<Refusal>,
}

impl<'a> Verification<'a> {
    pub(super) fn new(
        anchors: &'a [Certificate<'a>],
        algorithms: &'a WebPkiSupportedAlgorithms,
        now: u64,
        purpose: Purpose,
    ) -> Verification<'a> {
        let others = Vec::new();
        Verification { anchors, others, algorithms, now, purpose, signatures: 0, refusal: None }
    }

    /// Checks the peer's own certificate, with the others that it sent.
    pub(super) fn run(
        mut self,
        end: &'a [u8],
        others: impl Iterator<Item = &'a [u8]>,
    ) -> Result<(), Refusal> {
        let end = Certificate::parse(end).map_err(|_| Refusal::Malformed)?;
        self.valid(&end)?;
        fits(&end, self.purpose)?;
        // What cannot be read cannot be part of the chain; whether the rest suffices is seen below.
        self.others = others.take(MAX_CERTIFICATES).filter_map(|der| Certificate::parse(der).ok()).collect();
        if self.anchors.iter().any(|anchor| anchor.der == end.der) || self.leads_to_anchor(&end, 0) {
            return Ok(());
        }
        Err(self.refusal.unwrap_or(Refusal::UnknownIssuer {
            subject: end.common_name(),
            issuer: common_name(end.issuer),
        }))
    }

    /// Whether `certificate`, below which are `depth` authorities, was signed by a trusted one, perhaps indirectly.
    fn leads_to_anchor(&mut self, certificate: &Certificate<'a>, depth: u32) -> bool {
        let anchors = self.anchors;
        for anchor in anchors.iter().filter(|anchor| anchor.subject == certificate.issuer) {
            if self.issued(anchor, certificate, depth, true) {
                return true;
            }
        }
        if depth >= MAX_DEPTH {
            self.refusal.get_or_insert(Refusal::TooDeep);
            return false;
        }
        for at in 0..self.others.len() {
            let issuer = self.others[at];
            // An authority that signed itself leads nowhere.
            let useful = issuer.subject == certificate.issuer && issuer.subject != issuer.issuer;
            if useful
                && self.issued(&issuer, certificate, depth, false)
                && self.leads_to_anchor(&issuer, depth + 1)
            {
                return true;
            }
        }
        false
    }

    /// Whether `issuer` could, and did, sign `certificate`.
    fn issued(
        &mut self,
        issuer: &Certificate<'a>,
        certificate: &Certificate<'a>,
        depth: u32,
        is_anchor: bool,
    ) -> bool {
        let subject = || issuer.common_name();
        // Version 1 has no way to say what is an authority: the user says it by trusting it.
        let authority = match (issuer.version, issuer.authority) {
            (_, Some(authority)) => authority,
            (3, None) => issuer.key_usage.is_some_and(|usage| usage & CERTIFICATE_SIGN != 0),
            (_, None) => is_anchor,
        };
        let may_sign = issuer.key_usage.is_none_or(|usage| usage & CERTIFICATE_SIGN != 0);
        let checked = if !authority || !may_sign {
            Err(Refusal::NotAuthority { subject: subject() })
        } else if !extended_fits(issuer, self.purpose) {
            // What an authority's key is not for, no key that it signed is for.
            Err(Refusal::WrongPurpose { subject: subject() })
        } else if issuer.path_length.is_some_and(|most| depth > most) || self.signatures >= MAX_SIGNATURES {
            Err(Refusal::TooDeep)
        } else {
            self.signatures += 1;
            self.valid(issuer).and_then(|()| {
                check_signature(
                    self.algorithms,
                    issuer,
                    certificate.signed,
                    certificate.signature_algorithm,
                    certificate.signature,
                )
                .map_err(|refusal| {
                    refusal.unwrap_or(Refusal::BadSignature { subject: certificate.common_name() })
                })
            })
        };
        if let Err(refusal) = checked {
            self.refusal.get_or_insert(refusal);
            return false;
        }
        true
    }

    /// Whether a certificate may be used today, and says nothing that is not understood.
    fn valid(&self, certificate: &Certificate<'_>) -> Result<(), Refusal> {
        if self.now > certificate.not_after {
            return Err(Refusal::Expired {
                subject: certificate.common_name(),
                seconds: self.now - certificate.not_after,
            });
        }
        if self.now < certificate.not_before {
            return Err(Refusal::NotYetValid {
                subject: certificate.common_name(),
                seconds: certificate.not_before - self.now,
            });
        }
        match certificate.unknown_critical {
            Some(id) => Err(Refusal::UnknownExtension { subject: certificate.common_name(), id: dotted(id) }),
            None => Ok(()),
        }
    }
}

/// Whether a certificate's key may be used by a peer of this kind.
fn fits(certificate: &Certificate<'_>, purpose: Purpose) -> Result<(), Refusal> {
    let usages = match purpose {
        Purpose::Server => DIGITAL_SIGNATURE | KEY_AGREEMENT | KEY_ENCIPHERMENT,
        Purpose::Client => DIGITAL_SIGNATURE | KEY_AGREEMENT,
    };
    if certificate.key_usage.is_some_and(|usage| usage & usages == 0) || !extended_fits(certificate, purpose)
    {
        return Err(Refusal::WrongPurpose { subject: certificate.common_name() });
    }
    Ok(())
}

/// Whether the purposes that a certificate names, if it names any, are wide enough.
fn extended_fits(certificate: &Certificate<'_>, purpose: Purpose) -> bool {
    certificate.extended_usage.is_none_or(|usage| {
        usage.any
            || match purpose {
                Purpose::Server => usage.server,
                Purpose::Client => usage.client,
            }
    })
}

/// Checks a signature that is said to be by `signer`. The refusal is `None` if it does not verify, and names the
/// algorithm if that is not supported.
fn check_signature(
    algorithms: &WebPkiSupportedAlgorithms,
    signer: &Certificate<'_>,
    message: &[u8],
    algorithm: &[u8],
    signature: &[u8],
) -> Result<(), Option<Refusal>> {
    let mut known = false;
    for candidate in algorithms.all {
        let fits = candidate.signature_alg_id().as_ref() == algorithm
            && candidate.public_key_alg_id().as_ref() == signer.key_algorithm;
        if fits {
            known = true;
            if candidate.verify_signature(signer.key, message, signature).is_ok() {
                return Ok(());
            }
        }
    }
    let id = || super::der::Reader::new(algorithm).element().map(|id| dotted(id.content)).unwrap_or_default();
    Err((!known).then(|| Refusal::UnknownAlgorithm { id: id() }))
}
