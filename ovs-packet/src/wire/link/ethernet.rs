//! Ethernet (IEEE 802.3 clause 3), LLC and SNAP (IEEE 802.2), VLAN tags (IEEE 802.1Q clause 9).
//!
//! ```text
//! ├── dst 6 ──┼── src 6 ──┼ type 2 ┤                                          Ethernet II
//! ├── dst 6 ──┼── src 6 ──┼ 0x8100 ┼ pcp 3, dei 1, vid 12 ┼ type 2 ┤          802.1Q (0x88a8: 802.1ad)
//! ├── dst 6 ──┼── src 6 ──┼ length ┼ dsap 1 ┼ ssap 1 ┼ control 1 ┤            802.3 with LLC
//! ├── dst 6 ──┼── src 6 ──┼ length ┼   aa   ┼   aa   ┼    03     ┼ oui 3 ┼ type 2 ┤  with SNAP
//! ```

use super::super::EtherType;
use super::super::field::{fixed, to_the_end, view};

view! {
    /// An Ethernet header. The payload begins behind the `EtherType`: with a VLAN tag's second half
    /// ([`VlanView`]) if that says so, with an LLC header ([`LlcView`]) if it [is a length](EtherType::is_length); then
    /// it ends there, so that padding is left out.
    view EthernetView, value EthernetHeader, 14 bytes, header fixed::<14>, end end;
    /// Destination address.
    dst set_dst: [u8; 6] = 0;
    /// Source address.
    src set_src: [u8; 6] = 6;
    /// Type of what follows, or its length.
    ether_type set_ether_type: EtherType = 12;
}

fn end(bytes: &[u8]) -> usize {
    let ether_type = EtherType(u16::from_be_bytes([bytes[12], bytes[13]]));
    if ether_type.is_length() && ether_type.0 <= 1500 { 14 + usize::from(ether_type.0) } else { bytes.len() }
}

view! {
    /// A VLAN tag behind its `EtherType` (0x8100 or 0x88a8): control information, then the type of what follows.
    view VlanView, value VlanHeader, 4 bytes, header fixed::<4>, end to_the_end;
    /// Priority (3 bits), drop eligible (1), VLAN (12).
    tci set_tci: u16 = 0 {
        /// VLAN identifier, 0 to 4095; 0 is a tag with priority only.
        vid set_vid: u16 = 0, 12;
        /// Priority, 0 to 7.
        pcp set_pcp: u8 = 13, 3;
        /// Drop eligible indicator.
        dei set_dei: bool = 12, 1;
    };
    /// Type of what follows, which may be another tag.
    ether_type set_ether_type: EtherType = 2;
}

view! {
    /// An LLC header with a one-byte control field (unnumbered formats, of which SNAP is one).
    view LlcView, value LlcHeader, 3 bytes, header fixed::<3>, end to_the_end;
    /// Destination service access point; 0x42 is the spanning tree's.
    dsap set_dsap: u8 = 0;
    /// Source service access point.
    ssap set_ssap: u8 = 1;
    /// Control field.
    control set_control: u8 = 2;
}

view! {
    /// An LLC header with SNAP behind it.
    view SnapView, value SnapHeader, 8 bytes, header fixed::<8>, end to_the_end;
    /// The LLC header: aa aa 03 if this is SNAP.
    llc set_llc: [u8; 3] = 0;
    /// Organization; zero means that the type is an `EtherType`.
    oui set_oui: [u8; 3] = 3;
    /// Type of what follows.
    ether_type set_ether_type: EtherType = 6;
}

impl<T: AsRef<[u8]>> SnapView<T> {
    /// True if the LLC header announces SNAP and the organization is zero, so that the type is an `EtherType`.
    pub fn is_ether_type(&self) -> bool {
        self.llc() == [0xaa, 0xaa, 0x03] && self.oui() == [0; 3]
    }
}
