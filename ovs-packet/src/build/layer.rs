//! Layers and their text.

use core::net::{Ipv4Addr, Ipv6Addr};

use super::BuildError;

/// One layer of a description.
#[derive(Debug, Clone, Copy)]
pub(super) enum Layer {
    Ethernet { src: [u8; 6], dst: [u8; 6], ether_type: Option<u16> },
    Vlan { tpid: u16, tci: u16 },
    Mpls { label: u32, traffic_class: u8, ttl: u8 },
    Arp { op: u16, sender: ([u8; 6], [u8; 4]), target: ([u8; 6], [u8; 4]) },
    Ipv4 { src: [u8; 4], dst: [u8; 4], ip: Ip },
    Ipv6 { src: [u8; 16], dst: [u8; 16], ip: Ip },
    Tcp { src: u16, dst: u16, flags: u16, seq: u32, ack: u32 },
    Udp { src: u16, dst: u16 },
    Sctp { src: u16, dst: u16 },
    Icmp { v6: bool, kind: u8, code: u8, id: u16, seq: u16 },
    Payload(usize),
}

/// What both IP versions have.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ip {
    pub ttl: u8,
    pub tos: u8,
    pub id: u16,
    pub protocol: Option<u8>,
}

/// The words of a layer, with the errors that they give.
struct Words<'a> {
    layer: usize,
    text: &'a str,
}

impl<'a> Words<'a> {
    fn bad(&self, word: usize) -> BuildError {
        BuildError::BadWord { layer: self.layer, word }
    }

    /// Words that are not `key=value` and not `>`, behind the name.
    fn plain(&self) -> impl Iterator<Item = (usize, &'a str)> {
        let words = self.text.split_whitespace().enumerate().skip(1);
        words.filter(|(_, word)| *word != ">" && !word.contains('='))
    }

    /// The `n`th plain word as a `T`, if there.
    fn word<T>(&self, n: usize, read: impl Fn(&str) -> Option<T>, default: T) -> Result<T, BuildError> {
        match self.plain().nth(n) {
            Some((at, word)) => read(word).ok_or_else(|| self.bad(at)),
            None => Ok(default),
        }
    }

    /// The value of `key` as a `T`, if there.
    fn key<T>(&self, key: &str, read: impl Fn(&str) -> Option<T>) -> Result<Option<T>, BuildError> {
        for (at, word) in self.text.split_whitespace().enumerate() {
            if let Some(value) = word.strip_prefix(key).and_then(|rest| rest.strip_prefix('=')) {
                return read(value).map(Some).ok_or_else(|| self.bad(at));
            }
        }
        Ok(None)
    }

    fn key_or<T: TryFrom<u64>>(&self, key: &str, default: T) -> Result<T, BuildError> {
        Ok(self.key(key, number)?.unwrap_or(default))
    }

    /// Refuses words beyond `plain` and keys that are not in `keys`.
    fn only(&self, plain: usize, keys: &[&str]) -> Result<(), BuildError> {
        if let Some((at, _)) = self.plain().nth(plain) {
            return Err(self.bad(at));
        }
        for (at, word) in self.text.split_whitespace().enumerate().skip(1) {
            if let Some((key, _)) = word.split_once('=')
                && !keys.contains(&key)
            {
                return Err(self.bad(at));
            }
        }
        Ok(())
    }
}

/// Reads a layer.
pub(super) fn parse(layer: usize, text: &str) -> Result<Layer, BuildError> {
    let words = Words { layer, text };
    let name = text.split_whitespace().next().unwrap_or_default();
    if let Some(payload) = number::<u32>(name) {
        words.only(0, &[])?;
        return Ok(Layer::Payload(payload as usize));
    }
    match name {
        "eth" | "vlan" | "svlan" | "mpls" | "arp" => link(name, &words),
        "ipv4" | "ipv6" => network(name, &words),
        "tcp" | "udp" | "sctp" | "icmp" | "icmpv6" => transport(name, &words),
        _ => Err(BuildError::UnknownLayer { layer }),
    }
}

fn link(name: &str, words: &Words<'_>) -> Result<Layer, BuildError> {
    let (a, b) = ([2, 0, 0, 0, 0, 1], [2, 0, 0, 0, 0, 2]);
    match name {
        "eth" => {
            words.only(2, &["type"])?;
            let (src, dst) = (words.word(0, mac, a)?, words.word(1, mac, b)?);
            Ok(Layer::Ethernet { src, dst, ether_type: words.key("type", number)? })
        }
        "vlan" | "svlan" => {
            words.only(1, &["pcp"])?;
            let vid = words.word(0, |word| number(word).filter(|vid| *vid < 4096), 0u16)?;
            let pcp: u16 = words.key_or("pcp", 0)?;
            Ok(Layer::Vlan { tpid: if name == "vlan" { 0x8100 } else { 0x88a8 }, tci: (pcp & 7) << 13 | vid })
        }
        "mpls" => {
            words.only(1, &["ttl", "tc"])?;
            let label = words.word(0, |word| number(word).filter(|label| *label < 1 << 20), 0u32)?;
            Ok(Layer::Mpls { label, traffic_class: words.key_or("tc", 0)?, ttl: words.key_or("ttl", 64)? })
        }
        _ => {
            words.only(2, &["op", "sha", "tha"])?;
            let (from, to) = (words.word(0, ipv4, [10, 0, 0, 1])?, words.word(1, ipv4, [10, 0, 0, 2])?);
            let sender = words.key("sha", mac)?.unwrap_or(a);
            let target = words.key("tha", mac)?.unwrap_or_default();
            Ok(Layer::Arp { op: words.key_or("op", 1)?, sender: (sender, from), target: (target, to) })
        }
    }
}

fn network(name: &str, words: &Words<'_>) -> Result<Layer, BuildError> {
    words.only(2, &["ttl", "tos", "id", "proto"])?;
    let ip = Ip {
        ttl: words.key_or("ttl", 64)?,
        tos: words.key_or("tos", 0)?,
        id: words.key_or("id", 0)?,
        protocol: words.key("proto", number)?,
    };
    if name == "ipv4" {
        let (src, dst) = (words.word(0, ipv4, [10, 0, 0, 1])?, words.word(1, ipv4, [10, 0, 0, 2])?);
        return Ok(Layer::Ipv4 { src, dst, ip });
    }
    let host = |n: u16| Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, n).octets();
    let (src, dst) = (words.word(0, ipv6, host(1))?, words.word(1, ipv6, host(2))?);
    Ok(Layer::Ipv6 { src, dst, ip })
}

fn transport(name: &str, words: &Words<'_>) -> Result<Layer, BuildError> {
    if let "icmp" | "icmpv6" = name {
        words.only(2, &["id", "seq"])?;
        let v6 = name == "icmpv6";
        let kind = words.word(0, number, if v6 { 128 } else { 8 })?;
        let code = words.word(1, number, 0)?;
        return Ok(Layer::Icmp { v6, kind, code, id: words.key_or("id", 1)?, seq: words.key_or("seq", 1)? });
    }
    let (src, dst) = (words.word(0, number, 1)?, words.word(1, number, 2)?);
    if name == "tcp" {
        words.only(2, &["flags", "seq", "ack"])?;
        let (seq, ack) = (words.key_or("seq", 0)?, words.key_or("ack", 0)?);
        return Ok(Layer::Tcp { src, dst, flags: words.key_or("flags", 0x10)?, seq, ack });
    }
    words.only(2, &[])?;
    Ok(if name == "udp" { Layer::Udp { src, dst } } else { Layer::Sctp { src, dst } })
}

/// A decimal or hexadecimal number that fits.
fn number<T: TryFrom<u64>>(text: &str) -> Option<T> {
    let value = match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16),
        None => text.parse(),
    };
    T::try_from(value.ok()?).ok()
}

fn mac(text: &str) -> Option<[u8; 6]> {
    let mut out = [0; 6];
    let mut parts = text.split(':');
    for byte in &mut out {
        *byte = u8::from_str_radix(parts.next()?, 16).ok()?;
    }
    parts.next().is_none().then_some(out)
}

fn ipv4(text: &str) -> Option<[u8; 4]> {
    text.parse::<Ipv4Addr>().ok().map(|address| address.octets())
}

fn ipv6(text: &str) -> Option<[u8; 16]> {
    text.parse::<Ipv6Addr>().ok().map(|address| address.octets())
}
