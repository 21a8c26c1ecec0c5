//! Keys that are no fields: options, TLVs, chunks, records, optional words.

use alloc::vec::Vec;

use super::value::{hex, ipv4, ipv6, kind_hex, mac, number};
use super::{Expected, Layer};
use crate::wire::{
    BfdAuthentication, CfmTlv, FieldValue, GeneveOption, GreRoute, IgmpRecord, Ipv4Option, Ipv6Option, Item,
    LldpTlv, MldRecord, NeighborOption, NshTlv, PrefixInformation, Protocol, SackBlocks, SctpChunk,
    SegmentTlv, TcpOption,
};

/// What a key makes: a piece of the header, with its rank.
type Piece = Result<(u8, Vec<u8>), Expected>;

/// Reads an option of a layer. None if the layer has no option of that key.
pub(super) fn option(layer: &mut Layer, key: &str, text: &str) -> Option<Result<(), Expected>> {
    let protocol = layer.protocol()?;
    let piece = match protocol {
        _ if key == "hex" => hex(text).map(|bytes| (9, bytes)),
        Protocol::Tcp => tcp(key, text)?,
        Protocol::Ipv4 => ipv4_option(key, text)?,
        Protocol::Ipv6Options => ipv6_option(key, text)?,
        Protocol::SegmentRouting => match key {
            "seg" => ipv6(text).map(|address| (0, address.to_vec())),
            "tlv" => {
                kind_hex(text).map(|(kind, data)| (1, SegmentTlv::Unknown { kind, data: &data }.to_vec()))
            }
            _ => return None,
        },
        Protocol::RouterSolicit | Protocol::RouterAdvert | Protocol::Neighbor | Protocol::Redirect => {
            neighbor(key, text)?
        }
        Protocol::MldQuery if key == "source" => ipv6(text).map(|address| (1, address.to_vec())),
        Protocol::MldReport if key == "record" => mld_record(text),
        Protocol::IgmpQuery if key == "source" => ipv4(text).map(|address| (1, address.to_vec())),
        Protocol::IgmpReport if key == "record" => igmp_record(text),
        Protocol::Sctp if key == "chunk" => {
            kind_hex(text).map(|(kind, data)| (1, SctpChunk { kind, flags: 0, data: &data }.to_vec()))
        }
        Protocol::Bfd if key == "auth" => {
            layer.preset("has_authentication", 1);
            layer.pieces.clear();
            kind_hex(text).map(|(kind, data)| (1, BfdAuthentication { kind, data: &data }.to_vec()))
        }
        Protocol::Cfm
        | Protocol::Ccm
        | Protocol::Loopback
        | Protocol::Linktrace
        | Protocol::LinktraceReply
            if key == "tlv" =>
        {
            kind_hex(text).map(|(kind, data)| (1, CfmTlv::Unknown { kind, data: &data }.to_vec()))
        }
        Protocol::Lldp => lldp(key, text)?,
        _ => return tunnel(layer, protocol, key, text),
    };
    Some(piece.map(|piece| layer.pieces.push(piece)))
}

fn tcp(key: &str, text: &str) -> Option<Piece> {
    let option = match key {
        "mss" => number(text).map(|size| TcpOption::MaxSegmentSize(size).to_vec()),
        "ws" => number(text).map(|shift| TcpOption::WindowScale(shift).to_vec()),
        "sackok" => Ok(TcpOption::SackPermitted.to_vec()),
        "sack" => sack(text),
        "ts" => pair(text, ':').map(|(value, echo)| TcpOption::Timestamps { value, echo }.to_vec()),
        "opt" => kind_hex(text).map(|(kind, data)| TcpOption::Unknown { kind, data: &data }.to_vec()),
        _ => return None,
    };
    Some(option.map(|bytes| (1, bytes)))
}

fn sack(text: &str) -> Result<Vec<u8>, Expected> {
    let mut bytes = Vec::new();
    for block in text.split(',') {
        let (from, to) = pair(block, '-')?;
        bytes.extend(from.to_be_bytes());
        bytes.extend(to.to_be_bytes());
    }
    SackBlocks::from_bytes(&bytes).map(|blocks| TcpOption::Sack(blocks).to_vec()).ok_or(Expected::Hex)
}

/// Two numbers.
fn pair(text: &str, between: char) -> Result<(u32, u32), Expected> {
    let (a, b) = text.split_once(between).ok_or(Expected::Form("two numbers"))?;
    Ok((number(a)?, number(b)?))
}

fn ipv4_option(key: &str, text: &str) -> Option<Piece> {
    let option = match key {
        "ra" => number(text).map(|value| Ipv4Option::RouterAlert(value).to_vec()),
        "opt" => kind_hex(text).map(|(kind, data)| Ipv4Option::Unknown { kind, data: &data }.to_vec()),
        _ => return None,
    };
    Some(option.map(|bytes| (1, bytes)))
}

fn ipv6_option(key: &str, text: &str) -> Option<Piece> {
    let option = match key {
        "ra" => number(text).map(|value| Ipv6Option::RouterAlert(value).to_vec()),
        "jumbo" => number(text).map(|len| Ipv6Option::Jumbo(len).to_vec()),
        "opt" => kind_hex(text).map(|(kind, data)| Ipv6Option::Unknown { kind, data: &data }.to_vec()),
        _ => return None,
    };
    Some(option.map(|bytes| (1, bytes)))
}

fn neighbor(key: &str, text: &str) -> Option<Piece> {
    let option = match key {
        "slla" => mac(text).map(|address| NeighborOption::SourceLinkLayer(address).to_vec()),
        "tlla" => mac(text).map(|address| NeighborOption::TargetLinkLayer(address).to_vec()),
        "prefix" => prefix(text),
        "mtu" => number(text).map(|mtu| NeighborOption::Mtu(mtu).to_vec()),
        "redirected" => hex(text).map(|packet| NeighborOption::Redirected(&packet).to_vec()),
        "rdnss" => ipv6(text)
            .map(|server| NeighborOption::RecursiveDns { lifetime: 3600, servers: &[server] }.to_vec()),
        "opt" => kind_hex(text).map(|(kind, data)| NeighborOption::Unknown { kind, data: &data }.to_vec()),
        _ => return None,
    };
    Some(option.map(|bytes| (1, bytes)))
}

fn prefix(text: &str) -> Result<Vec<u8>, Expected> {
    let (prefix, len) = text.split_once('-').ok_or(Expected::Form("an IPv6 address, a dash, its length"))?;
    let information = PrefixInformation {
        prefix_len: number(len)?,
        flags: 0xc0,
        valid_lifetime: 86_400,
        preferred_lifetime: 14_400,
        prefix: ipv6(prefix)?,
    };
    Ok(NeighborOption::Prefix(information).to_vec())
}

/// Type, group and sources.
type Record<const N: usize> = (u8, [u8; N], Vec<[u8; N]>);

/// `KIND,GROUP,SOURCE…` with any addresses.
fn record<const N: usize>(
    text: &str,
    address: impl Fn(&str) -> Result<[u8; N], Expected>,
) -> Result<Record<N>, Expected> {
    let mut parts = text.split(',');
    let kind = number(parts.next().unwrap_or_default())?;
    let group = address(parts.next().unwrap_or_default())?;
    Ok((kind, group, parts.map(address).collect::<Result<_, _>>()?))
}

fn mld_record(text: &str) -> Piece {
    let (kind, group, sources) = record(text, ipv6)?;
    Ok((1, MldRecord { kind, group, sources: &sources, auxiliary: &[] }.to_vec()))
}

fn igmp_record(text: &str) -> Piece {
    let (kind, group, sources) = record(text, ipv4)?;
    Ok((1, IgmpRecord { kind, group, sources: &sources, auxiliary: &[] }.to_vec()))
}

fn lldp(key: &str, text: &str) -> Option<Piece> {
    let tlv = match key {
        "chassis" => kind_hex(text).map(|(subtype, id)| LldpTlv::ChassisId { subtype, id: &id }.to_vec()),
        "port" => kind_hex(text).map(|(subtype, id)| LldpTlv::PortId { subtype, id: &id }.to_vec()),
        "ttl" => number(text).map(|seconds| LldpTlv::TimeToLive(seconds).to_vec()),
        "name" => Ok(LldpTlv::SystemName(text.as_bytes()).to_vec()),
        "description" => Ok(LldpTlv::SystemDescription(text.as_bytes()).to_vec()),
        "caps" => number(text).map(|capabilities| {
            LldpTlv::Capabilities { supported: capabilities, enabled: capabilities }.to_vec()
        }),
        "tlv" => kind_hex(text).map(|(kind, data)| LldpTlv::Unknown { kind, data: &data }.to_vec()),
        _ => return None,
    };
    Some(tlv.map(|bytes| (1, bytes)))
}

/// Options of tunnels that a flag announces: protocol, key, flag, rank.
const FLAGGED: &[(Protocol, &str, &str, u8)] = &[
    (Protocol::Gre, "csum", "has_checksum", 0),
    (Protocol::Gre, "key", "has_key", 1),
    (Protocol::Gre, "seq", "has_sequence", 2),
    (Protocol::Gre, "ack", "has_acknowledgment", 3),
    (Protocol::Gre, "route", "has_routing", 4),
    (Protocol::Gtpu, "ext", "has_extensions", 1),
    (Protocol::Gtpu, "seq", "has_sequence", 2),
    (Protocol::Gtpu, "npdu", "has_npdu", 3),
    (Protocol::Erspan3, "platform", "has_platform", 1),
];

/// Options of tunnels.
fn tunnel(layer: &mut Layer, protocol: Protocol, key: &str, text: &str) -> Option<Result<(), Expected>> {
    if let Some((.., flag, rank)) = FLAGGED.iter().find(|row| (row.0, row.1) == (protocol, key)) {
        if !matches!(key, "route" | "ext") {
            // There is one such word; said again, it is another.
            layer.pieces.retain(|(other, _)| other != rank);
        }
        layer.preset(flag, 1);
        return Some(flagged(protocol, key, text).map(|bytes| layer.pieces.push((*rank, bytes))));
    }
    let piece = match (protocol, key) {
        (Protocol::Geneve, "opt") => class_kind_hex(text)
            .map(|(class, kind, data)| GeneveOption { class, kind, reserved: 0, data: &data }.to_vec()),
        (Protocol::Nsh, "tlv") => {
            layer.preset("md_type", 2);
            class_kind_hex(text).map(|(class, kind, data)| NshTlv { class, kind, data: &data }.to_vec())
        }
        (Protocol::Nsh, "context") => {
            layer.pieces.clear();
            fixed::<16>(text)
        }
        (Protocol::Vxlan, "gbp") => {
            layer.preset("has_policy", 1);
            return Some(number::<u16>(text).map(|group| {
                layer.give("policy_group", FieldValue::Number(u64::from(group)));
            }));
        }
        _ => return None,
    };
    Some(piece.map(|bytes| layer.pieces.push((1, bytes))))
}

/// The bytes of an option that a flag announces.
fn flagged(protocol: Protocol, key: &str, text: &str) -> Result<Vec<u8>, Expected> {
    match (protocol, key) {
        // It is computed, with the word that it shares.
        (Protocol::Gre, "csum") => number::<u8>(text).map(|_| [0; 4].to_vec()),
        (Protocol::Gre, "route") => {
            kind_hex(text).map(|(family, data)| GreRoute { family, offset: 0, data: &data }.to_vec())
        }
        (Protocol::Gre, _) => number::<u32>(text).map(|word| word.to_be_bytes().to_vec()),
        (Protocol::Gtpu, "ext") => kind_hex::<u8>(text).map(|(kind, data)| [&[kind], &data[..]].concat()),
        (Protocol::Gtpu, "seq") => number::<u16>(text).map(|sequence| sequence.to_be_bytes().to_vec()),
        (Protocol::Gtpu, _) => number::<u8>(text).map(|number| [number].to_vec()),
        _ => fixed::<8>(text),
    }
}

/// `CLASS:KIND:HEX`.
fn class_kind_hex(text: &str) -> Result<(u16, u8, Vec<u8>), Expected> {
    let form = Expected::Form("class, type and hexadecimal digits, separated by colons");
    let (class, rest) = text.split_once(':').ok_or(form)?;
    let (kind, data) = kind_hex(rest)?;
    Ok((number(class)?, kind, data))
}

/// `N` bytes.
fn fixed<const N: usize>(text: &str) -> Result<Vec<u8>, Expected> {
    hex(text).ok().filter(|bytes| bytes.len() == N).ok_or(Expected::Bytes(N))
}
