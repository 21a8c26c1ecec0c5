//! Neighbour discovery (RFC 4861 section 4): solicitations, advertisements, redirects. Their options are
//! [`NeighborOption`]s.
//!
//! ```text
//! ├ type 1 ┼ code 1 ┼ checksum 2 ┤
//! ├ flags or reserved 4 ┼ target 16 ┼ options …               ┤  neighbour solicitation (135), advertisement (136)
//! ├ reserved 4 ┼ options …                                    ┤  router solicitation (133)
//! ├ hop limit 1, flags 1, lifetime 2, reachable 4, retransmit 4 ┼ options … ┤  router advertisement (134)
//! ├ reserved 4 ┼ target 16 ┼ destination 16 ┼ options …       ┤  redirect (137)
//! ```

use super::super::field::{fixed, to_the_end, view};
use super::super::list::Items;
use super::discovery::NeighborOption;

view! {
    /// A neighbour solicitation (ICMPv6 type 135) or advertisement (136); the payload is options.
    view NeighborView, value NeighborHeader, 24 bytes, header fixed::<24>, end to_the_end;
    /// ICMPv6 type.
    kind set_kind: u8 = 0;
    /// ICMPv6 code.
    code set_code: u8 = 1;
    /// ICMPv6 checksum.
    checksum set_checksum: u16 = 2;
    /// An advertisement's flags; reserved in a solicitation.
    flags set_flags: u32 = 4 {
        /// The sender is a router.
        router set_router: bool = 31, 1;
        /// It answers a solicitation.
        solicited set_solicited: bool = 30, 1;
        /// It overrides what the receiver has cached.
        override_cached set_override_cached: bool = 29, 1;
    };
    /// The address that is asked for or told.
    target set_target: [u8; 16] = 8;
}

view! {
    /// A router solicitation (ICMPv6 type 133); the payload is options.
    view RouterSolicitView, value RouterSolicitHeader, 8 bytes, header fixed::<8>, end to_the_end;
    /// ICMPv6 type.
    kind set_kind: u8 = 0;
    /// ICMPv6 code.
    code set_code: u8 = 1;
    /// ICMPv6 checksum.
    checksum set_checksum: u16 = 2;
    /// Reserved.
    reserved set_reserved: u32 = 4;
}

view! {
    /// A router advertisement (ICMPv6 type 134); the payload is options.
    view RouterAdvertView, value RouterAdvertHeader, 16 bytes, header fixed::<16>, end to_the_end;
    /// ICMPv6 type.
    kind set_kind: u8 = 0;
    /// ICMPv6 code.
    code set_code: u8 = 1;
    /// ICMPv6 checksum.
    checksum set_checksum: u16 = 2;
    /// Hop limit that hosts should use; 0 if unspecified.
    hop_limit set_hop_limit: u8 = 4;
    /// Flags.
    flags set_flags: u8 = 5 {
        /// Addresses come from `DHCPv6`.
        managed set_managed: bool = 7, 1;
        /// Other configuration comes from `DHCPv6`.
        other set_other: bool = 6, 1;
        /// Preference of the router, a signed number of two bits (RFC 4191).
        preference set_preference: u8 = 3, 2;
    };
    /// Seconds for which the sender is a default router.
    router_lifetime set_router_lifetime: u16 = 6;
    /// Milliseconds for which a neighbour counts as reachable; 0 if unspecified.
    reachable_time set_reachable_time: u32 = 8;
    /// Milliseconds between solicitations; 0 if unspecified.
    retransmit_timer set_retransmit_timer: u32 = 12;
}

view! {
    /// A redirect (ICMPv6 type 137); the payload is options.
    view RedirectView, value RedirectHeader, 40 bytes, header fixed::<40>, end to_the_end;
    /// ICMPv6 type.
    kind set_kind: u8 = 0;
    /// ICMPv6 code.
    code set_code: u8 = 1;
    /// ICMPv6 checksum.
    checksum set_checksum: u16 = 2;
    /// Reserved.
    reserved set_reserved: u32 = 4;
    /// The better next hop.
    target set_target: [u8; 16] = 8;
    /// The destination that is redirected.
    destination set_destination: [u8; 16] = 24;
}

/// All of these messages have options for payload.
macro_rules! options {
    ($($view:ident),*) => { $(
        impl<T: AsRef<[u8]>> $view<T> {
            /// The options.
            pub fn options(&self) -> Items<'_, NeighborOption<'_>> {
                Items::new(self.payload(), Self::LEN)
            }
        }
    )* };
}

options!(NeighborView, RouterSolicitView, RouterAdvertView, RedirectView);
