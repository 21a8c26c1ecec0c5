//! Bridge protocol data units of the spanning tree protocols (IEEE 802.1D clause 9, 802.1Q clause 14), in LLC 0x42.
//!
//! ```text
//! ├ protocol 2: 0 ┼ version 1 ┼ type 1 ┤                                                topology change notification ends here
//! ├ flags 1 ┼ root 8 ┼ path cost 4 ┼ bridge 8 ┼ port 2 ┼ age, max age, hello, delay 2+2+2+2 ┤  configuration (35 bytes)
//! ├ version 1 length 1: 0 ┤                                                             RSTP (36 bytes)
//! ├ version 3 length 2 ┼ configuration 51 ┼ internal cost 4 ┼ bridge 8 ┼ hops 1 ┼ instances 16 each … ┤   MSTP
//! ```
//! Times are in units of 1/256 second. A bridge identifier is a priority (2 bytes) and an address (6).

use alloc::vec::Vec;

use super::super::WireError;
use super::super::field::{fixed, to_the_end, view};
use super::super::list::{Item, Items, head};

view! {
    /// What every unit begins with, and all of a topology change notification.
    view BpduView, value BpduHeader, 4 bytes, header fixed::<4>, end to_the_end;
    /// Protocol: 0.
    protocol set_protocol: u16 = 0;
    /// Version: 0 STP, 2 RSTP, 3 MSTP.
    version set_version: u8 = 2;
    /// Type: 0 configuration, 0x80 topology change notification, 2 rapid.
    kind set_kind: u8 = 3;
}

view! {
    /// A configuration unit (STP), and the same fields of a rapid one (RSTP), which has a byte more
    /// ([`version1_len`](BridgeUnitView::version1_len)).
    view BridgeUnitView, value BridgeUnitHeader, 35 bytes, header unit_len, end to_the_end;
    /// Protocol: 0.
    protocol set_protocol: u16 = 0;
    /// Version: 0 STP, 2 RSTP, 3 MSTP.
    version set_version: u8 = 2;
    /// Type: 0 configuration, 2 rapid.
    kind set_kind: u8 = 3;
    /// Flags.
    flags set_flags: u8 = 4 {
        /// Topology change acknowledgment.
        change_acknowledged set_change_acknowledged: bool = 7, 1;
        /// Agreement.
        agreement set_agreement: bool = 6, 1;
        /// Forwarding.
        forwarding set_forwarding: bool = 5, 1;
        /// Learning.
        learning set_learning: bool = 4, 1;
        /// Role of the port: 1 alternate or backup, 2 root, 3 designated.
        role set_role: u8 = 2, 2;
        /// Proposal.
        proposal set_proposal: bool = 1, 1;
        /// Topology change.
        topology_change set_topology_change: bool = 0, 1;
    };
    /// Priority of the root.
    root_priority set_root_priority: u16 = 5;
    /// Address of the root.
    root_address set_root_address: [u8; 6] = 7;
    /// Cost of the path to the root.
    root_path_cost set_root_path_cost: u32 = 13;
    /// Priority of the sender.
    bridge_priority set_bridge_priority: u16 = 17;
    /// Address of the sender.
    bridge_address set_bridge_address: [u8; 6] = 19;
    /// Port of the sender: priority (4 bits), number (12).
    port set_port: u16 = 25;
    /// Age of the information.
    message_age set_message_age: u16 = 27;
    /// Age at which it expires.
    max_age set_max_age: u16 = 29;
    /// Interval between units.
    hello_time set_hello_time: u16 = 31;
    /// Delay of each step to forwarding.
    forward_delay set_forward_delay: u16 = 33;
}

fn unit_len(bytes: &[u8]) -> usize {
    if bytes[2] < 2 { 35 } else { 36 }
}

impl<T: AsRef<[u8]>> BridgeUnitView<T> {
    /// A rapid unit's version 1 length: 0.
    pub fn version1_len(&self) -> Option<u8> {
        self.variable().first().copied()
    }

    /// What MSTP adds, if this is a unit of version 3 and it is whole.
    pub fn multiple(&self) -> Option<MultipleTreeView<&[u8]>> {
        (self.version() >= 3).then(|| MultipleTreeView::new_checked(self.payload()).ok())?
    }
}

view! {
    /// What MSTP adds behind a rapid unit (IEEE 802.1Q clause 14.4).
    view MultipleTreeView, value MultipleTreeHeader, 66 bytes, header fixed::<66>, end multiple_end;
    /// Bytes behind this field.
    length set_length: u16 = 0;
    /// Configuration: format selector.
    format set_format: u8 = 2;
    /// Configuration: name, zero-padded.
    name set_name: [u8; 32] = 3;
    /// Configuration: revision.
    revision set_revision: u16 = 35;
    /// Configuration: digest of the mapping of VLANs to instances.
    digest set_digest: [u8; 16] = 37;
    /// Cost of the path to the regional root.
    internal_path_cost set_internal_path_cost: u32 = 53;
    /// Priority of the sender.
    bridge_priority set_bridge_priority: u16 = 57;
    /// Address of the sender.
    bridge_address set_bridge_address: [u8; 6] = 59;
    /// Hops that remain.
    hops set_hops: u8 = 65;
}

fn multiple_end(bytes: &[u8]) -> usize {
    2 + usize::from(u16::from_be_bytes([bytes[0], bytes[1]]))
}

impl<T: AsRef<[u8]>> MultipleTreeView<T> {
    /// The instances' messages.
    pub fn instances(&self) -> Items<'_, TreeInstance> {
        Items::new(self.payload(), Self::LEN)
    }
}

/// The message of one spanning tree instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TreeInstance {
    /// Flags, as in the unit; the highest is "master".
    pub flags: u8,
    /// Regional root: priority (4 bits), instance (12), address (48).
    pub root: [u8; 8],
    /// Cost of the path to it.
    pub path_cost: u32,
    /// Priority of the sender's bridge, in the upper four bits.
    pub bridge_priority: u8,
    /// Priority of the sender's port, in the upper four bits.
    pub port_priority: u8,
    /// Hops that remain.
    pub hops: u8,
}

impl Item<'_> for TreeInstance {
    fn read(bytes: &[u8]) -> Result<Option<(Self, usize)>, WireError> {
        let message = head::<16>(bytes)?;
        let [.., bridge_priority, port_priority, hops] = message;
        let path_cost = u32::from_be_bytes(head(&message[9..])?);
        let root = head(&message[1..])?;
        Ok(Some((Self { flags: message[0], root, path_cost, bridge_priority, port_priority, hops }, 16)))
    }

    fn put(&self, out: &mut Vec<u8>) {
        out.push(self.flags);
        out.extend(self.root);
        out.extend(self.path_cost.to_be_bytes());
        out.extend([self.bridge_priority, self.port_priority, self.hops]);
    }
}
