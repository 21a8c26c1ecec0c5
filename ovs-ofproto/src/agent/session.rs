//! One connection: negotiation, order of work, state.

use std::collections::BTreeMap;
use std::time::Duration;

use ovs_openflow::{
    AsyncConfig, ErrorCode, ErrorMsg, FlowMod, Hello, Message, OfError, Protocol, Role, Version, VersionSet,
};

use super::bundle::Bundle;
use super::control::Control;
use super::input::{Inbox, Next};
use super::output::Outbox;
use super::stats::FlowDump;

/// Who is at the other end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SessionKind {
    /// A controller of the bridge.
    Controller,
    /// Somebody who asks for something.
    Service,
}

/// How a connection is set up.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SessionConfig {
    /// Who is at the other end.
    pub kind: SessionKind,
    /// The versions that the bridge speaks.
    pub versions: VersionSet,
    /// Bytes of requests that may wait.
    pub input_limit: usize,
    /// Bytes that may wait to be sent before requests wait and events are dropped.
    pub output_limit: usize,
    /// After how long a silence the peer is asked whether it is there; `None` for never.
    pub probe: Option<Duration>,
}

/// What holds up the requests behind it.
#[derive(Debug)]
pub(super) enum Pending {
    /// A barrier, and the transaction to answer.
    Barrier { xid: u32, number: u64 },
    /// A dump of flows.
    Flows(Box<FlowDump>),
}

/// One connection. See the module's head.
#[derive(Debug)]
pub(crate) struct Session {
    config: SessionConfig,
    inbox: Inbox,
    pub(super) outbox: Outbox,
    protocol: Option<Protocol>,
    pub(super) role: Role,
    pub(super) generation: Option<u64>,
    pub(super) masks: AsyncConfig,
    pub(super) miss_send_len: u16,
    pub(super) controller_id: u16,
    pub(super) wants_events: bool,
    pub(super) dropped_events: u64,
    pub(super) pending: Option<Pending>,
    pub(super) bundles: BTreeMap<u32, Bundle>,
    closed: Option<&'static str>,
    heard: Option<Duration>,
    probed: bool,
    /// The peer has become primary: the others of its bridge are secondaries from now on.
    pub(super) became_primary: bool,
}

/// Packet-in length of controllers until they say otherwise (OpenFlow 1.0, `OFP_DEFAULT_MISS_SEND_LEN`).
const MISS_SEND_LEN: u16 = 128;

impl Session {
    /// A connection that has just been made; the hello waits to be sent.
    pub(crate) fn new(config: SessionConfig) -> Self {
        let mut outbox = Outbox::default();
        let hello = Hello { versions: config.versions };
        outbox.send_own(Protocol::new(hello.version()), &Message::Hello(hello));
        let miss_send_len = if config.kind == SessionKind::Controller { MISS_SEND_LEN } else { 0 };
        Self {
            config,
            inbox: Inbox::default(),
            outbox,
            protocol: None,
            role: Role::Equal,
            generation: None,
            masks: AsyncConfig::default(),
            miss_send_len,
            controller_id: 0,
            wants_events: config.kind == SessionKind::Controller,
            dropped_events: 0,
            pending: None,
            bundles: BTreeMap::new(),
            closed: None,
            heard: None,
            probed: false,
            became_primary: false,
        }
    }

    /// Who is at the other end.
    pub(crate) fn kind(&self) -> SessionKind {
        self.config.kind
    }

    /// The form in which messages are written, once a version is negotiated.
    pub(crate) fn protocol(&self) -> Option<Protocol> {
        self.protocol
    }

    /// The negotiated version.
    pub(crate) fn version(&self) -> Option<Version> {
        self.protocol.map(|protocol| protocol.version)
    }

    /// The peer's role.
    pub(crate) fn role(&self) -> Role {
        self.role
    }

    /// Whether a controller here wants the packets that miss a table (before OpenFlow 1.3 they all do).
    pub(crate) fn wants_misses(&self) -> bool {
        self.kind() == SessionKind::Controller && self.version().is_some_and(|v| v < Version::V13)
    }

    /// Why the connection is over, if it is; what waits to be sent is to be sent first.
    pub(crate) fn closed(&self) -> Option<&'static str> {
        self.closed
    }

    /// Whether the peer has taken the primary role since the last call.
    pub(crate) fn take_became_primary(&mut self) -> bool {
        std::mem::take(&mut self.became_primary)
    }

    /// Another controller of the bridge has become primary.
    pub(crate) fn demote(&mut self) {
        if self.role == Role::Primary {
            self.role = Role::Secondary;
        }
    }

    /// Takes bytes of the peer, as many as there is room for; says how many.
    pub(crate) fn feed(&mut self, bytes: &[u8]) -> usize {
        if self.closed.is_some() {
            // Nothing that a peer says after the end counts.
            return bytes.len();
        }
        self.inbox.push(bytes, self.config.input_limit)
    }

    /// Bytes that wait to be sent.
    pub(crate) fn pending_output(&self) -> usize {
        self.outbox.len()
    }

    /// Moves up to `max` bytes that wait to be sent to the end of `out`; says how many.
    pub(crate) fn take_output(&mut self, max: usize, out: &mut Vec<u8>) -> usize {
        self.outbox.take(max, out)
    }

    /// Whether the peer does not read what it is sent.
    pub(super) fn is_congested(&self) -> bool {
        self.outbox.len() >= self.config.output_limit
    }

    /// Handles up to `budget` messages. Returns how much of the budget was used, and whether there is more to do
    /// at once.
    pub(crate) fn poll(&mut self, control: &mut dyn Control, now: Duration, budget: usize) -> (usize, bool) {
        let mut used = 0;
        while used < budget && self.closed.is_none() {
            if self.is_congested() {
                return (used, false);
            }
            used += 1;
            match self.pending.take() {
                Some(pending) => {
                    if !self.go_on(pending, control, now) {
                        return (used, false);
                    }
                }
                None => match self.inbox.peek() {
                    Next::Incomplete => {
                        self.probe(now);
                        return (used - 1, false);
                    }
                    Next::Broken => self.closed = Some("received a message with an impossible length"),
                    Next::Message(length) => {
                        (self.heard, self.probed) = (Some(now), false);
                        let bytes = self.inbox.take(length);
                        self.handle(&bytes, control, now);
                    }
                },
            }
        }
        (used, self.closed.is_none())
    }

    /// When [`Session::poll`] has something to do although nothing comes.
    pub(crate) fn deadline(&self) -> Option<Duration> {
        self.closed.is_none().then(|| Some(self.heard? + self.config.probe?)).flatten()
    }

    /// Goes on with what holds up the rest; `false` if it has to wait.
    fn go_on(&mut self, pending: Pending, control: &mut dyn Control, now: Duration) -> bool {
        let Some(protocol) = self.protocol else { return false };
        match pending {
            Pending::Barrier { xid, number } => {
                if !control.barrier_passed(number) {
                    self.pending = Some(Pending::Barrier { xid, number });
                    return false;
                }
                self.outbox.send(protocol, xid, &Message::BarrierReply);
                true
            }
            Pending::Flows(dump) => {
                self.pending = dump.go_on(control, &mut self.outbox, now).map(Pending::Flows);
                true
            }
        }
    }

    /// Asks a silent peer whether it is there, and gives up one that does not answer.
    fn probe(&mut self, now: Duration) {
        let (Some(interval), Some(protocol)) = (self.config.probe, self.protocol) else { return };
        let heard = *self.heard.get_or_insert(now);
        if now < heard + interval {
            return;
        }
        if self.probed {
            self.closed = Some("no response to inactivity probe");
            return;
        }
        (self.heard, self.probed) = (Some(now), true);
        self.outbox.send_own(protocol, &Message::EchoRequest(Vec::new()));
    }

    fn handle(&mut self, bytes: &[u8], control: &mut dyn Control, now: Duration) {
        match self.protocol {
            None => self.negotiate(bytes),
            Some(protocol) => self.request(protocol, bytes, control, now),
        }
    }

    /// The first message must be a hello with a version in common.
    fn negotiate(&mut self, bytes: &[u8]) {
        let ours = self.config.versions;
        let newest = ours.newest().unwrap_or(Version::V10);
        let Ok((_, Message::Hello(Hello { versions: theirs }))) =
            Message::decode(Protocol::new(newest), bytes)
        else {
            self.closed = Some("received something else before a hello");
            return;
        };
        match ours.and(theirs).newest() {
            Some(version) => self.protocol = Some(Protocol::new(version)),
            None => {
                let (ours, theirs) = (spell(ours), spell(theirs));
                let text = format!("We support {ours}, you support {theirs}, no common versions.");
                let error =
                    ErrorMsg { error: ErrorCode::Known(OfError::HfcIncompatible), data: text.into_bytes() };
                self.outbox.send_own(Protocol::new(newest), &Message::Error(error));
                self.closed = Some("version negotiation failed");
            }
        }
    }

    pub(super) fn set_protocol(&mut self, protocol: Protocol) {
        self.protocol = Some(protocol);
    }

    /// Keeps a change in a bundle; refuses by name what is not kept.
    pub(super) fn keep(&mut self, bundle: u32, change: FlowMod) -> Result<(), OfError> {
        self.bundles.get_mut(&bundle).ok_or(OfError::BfcBadId)?.add(change)
    }
}

/// Versions as the error of a failed negotiation names them.
fn spell(versions: VersionSet) -> String {
    let all = Version::ALL.into_iter().filter(|v| versions.contains(*v));
    let numbers: Vec<String> = all.map(|v| format!("0x{:02x}", v.wire())).collect();
    format!("version{} {}", if numbers.len() == 1 { "" } else { "s" }, numbers.join(", "))
}
