//! Frozen states, interned by content: what is needed to go on with a packet later.
//!
//! An equal state has one identifier while anyone holds a reference, so translating again gives the same
//! actions. Identifiers count up from 1, wrap at 2^28−1 and go on from 1025; a released state stays findable
//! for 250 ms.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use ovs_flow::{FlowKey, Subfield, TableId};
use ovs_openflow::Action;
use parking_lot::Mutex;

use crate::snapshot::BridgeId;

const LAST_ID: u32 = (1 << 28) - 1;
const AFTER_WRAP: u32 = 1025;
const GRACE: Duration = Duration::from_millis(250);
/// States that are swept in one holding of the lock.
const SLICE: usize = 64;

/// Where a packet was when it was frozen.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct FrozenState {
    pub bridge: BridgeId,
    pub table: TableId,
    /// Registers, metadata, tunnel, port of entry: the words of the key before the Ethernet header.
    pub metadata: Box<[u64]>,
    pub stack: Box<[(Subfield, ovs_flow::Wide)]>,
    /// What is left to do; nothing for a lookup in `table`.
    pub steps: Box<[Step]>,
    pub action_set: Box<[Action]>,
    pub was_mpls: bool,
    pub conntracked: bool,
    /// Mirrors that have got their copy, by place.
    pub mirrored: u32,
    pub userdata: Box<[u8]>,
}

/// A part of what is left to do.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Step {
    /// What follows is of a rule in this table, with this cookie.
    From { table: TableId, cookie: u64 },
    /// An action.
    Action(Action),
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::From { table, cookie } => {
                write!(f, "unroll_xlate(table={}, cookie={})", table.0, Hex(*cookie))
            }
            Self::Action(action) => action.fmt(f),
        }
    }
}

/// As C's `%#x` has it.
struct Hex(u64);

impl fmt::Display for Hex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 { f.write_str("0") } else { write!(f, "{:#x}", self.0) }
    }
}

impl FrozenState {
    /// Freezes what is not in the packet's bytes.
    pub fn new(bridge: BridgeId, table: TableId, key: &FlowKey, userdata: &[u8]) -> Self {
        let mut metadata = *key;
        (metadata.recirc_id, metadata.dp_hash, metadata.conj_id) = (0, 0, 0);
        let metadata = metadata.words()[..ovs_flow::STAGE_ENDS[0]].into();
        Self {
            bridge,
            table,
            metadata,
            stack: Box::default(),
            steps: Box::default(),
            action_set: Box::default(),
            was_mpls: false,
            conntracked: false,
            mirrored: 0,
            userdata: userdata.into(),
        }
    }

    /// Puts registers, metadata, tunnel and port of entry back into a key.
    pub fn restore(&self, key: &mut FlowKey) {
        let frozen = self.key();
        (key.tunnel, key.metadata, key.regs) = (frozen.tunnel, frozen.metadata, frozen.regs);
        key.in_port = frozen.in_port;
    }

    /// A key with the frozen metadata and nothing else.
    pub fn key(&self) -> FlowKey {
        let mut key = FlowKey::default();
        for (word, frozen) in key.words_mut().iter_mut().zip(&self.metadata) {
            *word = *frozen;
        }
        key
    }
}

/// A reference to a frozen state; its identifier stays taken while it lives.
#[derive(Clone, Debug)]
pub(crate) struct RecircRef {
    pub id: u32,
    /// The count of references to it is what keeps the identifier.
    _state: Arc<FrozenState>,
}

#[derive(Debug)]
struct Slot {
    state: Arc<FrozenState>,
    released: Option<Duration>,
}

#[derive(Debug, Default)]
struct Inner {
    last: u32,
    by_state: HashMap<Arc<FrozenState>, u32>,
    by_id: BTreeMap<u32, Slot>,
}

/// The table of frozen states. Its lock is held for one map operation at a time and never across anything
/// else; workers only try it.
#[derive(Debug, Default)]
pub(crate) struct Recirculation {
    inner: Mutex<Inner>,
}

impl Recirculation {
    /// The reference to a state, under the identifier that it has or gets. `None` if no identifier could be
    /// had without waiting.
    pub fn intern(&self, state: FrozenState) -> Option<RecircRef> {
        let mut inner = (0..1000).find_map(|_| self.inner.try_lock())?;
        if let Some((state, id)) = inner.by_state.get_key_value(&state) {
            let found = RecircRef { id: *id, _state: Arc::clone(state) };
            if let Some(slot) = inner.by_id.get_mut(&found.id) {
                slot.released = None;
            }
            return Some(found);
        }
        let id = inner.next_id()?;
        let state = Arc::new(state);
        inner.by_state.insert(Arc::clone(&state), id);
        inner.by_id.insert(id, Slot { state: Arc::clone(&state), released: None });
        Some(RecircRef { id, _state: state })
    }

    /// The state of an identifier.
    pub fn find(&self, id: u32) -> Option<Arc<FrozenState>> {
        let inner = (0..1000).find_map(|_| self.inner.try_lock())?;
        inner.by_id.get(&id).map(|slot| Arc::clone(&slot.state))
    }

    /// Forgets what nobody has referred to for the time of grace. Called by control now and then.
    pub fn sweep(&self, now: Duration) {
        let mut next = Some(0);
        while let Some(from) = next {
            next = self.inner.lock().sweep(from, now);
        }
    }

    /// States that are kept.
    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.inner.lock().by_id.len()
    }
}

impl Inner {
    /// Sweeps [`SLICE`] states from `from` on; says where to go on, if there are more. A worker that tries the lock
    /// meanwhile gets it long before it gives up.
    fn sweep(&mut self, from: u32, now: Duration) -> Option<u32> {
        let mut gone = Vec::new();
        let mut slots = self.by_id.range_mut(from..);
        for (id, slot) in slots.by_ref().take(SLICE) {
            // Two references are this table's own.
            if Arc::strong_count(&slot.state) > 2 {
                slot.released = None;
            } else if now.saturating_sub(*slot.released.get_or_insert(now)) >= GRACE {
                gone.push(*id);
            }
        }
        let next = slots.next().map(|(id, _)| *id);
        for id in gone {
            if let Some(slot) = self.by_id.remove(&id) {
                self.by_state.remove(&slot.state);
            }
        }
        next
    }

    fn next_id(&mut self) -> Option<u32> {
        for _ in 0..=self.by_id.len() {
            self.last = if self.last >= LAST_ID { AFTER_WRAP } else { self.last + 1 };
            if !self.by_id.contains_key(&self.last) {
                return Some(self.last);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(table: u8) -> FrozenState {
        FrozenState::new(BridgeId(0), TableId(table), &FlowKey::default(), &[])
    }

    #[test]
    fn equal_states_share_an_identifier_while_held() {
        let table = Recirculation::default();
        let first = table.intern(state(1)).unwrap();
        assert_eq!((first.id, table.intern(state(1)).unwrap().id), (1, 1));
        let second = table.intern(state(2)).unwrap();
        assert_eq!(second.id, 2);
        drop(second);
        table.sweep(Duration::ZERO);
        assert!(table.find(2).is_some(), "stays findable for a while");
        table.sweep(GRACE);
        assert!(table.find(2).is_none());
        assert_eq!((table.len(), first.id), (1, 1));
    }

    #[test]
    fn sweeps_all_slices() {
        let table = Recirculation::default();
        let held: Vec<_> = (0..=255).map(|n| table.intern(state(n)).unwrap()).collect();
        let kept = held.into_iter().step_by(3).collect::<Vec<_>>();
        table.sweep(Duration::ZERO);
        assert_eq!(table.len(), 256);
        table.sweep(GRACE);
        assert_eq!(table.len(), kept.len());
    }
}
