//! Packets to and from controllers.

use core::fmt::{self, Write};

use ovs_flow::text::{FlowDisplay, MatchDisplay, NoNames, PortNames};
use ovs_flow::{Metadata, SparseKey, extract_bytes};

use super::Context;
use crate::text::ActionsDisplay;
use crate::{PacketIn, PacketOut};

/// Appends what a packet's headers say.
fn packet(data: &[u8], out: &mut String) -> fmt::Result {
    let mut sparse = SparseKey::default();
    let layers = extract_bytes(data, 0, &Metadata::default(), 2, &mut sparse);
    let key = sparse.expand();
    let text = FlowDisplay { key: &key, ports: &NoNames }.to_string();
    // The packet has no port of entry here.
    out.write_str(&text.replacen("in_port=0,", "", 1))?;
    // Of a whole TCP header the checksum is told, too.
    let tcp = data.get(usize::from(layers.l4)..).filter(|header| header.len() >= 20);
    match tcp {
        Some(header) if key.nw_proto == 6 && text.starts_with("tcp") => {
            let csum = u16::from_be_bytes([header[16], header[17]]);
            if csum == 0 { out.write_str(" tcp_csum:0") } else { write!(out, " tcp_csum:{csum:x}") }
        }
        _ => Ok(()),
    }
}

impl<P: PortNames> Context<'_, P> {
    pub(super) fn packet_in(&self, packet_in: &PacketIn, out: &mut String) -> fmt::Result {
        if packet_in.table.0 != 0 {
            write!(out, " table_id={}", packet_in.table)?;
        }
        if packet_in.cookie != u64::MAX {
            write!(out, " cookie={:#x}", packet_in.cookie)?;
        }
        write!(out, " total_len={} ", packet_in.total_len)?;
        write!(out, "{}", MatchDisplay { m: &packet_in.metadata, ports: self.ports })?;
        write!(out, " (via {})", packet_in.reason.name())?;
        write!(out, " data_len={}", packet_in.data.len())?;
        match packet_in.buffer_id {
            None => out.write_str(" (unbuffered)")?,
            Some(id) => {
                write!(out, " buffer={id:#010x}")?;
                if packet_in.total_len as usize > packet_in.data.len() {
                    out.write_str(" (***data_len < total_len***)")?;
                }
            }
        }
        out.write_char('\n')?;
        if !packet_in.userdata.is_empty() {
            out.write_str(" userdata=")?;
            for (i, byte) in packet_in.userdata.iter().enumerate() {
                write!(out, "{}{byte:02x}", if i > 0 { "." } else { "" })?;
            }
            out.write_char('\n')?;
        }
        if !packet_in.continuation.is_empty() {
            self.continuation(&packet_in.continuation, out)?;
        }
        packet(&packet_in.data, out)
    }

    pub(super) fn packet_out(&self, packet_out: &PacketOut, out: &mut String) -> fmt::Result {
        out.write_str(" in_port=")?;
        self.port(packet_out.in_port, out)?;
        write!(out, " actions={}", ActionsDisplay::with_ports(&packet_out.actions, self.ports))?;
        if let Some(id) = packet_out.buffer_id {
            return write!(out, " buffer={id:#010x}");
        }
        writeln!(out, " data_len={}", packet_out.data.len())?;
        packet(&packet_out.data, out)
    }
}
