//! An OpenFlow sender without a tool in between: what a controller of this workspace's own can make a switch do.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use ovs_flow::text::NoNames;
use ovs_openflow::connection::{Connection, Event};
use ovs_openflow::text::parse_flow_mod;
use ovs_openflow::{
    BundleAdd, BundleControl, BundleControlKind, BundleFlags, FlowModCommand, Message, Version, VersionSet,
};

use crate::BenchError;

/// How long the switch may be silent.
const PATIENCE: Duration = Duration::from_mins(1);
/// The transaction of all flow changes, and of the barrier behind them.
const XIDS: [u32; 2] = [0x0f10_0000, 0x0ba2_0000];

/// A connection to a bridge's management socket, in OpenFlow 1.4.
#[derive(Debug)]
pub struct Sender {
    stream: UnixStream,
    connection: Connection,
}

impl Sender {
    /// Connects and exchanges hellos.
    pub fn connect(socket: &Path) -> Result<Self, BenchError> {
        let broken = || BenchError::system(format!("connecting to {}", socket.display()));
        let stream = UnixStream::connect(socket).map_err(broken())?;
        stream.set_read_timeout(Some(PATIENCE)).map_err(broken())?;
        stream.set_write_timeout(Some(PATIENCE)).map_err(broken())?;
        let connection = Connection::new(VersionSet::NONE.with(Version::V14));
        let mut sender = Self { stream, connection };
        sender.until("hello", |event| matches!(event, Event::Negotiated(_)))?;
        Ok(sender)
    }

    /// Adds flows, one per line of text, and waits for the answer to a barrier behind them. The time is that from
    /// the first byte to the answer; making messages of the text is not part of it.
    pub fn add_flows(&mut self, lines: &str) -> Result<Duration, BenchError> {
        let mut bytes = Vec::new();
        for change in changes(lines) {
            self.encode(XIDS[0], &change?, &mut bytes)?;
        }
        self.encode(XIDS[1], &Message::BarrierRequest, &mut bytes)?;
        self.timed(&bytes, "the barrier's reply", |message| matches!(message, Message::BarrierReply))
    }

    /// The same in a bundle, all or nothing, up to the answer to its commit.
    pub fn bundle_flows(&mut self, lines: &str) -> Result<Duration, BenchError> {
        let flags = BundleFlags::ATOMIC;
        let control = |kind| Message::BundleControl(BundleControl { id: 1, kind, flags });
        let mut bytes = Vec::new();
        self.encode(XIDS[0], &control(BundleControlKind::OpenRequest), &mut bytes)?;
        for change in changes(lines) {
            let add = BundleAdd { id: 1, flags, xid: XIDS[0], message: change? };
            self.encode(XIDS[0], &Message::BundleAdd(Box::new(add)), &mut bytes)?;
        }
        self.encode(XIDS[0], &control(BundleControlKind::CloseRequest), &mut bytes)?;
        self.encode(XIDS[1], &control(BundleControlKind::CommitRequest), &mut bytes)?;
        self.timed(&bytes, "the commit's reply", |message| {
            matches!(message, Message::BundleControl(reply) if reply.kind == BundleControlKind::CommitReply)
        })
    }

    fn encode(&self, xid: u32, message: &Message, bytes: &mut Vec<u8>) -> Result<(), BenchError> {
        let failed = |error: &dyn ToString| BenchError::OpenFlow(error.to_string());
        message.encode_into(self.connection.protocol(), xid, bytes).map_err(|e| failed(&e))
    }

    /// Sends; how long it takes until the answer to the last request is there.
    fn timed(
        &mut self,
        bytes: &[u8],
        what: &str,
        done: impl Fn(&Message) -> bool,
    ) -> Result<Duration, BenchError> {
        let began = Instant::now();
        self.stream.write_all(bytes).map_err(BenchError::system("sending flow_mods"))?;
        self.until(
            what,
            |event| matches!(event, Event::Message(xid, message) if *xid == XIDS[1] && done(message)),
        )?;
        Ok(began.elapsed())
    }

    /// Reads until something comes; an error that the switch reports is a failure.
    fn until(&mut self, what: &str, done: impl Fn(&Event) -> bool) -> Result<(), BenchError> {
        let mut bytes = [0; 8192];
        loop {
            while let Some(event) = self.connection.next() {
                if done(&event) {
                    return Ok(());
                }
                match event {
                    Event::Message(_, Message::Error(error)) => {
                        return Err(BenchError::OpenFlow(format!(
                            "{what}: the switch answered {:?}",
                            error.error
                        )));
                    }
                    Event::Failed(failure) => return Err(BenchError::OpenFlow(failure.to_string())),
                    _ => {}
                }
            }
            let waiting = self.connection.output().to_vec();
            self.stream.write_all(&waiting).map_err(BenchError::system("answering the switch"))?;
            self.connection.sent(waiting.len());
            match self.stream.read(&mut bytes).map_err(BenchError::system(format!("waiting for {what}")))? {
                0 => return Err(BenchError::OpenFlow(format!("the switch hung up before {what}"))),
                n => self.connection.feed(&bytes[..n]),
            }
        }
    }
}

/// The messages that add flows, one per line.
fn changes(lines: &str) -> impl Iterator<Item = Result<Message, BenchError>> {
    lines.lines().map(|line| {
        let change = parse_flow_mod(FlowModCommand::Add, line, &NoNames);
        change
            .map(|change| Message::FlowMod(Box::new(change)))
            .map_err(|e| BenchError::OpenFlow(e.to_string()))
    })
}
