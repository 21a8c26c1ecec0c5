//! X.509 certificates (RFC 5280), as much of them as verifying a chain needs: versions 1 to 3.
//!
//! The verifier of rustls refuses version 1, a certificate authority's own certificate at the end of a chain, and
//! names that are no DNS names. All of these are what `ovs-pki` makes, or made, so the fields are read here.

use super::der::{self, Element, Malformed, Reader};

/// What a certificate may be used for, if it says so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct ExtendedUsage {
    pub(super) server: bool,
    pub(super) client: bool,
    pub(super) any: bool,
}

/// One certificate, borrowed from its encoding.
#[derive(Clone, Copy, Debug)]
pub(super) struct Certificate<'a> {
    /// All of it.
    pub(super) der: &'a [u8],
    /// What is signed.
    pub(super) signed: &'a [u8],
    /// The content of the signature's algorithm identifier.
    pub(super) signature_algorithm: &'a [u8],
    pub(super) signature: &'a [u8],
    /// 1, 2 or 3.
    pub(super) version: u32,
    /// Names with tag and length.
    pub(super) issuer: &'a [u8],
    pub(super) subject: &'a [u8],
    /// Seconds since 1970.
    pub(super) not_before: u64,
    pub(super) not_after: u64,
    /// The public key with its algorithm, with tag and length.
    pub(super) public_key_info: &'a [u8],
    /// The content of the key's algorithm identifier.
    pub(super) key_algorithm: &'a [u8],
    pub(super) key: &'a [u8],
    /// Whether the basic constraints, if there are any, make it an authority.
    pub(super) authority: Option<bool>,
    /// How many authorities may stand between it and the end of the chain.
    pub(super) path_length: Option<u32>,
    /// The bits of the key usage, the first one (digital signature) the most significant of 16.
    pub(super) key_usage: Option<u16>,
    pub(super) extended_usage: Option<ExtendedUsage>,
    /// A critical extension that is not understood: the content of its identifier.
    pub(super) unknown_critical: Option<&'a [u8]>,
    extensions: &'a [u8],
}

/// The key may sign handshakes.
pub(super) const DIGITAL_SIGNATURE: u16 = 0x8000;
/// The key may take part in key agreement.
pub(super) const KEY_AGREEMENT: u16 = 0x0800;
/// The key may encipher keys.
pub(super) const KEY_ENCIPHERMENT: u16 = 0x2000;
/// The key may sign certificates.
pub(super) const CERTIFICATE_SIGN: u16 = 0x0400;

impl<'a> Certificate<'a> {
    /// Reads a certificate. An extension that is there twice, or has something behind its value, is none that a reader
    /// and the authority who signed it understand alike: such a certificate is refused.
    pub(super) fn parse(der: &'a [u8]) -> Result<Certificate<'a>, Malformed> {
        let mut outer = Reader::new(der);
        let mut parts = Reader::new(outer.expect(der::SEQUENCE)?.content);
        outer.end()?;
        let signed = parts.expect(der::SEQUENCE)?;
        let signature_algorithm = parts.expect(der::SEQUENCE)?.content;
        let signature = der::whole_bits(parts.expect(der::BIT_STRING)?.content)?;
        parts.end()?;
        let mut certificate = Certificate { der, signature, ..Certificate::fields(signed)? };
        if certificate.signature_algorithm != signature_algorithm {
            return Err(Malformed);
        }
        certificate.extensions()?;
        Ok(certificate)
    }

    /// Reads what is signed, without the extensions.
    fn fields(signed: Element<'a>) -> Result<Certificate<'a>, Malformed> {
        let mut fields = Reader::new(signed.content);
        let version = match fields.optional(0xa0)? {
            None => 1,
            Some(version) => der::small(Reader::new(version.content).expect(der::INTEGER)?.content)? + 1,
        };
        fields.expect(der::INTEGER)?;
        let signature_algorithm = fields.expect(der::SEQUENCE)?.content;
        if version > 3 {
            return Err(Malformed);
        }
        let issuer = fields.expect(der::SEQUENCE)?.whole;
        let mut validity = Reader::new(fields.expect(der::SEQUENCE)?.content);
        let (not_before, not_after) = (der::time(validity.element()?)?, der::time(validity.element()?)?);
        validity.end()?;
        let subject = fields.expect(der::SEQUENCE)?.whole;
        let public_key_info = fields.expect(der::SEQUENCE)?;
        let mut key_parts = Reader::new(public_key_info.content);
        let key_algorithm = key_parts.expect(der::SEQUENCE)?.content;
        let key = der::whole_bits(key_parts.expect(der::BIT_STRING)?.content)?;
        key_parts.end()?;

        // Unique identifiers of issuer and subject: of no use to anybody.
        fields.optional(0x81)?;
        fields.optional(0x82)?;
        let extensions = fields.optional(0xa3)?.map_or(&[][..], |extensions| extensions.content);
        fields.end()?;
        Ok(Certificate {
            der: &[],
            signed: signed.whole,
            signature_algorithm,
            signature: &[],
            version,
            issuer,
            subject,
            not_before,
            not_after,
            public_key_info: public_key_info.whole,
            key_algorithm,
            key,
            authority: None,
            path_length: None,
            key_usage: None,
            extended_usage: None,
            unknown_critical: None,
            extensions,
        })
    }

    fn extensions(&mut self) -> Result<(), Malformed> {
        let mut outer = Reader::new(self.extensions);
        if let Some(list) = outer.optional(der::SEQUENCE)? {
            let mut list = Reader::new(list.content);
            while !list.is_empty() {
                self.extension(list.expect(der::SEQUENCE)?.content)?;
            }
        }
        outer.end()
    }

    fn extension(&mut self, content: &'a [u8]) -> Result<(), Malformed> {
        let mut parts = Reader::new(content);
        let id = parts.expect(der::OID)?.content;
        let critical = der::boolean(parts.optional(der::BOOLEAN)?)?;
        let mut value = Reader::new(parts.expect(der::OCTET_STRING)?.content);
        parts.end()?;
        match id {
            // Key usage.
            [0x55, 0x1d, 15] => {
                let usage = match value.expect(der::BIT_STRING)?.content {
                    [unused, bits @ ..] if *unused < 8 && bits.len() <= 2 => {
                        let byte = |at: usize| u16::from(bits.get(at).copied().unwrap_or(0));
                        byte(0) << 8 | byte(1)
                    }
                    _ => return Err(Malformed),
                };
                once(&mut self.key_usage, usage)?;
                value.end()?;
            }
            // Basic constraints.
            [0x55, 0x1d, 19] => {
                let mut constraints = Reader::new(value.expect(der::SEQUENCE)?.content);
                once(&mut self.authority, der::boolean(constraints.optional(der::BOOLEAN)?)?)?;
                let length = constraints.optional(der::INTEGER)?;
                self.path_length = length.map(|length| der::small(length.content)).transpose()?;
                constraints.end()?;
                value.end()?;
            }
            // Extended key usage.
            [0x55, 0x1d, 37] => {
                let mut usages = Reader::new(value.expect(der::SEQUENCE)?.content);
                let mut extended = ExtendedUsage::default();
                while !usages.is_empty() {
                    match usages.expect(der::OID)?.content {
                        [0x2b, 6, 1, 5, 5, 7, 3, 1] => extended.server = true,
                        [0x2b, 6, 1, 5, 5, 7, 3, 2] => extended.client = true,
                        [0x55, 0x1d, 37, 0] => extended.any = true,
                        _ => {}
                    }
                }
                once(&mut self.extended_usage, extended)?;
                value.end()?;
            }
            // Key identifiers, alternative names, revocation lists and policies do not bear on a chain without
            // names, lists and required policies.
            [0x55, 0x1d, 14 | 17 | 18 | 31 | 32 | 35] => {}
            _ if critical => self.unknown_critical = Some(id),
            _ => {}
        }
        Ok(())
    }

    /// The common name of the subject for a log, or an empty text.
    pub(super) fn common_name(&self) -> String {
        common_name(self.subject)
    }

    /// The common name of the subject, as what its holder is to be called. `None` if it has none, or one that is not
    /// just text: two holders could otherwise come to be called alike.
    pub(super) fn identity(&self) -> Option<String> {
        let name = std::str::from_utf8(find_common_name(self.subject).ok()??).ok()?;
        let clear = !name.is_empty() && name.len() <= MAX_NAME && !name.chars().any(char::is_control);
        clear.then(|| name.to_owned())
    }
}

/// Longer names are shortened in logs, and name nobody.
const MAX_NAME: usize = 256;

/// Fills in what a certificate may say once.
fn once<T>(place: &mut Option<T>, value: T) -> Result<(), Malformed> {
    if place.replace(value).is_some() { Err(Malformed) } else { Ok(()) }
}

/// The first common name in a name, as text, without anything that would disturb a log.
pub(super) fn common_name(name: &[u8]) -> String {
    let Ok(Some(bytes)) = find_common_name(name) else { return String::new() };
    String::from_utf8_lossy(bytes).chars().filter(|c| !c.is_control()).take(MAX_NAME).collect()
}

fn find_common_name(name: &[u8]) -> Result<Option<&[u8]>, Malformed> {
    let mut sets = Reader::new(Reader::new(name).expect(der::SEQUENCE)?.content);
    while !sets.is_empty() {
        let mut pairs = Reader::new(sets.expect(der::SET)?.content);
        while !pairs.is_empty() {
            let mut pair = Reader::new(pairs.expect(der::SEQUENCE)?.content);
            if pair.expect(der::OID)?.content == [0x55, 4, 3] {
                return pair.element().map(|text| Some(text.content));
            }
        }
    }
    Ok(None)
}

/// An object identifier in dots and numbers.
pub(super) fn dotted(id: &[u8]) -> String {
    let mut text = String::new();
    let mut number: u64 = 0;
    for byte in id.iter().take(64) {
        number = number.wrapping_shl(7) | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            if text.is_empty() {
                let first = (number / 40).min(2);
                text = format!("{first}.{}", number - first * 40);
            } else {
                text.push('.');
                text.push_str(&number.to_string());
            }
            number = 0;
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject;

    use super::*;

    #[test]
    fn fields_are_read_and_damage_is_survived() {
        let der = CertificateDer::from_pem_slice(include_bytes!("../../testdata/authority.pem")).unwrap();
        let read = Certificate::parse(&der).unwrap();
        assert_eq!((read.version, read.authority, read.path_length), (3, Some(true), Some(1)));
        assert_eq!(read.key_usage, Some(DIGITAL_SIGNATURE | CERTIFICATE_SIGN));
        assert_eq!(read.extended_usage, Some(ExtendedUsage { server: true, client: false, any: false }));
        assert_eq!((read.common_name().as_str(), read.issuer), ("sample authority", read.subject));
        assert_eq!(read.not_after - read.not_before, 3650 * 86_400);
        assert_eq!(read.unknown_critical, None);
        for length in 0..der.len() {
            assert!(Certificate::parse(&der[..length]).is_err());
        }
        let mut damaged = der.to_vec();
        for at in 0..damaged.len() {
            for bits in [0x01, 0x80, 0xff, 0x1f] {
                damaged[at] ^= bits;
                if let Ok(read) = Certificate::parse(&damaged) {
                    read.common_name();
                    read.unknown_critical.map(dotted);
                }
                damaged[at] ^= bits;
            }
        }
    }

    /// A name with one common name.
    fn name(text: &[u8]) -> Vec<u8> {
        let wrap = |tag: u8, content: &[u8]| [&[tag, content.len() as u8][..], content].concat();
        let pair = [wrap(der::OID, &[0x55, 4, 3]), wrap(0x0c, text)].concat();
        wrap(der::SEQUENCE, &wrap(der::SET, &wrap(der::SEQUENCE, &pair)))
    }

    #[test]
    fn who_is_not_named_clearly_is_nobody() {
        let der = CertificateDer::from_pem_slice(include_bytes!("../../testdata/authority.pem")).unwrap();
        let read = Certificate::parse(&der).unwrap();
        for (text, identity) in [
            (&b"chassis 1"[..], Some("chassis 1")),
            (b"", None),
            (b"chassis\0 1", None),
            (b"chassis\x1b 1", None),
            (b"chassis\xff 1", None),
        ] {
            let subject = name(text);
            let identity = identity.map(str::to_owned);
            assert_eq!(Certificate { subject: &subject, ..read }.identity(), identity, "{text:?}");
        }
    }

    #[test]
    fn extensions_say_one_thing() {
        let der = CertificateDer::from_pem_slice(include_bytes!("../../testdata/authority.pem")).unwrap();
        let plain = Certificate { authority: None, path_length: None, ..Certificate::parse(&der).unwrap() };
        let constraints = |value: &[u8]| {
            let head = [6, 3, 0x55, 0x1d, 19, 4, value.len() as u8];
            [&[0x30, (head.len() + value.len()) as u8][..], &head, value].concat()
        };
        let read = |extensions: &[Vec<u8>]| {
            let list = extensions.concat();
            let all = [&[0x30, list.len() as u8][..], &list].concat();
            let mut certificate =
                Certificate { key_usage: None, extended_usage: None, extensions: &all, ..plain };
            certificate.extensions().map(|()| (certificate.authority, certificate.path_length))
        };
        let bounded = constraints(&[0x30, 6, 1, 1, 0xff, 2, 1, 0]);
        assert_eq!(read(std::slice::from_ref(&bounded)), Ok((Some(true), Some(0))));
        assert_eq!(read(&[bounded.clone(), bounded]), Err(Malformed));
        // What stands where the length should be must not pass for no length.
        assert_eq!(read(&[constraints(&[0x30, 6, 1, 1, 0xff, 4, 1, 0])]), Err(Malformed));
        assert_eq!(read(&[constraints(&[0x30, 3, 1, 1, 0xff, 5, 0])]), Err(Malformed));
    }

    #[test]
    fn identifiers_are_dotted() {
        assert_eq!(dotted(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 4]), "1.2.840.113549.1.1.4");
        assert_eq!(dotted(&[0x55, 0x1d, 30]), "2.5.29.30");
    }
}
