//! Commands of `ovs-ofctl` that change groups and meters: the bytes that it sends are those that we make of the text.

use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::thread;

use ovs_openflow::text::{NoNames, parse_group_mod, parse_meter_mod};
use ovs_openflow::{GroupModCommand, Message, MeterModCommand, Version};

use crate::ofctl;

const COMMANDS: &str = include_str!("flows/commands.txt");

/// Answers barriers and keeps what else comes, until the peer goes.
fn serve(mut socket: UnixStream, version: Version) -> Vec<Vec<u8>> {
    let v = version.wire();
    let barrier = if version == Version::V10 { 18 } else { 20 };
    let (mut stream, mut kept, mut buffer) = (Vec::new(), Vec::new(), [0; 4096]);
    let _ = socket.write_all(&[v, 0, 0, 8, 0, 0, 0, 1]);
    loop {
        let n = socket.read(&mut buffer).unwrap_or(0);
        if n == 0 {
            return kept;
        }
        stream.extend_from_slice(&buffer[..n]);
        while stream.len() >= 8 {
            let len = usize::from(u16::from_be_bytes([stream[2], stream[3]])).max(8);
            if stream.len() < len {
                break;
            }
            let message: Vec<u8> = stream.drain(..len).collect();
            match message[1] {
                0 => {}
                kind if kind == barrier => {
                    let reply = [&[v, barrier + 1, 0, 8], &message[4..8]].concat();
                    let _ = socket.write_all(&reply);
                }
                _ => kept.push(message),
            }
        }
    }
}

/// The one message that a command sends.
fn capture(ofctl: &Path, version: Version, command: &str, text: &str) -> Vec<u8> {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let path = dir.path().join("switch");
    let listener = UnixListener::bind(&path).expect("bound");
    let server = thread::spawn(move || serve(listener.accept().expect("ovs-ofctl connects").0, version));
    let target = format!("unix:{}", path.display());
    let out = ofctl::run(ofctl, &["--no-names", "-O", version.name(), command, &target, text]);
    assert!(out.status.success(), "{version} {command} {text}: {}", String::from_utf8_lossy(&out.stderr));
    let mut kept = server.join().expect("the server ends");
    // In 1.0 it may first choose a format of flows.
    kept.pop().unwrap_or_else(|| panic!("{command} {text} sends nothing"))
}

fn parse(command: &str, text: &str) -> Message {
    let group = |command| parse_group_mod(command, text, &NoNames).map(|g| Message::GroupMod(Box::new(g)));
    let meter = |command| parse_meter_mod(command, text).map(|m| Message::MeterMod(Box::new(m)));
    match command {
        "add-group" => group(GroupModCommand::Add),
        "mod-group" => group(GroupModCommand::Modify),
        "del-groups" => group(GroupModCommand::Delete),
        "insert-buckets" => group(GroupModCommand::InsertBucket),
        "remove-buckets" => group(GroupModCommand::RemoveBucket),
        "add-meter" => meter(MeterModCommand::Add),
        "mod-meter" => meter(MeterModCommand::Modify),
        "del-meter" => meter(MeterModCommand::Delete),
        other => panic!("unexpected {other}"),
    }
    .unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn groups_and_meters_have_their_bytes() {
    let Some(ofctl) = ofctl::find("groups_and_meters_have_their_bytes") else { return };
    let (mut wrong, mut count) = (Vec::new(), 0);
    for line in COMMANDS.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let parts: Vec<&str> = line.splitn(4, ' ').collect();
        let [from, to, command, text] = parts[..] else { panic!("{line}") };
        let (from, to): (u8, u8) = (from.parse().expect(line), to.parse().expect(line));
        for version in Version::ALL.into_iter().filter(|v| (from..=to).contains(&(v.wire() + 9))) {
            let theirs = capture(&ofctl, version, command, text);
            count += 1;
            let xid = u32::from_be_bytes([theirs[4], theirs[5], theirs[6], theirs[7]]);
            let ours = parse(command, text).encode(version, xid);
            if ours.as_deref() != Ok(&theirs[..]) {
                wrong.push(format!("{version} {text}\n theirs {theirs:02x?}\n ours   {ours:02x?}"));
            }
            match Message::decode(version.into(), &theirs) {
                Ok((_, message)) if message.encode(version, xid).as_deref() == Ok(&theirs[..]) => {}
                other => wrong.push(format!("{version} {text}\n theirs {theirs:02x?}\n again  {other:02x?}")),
            }
        }
    }
    eprintln!("{count} commands");
    assert!(wrong.is_empty(), "{} of {count} differ:\n{}", wrong.len(), wrong.join("\n"));
}
