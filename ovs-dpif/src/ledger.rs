//! The drop ledger: every packet is accounted for, by name.

use std::fmt;

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// Why a packet was dropped or an install refused. The text is the counter's name, as
        /// `coverage/read-counter` takes it; names that the original has are the original's.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        #[repr(u8)]
        pub enum DropReason { $($(#[$doc])* $name,)* }

        impl DropReason {
            /// All reasons, in the order of their counters.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The counter's name.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

reasons! {
    /// The megaflow has no actions, or an explicit drop.
    FlowWithoutActions = "drop_action_of_pipeline",
    /// The switch's logic could not take the upcall.
    Upcall = "datapath_drop_upcall_error",
    /// Upcalls of this port used up their share.
    UpcallBudget = "datapath_drop_lock_error",
    /// The control side has no room for the upcall's effects.
    EffectsFull = "datapath_drop_effects_full",
    /// Too many recirculations.
    RecircDepth = "datapath_drop_recirc_error",
    /// The packet cannot be parsed as the action needs it.
    InvalidPacket = "datapath_drop_rx_invalid_packet",
    /// A port that does not exist (any more).
    InvalidPort = "datapath_drop_invalid_port",
    /// The action is not supported by this datapath.
    UnsupportedAction = "datapath_drop_unsupported_action",
    /// The device took no more.
    TxFull = "datapath_drop_tx_full",
    /// The device refused the packet.
    TxRefused = "datapath_drop_tx_refused",
    /// The device is down or gone.
    TxDown = "datapath_drop_tx_down",
    /// No frame could be had for a copy or a segment.
    NoBuffer = "datapath_drop_no_buffer",
    /// A `sample` action chose to leave the packet alone.
    Sample = "datapath_drop_sample_error",
    /// A meter refused the packet.
    Meter = "datapath_drop_meter",
    /// The port receives no more than it may (`ingress_policing_rate`).
    RxPolicer = "datapath_drop_rx_policer",
    /// The port sends no more than it may (`egress-policer`, `trtcm-policer`).
    TxPolicer = "datapath_drop_tx_policer",
    /// Translation hit the resubmit limit.
    TooManyResubmits = "drop_action_too_many_resubmit",
    /// Translation ran deeper than allowed.
    RecursionTooDeep = "drop_action_recursion_too_deep",
    /// A rule forwards to a bridge port that is blocked.
    ForwardingDisabled = "drop_action_forwarding_disabled",
    /// Translation met a bridge that does not exist.
    BridgeNotFound = "drop_action_bridge_not_found",
    /// Translation ran out of stack entries.
    StackTooDeep = "drop_action_stack_too_deep",
    /// A recirculated packet whose state is no longer known.
    NoRecirculationContext = "drop_action_no_recirculation_context",
    /// Translation asked for two recirculations that exclude each other.
    RecirculationConflict = "drop_action_recirculation_conflict",
    /// More MPLS labels than can be handled.
    TooManyMplsLabels = "drop_action_too_many_mpls_labels",
    /// Tunnel metadata that no table describes.
    InvalidTunnelMetadata = "drop_action_invalid_tunnel_metadata",
    /// A packet type that cannot be handled.
    UnsupportedPacketType = "drop_action_unsupported_packet_type",
    /// Congestion marking of a tunnel asks for the drop (RFC 6040).
    Congestion = "drop_action_congestion",
    /// Headers that no packet of this length can be put into, or unfinished work inside of another tunnel.
    TunnelPush = "datapath_drop_tunnel_push_error",
    /// Headers that are not those of the tunnel, or that contradict themselves.
    TunnelPop = "datapath_drop_tunnel_pop_error",
    /// A packet that came through a tunnel of which no bridge has a port.
    TunnelUnknown = "drop_action_tunnel_port_unknown",
    /// No route leads to the tunnel's other end, or none that leads through a bridge.
    TunnelNoRoute = "drop_action_tunnel_routing_failed",
    /// The Ethernet address on the way to the tunnel's other end is being asked for.
    TunnelNoNeighbor = "drop_action_tunnel_neigh_cache_miss",
    /// What was sent through a tunnel is nothing that its headers can carry, or too little is known to make them.
    TunnelHeader = "drop_action_tunnel_header_build_failed",
    /// A packet that would be longer than the underlay's device takes, and that may not be cut.
    TunnelTooBig = "drop_action_tunnel_too_big",
    /// A fragment whose siblings did not come in time.
    FragmentTimeout = "datapath_drop_fragment_timeout",
    /// A fragment that waited for siblings, until one came that contradicts it.
    FragmentCondemned = "datapath_drop_fragment_condemned",
    /// There are as many connections as may be (commit refused; the packet went on).
    ConntrackFull = "conntrack_full",
    /// There are as many connections in the zone as may be (commit refused; the packet went on).
    ConntrackZoneFull = "conntrack_zone_full",
    /// No address and port is left to translate to (commit refused; the packet went on).
    NatExhausted = "conntrack_nat_exhausted",
    /// The flow table is at its limit (install refused; the packet was forwarded).
    FlowLimit = "install_refused_flow_limit",
    /// An identical flow came first (install refused; the packet was forwarded).
    AlreadyInstalled = "install_refused_duplicate",
}

impl DropReason {
    /// How many reasons there are.
    pub const COUNT: usize = Self::ALL.len();

    /// Whether this counts a refused install or commit, not a packet.
    pub const fn is_refusal(self) -> bool {
        matches!(
            self,
            Self::FlowLimit
                | Self::AlreadyInstalled
                | Self::ConntrackFull
                | Self::ConntrackZoneFull
                | Self::NatExhausted
        )
    }

    /// The code of an explicit drop with this reason, if there is one: what [`DropReason::of_drop_code`] takes.
    pub fn drop_code(self) -> Option<u32> {
        (1..=Self::LAST_CODE).find(|code| Self::of_drop_code(*code) == self)
    }

    /// The greatest code of an explicit drop.
    const LAST_CODE: u32 = 16;

    /// The reason of an explicit `drop(code)` action: the codes are those of translation errors, 0 for none.
    pub const fn of_drop_code(code: u32) -> Self {
        match code {
            1 => Self::BridgeNotFound,
            2 => Self::RecursionTooDeep,
            3 => Self::TooManyResubmits,
            4 => Self::StackTooDeep,
            5 => Self::NoRecirculationContext,
            6 => Self::RecirculationConflict,
            7 => Self::TooManyMplsLabels,
            8 => Self::InvalidTunnelMetadata,
            9 => Self::UnsupportedPacketType,
            10 => Self::Congestion,
            11 => Self::ForwardingDisabled,
            12 => Self::TunnelNoRoute,
            13 => Self::TunnelNoNeighbor,
            14 => Self::TunnelUnknown,
            15 => Self::TunnelHeader,
            16 => Self::TunnelTooBig,
            _ => Self::FlowWithoutActions,
        }
    }
}

impl fmt::Display for DropReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One side of the balance: `received + created = sent + queued + consumed + dropped`.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Ledger {
    /// Packets taken from devices.
    pub received: u64,
    /// Copies made by clone, sample, punt and several outputs.
    pub cloned: u64,
    /// Packets injected by `execute`.
    pub injected: u64,
    /// Segments beyond the first, made where a device cannot segment.
    pub segmented: u64,
    /// Packets given to devices.
    pub sent: u64,
    /// Packets inside a worker.
    pub queued: u64,
    /// Packets handed to the switch's logic.
    pub punted: u64,
    /// Drops and refusals, by [`DropReason`] as index. Refusals ([`DropReason::is_refusal`]) drop no packet.
    pub dropped: Vec<u64>,
}

impl Ledger {
    /// Packets dropped for `reason`.
    pub fn dropped_for(&self, reason: DropReason) -> u64 {
        self.dropped.get(reason as usize).copied().unwrap_or(0)
    }

    /// Counts one drop or refusal.
    pub fn drop_one(&mut self, reason: DropReason) {
        self.drop_many(reason, 1);
    }

    /// Counts several.
    pub fn drop_many(&mut self, reason: DropReason, count: u64) {
        let index = reason as usize;
        if self.dropped.len() <= index {
            self.dropped.resize(DropReason::ALL.len(), 0);
        }
        self.dropped[index] += count;
    }

    /// All packets dropped.
    pub fn total_dropped(&self) -> u64 {
        let drops = DropReason::ALL.iter().filter(|r| !r.is_refusal());
        drops.map(|r| self.dropped_for(*r)).sum()
    }

    /// What came in less what went out: zero if every packet is accounted for.
    pub fn imbalance(&self) -> i128 {
        let incoming = [self.received, self.cloned, self.injected, self.segmented];
        let outgoing = [self.sent, self.queued, self.punted, self.total_dropped()];
        let sum = |terms: [u64; 4]| terms.iter().map(|t| i128::from(*t)).sum::<i128>();
        sum(incoming) - sum(outgoing)
    }

    /// Adds the counts of another worker.
    pub fn add(&mut self, other: &Self) {
        self.received += other.received;
        self.cloned += other.cloned;
        self.injected += other.injected;
        self.segmented += other.segmented;
        self.sent += other.sent;
        self.queued += other.queued;
        self.punted += other.punted;
        for reason in DropReason::ALL {
            self.drop_many(*reason, other.dropped_for(*reason));
        }
    }
}
