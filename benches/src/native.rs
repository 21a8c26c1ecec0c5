//! An OpenFlow sender without a tool in between: what a controller of this workspace's own can make a switch do.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use ovs_flow::text::NoNames;
use ovs_openflow::connection::{Connection, Event};
use ovs_openflow::text::parse_flow_mod;
use ovs_openflow::{FlowModCommand, Message, Version, VersionSet};

use crate::BenchError;

/// How long the switch may be silent.
const PATIENCE: Duration = Duration::from_mins(1);
/// The transaction of all flow changes, and of the barrier behind them.
const XIDS: [u32; 2] = [0x0f10_0000, 0x0ba2_0000];

/// A connection to a bridge's management socket, in OpenFlow 1.3.
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
        let connection = Connection::new(VersionSet::NONE.with(Version::V13));
        let mut sender = Self { stream, connection };
        sender.until("hello", |event| matches!(event, Event::Negotiated(_)))?;
        Ok(sender)
    }

    /// Adds flows, one per line of text, and waits for the answer to a barrier behind them. The time is that from
    /// the first byte to the answer; making messages of the text is not part of it.
    pub fn add_flows(&mut self, lines: &str) -> Result<Duration, BenchError> {
        let failed = |error: &dyn ToString| BenchError::OpenFlow(error.to_string());
        let protocol = self.connection.protocol();
        let mut bytes = Vec::new();
        for line in lines.lines() {
            let change = parse_flow_mod(FlowModCommand::Add, line, &NoNames).map_err(|e| failed(&e))?;
            let message = Message::FlowMod(Box::new(change));
            message.encode_into(protocol, XIDS[0], &mut bytes).map_err(|e| failed(&e))?;
        }
        Message::BarrierRequest.encode_into(protocol, XIDS[1], &mut bytes).map_err(|e| failed(&e))?;
        let began = Instant::now();
        self.stream.write_all(&bytes).map_err(BenchError::system("sending flow_mods"))?;
        self.until(
            "the barrier's reply",
            |event| matches!(event, Event::Message(xid, Message::BarrierReply) if *xid == XIDS[1]),
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
