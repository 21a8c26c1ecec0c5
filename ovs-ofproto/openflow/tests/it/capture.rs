//! What `ovs-ofctl` sends for a text, and what we make of the text and of the bytes.

use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::thread;

use ovs_openflow::connection::{Connection, Event};
use ovs_openflow::ovs_flow::TableId;
use ovs_openflow::text::{NoNames, parse_flow_mod};
use ovs_openflow::{
    BundleControl, Features, FlowFormat, FlowMod, FlowModCommand, Message, Protocol, StatsReplyBody,
    StatsRequest, TableFeatures, Version, VersionSet,
};

use crate::ofctl;

const V10: &str = include_str!("flows/v10.txt");
const NXM: &str = include_str!("flows/nxm.txt");
const V13: &str = include_str!("flows/v13.txt");
const FIELDS: &str = include_str!("flows/fields.txt");

/// A message as it was received.
pub(crate) struct Received {
    pub(crate) protocol: Protocol,
    pub(crate) xid: u32,
    pub(crate) flow: FlowMod,
    pub(crate) bytes: Vec<u8>,
}

/// Serves connections, agreeing to whatever they ask, until one says nothing at all.
fn serve(listener: &UnixListener, version: Version) -> Vec<Received> {
    let mut received = Vec::new();
    loop {
        let (socket, _) = listener.accept().expect("ovs-ofctl connects");
        if !serve_one(socket, version, &mut received) {
            return received;
        }
    }
}

/// Serves one connection until the peer closes it. False if the peer said nothing.
fn serve_one(mut socket: UnixStream, version: Version, received: &mut Vec<Received>) -> bool {
    let mut connection = Connection::new(VersionSet::NONE.with(version));
    let mut stream = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        if socket.write_all(connection.output()).is_err() {
            return !stream.is_empty();
        }
        let written = connection.output().len();
        connection.sent(written);
        let n = socket.read(&mut buffer).unwrap_or(0);
        if n == 0 {
            return !stream.is_empty();
        }
        stream.extend_from_slice(&buffer[..n]);
        connection.feed(&buffer[..n]);
        while let Some(event) = connection.next() {
            handle(event, &mut connection, &stream, received);
        }
    }
}

fn handle(event: Event, connection: &mut Connection, stream: &[u8], received: &mut Vec<Received>) {
    let protocol = connection.protocol();
    match event {
        Event::Message(xid, Message::BarrierRequest) => {
            connection.send(xid, &Message::BarrierReply).expect("room for a barrier");
        }
        Event::Message(_, Message::SetFlowFormat(format)) => {
            connection.set_protocol(protocol.with_nxm(format == FlowFormat::Nxm));
        }
        Event::Message(_, Message::FlowModTableId(on)) => connection.set_protocol(protocol.with_table_id(on)),
        Event::Message(xid, Message::FlowMod(flow)) => {
            let bytes = message_with(stream, xid);
            // An extension's message shows the format, whatever was agreed on.
            let protocol = protocol.with_nxm(bytes[1] == 4);
            received.push(Received { protocol, xid, flow: *flow, bytes });
        }
        Event::Message(xid, Message::FeaturesRequest) => {
            let features = Message::FeaturesReply(Box::new(Features::new(1)));
            connection.send(xid, &features).expect("room for an answer");
        }
        // It asks for the names of tables and ports first; there are none.
        Event::Message(xid, Message::StatsRequest(request)) => {
            let body = match request {
                StatsRequest::Table => StatsReplyBody::Table(Vec::new()),
                StatsRequest::TableFeatures(_) => {
                    StatsReplyBody::TableFeatures(vec![TableFeatures::new(TableId(0), "first")])
                }
                StatsRequest::PortDesc(_) => StatsReplyBody::PortDesc(Vec::new()),
                other => panic!("unexpected {other:?}"),
            };
            connection.send(xid, &Message::StatsReply(Box::new(body.into()))).expect("room for an answer");
        }
        Event::Message(xid, Message::BundleControl(control)) => {
            let reply = BundleControl { kind: control.kind.reply(), ..control };
            connection.send(xid, &Message::BundleControl(reply)).expect("room for an answer");
        }
        Event::Message(xid, Message::BundleAdd(add)) => {
            let bytes = message_with(stream, xid);
            let again = Message::BundleAdd(add.clone()).encode(protocol, xid);
            assert_eq!(again.as_deref(), Ok(&bytes[..]), "a bundle's message");
            let Message::FlowMod(flow) = add.message else { panic!("unexpected {:?}", add.message) };
            received.push(Received { protocol, xid, flow: *flow, bytes });
        }
        Event::Message(_, other) => panic!("unexpected {other:?}"),
        Event::Rejected(rejected) => {
            eprintln!("refused {rejected}: {:02x?}", message_with(stream, rejected.header.xid));
        }
        Event::Failed(failure) => panic!("{failure}"),
        _ => {}
    }
}

/// The bytes of the message with this transaction.
fn message_with(stream: &[u8], xid: u32) -> Vec<u8> {
    let mut rest = stream;
    while rest.len() >= 8 {
        let len = usize::from(u16::from_be_bytes([rest[2], rest[3]]));
        if rest[4..8] == xid.to_be_bytes() {
            return rest[..len].to_vec();
        }
        rest = &rest[len..];
    }
    panic!("no message {xid:#x}");
}

/// Lets `ovs-ofctl` send the flows of a file by one of its commands.
pub(crate) fn capture(ofctl: &Path, version: Version, options: &[&str], texts: &[&str]) -> Vec<Received> {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let socket = dir.path().join("switch");
    let file = dir.path().join("flows");
    std::fs::write(&file, texts.join("\n")).expect("written");
    let listener = UnixListener::bind(&socket).expect("bound");
    let server = thread::spawn(move || serve(&listener, version));
    let target = format!("unix:{}", socket.display());
    let out = ofctl::run(
        ofctl,
        &[options, &["-O", version.name(), "add-flows", &target, file.to_str().expect("UTF-8 path")]]
            .concat(),
    );
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    drop(UnixStream::connect(&socket).expect("the server still listens"));
    server.join().expect("the server ends")
}

/// Decodes, encodes and parses each flow; the three must agree.
fn check(test: &str, version: Version, file: &str) {
    let Some(ofctl) = ofctl::find(test) else { return };
    let texts: Vec<&str> = file.lines().filter(|l| !l.is_empty() && !l.starts_with('#')).collect();
    let received = capture(&ofctl, version, &[], &texts);
    assert_eq!(received.len(), texts.len(), "one message a flow");
    let mut wrong = Vec::new();
    for (text, got) in texts.iter().zip(&received) {
        let again = Message::FlowMod(Box::new(got.flow.clone())).encode(got.protocol, got.xid);
        if again.as_deref() != Ok(&got.bytes) {
            wrong.push(format!(
                "{text}\n decoded {:?}\n theirs {:02x?}\n again  {again:02x?}",
                got.flow.actions, got.bytes
            ));
        }
        let parsed = parse_command(text).encode(got.protocol, got.xid);
        if parsed.as_deref() != Ok(&got.bytes) {
            wrong.push(format!("{text}\n theirs {:02x?}\n parsed {parsed:02x?}", got.bytes));
        }
    }
    assert!(wrong.is_empty(), "{} of {} differ:\n{}", wrong.len(), 2 * texts.len(), wrong.join("\n"));
}

pub(crate) fn parse_command(text: &str) -> Message {
    let mut flows = ovs_openflow::text::parse_flow_mods(text, &NoNames).expect(text);
    assert_eq!(flows.len(), 1, "{text}");
    Message::FlowMod(Box::new(flows.remove(0)))
}

#[test]
fn flows_of_1_0() {
    check("flows_of_1_0", Version::V10, V10);
}

#[test]
fn flows_of_nxm() {
    check("flows_of_nxm", Version::V10, NXM);
}

#[test]
fn flows_of_1_3() {
    check("flows_of_1_3", Version::V13, V13);
}

#[test]
fn flows_of_1_4() {
    check("flows_of_1_4", Version::V14, V13);
}

#[test]
fn flows_with_every_field() {
    check("flows_with_every_field", Version::V13, FIELDS);
}

#[test]
fn bundles_of_1_3_and_1_4() {
    let Some(ofctl) = ofctl::find("bundles_of_1_3_and_1_4") else { return };
    for version in [Version::V13, Version::V14] {
        let texts = ["in_port=1,actions=2", "tcp,actions=drop", "delete in_port=3"];
        let received = capture(&ofctl, version, &["--bundle"], &texts);
        assert_eq!(received.len(), texts.len(), "{version}");
        assert_eq!(received[2].flow.command, FlowModCommand::Delete);
    }
}

#[test]
fn a_flow_alone_parses() {
    let flow = parse_flow_mod(FlowModCommand::Add, "tcp,actions=1", &NoNames).expect("a flow");
    assert_eq!(flow.matching.key.nw_proto, 6);
}
