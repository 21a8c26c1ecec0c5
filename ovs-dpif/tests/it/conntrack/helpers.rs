//! Helpers: what is announced is expected, translated alike, and nothing else.

use std::time::Duration;

use ovs_dpif::conntrack::{
    Conntrack, ConntrackConfig, CtAction, CtCursor, CtFilter, Helper, NatAction, NatRange,
};
use ovs_dpif::ovs_flow::{CtMetadata, CtState};
use ovs_dpif::ovs_packet::edit::{Located, complete_checksum};
use ovs_dpif::ovs_packet::wire::IpProtocol;
use ovs_dpif::ovs_packet::{Offload, Packet, build, checksum};

const NOW: Duration = Duration::from_secs(1);
const CLIENT: &str = "10.0.0.1";
const SERVER: &str = "10.0.0.2";

struct Talk {
    tracker: Conntrack,
    nat: Option<NatAction>,
    helper: Helper,
}

fn range(address: [u8; 4]) -> NatRange {
    NatRange { addresses: Some((address.into(), address.into())), ..NatRange::default() }
}

impl Talk {
    fn new(helper: Helper, nat: Option<NatAction>) -> Self {
        Self { tracker: Conntrack::new(&ConntrackConfig::default()), nat, helper }
    }

    /// A packet that may begin a connection that is helped.
    fn first(&mut self, text: &str) -> (CtState, Packet) {
        let action =
            CtAction { commit: true, helper: Some(self.helper), nat: self.nat, ..CtAction::default() };
        self.pass(text, &action)
    }

    /// A packet that is committed and translated as is known.
    fn next(&mut self, text: &str) -> (CtState, Packet) {
        self.pass(text, &CtAction { commit: true, nat: Some(NatAction::Existing), ..CtAction::default() })
    }

    fn pass(&mut self, text: &str, action: &CtAction) -> (CtState, Packet) {
        let mut packet = Packet::detached(&build::frame(&format!("eth / {text}")).unwrap()).unwrap();
        let mut ct = CtMetadata::default();
        self.tracker.track(&mut packet, &mut ct, action, NOW, 0);
        (CtState::from_bits_retain(ct.state), packet)
    }

    /// Shakes hands, and sends a line of the client's (sequence 101) or the server's (501).
    fn open(&mut self, seen_client: &str, seen_server: &str) {
        self.first(&format!("ipv4 {CLIENT} > {seen_server} / tcp 4000 > 21 window=60000 flags=2 seq=100"));
        self.next(&format!(
            "ipv4 {SERVER} > {seen_client} / tcp 21 > 4000 window=60000 flags=0x12 seq=500 ack=101"
        ));
        let (state, _) = self.next(&format!(
            "ipv4 {CLIENT} > {seen_server} / tcp 4000 > 21 window=60000 flags=0x10 seq=101 ack=501"
        ));
        assert_eq!(state & (CtState::EST | CtState::INV), CtState::EST, "{state:?}");
    }
}

/// Source, destination, sequence number, acknowledgment, and payload; both checksums are right.
fn look(packet: &Packet) -> (String, u32, u32, String) {
    let located = Located::of(packet).unwrap();
    let transport = located.transport.unwrap();
    let ip = &packet.data()[located.l3..];
    assert_eq!(checksum::internet(&ip[..20]), 0, "the header's checksum");
    let l4 = &packet.data()[transport.at..transport.end];
    let address = |at: usize| [ip[at], ip[at + 1], ip[at + 2], ip[at + 3]];
    let pseudo = checksum::pseudo_v4(address(12), address(16), IpProtocol::TCP, l4.len() as u16);
    assert_eq!(pseudo.and(checksum::Sum::of(l4)).checksum(), 0, "the segment's checksum");
    let word = |at: usize| u32::from_be_bytes([l4[at], l4[at + 1], l4[at + 2], l4[at + 3]]);
    let port = |at: usize| u16::from_be_bytes([l4[at], l4[at + 1]]);
    let ends = format!(
        "{}:{} > {}:{}",
        std::net::Ipv4Addr::from(address(12)),
        port(0),
        std::net::Ipv4Addr::from(address(16)),
        port(2)
    );
    let text = String::from_utf8_lossy(&l4[usize::from(l4[12] >> 4) * 4..]).into_owned();
    (ends, word(4), word(8), text)
}

fn hex(line: &str) -> String {
    line.bytes().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

fn client_says(server: &str, seq: u32, line: &str) -> String {
    format!(
        "ipv4 {CLIENT} > {server} / tcp 4000 > 21 window=60000 flags=0x18 seq={seq} ack=501 / hex {}",
        hex(line)
    )
}

#[test]
fn an_active_transfer_comes_back_through_a_translated_source() {
    let mut talk = Talk::new(Helper::Ftp, Some(NatAction::Source(range([192, 168, 100, 100]))));
    talk.open("192.168.100.100", SERVER);
    let line = "PORT 10,0,0,1,16,1\r\n";
    for _ in 0..2 {
        // Sent again, it is changed alike.
        let (_, packet) = talk.next(&client_says(SERVER, 101, line));
        let (ends, seq, _, text) = look(&packet);
        assert_eq!(ends, format!("192.168.100.100:4000 > {SERVER}:21"));
        assert_eq!((seq, text.as_str()), (101, "PORT 192,168,100,100,16,1\r\n"));
    }
    // The server has seen seven bytes more than the client has sent.
    let more = "192,168,100,100".len() as u32 - "10,0,0,1".len() as u32;
    let ack = 101 + line.len() as u32 + more;
    let (state, packet) = talk.next(&format!(
        "ipv4 {SERVER} > 192.168.100.100 / tcp 21 > 4000 window=60000 flags=0x10 seq=501 ack={ack}"
    ));
    assert!(!state.contains(CtState::INV), "{state:?}");
    assert_eq!(look(&packet).2, 101 + line.len() as u32);
    let (_, packet) = talk.next(&client_says(SERVER, 101 + line.len() as u32, "NOOP\r\n"));
    assert_eq!(look(&packet).1, ack);
    // The data connection, and only that.
    let (state, packet) =
        talk.next(&format!("ipv4 {SERVER} > 192.168.100.100 / tcp 20 > 4097 window=60000 flags=2"));
    assert!(state.contains(CtState::NEW | CtState::REL), "{state:?}");
    assert_eq!(look(&packet).0, format!("{SERVER}:20 > {CLIENT}:4097"));
    let (state, _) =
        talk.next(&format!("ipv4 {SERVER} > 192.168.100.100 / tcp 20 > 4098 window=60000 flags=2"));
    assert!(!state.contains(CtState::REL), "{state:?}");
}

#[test]
fn a_passive_transfer_finds_a_translated_destination() {
    let mut talk = Talk::new(Helper::Ftp, Some(NatAction::Destination(range([10, 0, 0, 2]))));
    talk.open(CLIENT, "10.0.0.80");
    let line = "227 Entering Passive Mode (10,0,0,2,19,136).\r\n";
    let (_, packet) = talk.next(&format!(
        "ipv4 {SERVER} > {CLIENT} / tcp 21 > 4000 window=60000 flags=0x18 seq=501 ack=101 / hex {}",
        hex(line)
    ));
    let (ends, _, _, text) = look(&packet);
    assert_eq!(ends, format!("10.0.0.80:21 > {CLIENT}:4000"));
    assert_eq!(text, "227 Entering Passive Mode (10,0,0,80,19,136).\r\n");
    let (state, packet) =
        talk.next(&format!("ipv4 {CLIENT} > 10.0.0.80 / tcp 5555 > 5000 window=60000 flags=2"));
    assert!(state.contains(CtState::NEW | CtState::REL), "{state:?}");
    assert_eq!(look(&packet).0, format!("{CLIENT}:5555 > {SERVER}:5000"));
}

#[test]
fn two_clients_may_announce_one_port() {
    let mut talk = Talk::new(Helper::Ftp, Some(NatAction::Source(range([192, 168, 100, 100]))));
    talk.open("192.168.100.100", SERVER);
    talk.next(&client_says(SERVER, 101, "PORT 10,0,0,1,16,1\r\n"));
    talk.first(&format!("ipv4 10.0.0.9 > {SERVER} / tcp 4001 > 21 window=60000 flags=2 seq=100"));
    talk.next(&format!(
        "ipv4 {SERVER} > 192.168.100.100 / tcp 21 > 4001 window=60000 flags=0x12 seq=500 ack=101"
    ));
    let line = hex("PORT 10,0,0,9,16,1\r\n");
    let (_, packet) = talk.next(&format!(
        "ipv4 10.0.0.9 > {SERVER} / tcp 4001 > 21 window=60000 flags=0x18 seq=101 ack=501 / hex {line}"
    ));
    assert_eq!(look(&packet).3, "PORT 192,168,100,100,16,2\r\n");
    let (_, packet) =
        talk.next(&format!("ipv4 {SERVER} > 192.168.100.100 / tcp 20 > 4098 window=60000 flags=2"));
    assert_eq!(look(&packet).0, format!("{SERVER}:20 > 10.0.0.9:4097"));
}

#[test]
fn lies_are_counted_and_nothing_is_expected_of_them() {
    let mut talk = Talk::new(Helper::Ftp, None);
    talk.open(CLIENT, SERVER);
    for line in ["PORT 10,0,0,7,16,1\r\n", "PORT 10,0,0,1,0,22\r\n", "EPRT |1|10.0.0.7|4097|\r\n"] {
        let (_, packet) = talk.next(&client_says(SERVER, 101, line));
        assert_eq!(look(&packet).3, line);
    }
    assert_eq!(talk.tracker.stats().lies, 3);
    let (state, _) = talk.next(&format!("ipv4 {SERVER} > 10.0.0.7 / tcp 20 > 4097 window=60000 flags=2"));
    assert!(!state.contains(CtState::REL), "{state:?}");
}

#[test]
fn what_a_connection_announced_ends_with_it() {
    let mut talk = Talk::new(Helper::Ftp, None);
    talk.open(CLIENT, SERVER);
    talk.next(&client_says(SERVER, 101, "PORT 10,0,0,1,16,1\r\n"));
    let mut cursor = CtCursor::default();
    while talk.tracker.flush(&mut cursor, &CtFilter::default()) {}
    let (state, _) = talk.next(&format!("ipv4 {SERVER} > {CLIENT} / tcp 20 > 4097 window=60000 flags=2"));
    assert!(state.contains(CtState::NEW) && !state.contains(CtState::REL), "{state:?}");
}

#[test]
fn tftp_servers_answer_from_ports_of_their_own() {
    let mut talk = Talk::new(Helper::Tftp, Some(NatAction::Source(range([192, 168, 100, 100]))));
    talk.first(&format!("ipv4 {CLIENT} > {SERVER} / udp 4000 > 69 / hex 000166006f6374657400"));
    let (state, packet) =
        talk.next(&format!("ipv4 {SERVER} > 192.168.100.100 / udp 5000 > 4000 / hex 00030001"));
    assert!(state.contains(CtState::NEW | CtState::REL), "{state:?}");
    assert_eq!(packet.data()[30..34], [10, 0, 0, 1]);
}

#[test]
fn commands_come_in_pieces() {
    let mut talk = Talk::new(Helper::Ftp, Some(NatAction::Source(range([192, 168, 100, 100]))));
    talk.open("192.168.100.100", SERVER);
    // The second piece again, too: it is changed alike.
    let pieces = [(101, "NOOP\r\nPO"), (109, "RT 10,0,0,1,16,1\r\n"), (109, "RT 10,0,0,1,16,1\r\n")];
    let said = pieces.map(|(seq, piece)| {
        let (_, seq, _, text) = look(&talk.next(&client_says(SERVER, seq, piece)).1);
        (seq, text)
    });
    let changed = (109, "RT 192,168,100,100,16,1\r\n".to_owned());
    assert_eq!(said, [(101, "NOOP\r\nPO".to_owned()), changed.clone(), changed]);
    let (state, packet) =
        talk.next(&format!("ipv4 {SERVER} > 192.168.100.100 / tcp 20 > 4097 window=60000 flags=2"));
    assert!(state.contains(CtState::NEW | CtState::REL), "{state:?}");
    assert_eq!(look(&packet).0, format!("{SERVER}:20 > {CLIENT}:4097"));
    assert_eq!(talk.tracker.stats().lines_cut, 0);
}

#[test]
fn an_address_of_which_a_part_is_gone_is_counted_and_not_expected() {
    let mut talk = Talk::new(Helper::Ftp, Some(NatAction::Source(range([192, 168, 100, 100]))));
    talk.open("192.168.100.100", SERVER);
    talk.next(&client_says(SERVER, 101, "PORT 10,0"));
    let (_, packet) = talk.next(&client_says(SERVER, 110, ",0,1,16,1\r\n"));
    assert_eq!(look(&packet).3, ",0,1,16,1\r\n");
    assert_eq!(talk.tracker.stats().lines_cut, 1);
    let (state, _) =
        talk.next(&format!("ipv4 {SERVER} > 192.168.100.100 / tcp 20 > 4097 window=60000 flags=2"));
    assert!(!state.contains(CtState::REL), "{state:?}");
    // Where nothing is translated it is.
    let mut plain = Talk::new(Helper::Ftp, None);
    plain.open(CLIENT, SERVER);
    plain.next(&client_says(SERVER, 101, "PORT 10,0"));
    plain.next(&client_says(SERVER, 110, ",0,1,16,1\r\n"));
    let (state, _) = plain.next(&format!("ipv4 {SERVER} > {CLIENT} / tcp 20 > 4097 window=60000 flags=2"));
    assert!(state.contains(CtState::REL), "{state:?}");
}

#[test]
fn lines_too_long_are_counted_once() {
    let mut talk = Talk::new(Helper::Ftp, None);
    talk.open(CLIENT, SERVER);
    let mut seq = 101;
    for _ in 0..4 {
        talk.next(&client_says(SERVER, seq, &"x".repeat(300)));
        seq += 300;
    }
    assert_eq!(talk.tracker.stats().lines_cut, 1);
    talk.next(&client_says(SERVER, seq, "\r\nPORT 10,0,0,1,16,1\r\n"));
    let (state, _) = talk.next(&format!("ipv4 {SERVER} > {CLIENT} / tcp 20 > 4097 window=60000 flags=2"));
    assert!(state.contains(CtState::REL), "{state:?}");
}

#[test]
fn what_is_yet_to_be_cut_is_rewritten() {
    let mut talk = Talk::new(Helper::Ftp, Some(NatAction::Source(range([192, 168, 100, 100]))));
    talk.open("192.168.100.100", SERVER);
    let line = format!("NOOP {}\r\nPORT 10,0,0,1,16,1\r\n", "x".repeat(1900));
    let frame = build::frame(&format!("eth / {}", client_says(SERVER, 101, &line))).unwrap();
    let mut packet = Packet::detached(&frame).unwrap();
    let facts = packet.facts_mut();
    facts.offload = Offload::TSO4 | Offload::NEEDS_L4_CSUM;
    (facts.segment_size, facts.csum_start, facts.csum_offset) = (1000, 34, 16);
    let action = CtAction { commit: true, nat: Some(NatAction::Existing), ..CtAction::default() };
    talk.tracker.track(&mut packet, &mut CtMetadata::default(), &action, NOW, 0);
    assert!(packet.facts().offload.contains(Offload::TSO4 | Offload::NEEDS_L4_CSUM));
    assert!(packet.data().ends_with(b"PORT 192,168,100,100,16,1\r\n"));
    // Once the sum is complete, all is right.
    packet.facts_mut().offload.remove(Offload::TSO4);
    complete_checksum(&mut packet).unwrap();
    assert_eq!(look(&packet).0, format!("192.168.100.100:4000 > {SERVER}:21"));
}
