//! What can be told of a packet without making its key.
//!
//! A megaflow that sends all of a port's traffic looks at nothing of a packet but its Ethernet type, tag and fragment kind.
//! For packets of the most usual kinds these stand at fixed places, and reading them takes a fifth of what a key takes.

use crate::field::numbers::{eth, ip};
use crate::{FlowMask, VlanTag, WORDS};

use super::words;

/// What the key of an untagged and unfragmented IP packet has, as far as a glance shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Glance {
    /// The Ethernet type: 0x0800 or 0x86dd.
    pub dl_type: u16,
    /// The low twelve bits are TCP's flags, zero if the packet is not TCP.
    pub tcp_flags: u16,
}

/// The bits of a key that are known of a packet that comes in by a port and shows this.
const SHOWN: [u64; WORDS] = {
    let mut shown = [0; WORDS];
    let mut at = 0;
    while at < words::DL_DST {
        shown[at] = u64::MAX;
        at += 1;
    }
    // The port's own priority, and the packet's mark.
    shown[words::PRIORITY_MARK] = u64::from_ne_bytes([0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]);
    shown[words::DL_SRC_TYPE] = u64::from_ne_bytes([0, 0, 0, 0, 0xff, 0xff, 0, 0]);
    shown[words::VLANS] = u64::MAX;
    shown[words::LABEL_IP] = u64::from_ne_bytes([0, 0, 0, 0, 0xff, 0, 0, 0]);
    shown
};

const _: () = assert!(size_of::<[VlanTag; crate::MAX_VLANS]>() == 8);

/// Bytes that such a packet has at least: Ethernet and IPv4.
const LEAST: usize = 34;

impl Glance {
    /// Looks at an Ethernet frame (a packet of type 0). `None` for all that is unusual, which says nothing.
    #[inline(always)]
    pub fn of(data: &[u8]) -> Option<Self> {
        let start = data.first_chunk::<LEAST>()?;
        let [_, _, _, _, _, _, _, _, _, _, _, _, t0, t1, first, _, len0, len1, _, _, f0, f1, _, protocol, ..] =
            *start;
        if u16::from_be_bytes([t0, t1]) != eth::IPV4 || first != 0x45 {
            return Self::of_ipv6(data);
        }
        // Fragments: any bit but "do not fragment".
        if f0 & 0xbf | f1 != 0 {
            return None;
        }
        let mut tcp_flags = 0;
        if protocol == ip::TCP {
            let total = usize::from(u16::from_be_bytes([len0, len1]));
            tcp_flags = flags(data, 14, 20, total)?;
        }
        Some(Self { dl_type: eth::IPV4, tcp_flags })
    }

    #[inline(never)]
    fn of_ipv6(data: &[u8]) -> Option<Self> {
        let [.., t0, t1, _, _, _, _, len0, len1, next, _] = *data.first_chunk::<22>()?;
        if u16::from_be_bytes([t0, t1]) != eth::IPV6 {
            return None;
        }
        let tcp_flags = match next {
            ip::TCP => flags(data, 14, 40, 40 + usize::from(u16::from_be_bytes([len0, len1])))?,
            // Other headers may have a fragment header behind them.
            ip::UDP | ip::ICMPV6 => 0,
            _ => return None,
        };
        Some(Self { dl_type: eth::IPV6, tcp_flags })
    }

    /// Whether two packets of one port, of which this is told, match a megaflow of this mask either both or not at all: it
    /// looks at nothing of a packet that comes in by a port but what a glance shows. The packet's mark is not
    /// among that.
    pub fn decides(mask: &FlowMask) -> bool {
        let more = mask.words().iter().zip(&SHOWN).fold(0, |more, (word, shown)| more | word & !shown);
        more == 0
    }
}

/// The flags of TCP behind `header` bytes of IP, of which there are `total` bytes from `at` on as far as they can be believed.
#[inline(always)]
fn flags(data: &[u8], at: usize, header: usize, total: usize) -> Option<u16> {
    let padding = data.len().checked_sub(at + total)?;
    let [f0, f1] = *data.get(at + header + 12..)?.first_chunk::<2>()?;
    let own = usize::from(f0 >> 4) * 4;
    let sane = own >= 20 && header + own <= total && padding <= 0xffff;
    sane.then(|| u16::from_be_bytes([f0 & 0x0f, f1]))
}
