//! The options `--ssl-ciphers`, `--ssl-ciphersuites` and `--ssl-protocols`: OpenSSL's language as a filter over what
//! is there.

use rustls::SupportedCipherSuite;
use rustls::crypto::ring::cipher_suite as suite;

use super::error::TlsOptionError;

/// A set of [`TLS12`] suites, one bit each.
type Set = u8;

const ALL: Set = 0b11_1111;
const ECDSA: Set = 0b00_0111;
const RSA: Set = 0b11_1000;
const AES256: Set = 0b00_1001;
const AES128: Set = 0b01_0010;
const CHACHA20: Set = 0b10_0100;

/// The suites of TLS 1.2 with OpenSSL's names, the preferred first.
const TLS12: [(&str, SupportedCipherSuite); 6] = [
    ("ECDHE-ECDSA-AES256-GCM-SHA384", suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384),
    ("ECDHE-ECDSA-AES128-GCM-SHA256", suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256),
    ("ECDHE-ECDSA-CHACHA20-POLY1305", suite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256),
    ("ECDHE-RSA-AES256-GCM-SHA384", suite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384),
    ("ECDHE-RSA-AES128-GCM-SHA256", suite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256),
    ("ECDHE-RSA-CHACHA20-POLY1305", suite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256),
];

/// The suites of TLS 1.3.
const TLS13: [(&str, SupportedCipherSuite); 3] = [
    ("TLS_AES_256_GCM_SHA384", suite::TLS13_AES_256_GCM_SHA384),
    ("TLS_AES_128_GCM_SHA256", suite::TLS13_AES_128_GCM_SHA256),
    ("TLS_CHACHA20_POLY1305_SHA256", suite::TLS13_CHACHA20_POLY1305_SHA256),
];

/// Groups of OpenSSL's language, of which no suite that is there is a member.
const EMPTY_GROUPS: &[&str] = &[
    "COMPLEMENTOFALL",
    "COMPLEMENTOFDEFAULT",
    "MEDIUM",
    "LOW",
    "EXP",
    "EXPORT",
    "EXPORT40",
    "EXPORT56",
    "eNULL",
    "aNULL",
    "NULL",
    "kRSA",
    "RSA",
    "kDHE",
    "kEDH",
    "DHE",
    "EDH",
    "DH",
    "ADH",
    "AECDH",
    "kDHr",
    "kDHd",
    "kDH",
    "aDH",
    "aDSS",
    "DSS",
    "kECDHr",
    "kECDHe",
    "kECDH",
    "aECDH",
    "ECDH",
    "SSLv2",
    "SSLv3",
    "TLSv1",
    "TLSv1.0",
    "CBC",
    "AESCCM",
    "AESCCM8",
    "ARIA",
    "ARIA128",
    "ARIA256",
    "ARIAGCM",
    "CAMELLIA",
    "CAMELLIA128",
    "CAMELLIA256",
    "3DES",
    "DES",
    "RC4",
    "RC2",
    "IDEA",
    "SEED",
    "MD5",
    "SHA",
    "SHA1",
    "SHA256",
    "SHA384",
    "PSK",
    "kPSK",
    "kECDHEPSK",
    "kDHEPSK",
    "kRSAPSK",
    "aPSK",
    "SRP",
    "kSRP",
    "aSRP",
    "GOST94",
    "GOST89",
    "GOST89MAC",
    "GOST2012",
    "kGOST",
    "kGOST18",
    "aGOST",
    "aGOST01",
    "aGOST12",
];

/// What a word of a cipher list stands for.
fn named(word: &str) -> Option<Set> {
    if let Some(at) = TLS12.iter().position(|(name, _)| *name == word) {
        return Some(1 << at);
    }
    Some(match word {
        "ALL" | "DEFAULT" | "HIGH" | "TLSv1.2" | "kECDHE" | "kEECDH" | "ECDHE" | "EECDH" | "FIPS" => ALL,
        "aRSA" => RSA,
        "aECDSA" | "ECDSA" => ECDSA,
        "AES" | "AESGCM" => AES128 | AES256,
        "AES128" => AES128,
        "AES256" => AES256,
        "CHACHA20" => CHACHA20,
        _ if EMPTY_GROUPS.contains(&word) => 0,
        _ => return None,
    })
}

/// The suites of TLS 1.2 that a cipher list allows, the preferred first (`openssl-ciphers(1)`, "Cipher list
/// format").
pub(super) fn cipher_list(text: &str) -> Result<Vec<SupportedCipherSuite>, TlsOptionError> {
    let mut order: Vec<usize> = Vec::new();
    let mut banned: Set = 0;
    for word in text.split([':', ',', ' ', ';']).filter(|word| !word.is_empty()) {
        if let Some(command) = word.strip_prefix('@') {
            match command {
                "STRENGTH" => order.sort_by_key(|at| AES128 & (1 << at) != 0),
                // What is there meets the first two levels anyway.
                "SECLEVEL=0" | "SECLEVEL=1" | "SECLEVEL=2" => {}
                _ => return Err(TlsOptionError::Command(word.to_owned())),
            }
            continue;
        }
        let names = word.strip_prefix(['!', '-', '+']).unwrap_or(word);
        let unknown = || TlsOptionError::Cipher(word.to_owned());
        let set =
            names.split('+').try_fold(ALL, |set, name| named(name).map(|n| set & n)).ok_or_else(unknown)?;
        let has = |at: &usize| set & (1 << at) != 0;
        match word.as_bytes()[0] {
            b'!' => {
                banned |= set;
                order.retain(|at| !has(at));
            }
            b'-' => order.retain(|at| !has(at)),
            b'+' => order.sort_by_key(has),
            _ => {
                let more =
                    (0..TLS12.len()).filter(|at| has(at) && banned & (1 << at) == 0 && !order.contains(at));
                let more: Vec<usize> = more.collect();
                order.extend(more);
            }
        }
    }
    if order.is_empty() {
        return Err(TlsOptionError::NothingLeft(text.to_owned()));
    }
    Ok(order.into_iter().map(|at| TLS12[at].1).collect())
}

/// The suites of TLS 1.3 that a list of names allows, in its order.
pub(super) fn suite_list(text: &str) -> Result<Vec<SupportedCipherSuite>, TlsOptionError> {
    let mut suites = Vec::new();
    for word in text.split([':', ',', ' ']).filter(|word| !word.is_empty()) {
        let known = TLS13.iter().find(|(name, _)| *name == word);
        let (_, suite) = known.ok_or_else(|| TlsOptionError::Suite(word.to_owned()))?;
        if !suites.contains(suite) {
            suites.push(*suite);
        }
    }
    if suites.is_empty() {
        return Err(TlsOptionError::NothingLeft(text.to_owned()));
    }
    Ok(suites)
}

/// Everything that is there.
pub(super) fn all(table: Version) -> Vec<SupportedCipherSuite> {
    match table {
        Version::Tls12 => TLS12.iter().map(|(_, suite)| *suite).collect(),
        Version::Tls13 => TLS13.iter().map(|(_, suite)| *suite).collect(),
    }
}

/// A version of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Version {
    Tls12,
    Tls13,
}

/// Which versions an option allows: a list (`TLSv1.2,TLSv1.3`, with commas or blanks), a range
/// (`TLSv1.2-TLSv1.3`) or an open range (`TLSv1.2+`). Versions before 1.2 are refused.
pub(super) fn versions(text: &str) -> Result<Vec<Version>, TlsOptionError> {
    let one = |word: &str| match word {
        "TLSv1.2" => Ok(Version::Tls12),
        "TLSv1.3" => Ok(Version::Tls13),
        _ => Err(TlsOptionError::Protocol(word.to_owned())),
    };
    let mut versions = Vec::new();
    for word in text.split([',', ' ', '\t']).filter(|word| !word.is_empty()) {
        let (low, high) = if let Some(low) = word.strip_suffix('+') {
            (one(low)?, Version::Tls13)
        } else if let Some((low, high)) = word.split_once('-') {
            (one(low)?, one(high)?)
        } else {
            (one(word)?, one(word)?)
        };
        if low > high {
            return Err(TlsOptionError::EmptyRange(word.to_owned()));
        }
        versions.extend([Version::Tls12, Version::Tls13].into_iter().filter(|v| (low..=high).contains(v)));
    }
    versions.sort();
    versions.dedup();
    if versions.is_empty() {
        return Err(TlsOptionError::Protocol(text.to_owned()));
    }
    Ok(versions)
}

#[cfg(test)]
mod tests {
    use super::Version::{Tls12, Tls13};
    use super::*;

    fn names(text: &str) -> Result<Vec<&'static str>, TlsOptionError> {
        let name = |s: &SupportedCipherSuite| TLS12.iter().find(|(_, suite)| suite == s).unwrap().0;
        cipher_list(text).map(|suites| suites.iter().map(name).collect())
    }

    #[test]
    fn cipher_lists_filter() {
        let count = |text: &str| names(text).map(|names| names.len());
        assert_eq!(count("HIGH:!aNULL:!MD5"), Ok(6));
        assert_eq!(count("DEFAULT:@SECLEVEL=2"), Ok(6));
        assert_eq!(count("ALL:!CHACHA20"), Ok(4));
        assert_eq!(
            names("ECDHE+AESGCM+aRSA"),
            Ok(vec!["ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-RSA-AES128-GCM-SHA256"])
        );
        assert_eq!(
            names("aRSA:-AES256:!AES128:+CHACHA20:AES256+aRSA:AES128").unwrap(),
            ["ECDHE-RSA-CHACHA20-POLY1305", "ECDHE-RSA-AES256-GCM-SHA384",]
        );
        assert_eq!(names("AES128+aRSA,AES256+aRSA @STRENGTH").unwrap()[0], "ECDHE-RSA-AES256-GCM-SHA384");
        let refused = |text: &str| names(text).unwrap_err().to_string();
        assert_eq!(refused("HIGH:AES256-SHA"), "AES256-SHA: unknown cipher or group of ciphers");
        assert_eq!(refused("HIGH:!odd"), "!odd: unknown cipher or group of ciphers");
        assert_eq!(refused("HIGH:@SECLEVEL=5"), "@SECLEVEL=5: unsupported command in a cipher list");
        assert_eq!(refused("RC4:MD5"), "RC4:MD5: no supported cipher suite is left");
        assert!(refused("").contains("no supported"));
    }

    #[test]
    fn suites_and_versions() {
        assert_eq!(suite_list("TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384").unwrap().len(), 2);
        assert!(
            suite_list("TLS_AES_128_CCM_SHA256").unwrap_err().to_string().contains("TLS_AES_128_CCM_SHA256")
        );
        assert_eq!(versions("TLSv1.2"), Ok(vec![Tls12]));
        assert_eq!(versions("TLSv1.3, TLSv1.2"), Ok(vec![Tls12, Tls13]));
        assert_eq!(versions("TLSv1.2+"), Ok(vec![Tls12, Tls13]));
        assert_eq!(versions("TLSv1.3+"), Ok(vec![Tls13]));
        assert_eq!(versions("TLSv1.2-TLSv1.3"), Ok(vec![Tls12, Tls13]));
        assert_eq!(versions("TLSv1.1,TLSv1.2"), Err(TlsOptionError::Protocol("TLSv1.1".into())));
        assert_eq!(versions("TLSv1.3-TLSv1.2"), Err(TlsOptionError::EmptyRange("TLSv1.3-TLSv1.2".into())));
        assert!(versions("").is_err() && versions("TLSv1.2++").is_err());
    }
}
