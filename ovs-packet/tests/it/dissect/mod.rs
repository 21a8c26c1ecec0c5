//! A second opinion on every protocol: packets with random fields, built from descriptions, read by our views and by
//! tshark, field by field.

mod items;
mod table;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::process::Command;

use ovs_packet::build;
use ovs_packet::pcap::Writer;
use ovs_packet::wire::{FieldValue, Layer, Protocol, walk};

use table::{CASES, Case};

/// Packets of each case.
const EACH: u64 = 60;

/// Fields of bridges that tshark shows in seconds.
const SECONDS: [&str; 4] = ["stp.msg_age", "stp.max_age", "stp.hello", "stp.forward"];

/// What tshark says of these fields in each packet: a list for each, since a field may be there more than once.
pub fn tshark(frames: &[Vec<u8>], fields: &[&str]) -> Option<Vec<Vec<Vec<String>>>> {
    let name = format!("ovs-packet-dissect-{}-{}.pcap", std::process::id(), fields.len());
    let path = std::env::temp_dir().join(name);
    let mut writer = Writer::new(Vec::new()).unwrap();
    for frame in frames {
        writer.write(0, frame).unwrap();
    }
    std::fs::write(&path, writer.into_inner()).unwrap();
    let mut command = Command::new("tshark");
    command.arg("-r").arg(&path).args(["-n", "-T", "fields", "-E", "occurrence=a", "-E", "aggregator=;"]);
    // Fragments and segments are to be read as they are.
    let preferences = [
        "ip.defragment:FALSE",
        "ipv6.defragment:FALSE",
        "tcp.relative_sequence_numbers:FALSE",
        "ip.check_checksum:TRUE",
        "tcp.check_checksum:TRUE",
        "udp.check_checksum:TRUE",
    ];
    for preference in preferences {
        command.args(["-o", preference]);
    }
    for field in fields {
        command.args(["-e", field]);
    }
    let output = command.output();
    let _ = std::fs::remove_file(&path);
    let Ok(output) = output else {
        eprintln!("SKIPPED dissect: needs tshark");
        assert!(std::env::var_os("CI").is_none(), "tests may not be skipped under CI");
        return None;
    };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout);
    let values = |value: &str| value.split(';').filter(|v| !v.is_empty()).map(str::to_owned).collect();
    Some(text.lines().map(|line| line.split('\t').map(values).collect()).collect())
}

/// A field's value as tshark would have it, to compare: numbers, or bytes as digits.
fn canonical(text: &str) -> String {
    if let Some(digits) = text.strip_prefix("0x") {
        return u64::from_str_radix(digits, 16).unwrap().to_string();
    }
    if let Ok(address) = text.parse::<std::net::IpAddr>() {
        return match address {
            std::net::IpAddr::V4(address) => hex(&address.octets()),
            std::net::IpAddr::V6(address) => hex(&address.octets()),
        };
    }
    match text {
        "True" => "1".to_owned(),
        "False" => "0".to_owned(),
        _ => text.replace(':', ""),
    }
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Our view's value in the same form; also in the other form, since tshark shows some numbers as bytes.
fn ours(layer: &Layer<'_>, field: &str) -> (String, String) {
    match layer.get(field).unwrap_or_else(|| panic!("{field}")) {
        FieldValue::Number(number) => {
            let bytes = layer.protocol.field(field).unwrap().len;
            (number.to_string(), hex(&number.to_be_bytes()[8 - bytes..]))
        }
        FieldValue::Bytes(bytes) => {
            let number = bytes.iter().take(8).fold(0u64, |n, byte| n << 8 | u64::from(*byte));
            (hex(bytes), number.to_string())
        }
    }
}

/// A description of a case with random values, by a generator as simple as that of a pocket calculator.
fn describe(case: &Case, seed: &mut u64) -> String {
    let mut random = || {
        *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        *seed >> 24
    };
    let mut text = format!("{}{}", case.around, case.layer);
    for &(field, _, mask) in case.fields {
        let info = case.protocol.field(field).unwrap_or_else(|| panic!("{:?} {field}", case.protocol));
        if mask == 0 {
            continue;
        }
        let value = if let Some(max) = info.max() {
            (random() & max & mask).to_string()
        } else {
            let bytes: Vec<u8> = (0..info.len).map(|_| (random() & mask) as u8).collect();
            match info.len {
                4 => std::net::Ipv4Addr::from(<[u8; 4]>::try_from(&bytes[..]).unwrap()).to_string(),
                6 => bytes.iter().map(|b| format!("{b:02x}")).collect::<Vec<_>>().join(":"),
                _ => hex(&bytes),
            }
        };
        let _ = write!(text, " {field}={value}");
    }
    text + case.within
}

#[test]
fn tshark_reads_every_field_as_our_views_do() {
    let mut seed = 7;
    let mut frames = Vec::new();
    let mut rows: Vec<(&Case, String)> = Vec::new();
    for case in CASES {
        for _ in 0..EACH {
            let text = describe(case, &mut seed);
            frames.push(build::frame(&text).unwrap_or_else(|error| panic!("{text}: {error}")));
            rows.push((case, text));
        }
    }
    let names: BTreeSet<&str> =
        CASES.iter().flat_map(|case| case.fields).map(|(_, theirs, _)| *theirs).collect();
    let names: Vec<&str> = names.into_iter().collect();
    let Some(answers) = tshark(&frames, &names) else { return };
    assert_eq!(answers.len(), frames.len());
    let mut compared = 0;
    let mut wrong = BTreeMap::new();
    for ((frame, (case, text)), answer) in frames.iter().zip(&rows).zip(&answers) {
        let index = case.around.matches(" / ").count();
        let layers: Vec<_> = walk(Protocol::Ethernet, frame).map_while(Result::ok).collect();
        let layer = layers.get(index).unwrap_or_else(|| panic!("{text}: {layers:x?}"));
        assert_eq!(layer.protocol, case.protocol, "{text}");
        for (field, theirs, _) in case.fields {
            let at = names.binary_search(theirs).unwrap();
            let nth = layers[..index].iter().filter(|l| l.protocol == case.protocol).count();
            let (own, number) = ours(layer, field);
            let scaled = |value: &String| match value.parse::<f64>() {
                Ok(seconds) if SECONDS.contains(theirs) => (seconds * 256.0).round().to_string(),
                _ => canonical(value),
            };
            let told = answer[at].get(nth).map(scaled);
            compared += 1;
            if told.as_deref() != Some(&own[..]) && told.as_deref() != Some(&number[..]) {
                let what = format!("{field} is {own}, {theirs}");
                wrong
                    .entry((case.layer, *field))
                    .or_insert_with(|| format!("{text}\n  {what} {:?}", answer[at]));
            }
        }
    }
    let wrong: Vec<String> = wrong.into_values().collect();
    assert!(wrong.is_empty(), "{} of {compared}:\n{}", wrong.len(), wrong.join("\n"));
    let covered: BTreeSet<Protocol> = CASES.iter().map(|case| case.protocol).collect();
    let list: Vec<&str> = covered.iter().map(|protocol| protocol.name()).collect();
    eprintln!(
        "tshark agrees on {compared} fields of {} packets of {} protocols: {}",
        frames.len(),
        list.len(),
        list.join(" ")
    );
    let missing: Vec<_> = Protocol::ALL.iter().filter(|protocol| !covered.contains(protocol)).collect();
    assert!(missing.is_empty(), "not compared: {missing:?}");
}
