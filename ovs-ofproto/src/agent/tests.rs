//! A session against a bridge that notes what it is told.

use std::time::Duration;

use ovs_flow::{Match, OfPort};
use ovs_openflow::{
    Action, AggregateStats, BundleControl, BundleControlKind, BundleFlags, Dialect, ErrorCode, Features,
    FlowFacts, FlowFilter, FlowMod, FlowModCommand, Hello, Message, OfError, PacketIn, PacketInReason,
    PacketOut, PortDesc, PortMod, PortStats, Protocol, Role, RoleMsg, StatsRequest, SwitchConfig, SwitchDesc,
    TableFeatures, TableMod, TableStats, Version, VersionSet,
};

use super::session::SessionKind;
use super::{Control, Event, FlowPosition, Origin, Session, SessionConfig};

/// A bridge with any number of equal flows, that notes what it is told.
#[derive(Default)]
struct Noting {
    flows: u64,
    added: Vec<FlowMod>,
    passed: u64,
    barriers: u64,
    refuse: Option<OfError>,
}

impl Control for Noting {
    fn features(&mut self) -> Features {
        Features::new(0x42)
    }

    fn description(&self) -> SwitchDesc {
        SwitchDesc::default()
    }

    fn switch_config(&self) -> SwitchConfig {
        SwitchConfig::default()
    }

    fn set_switch_config(&mut self, _config: SwitchConfig) {}

    fn ports(&mut self) -> Vec<PortDesc> {
        vec![PortDesc::new(OfPort(1), "p1", [2, 0, 0, 0, 0, 1])]
    }

    fn port_stats(&mut self, _port: OfPort, _now: Duration) -> Result<Vec<PortStats>, OfError> {
        Ok(Vec::new())
    }

    fn port_mod(&mut self, _change: &PortMod) -> Result<(), OfError> {
        Ok(())
    }

    fn table_stats(&mut self) -> Vec<TableStats> {
        Vec::new()
    }

    fn table_features(&mut self) -> Vec<TableFeatures> {
        Vec::new()
    }

    fn table_mod(&mut self, _change: &TableMod) -> Result<(), OfError> {
        Ok(())
    }

    fn flow_mod(&mut self, change: &FlowMod, _origin: Origin) -> Result<(), OfError> {
        match self.refuse {
            Some(error) => Err(error),
            None => {
                self.added.push(change.clone());
                Ok(())
            }
        }
    }

    fn flow_mods(&mut self, changes: &[FlowMod], _origin: Origin) -> Result<(), (usize, OfError)> {
        self.added.extend_from_slice(changes);
        Ok(())
    }

    fn flows(
        &mut self,
        position: &mut FlowPosition,
        _filter: &FlowFilter,
        max: usize,
        _now: Duration,
        show: &mut dyn FnMut(&FlowFacts, &Match, &[Action]),
    ) -> bool {
        for _ in 0..max {
            if position.mark == self.flows {
                return false;
            }
            position.mark += 1;
            show(&FlowFacts::default(), &Match::default(), &[Action::output(OfPort(1))]);
        }
        position.mark < self.flows
    }

    fn aggregate(&mut self, _filter: &FlowFilter, _now: Duration) -> AggregateStats {
        AggregateStats::default()
    }

    fn packet_out(&mut self, _packet: &PacketOut, _origin: Origin) -> Result<(), OfError> {
        Ok(())
    }

    fn barrier(&mut self) -> u64 {
        self.barriers += 1;
        self.barriers
    }

    fn barrier_passed(&mut self, barrier: u64) -> bool {
        barrier <= self.passed
    }
}

const VERSIONS: VersionSet = VersionSet::NONE.with(Version::V10).with(Version::V13);

fn session(kind: SessionKind) -> Session {
    let probe = Some(Duration::from_secs(5));
    Session::new(SessionConfig {
        kind,
        versions: VERSIONS,
        input_limit: 1 << 20,
        output_limit: 1 << 16,
        probe,
    })
}

/// Negotiates, and forgets the hello.
fn ready(kind: SessionKind, version: Version, bridge: &mut Noting) -> Session {
    let mut session = session(kind);
    let hello = Message::Hello(Hello { versions: VersionSet::NONE.with(version) });
    send(&mut session, bridge, version, 1, &hello);
    heard(&mut session, version);
    session
}

fn send(session: &mut Session, bridge: &mut Noting, version: Version, xid: u32, message: &Message) {
    let bytes = message.encode(version, xid).unwrap();
    assert_eq!(session.feed(&bytes), bytes.len());
    session.poll(bridge, Duration::ZERO, 1000);
}

/// The messages that were sent, with their transactions.
fn heard(session: &mut Session, version: Version) -> Vec<(u32, Message)> {
    let mut bytes = Vec::new();
    session.take_output(usize::MAX, &mut bytes);
    let mut messages = Vec::new();
    let mut rest = &bytes[..];
    while !rest.is_empty() {
        let length = usize::from(u16::from_be_bytes([rest[2], rest[3]]));
        messages.push(Message::decode(Protocol::new(version), &rest[..length]).unwrap());
        rest = &rest[length..];
    }
    messages
}

#[test]
fn the_newest_common_version_is_chosen() {
    let mut session = session(SessionKind::Service);
    let hello = Message::Hello(Hello { versions: VersionSet::up_to(Version::V15) });
    let bytes = hello.encode(Version::V15, 1).unwrap();
    session.feed(&bytes);
    session.poll(&mut Noting::default(), Duration::ZERO, 10);
    assert_eq!(session.version(), Some(Version::V13));
}

#[test]
fn no_common_version_is_told_and_ends_the_connection() {
    let mut bridge = Noting::default();
    let mut session = session(SessionKind::Service);
    let hello = Message::Hello(Hello { versions: VersionSet::NONE.with(Version::V14) });
    send(&mut session, &mut bridge, Version::V14, 1, &hello);
    assert!(session.closed().is_some());
    let (_, Message::Error(error)) = heard(&mut session, Version::V13).pop().unwrap() else { panic!() };
    assert_eq!(error.error, ErrorCode::Known(OfError::HfcIncompatible));
    let text = String::from_utf8(error.data).unwrap();
    assert_eq!(text, "We support versions 0x01, 0x04, you support version 0x05, no common versions.");
}

#[test]
fn a_barrier_holds_up_what_is_behind_it_until_it_has_passed() {
    let mut bridge = Noting::default();
    let mut session = ready(SessionKind::Controller, Version::V13, &mut bridge);
    send(&mut session, &mut bridge, Version::V13, 7, &Message::BarrierRequest);
    send(&mut session, &mut bridge, Version::V13, 8, &Message::EchoRequest(vec![1]));
    assert!(heard(&mut session, Version::V13).is_empty());
    bridge.passed = 1;
    session.poll(&mut bridge, Duration::ZERO, 10);
    let answers = heard(&mut session, Version::V13);
    assert_eq!(answers, [(7, Message::BarrierReply), (8, Message::EchoReply(vec![1]))]);
}

#[test]
fn a_refusal_names_its_reason_and_quotes_the_request() {
    let mut bridge = Noting { refuse: Some(OfError::FmfcTableFull), ..Noting::default() };
    let mut session = ready(SessionKind::Controller, Version::V10, &mut bridge);
    let change = Message::FlowMod(Box::new(FlowMod::new(FlowModCommand::Add, Match::default())));
    send(&mut session, &mut bridge, Version::V10, 9, &change);
    let (xid, Message::Error(error)) = heard(&mut session, Version::V10).pop().unwrap() else { panic!() };
    assert_eq!((xid, error.error), (9, ErrorCode::Known(OfError::FmfcTableFull)));
    assert_eq!(error.data, change.encode(Version::V10, 9).unwrap()[..64]);
}

#[test]
fn a_long_dump_waits_for_a_peer_that_does_not_read() {
    let mut bridge = Noting { flows: 10_000, ..Noting::default() };
    let mut session = ready(SessionKind::Service, Version::V13, &mut bridge);
    let filter = Box::new(FlowFilter::default());
    let request = Message::StatsRequest(StatsRequest::Flow(filter, Dialect::Standard));
    send(&mut session, &mut bridge, Version::V13, 3, &request);
    assert!(session.pending_output() < 300_000, "{}", session.pending_output());
    let mut flows = 0;
    while session.pending_output() > 0 {
        for (_, message) in heard(&mut session, Version::V13) {
            let Message::StatsReply(reply) = message else { panic!() };
            let ovs_openflow::StatsReplyBody::Flow(part, _) = reply.body else { panic!() };
            flows += part.len();
        }
        session.poll(&mut bridge, Duration::ZERO, 1000);
    }
    assert_eq!(flows, 10_000);
}

#[test]
fn a_secondary_may_look_but_not_change() {
    let mut bridge = Noting::default();
    let mut session = ready(SessionKind::Controller, Version::V13, &mut bridge);
    let role = RoleMsg { role: Role::Secondary, generation: Some(5) };
    send(&mut session, &mut bridge, Version::V13, 1, &Message::RoleRequest(role));
    let change = Message::FlowMod(Box::new(FlowMod::new(FlowModCommand::Add, Match::default())));
    send(&mut session, &mut bridge, Version::V13, 2, &change);
    let stale = RoleMsg { role: Role::Primary, generation: Some(4) };
    send(&mut session, &mut bridge, Version::V13, 3, &Message::RoleRequest(stale));
    let answers = heard(&mut session, Version::V13);
    assert_eq!(answers[0], (1, Message::RoleReply(role)));
    let refused = |i: usize| match &answers[i].1 {
        Message::Error(error) => error.error,
        other => panic!("{other:?}"),
    };
    assert_eq!(refused(1), ErrorCode::Known(OfError::BrcIsSecondary));
    assert_eq!(refused(2), ErrorCode::Known(OfError::RrfcStale));
    assert!(bridge.added.is_empty());
}

#[test]
fn a_bundle_takes_effect_at_its_commit() {
    let mut bridge = Noting::default();
    let mut session = ready(SessionKind::Service, Version::V13, &mut bridge);
    let control = |kind| Message::BundleControl(BundleControl { id: 1, kind, flags: BundleFlags::ATOMIC });
    send(&mut session, &mut bridge, Version::V13, 1, &control(BundleControlKind::OpenRequest));
    let message = Message::FlowMod(Box::new(FlowMod::new(FlowModCommand::Add, Match::default())));
    let add = ovs_openflow::BundleAdd { id: 1, flags: BundleFlags::ATOMIC, xid: 2, message };
    send(&mut session, &mut bridge, Version::V13, 2, &Message::BundleAdd(Box::new(add)));
    assert!(bridge.added.is_empty());
    send(&mut session, &mut bridge, Version::V13, 3, &control(BundleControlKind::CommitRequest));
    assert_eq!(bridge.added.len(), 1);
    send(&mut session, &mut bridge, Version::V13, 4, &control(BundleControlKind::CommitRequest));
    let answers = heard(&mut session, Version::V13);
    assert!(
        matches!(answers.last(), Some((4, Message::Error(e))) if e.error == ErrorCode::Known(OfError::BfcBadId))
    );
}

#[test]
fn events_reach_controllers_and_not_those_who_only_ask() {
    let mut bridge = Noting::default();
    let packet = Box::new(PacketIn::new(PacketInReason::Action, OfPort(1), vec![0; 100]));
    let event = Event::PacketIn { packet, controller: 0, max_len: 60, missed: false };
    let mut controller = ready(SessionKind::Controller, Version::V13, &mut bridge);
    let mut service = ready(SessionKind::Service, Version::V13, &mut bridge);
    controller.tell(&event);
    service.tell(&event);
    let (_, Message::PacketIn(told)) = heard(&mut controller, Version::V13).pop().unwrap() else { panic!() };
    assert_eq!((told.data.len(), told.total_len), (60, 100));
    assert!(heard(&mut service, Version::V13).is_empty());
}

#[test]
fn a_silent_peer_is_asked_and_then_given_up() {
    let mut bridge = Noting::default();
    let mut session = ready(SessionKind::Controller, Version::V13, &mut bridge);
    session.poll(&mut bridge, Duration::from_secs(6), 10);
    assert!(matches!(heard(&mut session, Version::V13)[..], [(_, Message::EchoRequest(_))]));
    session.poll(&mut bridge, Duration::from_secs(12), 10);
    assert!(session.closed().is_some());
}

#[test]
fn an_impossible_length_ends_the_connection() {
    let mut bridge = Noting::default();
    let mut session = ready(SessionKind::Service, Version::V13, &mut bridge);
    session.feed(&[4, 2, 0, 7, 0, 0, 0, 0]);
    session.poll(&mut bridge, Duration::ZERO, 10);
    assert!(session.closed().is_some());
}
