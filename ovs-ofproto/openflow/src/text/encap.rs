//! `encap(…)`, `decap(…)` and `sample(…)`.

use core::fmt::{self, Write};

use ovs_flow::text::{PortNames, tokens};

use super::ParseError;
use super::action_values::{bytes, number, port, subfield, u16, u32, wrong};
use crate::action::{Action, Encap, EncapProperty, ObservationId, PacketType, Sample, SampleDirection};

/// The argument of `encap`.
pub(super) fn parse_encap(arg: &str) -> Result<Action, ParseError> {
    const NAME: &str = "encap";
    let mut tokens = tokens(arg);
    let expected = "ethernet, nsh, nsh(…), mpls or mpls_mc";
    let token = tokens.next().ok_or_else(|| wrong(NAME, arg, expected))?;
    let mut encap = Encap::new(match token.name {
        "ethernet" => PacketType::ETHERNET,
        "nsh" => PacketType::NSH,
        "mpls" => PacketType::MPLS,
        "mpls_mc" => PacketType::MPLS_MULTICAST,
        other => return Err(wrong(NAME, other, expected)),
    });
    if !token.value.is_empty() {
        if encap.packet_type != PacketType::NSH {
            return Err(wrong(NAME, arg, expected));
        }
        encap.properties = parse_nsh(token.value)?;
    }
    if tokens.next().is_some() {
        return Err(wrong(NAME, arg, expected));
    }
    Ok(Action::Encap(Box::new(encap)))
}

fn parse_nsh(text: &str) -> Result<Vec<EncapProperty>, ParseError> {
    let mut properties = Vec::new();
    for token in tokens(text) {
        properties.push(match token.name {
            "md_type" => {
                let kind = number("md_type", token.value, 2, "1 or 2")?;
                if kind == 0 {
                    return Err(wrong("md_type", token.value, "1 or 2"));
                }
                EncapProperty::NshMdType(kind as u8)
            }
            "tlv" => parse_tlv(token.value)?,
            other => return Err(wrong("nsh", other, "md_type or tlv(…)")),
        });
    }
    Ok(properties)
}

/// `CLASS,TYPE,VALUE`: 16 bits, 8 bits, hexadecimal bytes.
fn parse_tlv(text: &str) -> Result<EncapProperty, ParseError> {
    let bad = || wrong("tlv", text, "CLASS,TYPE,VALUE with at most 124 bytes of value");
    let mut parts = text.split(',').map(str::trim);
    let (Some(class), Some(kind), Some(value), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(bad());
    };
    let class = u16("tlv", class)?;
    let kind = number("tlv", kind, 0xff, "a number from 0 to 255")? as u8;
    let digits = value.strip_prefix("0x").ok_or_else(bad)?;
    let zero = if digits.len() % 2 == 1 { "0" } else { "" };
    let value = bytes("tlv", &format!("{zero}{digits}"))?;
    if value.len() > 124 {
        return Err(bad());
    }
    Ok(EncapProperty::NshTlv { class, kind, value })
}

/// Prints `encap(…)`.
pub(super) fn write_encap(encap: &Encap, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let name = match encap.packet_type {
        PacketType::ETHERNET => "ethernet",
        PacketType::NSH => "nsh",
        PacketType::MPLS => "mpls",
        PacketType::MPLS_MULTICAST => "mpls_mc",
        _ => "unknown",
    };
    write!(f, "encap({name}")?;
    for (i, property) in encap.properties.iter().enumerate() {
        f.write_char(if i == 0 { '(' } else { ',' })?;
        match property {
            EncapProperty::NshMdType(kind) => write!(f, "md_type={kind}")?,
            EncapProperty::NshTlv { class, kind, value } => {
                write!(f, "tlv({class:#06x},{kind},0x")?;
                // A number, so without zeros in front.
                let digits = value.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
                let digits = digits.trim_start_matches('0');
                write!(f, "{})", if digits.is_empty() { "0" } else { digits })?;
            }
        }
    }
    f.write_str(if encap.properties.is_empty() { ")" } else { "))" })
}

/// The argument of `decap`: nothing, or `packet_type(ns=NS,type=TYPE)`.
pub(super) fn parse_decap(arg: &str) -> Result<Action, ParseError> {
    const NAME: &str = "decap";
    let mut packet_type = PacketType::NEXT_PROTOCOL;
    for token in tokens(arg) {
        if token.name != "packet_type" {
            return Err(wrong(NAME, token.name, "packet_type(ns=NS,type=TYPE)"));
        }
        for part in tokens(token.value) {
            match part.name {
                "ns" => packet_type.namespace = u16(NAME, part.value)?,
                "type" => packet_type.number = u16(NAME, part.value)?,
                other => return Err(wrong(NAME, other, "ns or type")),
            }
        }
    }
    Ok(Action::Decap(packet_type))
}

/// Prints `decap(…)`.
pub(super) fn write_decap(packet_type: PacketType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if packet_type == PacketType::NEXT_PROTOCOL {
        return f.write_str("decap()");
    }
    write!(f, "decap(packet_type(ns={},type=", packet_type.namespace)?;
    match packet_type.number {
        0 => f.write_str("0))"),
        number => write!(f, "{number:#x}))"),
    }
}

/// The argument of `sample`.
pub(super) fn parse_sample(arg: &str, ports: &impl PortNames) -> Result<Action, ParseError> {
    const NAME: &str = "sample";
    let mut sample = Sample::new(0);
    for token in tokens(arg) {
        let value = token.value;
        match token.name {
            "probability" => sample.probability = u16(NAME, value)?,
            "collector_set_id" => sample.collector_set = u32(NAME, value)?,
            "obs_domain_id" => sample.obs_domain = observation(value)?,
            "obs_point_id" => sample.obs_point = observation(value)?,
            "sampling_port" => sample.sampling_port = port(NAME, value, ports)?,
            "ingress" => sample.direction = SampleDirection::Ingress,
            "egress" => sample.direction = SampleDirection::Egress,
            other => {
                let expected = "probability, collector_set_id, obs_domain_id, obs_point_id, sampling_port, ingress or egress";
                return Err(wrong(NAME, other, expected));
            }
        }
    }
    if sample.probability == 0 {
        return Err(wrong(NAME, arg, "a sample with a probability from 1 to 65535"));
    }
    Ok(Action::Sample(Box::new(sample)))
}

fn observation(text: &str) -> Result<ObservationId, ParseError> {
    if text.starts_with(|c: char| c.is_ascii_digit()) {
        return u32("sample", text).map(ObservationId::Number);
    }
    let src = subfield("sample", text)?;
    if src.width() <= 32 {
        Ok(ObservationId::Field(src))
    } else {
        Err(wrong("sample", text, "at most 32 bits of a field"))
    }
}

/// Prints `sample(…)`.
pub(super) fn write_sample(
    sample: &Sample,
    ports: &impl PortNames,
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    write!(f, "sample(probability={},collector_set_id={}", sample.probability, sample.collector_set)?;
    for (name, id) in [("obs_domain_id", sample.obs_domain), ("obs_point_id", sample.obs_point)] {
        match id {
            ObservationId::Number(n) => write!(f, ",{name}={n}")?,
            ObservationId::Field(src) => write!(f, ",{name}={src}")?,
        }
    }
    if sample.sampling_port != ovs_flow::OfPort::NONE {
        f.write_str(",sampling_port=")?;
        ports.write_of_port(sample.sampling_port, f)?;
    }
    f.write_str(match sample.direction {
        SampleDirection::Default => ")",
        SampleDirection::Ingress => ",ingress)",
        SampleDirection::Egress => ",egress)",
    })
}
