//! The other end of an OpenFlow connection, in memory.

use ovs_ofproto::ovs_openflow::{
    Action, ErrorCode, FlowMod, FlowModCommand, Hello, Message, OfError, Protocol, Rejected, Version,
    VersionSet,
};
use ovs_ofproto::{ConnId, ConnectionKind};

use ovs_flow::Match;

use crate::world::World;

pub struct Client {
    pub id: ConnId,
    pub protocol: Protocol,
    input: Vec<u8>,
    xid: u32,
}

impl Client {
    /// Connects and exchanges hellos.
    pub fn connect(world: &mut World, bridge: &str, kind: ConnectionKind, version: Version) -> Self {
        let id = world.switch.open_connection(bridge, kind, world.now).expect("connection");
        let mut client = Self { id, protocol: Protocol::new(version), input: Vec::new(), xid: 100 };
        client.send(world, &Message::Hello(Hello { versions: VersionSet::NONE.with(version) }));
        assert!(matches!(client.receive(world)[..], [(_, Message::Hello(_))]));
        client
    }

    /// The transaction that the next message will have.
    pub fn next_xid(&self) -> u32 {
        self.xid + 1
    }

    /// Sends a message and returns its transaction.
    pub fn send(&mut self, world: &mut World, message: &Message) -> u32 {
        self.xid += 1;
        let bytes = message.encode(self.protocol, self.xid).expect("encodes");
        self.send_bytes(world, &bytes);
        self.xid
    }

    pub fn send_bytes(&mut self, world: &mut World, bytes: &[u8]) {
        let mut rest = bytes;
        while !rest.is_empty() {
            let taken = world.switch.feed(self.id, rest).expect("open");
            rest = &rest[taken..];
            if !rest.is_empty() {
                world.turn();
            }
        }
    }

    /// What has come by now.
    pub fn receive(&mut self, world: &mut World) -> Vec<(u32, Message)> {
        world.settle();
        world.switch.take_output(self.id, usize::MAX, &mut self.input);
        let mut messages = Vec::new();
        while self.input.len() >= 8 {
            let length = usize::from(u16::from_be_bytes([self.input[2], self.input[3]]));
            if self.input.len() < length {
                break;
            }
            let bytes: Vec<u8> = self.input.drain(..length).collect();
            match Message::decode(self.protocol, &bytes) {
                Ok(message) => messages.push(message),
                Err(Rejected { header, error }) => panic!("{header:?}: {error}: {bytes:02x?}"),
            }
        }
        messages
    }

    /// Asks and returns the one answer.
    pub fn ask(&mut self, world: &mut World, message: &Message) -> Message {
        let xid = self.send(world, message);
        let mut answers = self.receive(world);
        assert_eq!(answers.len(), 1, "{answers:?}");
        let (got, answer) = answers.remove(0);
        assert_eq!(got, xid);
        answer
    }

    /// Does something that has no answer but an error.
    pub fn tell(&mut self, world: &mut World, message: &Message) -> Result<(), OfError> {
        self.send(world, message);
        match self.receive(world).as_slice() {
            [] => Ok(()),
            [(_, Message::Error(error))] => match error.error {
                ErrorCode::Known(error) => Err(error),
                ErrorCode::Unknown(kind, code) => panic!("{kind},{code}"),
            },
            other => panic!("{other:?}"),
        }
    }
}

/// A flow of table 0.
pub fn flow(matching: &str, priority: u16, actions: Vec<Action>) -> FlowMod {
    let matching = if matching.is_empty() {
        Match::default()
    } else {
        ovs_flow::text::parse_match(matching, &ovs_flow::text::NoNames).expect("match")
    };
    let mut change = FlowMod::new(FlowModCommand::Add, matching);
    change.priority = priority;
    change.actions = actions;
    change
}

pub fn flow_mod(change: FlowMod) -> Message {
    Message::FlowMod(Box::new(change))
}
