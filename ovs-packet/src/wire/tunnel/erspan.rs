//! ERSPAN (draft-foschiano-erspan): mirrored frames in GRE.
//!
//! Version I has no header of its own (GRE type 0x88be without a sequence number); version II is GRE type 0x88be with a
//! sequence number, version III 0x22eb.
//!
//! ```text
//! II:  ├ version 4, vlan 12 ┼ cos 3, encapsulation 2, truncated 1, session 10 ┼ reserved 12, index 20 ┤
//! III: ├ version 4, vlan 12 ┼ cos 3, damaged 2, truncated 1, session 10 ┼ timestamp 32 ┤
//!      ├ sgt 16 ┼ P 1, frame type 5, hardware 6, direction 1, granularity 2, O 1 ┼ platform 8 bytes, if O ┤
//! ```

use super::super::field::{fixed, to_the_end, view};

view! {
    /// A version II header.
    view Erspan2View, value Erspan2Header, 8 bytes, header fixed::<8>, end to_the_end;
    /// Version and VLAN.
    version_vlan set_version_vlan: u16 = 0 {
        /// Version: 1 for ERSPAN II.
        version set_version: u8 = 12, 4;
        /// VLAN that the frame was in.
        vlan set_vlan: u16 = 0, 12;
    };
    /// Class of service, encapsulation, truncation, session.
    cos_session set_cos_session: u16 = 2 {
        /// Class of service.
        cos set_cos: u8 = 13, 3;
        /// How the frame came: 0 untagged, 1 ISL, 2 802.1Q, 3 tag preserved.
        encapsulation set_encapsulation: u8 = 11, 2;
        /// The frame was cut.
        truncated set_truncated: bool = 10, 1;
        /// Session.
        session set_session: u16 = 0, 10;
    };
    /// Reserved and index.
    reserved_index set_reserved_index: u32 = 4 {
        /// Port of source and direction.
        index set_index: u32 = 0, 20;
    };
}

view! {
    /// A version III header with its platform-specific part.
    view Erspan3View, value Erspan3Header, 12 bytes, header erspan3_len, end to_the_end;
    /// Version and VLAN.
    version_vlan set_version_vlan: u16 = 0 {
        /// Version: 2 for ERSPAN III.
        version set_version: u8 = 12, 4;
        /// VLAN that the frame was in.
        vlan set_vlan: u16 = 0, 12;
    };
    /// Class of service, integrity, truncation, session.
    cos_session set_cos_session: u16 = 2 {
        /// Class of service.
        cos set_cos: u8 = 13, 3;
        /// Bad, short or oversized frame: 0 good, 1 short, 2 oversized, 3 bad checksum.
        damaged set_damaged: u8 = 11, 2;
        /// The frame was cut.
        truncated set_truncated: bool = 10, 1;
        /// Session.
        session set_session: u16 = 0, 10;
    };
    /// Time in units of the granularity.
    timestamp set_timestamp: u32 = 4;
    /// Security group tag.
    security_group set_security_group: u16 = 8;
    /// Frame type, hardware, direction, granularity.
    details set_details: u16 = 10 {
        /// The frame is an Ethernet one.
        is_ethernet set_is_ethernet: bool = 15, 1;
        /// Frame type: 0 Ethernet, 2 IP.
        frame_type set_frame_type: u8 = 10, 5;
        /// Which engine mirrored it.
        hardware_id set_hardware_id: u8 = 4, 6;
        /// 1 if the frame was sent, 0 if received.
        direction set_direction: u8 = 3, 1;
        /// 0 is 100 µs, 1 100 ns, 2 IEEE 1588, 3 the user's.
        granularity set_granularity: u8 = 1, 2;
        /// The platform-specific part is there.
        has_platform set_has_platform: bool = 0, 1;
    };
}

fn erspan3_len(bytes: &[u8]) -> usize {
    if bytes[11] & 1 == 0 { 12 } else { 20 }
}

impl<T: AsRef<[u8]>> Erspan3View<T> {
    /// The platform-specific part: identifier (6 bits) and information (58), if there.
    pub fn platform(&self) -> Option<[u8; 8]> {
        self.variable().first_chunk().copied()
    }
}
