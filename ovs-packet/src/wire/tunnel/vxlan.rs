//! VXLAN (RFC 7348 section 5), with group-based policy (draft-smith-vxlan-group-policy) and the generic protocol
//! extension (draft-ietf-nvo3-vxlan-gpe).
//!
//! ```text
//! ├ flags 1: G...I... or ..VVIPBO ┼ reserved, policy flags .D..A... 1 ┼ policy group 2; GPE: next protocol in the last byte ┤
//! ├ network identifier 3 ┼ reserved 1 ┤
//! ```

use super::super::field::{fixed, to_the_end, view};

view! {
    /// A VXLAN header. What the extensions add means something only if their flag is set.
    view VxlanView, value VxlanHeader, 8 bytes, header fixed::<8>, end to_the_end;
    /// Flags.
    flags set_flags: u8 = 0 {
        /// Group-based policy extension: `policy_flags` and `policy_group` mean something.
        has_policy set_has_policy: bool = 7, 1;
        /// The network identifier means something.
        has_vni set_has_vni: bool = 3, 1;
        /// Generic protocol extension: `next_protocol` means something.
        has_next_protocol set_has_next_protocol: bool = 2, 1;
        /// Generic protocol extension: broadcast, unknown unicast or multicast was replicated at ingress.
        is_flooded set_is_flooded: bool = 1, 1;
        /// Generic protocol extension: operations and maintenance.
        is_oam set_is_oam: bool = 0, 1;
    };
    /// Flags of the group-based policy extension, else reserved.
    policy_flags set_policy_flags: u8 = 1 {
        /// The egress endpoint must not learn the source address.
        dont_learn set_dont_learn: bool = 6, 1;
        /// The policy was applied already.
        policy_applied set_policy_applied: bool = 3, 1;
    };
    /// Policy group, or in its lower byte the next protocol.
    policy_group set_policy_group: u16 = 2 {
        /// What follows, in the generic protocol extension: 1 IPv4, 2 IPv6, 3 Ethernet, 4 NSH, 5 MPLS.
        next_protocol set_next_protocol: u8 = 0, 8;
    };
    /// Network identifier (24 bits), reserved (8).
    vni_reserved set_vni_reserved: u32 = 4 {
        /// Network identifier.
        vni set_vni: u32 = 8, 24;
    };
}
