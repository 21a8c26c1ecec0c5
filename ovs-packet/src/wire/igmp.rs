//! IGMP versions 1 to 3 (RFC 3376).

use super::field::{fixed, to_the_end, view};

view! {
    /// An IGMP header. In a version 3 report (type 0x22) the group field holds a reserved half and the number of group
    /// records, which are the payload.
    view IgmpView, value IgmpHeader, 8 bytes, header fixed::<8>, end to_the_end;
    /// Type: 0x11 query, 0x12, 0x16, 0x22 reports, 0x17 leave.
    kind set_kind: u8 = 0;
    /// Longest time until the response, in tenths of a second (coded, from 128 on).
    max_response set_max_response: u8 = 1;
    /// Checksum over header and payload.
    checksum set_checksum: u16 = 2;
    /// Group address.
    group set_group: [u8; 4] = 4;
}
