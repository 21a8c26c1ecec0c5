//! Putting fragments together again.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};
use core::{fmt, time::Duration};

use super::{
    Family, FamilyStats, Pieces, ReassemblerConfig, Refusal,
    datagram::{Datagram, DatagramView, Key, NONE, Node, Place},
    header::{Header, LONGEST, claims_to_be_a_fragment},
    whole::assemble,
};
use crate::{Offload, Packet, Pool};

/// Where a fragment comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Origin {
    /// Fragments of different zones never meet (a conntrack zone, a routing table, a tenant).
    pub zone: u64,
    /// The port that it came in by, which has its share of what may be held.
    pub port: u32,
}

/// What became of a packet.
#[derive(Debug)]
pub enum Accepted {
    /// It is no fragment: not IP, whole, too short to tell, or IPv6 with a fragment header that says so (RFC 6946). As
    /// it came.
    NotAFragment(Packet),
    /// It is kept until its siblings come.
    Held,
    /// It was the last that was missing: the whole datagram, with the first fragment's headers and facts, and how it was
    /// cut. Its headers are to be looked at again, and its L4 checksum is nobody's promise.
    Whole(Packet, Pieces),
    /// It is the caller's to drop; what had come of its datagram may have been dropped too (`condemned` counts those).
    Refused(Packet, Refusal),
}

/// Holds fragments until they are whole or their time is over.
pub struct Reassembler {
    config: ReassemblerConfig,
    /// Places for fragments; unused ones are linked from `free_node`.
    nodes: Vec<Node>,
    free_node: u32,
    /// Places for datagrams, with the list of unused ones.
    datagrams: Vec<Datagram>,
    free_datagrams: Vec<u32>,
    by_key: BTreeMap<Key, u32>,
    by_deadline: BTreeSet<(Duration, u32)>,
    by_port: BTreeMap<u32, u32>,
    held: u32,
    bytes: usize,
    stats: [FamilyStats; 2],
}

impl Reassembler {
    /// Allocates what the limits name.
    pub fn new(config: ReassemblerConfig) -> Self {
        Self {
            nodes: Vec::with_capacity(config.fragments as usize),
            free_node: NONE,
            datagrams: Vec::with_capacity(config.datagrams as usize),
            free_datagrams: Vec::with_capacity(config.datagrams as usize),
            by_key: BTreeMap::new(),
            by_deadline: BTreeSet::new(),
            by_port: BTreeMap::new(),
            held: 0,
            bytes: 0,
            stats: [FamilyStats::default(); 2],
            config,
        }
    }

    /// Takes a packet at time `now`; wholes get their frame from `pool`.
    pub fn accept(&mut self, origin: Origin, packet: Packet, now: Duration, pool: &mut Pool) -> Accepted {
        let header = match Header::of(&packet) {
            Some(Ok(header)) if header.is_fragment => header,
            Some(Err(why)) if let Some(family) = claims_to_be_a_fragment(&packet) => {
                self.family(family).refuse(why);
                return Accepted::Refused(packet, why);
            }
            _ => return Accepted::NotAFragment(packet),
        };
        if header.offset == 0 && !header.more {
            self.family(header.family).atomic += 1;
            return Accepted::NotAFragment(packet);
        }
        match self.take(origin, packet, &header, now, pool) {
            Ok(accepted) => accepted,
            Err((packet, why)) => {
                self.family(header.family).refuse(why);
                Accepted::Refused(packet, why)
            }
        }
    }

    /// Gives back the held packets whose time is over at `now`, oldest datagram first; says how many.
    pub fn expire(&mut self, now: Duration, emit: &mut dyn FnMut(Packet)) -> usize {
        let mut count = 0;
        while let Some(&(_, index)) = self.by_deadline.first().filter(|(deadline, _)| *deadline <= now) {
            let family = self.family_of(index);
            let gone = self.remove(index, emit);
            self.family(family).expired += gone as u64;
            count += gone;
        }
        count
    }

    /// When the next datagram's time is over; None if nothing is waiting.
    pub fn next_deadline(&self) -> Option<Duration> {
        self.by_deadline.first().map(|(deadline, _)| *deadline)
    }

    /// Gives back all held packets; says how many.
    pub fn purge(&mut self, emit: &mut dyn FnMut(Packet)) -> usize {
        let mut count = 0;
        while let Some(&(_, index)) = self.by_deadline.first() {
            let family = self.family_of(index);
            let gone = self.remove(index, emit);
            self.family(family).purged += gone as u64;
            count += gone;
        }
        count
    }

    /// Changes limits and times. What is held stays, also beyond a lower limit; new times are for new datagrams.
    pub fn configure(&mut self, config: ReassemblerConfig) {
        self.nodes.reserve((config.fragments as usize).saturating_sub(self.nodes.len()));
        self.datagrams.reserve((config.datagrams as usize).saturating_sub(self.datagrams.len()));
        self.config = config;
    }

    /// The limits and times.
    pub fn config(&self) -> &ReassemblerConfig {
        &self.config
    }

    /// Fragments held.
    pub fn held(&self) -> usize {
        self.held as usize
    }

    /// Bytes of the packets held.
    pub fn held_bytes(&self) -> usize {
        self.bytes
    }

    /// Datagrams that are incomplete or condemned.
    pub fn datagrams(&self) -> usize {
        self.by_key.len()
    }

    /// Shows the incomplete datagrams of which something is held, oldest first.
    pub fn each(&self, show: &mut dyn FnMut(DatagramView)) {
        let datagrams = self.by_deadline.iter().map(|(_, index)| &self.datagrams[*index as usize]);
        datagrams
            .filter(|datagram| datagram.count > 0)
            .map(|datagram| datagram.view(&self.nodes))
            .for_each(show);
    }

    /// What was done to fragments of a version.
    pub fn stats(&self, family: Family) -> &FamilyStats {
        &self.stats[usize::from(family == Family::V6)]
    }

    fn family(&mut self, family: Family) -> &mut FamilyStats {
        &mut self.stats[usize::from(family == Family::V6)]
    }

    fn family_of(&self, index: u32) -> Family {
        self.datagrams[index as usize].key.family()
    }

    fn take(
        &mut self,
        origin: Origin,
        packet: Packet,
        header: &Header,
        now: Duration,
        pool: &mut Pool,
    ) -> Result<Accepted, (Packet, Refusal)> {
        if let Some(why) = self.unfit(&packet, header) {
            return Err((packet, why));
        }
        let key = Key::of(origin.zone, header);
        let known = self.by_key.get(&key).copied();
        let mut before = NONE;
        if let Some(index) = known {
            let payload = &packet.data()[header.payload..header.end];
            let datagram = &self.datagrams[index as usize];
            if datagram.condemned {
                return Err((packet, Refusal::Condemned));
            }
            match datagram.place(&self.nodes, header, payload) {
                Place::Duplicate => return Err((packet, Refusal::Duplicate)),
                Place::Overlap => return Err(self.condemn(index, packet, Refusal::Overlap)),
                Place::After(_) if datagram.count >= self.pieces_limit() => {
                    return Err(self.condemn(index, packet, Refusal::TooManyPieces));
                }
                Place::After(node) => before = node,
            }
        }
        if let Some(why) = self.no_room(origin, packet.len(), known.is_none()) {
            return Err((packet, why));
        }
        let index = known.unwrap_or_else(|| self.insert(key, now));
        if !self.datagrams[index as usize].congestion.add(header.ecn) {
            return Err(self.condemn(index, packet, Refusal::Congestion));
        }
        self.hold(index, before, origin, packet, header);
        if self.datagrams[index as usize].is_whole() {
            return self.complete(index, header, pool);
        }
        Ok(Accepted::Held)
    }

    fn pieces_limit(&self) -> u8 {
        self.config.fragments_per_datagram.min(super::MAX_PIECES as u8)
    }

    /// What makes a fragment unacceptable by itself.
    fn unfit(&self, packet: &Packet, header: &Header) -> Option<Refusal> {
        let (enabled, least) = match header.family {
            Family::V4 => (self.config.enabled_v4, self.config.least_v4),
            Family::V6 => (self.config.enabled_v6, self.config.least_v6),
        };
        if !enabled {
            Some(Refusal::Disabled)
        } else if packet.facts().offload.intersects(Offload::SEGMENT) {
            Some(Refusal::Unfinished)
        } else if header.len() == 0 {
            Some(Refusal::Empty)
        } else if header.whole_len(header.offset + header.len()) > LONGEST {
            Some(Refusal::TooLong)
        } else if header.more && !header.len().is_multiple_of(8) {
            Some(Refusal::Unaligned)
        } else if header.more && header.packet_len() < least as usize {
            Some(Refusal::TooSmall)
        } else {
            None
        }
    }

    /// What keeps a fragment from being held.
    fn no_room(&self, origin: Origin, len: usize, new: bool) -> Option<Refusal> {
        let from_port = self.by_port.get(&origin.port).copied().unwrap_or(0);
        if new && self.by_key.len() >= self.config.datagrams as usize {
            Some(Refusal::TooManyDatagrams)
        } else if self.held >= self.config.fragments {
            Some(Refusal::TooManyFragments)
        } else if from_port >= self.config.fragments_per_port {
            Some(Refusal::TooManyFromPort)
        } else if self.bytes.saturating_add(len) > self.config.bytes {
            Some(Refusal::TooManyBytes)
        } else {
            None
        }
    }

    /// A place for a new datagram.
    fn insert(&mut self, key: Key, now: Duration) -> u32 {
        let timeout = match key.family() {
            Family::V4 => self.config.timeout_v4,
            Family::V6 => self.config.timeout_v6,
        };
        let datagram = Datagram::new(key, now.saturating_add(timeout));
        let deadline = datagram.deadline;
        let index = if let Some(index) = self.free_datagrams.pop() {
            self.datagrams[index as usize] = datagram;
            index
        } else {
            self.datagrams.push(datagram);
            self.datagrams.len() as u32 - 1
        };
        self.by_key.insert(key, index);
        self.by_deadline.insert((deadline, index));
        index
    }

    /// Links a fragment into its datagram behind the node `before`.
    fn hold(&mut self, index: u32, before: u32, origin: Origin, packet: Packet, header: &Header) {
        self.held += 1;
        self.bytes += packet.len();
        *self.by_port.entry(origin.port).or_default() += 1;
        self.family(header.family).accepted += 1;
        let next = match self.nodes.get(before as usize) {
            Some(node) => node.next,
            None => self.datagrams[index as usize].head,
        };
        let node = Node {
            packet: Some(packet),
            payload: header.payload as u32,
            len: header.len() as u16,
            offset: header.offset as u16,
            more: header.more,
            port: origin.port,
            next,
        };
        let end = node.end();
        let at = self.place_node(node);
        let datagram = &mut self.datagrams[index as usize];
        match self.nodes.get_mut(before as usize) {
            Some(node) => node.next = at,
            None => datagram.head = at,
        }
        datagram.count += 1;
        datagram.held += header.len() as u32;
        datagram.reach = datagram.reach.max(end);
        datagram.dont_fragment &= header.dont_fragment;
        if !header.more {
            datagram.end = Some(end);
        }
    }

    fn place_node(&mut self, node: Node) -> u32 {
        if let Some(place) = self.nodes.get_mut(self.free_node as usize) {
            let at = self.free_node;
            self.free_node = place.next;
            *place = node;
            at
        } else {
            self.nodes.push(node);
            self.nodes.len() as u32 - 1
        }
    }

    /// Drops what is held of a datagram, and remembers to refuse the rest. Gives back what an error needs.
    fn condemn(&mut self, index: u32, packet: Packet, why: Refusal) -> (Packet, Refusal) {
        let family = self.family_of(index);
        let gone = self.release(index, &mut drop);
        self.family(family).condemned += gone as u64;
        self.datagrams[index as usize].condemned = true;
        (packet, why)
    }

    /// Takes a datagram out; its packets go to `emit`. Says how many.
    fn remove(&mut self, index: u32, emit: &mut dyn FnMut(Packet)) -> usize {
        let gone = self.release(index, emit);
        let datagram = &self.datagrams[index as usize];
        self.by_deadline.remove(&(datagram.deadline, index));
        self.by_key.remove(&datagram.key);
        self.free_datagrams.push(index);
        gone
    }

    /// Takes a datagram's fragments out, in order. Says how many.
    fn release(&mut self, index: u32, emit: &mut dyn FnMut(Packet)) -> usize {
        let datagram = &mut self.datagrams[index as usize];
        let mut at = core::mem::replace(&mut datagram.head, NONE);
        datagram.count = 0;
        let mut gone = 0;
        while let Some(node) = self.nodes.get_mut(at as usize) {
            let next = core::mem::replace(&mut node.next, self.free_node);
            self.free_node = at;
            at = next;
            if let Some(count) = self.by_port.get_mut(&node.port) {
                *count -= 1;
                if *count == 0 {
                    self.by_port.remove(&node.port);
                }
            }
            if let Some(packet) = node.packet.take() {
                self.held -= 1;
                self.bytes -= packet.len();
                gone += 1;
                emit(packet);
            }
        }
        gone
    }

    /// Makes one packet of a datagram whose fragments are all there. `header` is the last one's to come.
    fn complete(
        &mut self,
        index: u32,
        header: &Header,
        pool: &mut Pool,
    ) -> Result<Accepted, (Packet, Refusal)> {
        let datagram = &self.datagrams[index as usize];
        let mut pieces = Pieces::new(header.id);
        let whole = assemble(datagram, &self.nodes, &mut pieces, pool);
        let family = header.family;
        let mut arrived = None;
        let gone = self.release(index, &mut |packet| arrived = Some(packet));
        match (whole, arrived) {
            (Ok(whole), _) => {
                self.remove(index, &mut drop);
                let stats = self.family(family);
                stats.completed += gone as u64;
                stats.wholes += 1;
                Ok(Accepted::Whole(whole, pieces))
            }
            (Err(why), Some(packet)) => {
                // The packet that is given back stands for the one that came; the others are dropped with it.
                let stats = self.family(family);
                stats.condemned += gone as u64 - 1;
                stats.accepted -= 1;
                self.datagrams[index as usize].condemned = true;
                Err((packet, why))
            }
            // A datagram that is whole has a fragment.
            (Err(_), None) => Ok(Accepted::Held),
        }
    }
}

impl fmt::Debug for Reassembler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reassembler")
            .field("config", &self.config)
            .field("datagrams", &self.datagrams())
            .field("held", &self.held)
            .field("bytes", &self.bytes)
            .field("stats", &self.stats)
            .finish_non_exhaustive()
    }
}
