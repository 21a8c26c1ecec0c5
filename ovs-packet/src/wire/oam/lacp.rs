//! Link aggregation control and marker protocol data units (IEEE 802.1AX clauses 6.4.2 and 6.5.3), which are
//! slow protocols (IEEE 802.3 annex 57A): type 0x8809, sent to 01:80:c2:00:00:02.
//!
//! ```text
//! ├ subtype 1 ┼ version 1 ┤
//! ├ 1 ┼ 20 ┼ actor:   system priority 2, system 6, key 2, port priority 2, port 2, state 1, reserved 3 ┤
//! ├ 2 ┼ 20 ┼ partner: likewise ┤
//! ├ 3 ┼ 16 ┼ collector: maximum delay 2, reserved 12 ┤
//! ├ 0 ┼ 0 ┼ reserved 50 ┤
//! ```

use super::super::field::{fixed, to_the_end, view};

bitflags::bitflags! {
    /// The state of an aggregation port, as LACP tells it.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
    pub struct LacpState: u8 {
        /// Active: sends without being asked.
        const ACTIVITY = 0x01;
        /// Short timeout.
        const TIMEOUT = 0x02;
        /// May be aggregated.
        const AGGREGATION = 0x04;
        /// Is in the right aggregator.
        const SYNCHRONIZATION = 0x08;
        /// Collects.
        const COLLECTING = 0x10;
        /// Distributes.
        const DISTRIBUTING = 0x20;
        /// Uses defaults, because it heard nothing.
        const DEFAULTED = 0x40;
        /// What it heard expired.
        const EXPIRED = 0x80;
    }
}

view! {
    /// A link aggregation control unit (slow protocol subtype 1).
    view LacpView, value LacpHeader, 110 bytes, header fixed::<110>, end to_the_end;
    /// Slow protocol subtype: 1.
    subtype set_subtype: u8 = 0;
    /// Version: 1.
    version set_version: u8 = 1;
    /// Type of the actor's part: 1.
    actor_kind set_actor_kind: u8 = 2;
    /// Bytes of the actor's part: 20.
    actor_len set_actor_len: u8 = 3;
    /// Priority of the actor's system.
    actor_system_priority set_actor_system_priority: u16 = 4;
    /// The actor's system.
    actor_system set_actor_system: [u8; 6] = 6;
    /// The actor's key: ports of one key may be aggregated.
    actor_key set_actor_key: u16 = 12;
    /// Priority of the actor's port.
    actor_port_priority set_actor_port_priority: u16 = 14;
    /// The actor's port.
    actor_port set_actor_port: u16 = 16;
    /// The actor's state ([`LacpState`]).
    actor_state set_actor_state: u8 = 18;
    /// Reserved.
    actor_reserved set_actor_reserved: [u8; 3] = 19;
    /// Type of the partner's part: 2.
    partner_kind set_partner_kind: u8 = 22;
    /// Bytes of the partner's part: 20.
    partner_len set_partner_len: u8 = 23;
    /// Priority of the partner's system.
    partner_system_priority set_partner_system_priority: u16 = 24;
    /// The partner's system.
    partner_system set_partner_system: [u8; 6] = 26;
    /// The partner's key.
    partner_key set_partner_key: u16 = 32;
    /// Priority of the partner's port.
    partner_port_priority set_partner_port_priority: u16 = 34;
    /// The partner's port.
    partner_port set_partner_port: u16 = 36;
    /// The partner's state ([`LacpState`]).
    partner_state set_partner_state: u8 = 38;
    /// Reserved.
    partner_reserved set_partner_reserved: [u8; 3] = 39;
    /// Type of the collector's part: 3.
    collector_kind set_collector_kind: u8 = 42;
    /// Bytes of the collector's part: 16.
    collector_len set_collector_len: u8 = 43;
    /// Longest delay in the collector, in units of ten microseconds.
    collector_max_delay set_collector_max_delay: u16 = 44;
    /// Reserved.
    collector_reserved set_collector_reserved: [u8; 12] = 46;
    /// Type and length of the terminator: 0.
    terminator set_terminator: u16 = 58;
    /// Reserved.
    reserved set_reserved: [u8; 50] = 60;
}

impl<T: AsRef<[u8]>> LacpView<T> {
    /// The actor's state, by flag.
    pub fn actor_flags(&self) -> LacpState {
        LacpState::from_bits_retain(self.actor_state())
    }

    /// The partner's state, by flag.
    pub fn partner_flags(&self) -> LacpState {
        LacpState::from_bits_retain(self.partner_state())
    }
}

view! {
    /// A marker unit (slow protocol subtype 2).
    view MarkerView, value MarkerHeader, 110 bytes, header fixed::<110>, end to_the_end;
    /// Slow protocol subtype: 2.
    subtype set_subtype: u8 = 0;
    /// Version: 1.
    version set_version: u8 = 1;
    /// Type: 1 marker, 2 response.
    kind set_kind: u8 = 2;
    /// Bytes of the marker's part: 16.
    length set_length: u8 = 3;
    /// Port of the requester.
    requester_port set_requester_port: u16 = 4;
    /// System of the requester.
    requester_system set_requester_system: [u8; 6] = 6;
    /// Transaction, as the requester numbers them.
    transaction set_transaction: u32 = 12;
    /// Padding.
    pad set_pad: u16 = 16;
    /// Type and length of the terminator: 0.
    terminator set_terminator: u16 = 18;
    /// Reserved.
    reserved set_reserved: [u8; 90] = 20;
}
