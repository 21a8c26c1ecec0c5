//! Reading single options. Where the original takes what it can of a value, so does this.

use std::net::{IpAddr, Ipv6Addr};

use ovs_dpif::{FlowLabel, TunnelFormat, TunnelKind};
use ovs_netdev::Options;

use super::TunnelError;
use super::config::{Carries, Erspan, Key, Remote, TooBig};

/// The most segments of a path (what a routing header of the original has room for).
const SEGMENTS: usize = 6;
const MPLS: u16 = 0x8847;
const IPV4: u16 = 0x0800;

/// The options of one interface.
pub(super) struct Reader<'a> {
    name: &'a str,
    kind: TunnelKind,
    options: &'a Options,
}

impl<'a> Reader<'a> {
    pub fn new(name: &'a str, kind: TunnelKind, options: &'a Options) -> Self {
        Self { name, kind, options }
    }

    fn get(&self, option: &str) -> Option<&'a str> {
        self.options.get(option).map(String::as_str)
    }

    fn interface(&self) -> String {
        self.name.to_owned()
    }

    pub fn is(&self, option: &str, value: &str) -> bool {
        self.get(option) == Some(value)
    }

    /// What becomes of packets that are too long.
    pub fn too_big(&self) -> TooBig {
        match self.get("too_big") {
            Some("drop") => TooBig::Drop,
            Some("icmp") => TooBig::Icmp,
            _ => TooBig::Send,
        }
    }

    /// A number as far as there is one, else 0; `None` without the option.
    pub fn number(&self, option: &str) -> Option<u64> {
        self.get(option).map(number)
    }

    pub fn port(&self, default: u16) -> u16 {
        self.number("dst_port").map_or(default, |port| port as u16)
    }

    pub fn key(&self, option: &str) -> Option<Key> {
        Some(if self.get(option)? == "flow" { Key::Flow } else { Key::Fixed(self.number(option)?) })
    }

    /// A type of service; one that does not fit, or says anything of congestion, is none.
    pub fn tos(&self) -> u8 {
        let tos = self.number("tos").and_then(|tos| u8::try_from(tos).ok());
        tos.filter(|tos| tos.trailing_zeros() >= 2).unwrap_or(0)
    }

    /// The other end, and the own one.
    pub fn ends(&self) -> Result<(Remote, Remote), TunnelError> {
        let (name, kind) = (self.interface(), self.kind.name());
        let remote = match self.address("remote_ip") {
            Remote::Any => return Err(TunnelError::Remote { name, kind }),
            Remote::Fixed(address) if address.is_multicast() => {
                return Err(TunnelError::Multicast { name, address: address.to_string() });
            }
            remote => remote,
        };
        let local = self.address("local_ip");
        match (remote, local) {
            (Remote::Fixed(_), Remote::Flow) => Err(TunnelError::LocalFlow { name, kind }),
            (Remote::Fixed(a), Remote::Fixed(b)) if a.is_ipv4() != b.is_ipv4() => {
                Err(TunnelError::Families { name })
            }
            _ => Ok((remote, local)),
        }
    }

    /// What is no address counts as none.
    fn address(&self, option: &str) -> Remote {
        match self.get(option) {
            None => Remote::Any,
            Some("flow") => Remote::Flow,
            Some(text) => match text.parse::<IpAddr>() {
                Ok(address) if !address.is_unspecified() => Remote::Fixed(address),
                _ => {
                    tracing::warn!(target: "netdev_vport", "{}: bad {} '{option}'", self.name, self.kind.name());
                    Remote::Any
                }
            },
        }
    }

    pub fn format(&self) -> Result<TunnelFormat, TunnelError> {
        let format = TunnelFormat::from(self.kind);
        match self.kind {
            TunnelKind::Vxlan => {
                let has =
                    |name: &str| self.get("exts").is_some_and(|exts| exts.split(',').any(|ext| ext == name));
                Ok(format.policy(has("gbp")).generic(has("gpe")))
            }
            TunnelKind::Bareudp => {
                let payload = match self.get("payload_type") {
                    Some("mpls") => Some(MPLS),
                    None | Some("ip") => Some(IPV4),
                    Some(text) => u16::try_from(number(text)).ok().filter(|number| *number != 0),
                };
                let payload = payload.ok_or_else(|| TunnelError::Payload { name: self.interface() })?;
                Ok(format.payload(payload))
            }
            _ => Ok(format),
        }
    }

    pub fn carries(&self, format: TunnelFormat) -> Result<Carries, TunnelError> {
        let kind = format.kind;
        // What it can carry beside what it does by default.
        let (default, frames, packets) = match kind {
            TunnelKind::Gre => (Carries::Frames, true, true),
            TunnelKind::Vxlan => (Carries::Frames, true, format.generic),
            TunnelKind::Lisp | TunnelKind::Gtpu | TunnelKind::Bareudp | TunnelKind::Srv6 => {
                (Carries::Packets, false, true)
            }
            _ => (Carries::Frames, true, false),
        };
        let what = if kind == TunnelKind::Vxlan { "VXLAN (without GPE)" } else { kind.name() };
        let refused = |mode: Carries, traffic| {
            Err(TunnelError::Carries { name: self.interface(), mode: mode.name(), what, traffic })
        };
        match self.get("packet_type") {
            None => Ok(default),
            Some("legacy_l2") if frames => Ok(Carries::Frames),
            Some("legacy_l2") => refused(Carries::Frames, "L2"),
            Some("legacy_l3") if packets => Ok(Carries::Packets),
            Some("legacy_l3") => refused(Carries::Packets, "L3"),
            Some("ptap") => Ok(Carries::Any),
            Some(value) => Err(TunnelError::PacketType { name: self.interface(), value: value.to_owned() }),
        }
    }

    pub fn erspan(&self) -> Result<Erspan, TunnelError> {
        let field = |option: &str, what: &'static str, range: std::ops::RangeInclusive<u64>, hex: bool| {
            let Some(text) = self.get(option) else { return Ok(Some(0)) };
            if text == "flow" || self.is("erspan_ver", "flow") {
                return Ok(None);
            }
            let number = if hex { hexadecimal(text) } else { number(text) };
            if range.contains(&number) {
                Ok(Some(number))
            } else {
                Err(TunnelError::Erspan { name: self.interface(), what, value: text.to_owned() })
            }
        };
        if !self.kind.is_erspan() {
            return Ok(Erspan { version: Some(0), index: Some(0), direction: Some(0), hardware: Some(0) });
        }
        let flow = self.is("erspan_ver", "flow");
        let version = field("erspan_ver", "version", 1..=2, false)?;
        let index = field("erspan_idx", "index", 0..=0x000f_ffff, true)?;
        let direction = field("erspan_dir", "direction", 0..=1, false)?;
        let hardware = field("erspan_hwid", "hardware ID", 0..=0x3f, true)?;
        Ok(Erspan {
            version: version.map(|version| version as u8),
            index: index.filter(|_| !flow).map(|index| index as u32),
            direction: direction.filter(|_| !flow).map(|direction| direction as u8),
            hardware: hardware.filter(|_| !flow).map(|hardware| hardware as u8),
        })
    }

    pub fn segments(&self) -> Result<Vec<Ipv6Addr>, TunnelError> {
        let option = "srv6_segs";
        let Some(text) = self.get(option).filter(|_| self.kind == TunnelKind::Srv6) else {
            return Ok(vec![]);
        };
        let segments: Result<Vec<Ipv6Addr>, _> =
            text.split(',').map(|segment| segment.trim().parse()).collect();
        match segments {
            Ok(segments) if segments.len() <= SEGMENTS => Ok(segments),
            _ => Err(TunnelError::SegmentRouting { name: self.interface(), option }),
        }
    }

    pub fn label(&self) -> Result<FlowLabel, TunnelError> {
        let option = "srv6_flowlabel";
        match self.get(option) {
            _ if self.kind != TunnelKind::Srv6 => Ok(FlowLabel::Header),
            None | Some("copy") => Ok(FlowLabel::Copy),
            Some("zero") => Ok(FlowLabel::Header),
            Some("compute") => Ok(FlowLabel::Hash),
            Some(_) => Err(TunnelError::SegmentRouting { name: self.interface(), option }),
        }
    }
}

/// A number as C reads it, as far as there is one: decimal, octal behind `0`, hexadecimal behind `0x`.
fn number(text: &str) -> u64 {
    match text.strip_prefix("0x") {
        Some(digits) => leading(digits, 16),
        None if text.starts_with('0') => leading(text, 8),
        None => leading(text, 10),
    }
}

/// A hexadecimal number, with its prefix or without.
fn hexadecimal(text: &str) -> u64 {
    leading(text.strip_prefix("0x").unwrap_or(text), 16)
}

fn leading(text: &str, radix: u32) -> u64 {
    let digits = text.chars().map_while(|c| c.to_digit(radix));
    digits.fold(0, |sum: u64, digit| sum.saturating_mul(radix.into()).saturating_add(digit.into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tunnel::TunnelConfig;

    fn parse(kind: TunnelKind, options: &[(&str, &str)]) -> Result<TunnelConfig, String> {
        let options = options.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        TunnelConfig::parse("t", kind, &options).map_err(|error| error.to_string())
    }

    #[test]
    fn values_are_taken_as_far_as_they_go() {
        let remote = ("remote_ip", "1.1.1.1");
        let options =
            [remote, ("key", "abc"), ("ttl", "300"), ("tos", "3"), ("dst_port", "70000"), ("local_ip", "zz")];
        let read = parse(TunnelKind::Vxlan, &options).unwrap();
        assert_eq!(
            (read.in_key, read.ttl, read.tos, read.dst_port),
            (Key::Fixed(0), Some(44), Some(0), 4464)
        );
        assert_eq!(read.local, Remote::Any);
        let read = parse(TunnelKind::Gre, &[remote, ("in_key", "0x10"), ("seq", "true")]).unwrap();
        assert_eq!((read.in_key, read.out_key, read.sequence.is_some()), (Key::Fixed(16), Key::Absent, true));
    }

    #[test]
    fn segment_routing_has_a_path() {
        let remote = ("remote_ip", "fd00::1");
        let path = [remote, ("srv6_segs", "fd00::1,fd00::2"), ("srv6_flowlabel", "compute")];
        let read = parse(TunnelKind::Srv6, &path).unwrap();
        assert_eq!((read.segments.len(), read.label, read.carries), (2, FlowLabel::Hash, Carries::Packets));
        let bad = parse(TunnelKind::Srv6, &[remote, ("srv6_segs", "fd00::1,x")]);
        assert_eq!(bad.unwrap_err(), "t: bad srv6 'srv6_segs'");
    }

    #[test]
    fn extensions_and_payloads_make_formats() {
        let remote = ("remote_ip", "1.1.1.1");
        let read =
            parse(TunnelKind::Vxlan, &[remote, ("exts", "gbp,gpe"), ("packet_type", "legacy_l3")]).unwrap();
        assert_eq!((read.format.policy, read.format.generic, read.carries), (true, true, Carries::Packets));
        let read = parse(TunnelKind::Bareudp, &[remote, ("payload_type", "mpls")]).unwrap();
        assert_eq!((read.format.payload, read.dst_port), (MPLS, 6635));
    }
}
