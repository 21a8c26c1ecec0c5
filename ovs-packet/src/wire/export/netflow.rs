//! NetFlow version 5 (as documented by Cisco: a header of 24 bytes, then up to 30 records of 48 bytes).
//!
//! ```
//! use ovs_packet::wire::export::netflow::{NetflowHeader, NetflowRecord, message};
//!
//! let record = NetflowRecord { src: [10, 0, 0, 1], dst: [10, 0, 0, 2], packets: 3, ..NetflowRecord::default() };
//! let bytes = message(NetflowHeader { sequence: 7, ..NetflowHeader::default() }, &[record])?;
//! assert_eq!((bytes.len(), &bytes[..4]), (72, &[0, 5, 0, 1][..]));
//! # Ok::<(), ovs_packet::wire::export::ExportError>(())
//! ```

use alloc::vec::Vec;

use super::super::field::{fixed, to_the_end, view};
use super::super::list::{Item, Items, head};
use super::super::{IpProtocol, WireError};
use super::ExportError;

/// Most records of one message.
pub const MAX_RECORDS: usize = 30;

view! {
    /// A message's header; the payload is records.
    view NetflowView, value NetflowHeader, 24 bytes, header fixed::<24>, end to_the_end;
    /// Version: 5.
    version set_version: u16 = 0;
    /// Number of records.
    count set_count: u16 = 2;
    /// Milliseconds since the exporter started.
    uptime set_uptime: u32 = 4;
    /// Seconds since 1970.
    seconds set_seconds: u32 = 8;
    /// Nanoseconds on top of that.
    nanoseconds set_nanoseconds: u32 = 12;
    /// Records sent before this message.
    sequence set_sequence: u32 = 16;
    /// Type of the exporting engine.
    engine_type set_engine_type: u8 = 20;
    /// The exporting engine.
    engine_id set_engine_id: u8 = 21;
    /// Sampling mode (2 bits) and interval (14).
    sampling set_sampling: u16 = 22 {
        /// Sampling mode.
        sampling_mode set_sampling_mode: u8 = 14, 2;
        /// One packet of how many is sampled.
        sampling_interval set_sampling_interval: u16 = 0, 14;
    };
}

impl<T: AsRef<[u8]>> NetflowView<T> {
    /// The records.
    pub fn records(&self) -> Items<'_, NetflowRecord> {
        Items::counted(self.payload(), Self::LEN, usize::from(self.count()))
    }
}

view! {
    /// One record: a flow that ended, or that has gone on for a while.
    view NetflowRecordView, value NetflowRecord, 48 bytes, header fixed::<48>, end to_the_end;
    /// Source address.
    src set_src: [u8; 4] = 0;
    /// Destination address.
    dst set_dst: [u8; 4] = 4;
    /// Next hop.
    next_hop set_next_hop: [u8; 4] = 8;
    /// Interface that it came by (SNMP index).
    input set_input: u16 = 12;
    /// Interface that it left by.
    output set_output: u16 = 14;
    /// Packets.
    packets set_packets: u32 = 16;
    /// Bytes of IP packets.
    octets set_octets: u32 = 20;
    /// Uptime at the first packet, in milliseconds.
    first set_first: u32 = 24;
    /// Uptime at the last packet.
    last set_last: u32 = 28;
    /// Source port.
    src_port set_src_port: u16 = 32;
    /// Destination port, or ICMP type × 256 + code.
    dst_port set_dst_port: u16 = 34;
    /// Padding.
    pad set_pad: u8 = 36;
    /// All TCP flags that were seen.
    tcp_flags set_tcp_flags: u8 = 37;
    /// IP protocol.
    protocol set_protocol: IpProtocol = 38;
    /// Type of service.
    tos set_tos: u8 = 39;
    /// Autonomous system of the source.
    src_as set_src_as: u16 = 40;
    /// Autonomous system of the destination.
    dst_as set_dst_as: u16 = 42;
    /// Bits of the source's prefix.
    src_mask set_src_mask: u8 = 44;
    /// Bits of the destination's prefix.
    dst_mask set_dst_mask: u8 = 45;
    /// Padding.
    pad2 set_pad2: u16 = 46;
}

impl Item<'_> for NetflowRecord {
    fn read(bytes: &[u8]) -> Result<Option<(Self, usize)>, WireError> {
        Ok(Some((Self::from_bytes(&head(bytes)?), Self::LEN)))
    }

    fn put(&self, out: &mut Vec<u8>) {
        out.extend(self.to_bytes());
    }
}

/// A message of these records, at most [`MAX_RECORDS`]. Version and count of the header are set.
pub fn message(header: NetflowHeader, records: &[NetflowRecord]) -> Result<Vec<u8>, ExportError> {
    if records.len() > MAX_RECORDS {
        return Err(ExportError::TooMany { count: records.len(), most: MAX_RECORDS });
    }
    let header = NetflowHeader { version: 5, count: records.len() as u16, ..header };
    let mut bytes = header.to_bytes().to_vec();
    for record in records {
        record.put(&mut bytes);
    }
    Ok(bytes)
}
