//! Printing whole messages, as `ovs-ofctl ofp-print` does.
//!
//! ```
//! use ovs_openflow::text::{NoNames, print_message};
//!
//! let bytes = [4, 2, 0, 8, 0, 0, 0, 7];
//! assert_eq!(print_message(&bytes, &NoNames), "OFPT_ECHO_REQUEST (OF1.3) (xid=0x7): 0 bytes of payload\n");
//! ```

mod changes;
mod continuation;
mod flows;
mod hex;
mod packets;
mod ports;
mod small;
mod stats;
mod title;

use core::fmt::{self, Write};

use ovs_flow::text::PortNames;

use crate::{Header, Message, Protocol, Version};

pub(super) use hex::write_hex_dump;

/// The text of the one message that `bytes` are, with a newline at its end; of bytes that are none, what is wrong
/// with them and the bytes.
pub fn print_message(bytes: &[u8], ports: &impl PortNames) -> String {
    let mut out = String::new();
    // Writing to a text does not fail.
    let _ = write_message(bytes, ports, &mut out);
    out
}

/// What printing needs to know beside the message.
#[derive(Clone, Copy)]
pub(super) struct Context<'a, P> {
    pub(super) version: Version,
    pub(super) ports: &'a P,
}

fn write_message(bytes: &[u8], ports: &impl PortNames, out: &mut String) -> fmt::Result {
    let Some(header) = Header::parse(bytes) else {
        out.write_str("OpenFlow packet too short (only ")?;
        writeln!(out, "{} bytes):", bytes.len())?;
        return write_hex_dump(bytes, out);
    };
    let length = usize::from(header.length);
    if length != bytes.len() {
        writeln!(out, "(***length is {length}, not {}***)", bytes.len())?;
        return write_hex_dump(bytes, out);
    }
    let Some(version) = Version::from_wire(header.version) else {
        writeln!(out, "(***unknown version {:#04x}***)", header.version)?;
        return write_hex_dump(bytes, out);
    };
    // The table of a flow's change is read where 1.0 may have it.
    let protocol = Protocol::new(version).with_table_id(true);
    let title = title::of_bytes(version, bytes);
    match (Message::decode(protocol, bytes), title) {
        (Ok((xid, message)), Some(title)) => {
            title::write(title, version, xid, out)?;
            let context = Context { version, ports };
            context.body(&message, out)?;
            if !out.ends_with('\n') {
                out.write_char('\n')?;
            }
            Ok(())
        }
        (Err(rejected), Some(title)) => {
            title::write(title, version, rejected.header.xid, out)?;
            writeln!(out, " ***decode error: {}***", rejected.error)?;
            write_hex_dump(bytes, out)
        }
        (result, None) => {
            let error = result.err().map_or("OFPBRC_BAD_TYPE", |rejected| rejected.error.name());
            writeln!(out, "***decode error: {error}***")?;
            write_hex_dump(bytes, out)
        }
    }
}

impl<P: PortNames> Context<'_, P> {
    /// A port's name or number.
    pub(super) fn port(&self, port: ovs_flow::OfPort, out: &mut String) -> fmt::Result {
        self.ports.write_of_port(port, out)
    }

    fn body(&self, message: &Message, out: &mut String) -> fmt::Result {
        match message {
            Message::Hello(hello) => small::hello(*hello, out),
            Message::Error(error) => self.error(error, out),
            Message::EchoRequest(bytes) | Message::EchoReply(bytes) => {
                writeln!(out, " {} bytes of payload", bytes.len())?;
                write_hex_dump(bytes, out)
            }
            Message::FeaturesReply(features) => self.features(features, out),
            Message::GetConfigReply(config) | Message::SetConfig(config) => {
                ports::switch_config(*config, self.version, out)
            }
            Message::PacketIn(packet) | Message::Resume(packet) => self.packet_in(packet, out),
            Message::PacketOut(packet) => self.packet_out(packet, out),
            Message::FlowMod(change) => self.flow_mod(change, out),
            Message::FlowRemoved(removed) => self.flow_removed(removed, out),
            Message::PortMod(change) => self.port_mod(change, out),
            Message::PortStatus(status) => self.port_status(status, out),
            Message::TableMod(change) => self.table_mod(*change, out),
            Message::GroupMod(change) => self.group_mod(change, out),
            Message::MeterMod(change) => changes::meter_mod(change, out),
            Message::QueueGetConfigRequest(port) => {
                out.write_str(" port=")?;
                self.port(*port, out)
            }
            Message::QueueGetConfigReply { port, queues } => self.queues(*port, queues, out),
            Message::RoleRequest(role) | Message::RoleReply(role) => small::role(*role, out),
            Message::RoleStatus(status) => small::role_status(*status, out),
            Message::TableStatus(status) => small::table_status(status, out),
            Message::RequestForward { message, .. } => self.request_forward(message, out),
            Message::GetAsyncReply(config) | Message::SetAsync(config) => {
                small::async_config(*config, self.version, out)
            }
            Message::StatsRequest(request) => self.stats_request(request, out),
            Message::StatsReply(reply) => self.stats_reply(reply, out),
            Message::BundleControl(control) => small::bundle_control(*control, out),
            Message::BundleAdd(add) => self.bundle_add(add, out),
            other => small::extension(other, out),
        }
    }
}
