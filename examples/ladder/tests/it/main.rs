//! Every program of the ladder runs without arguments, ends by itself, and says what its head promises.
#![expect(clippy::expect_used, reason = "helpers of tests fail on the spot")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use ovs_flow::OfPort;
use ovs_openflow::connection::{Connection, Event};
use ovs_openflow::{Message, PacketIn, PacketInReason, Version, VersionSet};

/// Where an example is. Cargo builds examples before tests, beside the folder of the test itself.
fn program(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("the path of this test");
    let folder = test.parent().and_then(|deps| deps.parent()).expect("the profile's folder");
    folder.join("examples").join(name)
}

/// What an example prints.
fn run(name: &str) -> String {
    let program = program(name);
    let output = Command::new(&program).output();
    let output = output
        .unwrap_or_else(|e| panic!("{}: {e} (cargo test --test builds no examples)", program.display()));
    assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

/// Each of `wanted` is part of the text, in this order.
fn assert_in_order(text: &str, wanted: &[&str]) {
    let mut rest = text;
    for part in wanted {
        let at = rest.find(part).unwrap_or_else(|| panic!("{part:?} is not where it should be in:\n{text}"));
        rest = &rest[at + part.len()..];
    }
}

#[test]
fn flow_keys() {
    let text = run("01_flow_keys");
    assert_eq!(text.lines().count(), 3);
    assert_in_order(
        &text,
        &["arp", "arp_tpa=10.0.0.2", "tcp", "nw_src=10.0.0.1", "tp_dst=80", "udp6", "dl_vlan=7"],
    );
}

#[test]
fn classifier() {
    let text = run("02_classifier");
    assert_in_order(
        &text,
        &["tp_dst=80: to the web servers", "tp_dst=22: inside", "out to the internet", "no rule"],
    );
}

#[test]
fn learning_switch() {
    let text = run("03_learning_switch");
    let sent: Vec<&str> =
        text.lines().filter_map(|line| line.split_once("sent by ")).map(|(_, to)| to).collect();
    assert_eq!(sent, ["br0 p2 p3", "p1", "p2"], "{text}");
    assert!(text.contains("not accounted for: 0"), "{text}");
}

#[test]
fn record_and_replay() {
    let text = run("07_record_and_replay");
    assert_in_order(&text, &["first: 100 packets sent by p2, 100 by p3", "second: the same: true"]);
}

#[test]
fn watch_table() {
    let text = run("04_watch_table");
    assert_in_order(&text, &["connected", "bridges: []", "bridges: [br0]", "committed"]);
}

#[test]
fn controller() {
    let text = run("05_controller");
    assert_in_order(
        &text,
        &["speaks OpenFlow15", "told to Add a flow of priority 0", "60 bytes from port 1"],
    );
}

#[test]
fn typed_tables() {
    let text = run("06_typed_tables");
    let wanted = ["new: 3 x lamp (green)", "lamp: 3 -> 2", "no pink lamps: constraint violation"];
    assert_in_order(&text, &wanted);
    assert!(text.contains("new: 0 x bulb (any colour)"), "{text}");
}

/// Ends a program, whatever became of the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = (self.0.kill(), self.0.wait());
    }
}

#[test]
fn controller_over_tcp() {
    let mut command = Command::new(program("05_controller"));
    let child = command.arg("ptcp:0:127.0.0.1").stdout(Stdio::piped()).spawn().expect("the controller");
    let mut child = Running(child);
    let mut lines =
        BufReader::new(child.0.stdout.take().expect("a pipe")).lines().map(|line| line.expect("text"));
    let mut next = || lines.next().expect("a line");
    let listening = next();
    let port = listening
        .split(':')
        .nth(1)
        .and_then(|port| port.parse().ok())
        .unwrap_or_else(|| panic!("{listening}"));

    let mut socket = TcpStream::connect(("127.0.0.1", port)).expect("a connection");
    socket.set_read_timeout(Some(Duration::from_secs(20))).expect("a socket");
    let mut switch = Connection::new(VersionSet::NONE.with(Version::V13));
    socket.write_all(switch.output()).expect("a hello sent");
    switch.sent(switch.waiting());
    let mut bytes = [0; 4096];
    let flow = loop {
        match switch.next() {
            Some(Event::Message(_, Message::FlowMod(flow))) => break flow,
            Some(_) => {}
            None => {
                let n = socket.read(&mut bytes).expect("bytes from the controller");
                switch.feed(&bytes[..n]);
            }
        }
    };
    assert_eq!(flow.priority, 0);
    let packet = PacketIn::new(PacketInReason::NoMatch, OfPort(7), vec![0; 64]);
    switch.send(1, &Message::PacketIn(Box::new(packet))).expect("room");
    socket.write_all(switch.output()).expect("a packet sent");
    assert_eq!(next(), "a switch that speaks OpenFlow13");
    assert_eq!(next(), "packet of 64 bytes from port 7");
}
