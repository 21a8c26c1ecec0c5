//! A batch on its way, as parallel arrays that are used again and again.
//!
//! ```text
//!   from a queue ──▶ packets, port ──▶ keys ──▶ found ──▶ actions ─┬─▶ out, …
//!                        ▲                                         │ start over, by whole batches
//!                        └──────── turn_over ◀── next: packets, metadata, keys made out of the old ones
//! ```

use ovs_classifier::FlowId;
use ovs_classifier::rcu::Guard;
use ovs_flow::{DpPort, Metadata, Rekey, SparseKey, extract_limited};
use ovs_packet::{BATCH_MAX, Batch, Packet};

use super::groups::Groups;
use super::upcalls::Waiting;
use crate::userspace::tables::Tables;

/// Recirculation identifiers for which it is known what their last batch has hit.
const HINTS: usize = 16;

/// See the module's head.
pub(super) struct Scratch {
    /// Packets as they come from a queue are received right into here.
    pub packets: Batch,
    /// Where they all came in, if they come from a queue: nothing else is known of them then.
    pub port: Option<Metadata>,
    /// Otherwise, what is known of each, and how often it has recirculated.
    pub metadata: Vec<Metadata>,
    pub depths: Vec<u8>,
    pub keys: Vec<SparseKey>,
    /// The keys are there already.
    has_keys: bool,
    pub found: [Option<FlowId>; BATCH_MAX],
    /// The megaflow that they hit, if they are like the batch that came before by the same way.
    hint: Option<FlowId>,
    /// The same of packets that recirculate, by the low bits of their identifier.
    hints: [Option<FlowId>; HINTS],
    /// Packets whose turn comes when all of the batch are sorted.
    pub groups: Groups,
    /// Those that start over.
    pub next: Next,
    /// Packets that recirculated, being processed.
    pub recirculated: Vec<Waiting>,
}

/// Packets that start over as soon as their batch is done: they are of one batch, so there are never too many.
pub(super) struct Next {
    packets: Batch,
    metadata: Vec<Metadata>,
    depths: Vec<u8>,
    keys: Vec<SparseKey>,
    rekey: Rekey,
    max_vlans: usize,
}

impl Scratch {
    pub fn new(max_vlans: usize) -> Self {
        let keys = || vec![SparseKey::new(); BATCH_MAX];
        Self {
            packets: Batch::new(),
            port: None,
            metadata: Vec::with_capacity(BATCH_MAX),
            depths: Vec::with_capacity(BATCH_MAX),
            keys: keys(),
            has_keys: false,
            found: [None; BATCH_MAX],
            hint: None,
            hints: [None; HINTS],
            groups: Groups::default(),
            next: Next {
                packets: Batch::new(),
                metadata: Vec::with_capacity(BATCH_MAX),
                depths: Vec::with_capacity(BATCH_MAX),
                keys: keys(),
                rekey: Rekey::default(),
                max_vlans,
            },
            recirculated: Vec::with_capacity(64),
        }
    }

    /// The packets have all come in by this port, behind others that have all hit `hint`.
    pub fn came_by(&mut self, port: DpPort, hint: Option<FlowId>) {
        self.port = Some(Metadata::of_port(port));
        self.hint = hint;
    }

    /// Adds a packet that recirculates; there is room for [`BATCH_MAX`].
    pub fn push(&mut self, packet: Packet, metadata: Metadata, depth: u8) {
        if self.packets.push(packet).is_ok() {
            self.metadata.push(metadata);
            self.depths.push(depth);
        }
    }

    /// Parses all packets and looks them up. Gives the one megaflow that all of them have hit, if there is one.
    #[inline]
    pub fn look_up(&mut self, tables: &mut Tables, max_vlans: usize, guard: &Guard<'_>) -> Option<FlowId> {
        let count = self.packets.len();
        let keys = &mut self.keys[..count];
        match &mut self.port {
            _ if std::mem::take(&mut self.has_keys) => {}
            Some(metadata) => {
                for (packet, key) in self.packets.iter_mut().zip(keys) {
                    metadata.mark = packet.facts().mark;
                    extract_limited(packet, metadata, max_vlans, key);
                }
            }
            None => {
                for ((packet, metadata), key) in self.packets.iter_mut().zip(&self.metadata).zip(keys) {
                    extract_limited(packet, metadata, max_vlans, key);
                }
            }
        }
        let keys = &self.keys[..count];
        let hint = match (&self.port, self.metadata.first()) {
            (None, Some(metadata)) => &mut self.hints[metadata.recirc_id as usize % HINTS],
            _ => &mut self.hint,
        };
        if let Some(hint) = *hint
            && tables.all_match(keys, hint, guard)
        {
            return Some(hint);
        }
        tables.lookup(keys, &mut self.found[..count], guard);
        let found = &self.found[..count];
        let first = found.first().copied().flatten();
        let common = first.filter(|first| found.iter().all(|id| *id == Some(*first)));
        *hint = common.or(*hint);
        common
    }

    /// How often all packets have recirculated, if they differ in nothing that matters to a list that is executed on all of
    /// them at once.
    #[inline]
    pub fn common_depth(&self) -> Option<u8> {
        if self.port.is_some() {
            return Some(0);
        }
        let first = *self.depths.first()?;
        let mut all = self.packets.iter().zip(&self.metadata).zip(&self.depths);
        let alike = all.all(|((packet, known), depth)| *depth == first && packet.facts().mark == known.mark);
        alike.then_some(first)
    }

    /// Makes what is known of the packets of a queue an entry for each, as of those that recirculate.
    pub fn spread(
        port: &mut Option<Metadata>,
        metadata: &mut Vec<Metadata>,
        depths: &mut Vec<u8>,
        marks: impl Iterator<Item = u32>,
    ) {
        if let Some(port) = port.take() {
            metadata.extend(marks.map(|mark| Metadata { mark, ..port.clone() }));
            depths.resize(metadata.len(), 0);
        }
    }

    /// All packets start over, with `id`; those whose bit is set in `changed` have other bytes than their keys.
    pub fn start_over(&mut self, id: u32, changed: u32) {
        let Self { packets, metadata, depths, keys, next, .. } = self;
        for (i, (packet, metadata)) in packets.iter_mut().zip(&mut *metadata).enumerate() {
            metadata.recirc_id = id;
            next.rekey(i, &keys[i], packet, metadata, changed >> i & 1 != 0);
        }
        for depth in &mut *depths {
            *depth += 1;
        }
        std::mem::swap(packets, &mut next.packets);
        std::mem::swap(metadata, &mut next.metadata);
        std::mem::swap(depths, &mut next.depths);
    }

    /// Makes the packets that start over the batch; false if there are none. The batch before must be done.
    pub fn turn_over(&mut self) -> bool {
        if self.next.packets.is_empty() {
            return false;
        }
        let Self { packets, metadata, depths, keys, next, .. } = self;
        std::mem::swap(packets, &mut next.packets);
        std::mem::swap(metadata, &mut next.metadata);
        std::mem::swap(depths, &mut next.depths);
        std::mem::swap(keys, &mut next.keys);
        self.has_keys = true;
        true
    }
}

impl Next {
    /// Adds a packet of the batch that is being processed, which takes recirculation `id`. `key` is what it had there;
    /// of other bytes if `changed`.
    pub fn push(
        &mut self,
        mut packet: Packet,
        id: u32,
        (mut metadata, depth): (Metadata, u8),
        key: &SparseKey,
        changed: bool,
    ) {
        metadata.recirc_id = id;
        let i = self.packets.len();
        self.rekey(i, key, &mut packet, &metadata, changed);
        // There are no more than in the batch.
        if self.packets.push(packet).is_ok() {
            self.metadata.push(metadata);
            self.depths.push(depth + 1);
        }
    }

    #[inline]
    fn rekey(&mut self, i: usize, old: &SparseKey, packet: &mut Packet, metadata: &Metadata, changed: bool) {
        let key = &mut self.keys[i];
        if changed || !self.rekey.rekey(old, packet.facts().packet_type, metadata, key) {
            extract_limited(packet, metadata, self.max_vlans, key);
        }
    }
}
