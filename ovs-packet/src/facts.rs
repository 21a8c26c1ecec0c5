//! What a device said about a packet, and where its headers begin.

bitflags::bitflags! {
    /// What a device did to a packet on receive, or must still do on transmit.
    ///
    /// The two directions share one word, because a packet that one device received with
    /// unfinished work (a checksum, segmentation) leaves by the next with the same work unfinished.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
    pub struct Offload: u32 {
        /// The device (or a sender on this same host) vouches for the innermost L4 checksum.
        const CSUM_VALID = 1 << 0;
        /// The device has verified the L4 checksum and found it wrong.
        const CSUM_BAD = 1 << 1;
        /// The L4 checksum field holds only the folded pseudo-header sum. Whoever transmits must add
        /// the bytes from `csum_start` to the end and store the result at `csum_start + csum_offset`.
        const NEEDS_L4_CSUM = 1 << 2;
        /// TCP over IPv4, to be cut into segments of `segment_size` payload bytes.
        const TSO4 = 1 << 3;
        /// TCP over IPv6, to be cut into segments of `segment_size` payload bytes.
        const TSO6 = 1 << 4;
        /// UDP, to be cut into datagrams of `segment_size` payload bytes.
        const USO = 1 << 5;
        /// A TCP super-packet whose first segment alone keeps CWR (RFC 3168 section 6.1.2).
        const ECN = 1 << 6;
        /// The unfinished work (checksum, segmentation) concerns the headers inside a VXLAN tunnel.
        const IN_VXLAN = 1 << 7;
        /// The unfinished work concerns the headers inside a Geneve tunnel.
        const IN_GENEVE = 1 << 8;
        /// The unfinished work concerns the headers inside a GRE tunnel.
        const IN_GRE = 1 << 9;
        /// The unfinished work concerns the headers inside IP in IP (RFC 2003, RFC 2473, RFC 4213).
        const IN_IP = 1 << 10;
        /// The UDP checksum of the outermost headers holds only the folded pseudo-header sum; with a tunnel's flag.
        const NEEDS_OUTER_L4_CSUM = 1 << 11;
    }
}

impl Offload {
    /// Every kind of segmentation.
    pub const SEGMENT: Self = Self::TSO4.union(Self::TSO6).union(Self::USO);

    /// Every kind of tunnel. At most one is set: what is to be segmented inside a tunnel is segmented before it enters
    /// another.
    pub const TUNNEL: Self = Self::IN_VXLAN.union(Self::IN_GENEVE).union(Self::IN_GRE).union(Self::IN_IP);

    /// Every kind of work that is to be done before the bytes may go on a wire.
    pub const UNFINISHED: Self = Self::SEGMENT.union(Self::NEEDS_L4_CSUM).union(Self::NEEDS_OUTER_L4_CSUM);
}

/// Facts that only a device can know, carried with a packet from receive to transmit.
///
/// Everything that the packet's bytes can tell is left out: it is parsed when needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DeviceFacts {
    /// Finished and unfinished work.
    pub offload: Offload,
    /// Payload bytes per segment; meaningful with a flag of [`Offload::SEGMENT`].
    pub segment_size: u16,
    /// First byte that the checksum covers, counted from the packet's first byte; meaningful with
    /// [`Offload::NEEDS_L4_CSUM`]. [`push_front`](crate::Packet::push_front) and
    /// [`pull_front`](crate::Packet::pull_front) keep it pointing at the same byte.
    pub csum_start: u16,
    /// Where the checksum is stored, counted from `csum_start`.
    pub csum_offset: u16,
    /// The receive-side-scaling hash, if the device computed one.
    pub rss_hash: Option<u32>,
    /// The packet mark (`skb_mark`, `pkt_mark`).
    pub mark: u32,
    /// The queue of the device that it leaves by (`skb_priority`); 0 for the device's own choice. No device sets it.
    pub queue: u32,
    /// What the first byte begins: namespace in the upper 16 bits, type in the lower (OpenFlow 1.5
    /// section 7.2.3.11); 0 is Ethernet, `1 << 16 | EtherType` is a bare network-layer packet.
    pub packet_type: u32,
    /// When the device received it, in nanoseconds of the device's clock.
    pub timestamp: Option<u64>,
}

impl DeviceFacts {
    /// True if somebody must still compute a checksum or cut segments before the bytes may go on a wire.
    #[inline]
    pub fn is_unfinished(&self) -> bool {
        self.offload.intersects(Offload::UNFINISHED)
    }

    /// The packet's outer headers are about to be taken off: what was work inside a tunnel is work on the packet.
    #[inline]
    pub fn decapsulated(&mut self) {
        self.offload.remove(Offload::TUNNEL | Offload::NEEDS_OUTER_L4_CSUM);
    }

    /// The packet was put into a tunnel of such a kind (a flag of [`Offload::TUNNEL`]), whose outer UDP checksum holds
    /// only the pseudo-header sum if `outer_partial`. A packet whose work is inside a tunnel already must have been
    /// [finished](crate::edit::finish) before; false, and nothing is changed, if it was not. So must one that gets a
    /// GRE checksum and will not be segmented, for that covers bytes that are still to change.
    #[inline]
    pub fn encapsulated(&mut self, tunnel: Offload, outer_partial: bool) -> bool {
        if self.offload.intersects(Offload::TUNNEL) && self.is_unfinished() {
            return false;
        }
        self.offload.remove(Offload::TUNNEL);
        self.offload.insert(tunnel & Offload::TUNNEL);
        self.offload.set(Offload::NEEDS_OUTER_L4_CSUM, outer_partial);
        true
    }

    /// Follows `n` bytes added at the packet's front.
    #[inline]
    pub(crate) fn moved_back(&mut self, n: usize) {
        if self.offload.contains(Offload::NEEDS_L4_CSUM) {
            self.csum_start = self.csum_start.saturating_add(clamp(n));
        }
    }

    /// Follows `n` bytes taken from the packet's front. A partial checksum whose start is cut off
    /// belonged to a header that no longer exists, so the duty to complete it ends too.
    pub(crate) fn moved_forward(&mut self, n: usize) {
        if self.offload.contains(Offload::NEEDS_L4_CSUM) {
            match self.csum_start.checked_sub(clamp(n)) {
                Some(start) => self.csum_start = start,
                None => self.offload.remove(Offload::NEEDS_L4_CSUM),
            }
        }
    }
}

/// "No such layer" in [`LayerOffsets`].
pub const ABSENT: u16 = u16::MAX;

/// Where the headers begin, counted from the packet's first byte; [`ABSENT`] if not parsed or not there.
///
/// Whoever parses fills them in; [`push_front`](crate::Packet::push_front) and
/// [`pull_front`](crate::Packet::pull_front) keep them pointing at the same bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LayerOffsets {
    /// The first MPLS label.
    pub l2_5: u16,
    /// The network header (IP, ARP, …).
    pub l3: u16,
    /// The transport header.
    pub l4: u16,
    /// Inside a tunnel: the inner network header.
    pub inner_l3: u16,
    /// Inside a tunnel: the inner transport header.
    pub inner_l4: u16,
}

impl Default for LayerOffsets {
    fn default() -> Self {
        Self { l2_5: ABSENT, l3: ABSENT, l4: ABSENT, inner_l3: ABSENT, inner_l4: ABSENT }
    }
}

impl LayerOffsets {
    fn each(&mut self) -> [&mut u16; 5] {
        [&mut self.l2_5, &mut self.l3, &mut self.l4, &mut self.inner_l3, &mut self.inner_l4]
    }

    pub(crate) fn moved_back(&mut self, n: usize) {
        for offset in self.each() {
            // An offset that no longer fits saturates to ABSENT, which is what it has become.
            *offset = offset.saturating_add(clamp(n));
        }
    }

    pub(crate) fn moved_forward(&mut self, n: usize) {
        for offset in self.each() {
            if *offset != ABSENT {
                *offset = offset.checked_sub(clamp(n)).unwrap_or(ABSENT);
            }
        }
    }
}

fn clamp(n: usize) -> u16 {
    u16::try_from(n).unwrap_or(u16::MAX)
}
