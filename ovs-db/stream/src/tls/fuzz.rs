//! Entries for the fuzzer, which stands outside of the crate.

use rustls::crypto::ring;

use super::certificate::{Certificate, common_name, dotted};
use super::chain::{Purpose, Verification};

/// When the sample's authority is good.
fn noon(sample: &Certificate<'_>) -> u64 {
    sample.not_before.midpoint(sample.not_after)
}

/// Reads bytes as a certificate.
pub fn certificate(der: &[u8]) {
    let Ok(read) = Certificate::parse(der) else { return };
    assert!((1..=3).contains(&read.version) && read.der == der && read.signed.len() < der.len());
    if let Some(identity) = read.identity() {
        // Who is called something is called the same in the log.
        assert_eq!(identity.chars().take(256).collect::<String>(), read.common_name());
    }
    common_name(read.issuer);
    read.unknown_critical.map(dotted);
}

/// Verifies the first of several certificates, with half of the others sent along and the other half trusted.
pub fn chain(ders: &[&[u8]], now: u64, purpose_is_server: bool) {
    let Some((end, rest)) = ders.split_first() else { return };
    let (others, anchors) = rest.split_at(rest.len() / 2);
    let _ = verify(end, others, anchors, now, purpose_is_server);
}

/// Verifies a certificate that was made of a self-signed `sample` by whoever has not its key: it must be refused
/// unless what is signed is the same.
pub fn forged(sample: &[u8], forged: &[u8], purpose_is_server: bool) {
    let (Ok(original), Ok(other)) = (Certificate::parse(sample), Certificate::parse(forged)) else { return };
    let now = noon(&original);
    for others in [&[][..], &[sample], &[forged, sample]] {
        let accepted = verify(forged, others, &[sample], now, purpose_is_server);
        assert!(!accepted || original.signed == other.signed, "a forged certificate is believed");
    }
}

fn verify(end: &[u8], others: &[&[u8]], anchors: &[&[u8]], now: u64, purpose_is_server: bool) -> bool {
    let anchors: Vec<Certificate<'_>> =
        anchors.iter().filter_map(|der| Certificate::parse(der).ok()).collect();
    let algorithms = ring::default_provider().signature_verification_algorithms;
    let purpose = if purpose_is_server { Purpose::Server } else { Purpose::Client };
    Verification::new(&anchors, &algorithms, now, purpose).run(end, others.iter().copied()).is_ok()
}
