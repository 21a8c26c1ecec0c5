//! A place for a connection: words that anyone may read at any time.
//!
//! ```text
//!   line 1   life  original direction (5)                 expires  summary
//!   line 2   forth back  mark, policy  label (2)  serial  reply…
//!   line 3   …direction (5)  parent's original direction (5)
//! ```
//!
//! A packet of an untranslated connection reads the first line, and the second if it is TCP or has a mark or a label.

use std::sync::atomic::{AtomicU64, Ordering, fence};

use ovs_classifier::arch::prefetch;

use super::super::connection::Connection;
use super::packed::{Cell, Packed};
use super::words::Words;

/// What the last two bits of a life say.
const NASCENT: u64 = 1;
const LIVE: u64 = 2;
const STATUS: u64 = 3;

/// See the module's head.
#[derive(Debug, Default)]
#[repr(C, align(64))]
pub(in super::super) struct Place {
    /// How many connections have lived here, and in the last two bits whether one does.
    life: AtomicU64,
    orig: Cell,
    /// When it is over, in milliseconds.
    expires: AtomicU64,
    /// What hardly ever changes of its state, and what never does.
    summary: AtomicU64,
    /// What packets of the original direction change.
    forth: AtomicU64,
    /// What replies change.
    back: AtomicU64,
    /// Mark, and index of the timeout policy.
    mark: AtomicU64,
    label: [AtomicU64; 2],
    /// How many began before it. Of a dead one: which died before it.
    serial: AtomicU64,
    reply: Cell,
    parent: Cell,
}

const _: () = assert!(size_of::<Place>() == 192);

/// Bits of the summary beside the state: replies are the original direction turned round.
const MIRRORED: u64 = 1 << 63;
/// Mark, label and policy are zeros, so that nobody need look at the line in which they are.
const UNMARKED: u64 = 1 << 62;
const BESIDE: u64 = MIRRORED | UNMARKED;

impl Place {
    /// Whether a connection lives here of which this is one direction and whose time is not over; its life, and whether it is
    /// the reply direction.
    #[inline]
    pub fn find(&self, key: &Packed, now: u64) -> Option<(u64, bool)> {
        let life = self.life.load(Ordering::Acquire);
        if life & STATUS != LIVE || self.expires.load(Ordering::Relaxed) <= now {
            return None;
        }
        let reply = self.direction(key)?;
        fence(Ordering::Acquire);
        (self.life.load(Ordering::Relaxed) == life).then_some((life, reply))
    }

    /// Begins to fetch what a packet of an untranslated connection reads.
    #[inline]
    pub fn prefetch(&self, tcp: bool) {
        prefetch(self);
        if tcp {
            prefetch(&self.forth);
        }
    }

    /// Whether this is a direction of what lives here or is about to.
    pub fn claims(&self, key: &Packed, now: u64) -> bool {
        let status = self.life.load(Ordering::Acquire) & STATUS;
        let counts = status == NASCENT || status == LIVE && self.expires.load(Ordering::Relaxed) > now;
        counts && self.direction(key).is_some()
    }

    #[inline]
    fn direction(&self, key: &Packed) -> Option<bool> {
        if self.orig.is(key) {
            return Some(false);
        }
        let mirrored = self.summary.load(Ordering::Relaxed) & MIRRORED != 0;
        let reply = if mirrored { self.orig.is(&key.reversed()) } else { self.reply.is(key) };
        reply.then_some(true)
    }

    /// The life of a connection that is there.
    #[inline]
    pub fn life(&self) -> Option<u64> {
        Some(self.life.load(Ordering::Acquire)).filter(|life| life & STATUS == LIVE)
    }

    /// Whether that one still lives.
    #[inline]
    pub fn lives(&self, life: u64) -> bool {
        fence(Ordering::Acquire);
        self.life.load(Ordering::Relaxed) == life
    }

    /// The life that is, or that was last.
    pub fn last_life(&self) -> u64 {
        self.life.load(Ordering::Relaxed)
    }

    /// Writes a connection that nobody sees yet; gives its life to be.
    pub fn conceive(&self, connection: &Connection) -> u64 {
        let generation = (self.life.load(Ordering::Relaxed) >> 2).wrapping_add(1);
        self.life.store(generation << 2 | NASCENT, Ordering::Relaxed);
        fence(Ordering::Release);
        let (orig, reply) = (Packed::of(&connection.orig), Packed::of(&connection.reply));
        self.orig.store(&orig);
        let mirrored = reply == orig.reversed();
        if !mirrored {
            self.reply.store(&reply);
        }
        if let Some(parent) = &connection.parent {
            self.parent.store(&Packed::of(parent));
        }
        self.expires.store(connection.expires, Ordering::Relaxed);
        let words = Words::of(connection);
        let summary = words.summary | if mirrored { MIRRORED } else { 0 };
        let unmarked = connection.mark == 0 && connection.policy == 0 && connection.label == [0; 16];
        self.summary.store(summary | if unmarked { UNMARKED } else { 0 }, Ordering::Relaxed);
        self.forth.store(words.forth, Ordering::Relaxed);
        self.back.store(words.back, Ordering::Relaxed);
        self.set_marks(connection);
        self.serial.store(connection.serial, Ordering::Relaxed);
        generation << 2 | LIVE
    }

    /// Shows it to all.
    pub fn bear(&self, life: u64) {
        self.life.store(life, Ordering::Release);
    }

    /// Nobody has seen it, and nobody will.
    pub fn abandon(&self, life: u64) {
        self.life.store(life & !STATUS, Ordering::Release);
    }

    /// Ends a life; false if it has ended before.
    pub fn kill(&self, life: u64) -> bool {
        let over = life & !STATUS;
        self.life.compare_exchange(life, over, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }

    /// The connection here, which the caller knows to live or to have lived.
    #[inline]
    pub fn load(&self) -> Connection {
        let summary = self.summary.load(Ordering::Relaxed);
        let (forth, back) = (self.forth.load(Ordering::Relaxed), self.back.load(Ordering::Relaxed));
        let orig = self.orig.load();
        let reply = if summary & MIRRORED == 0 { self.reply.load() } else { orig.reversed() };
        let (mark, policy, label) = self.marks();
        let mut connection = Connection {
            orig: orig.tuple(),
            reply: reply.tuple(),
            expires: self.expires.load(Ordering::Relaxed),
            mark,
            policy,
            label,
            serial: self.serial.load(Ordering::Relaxed),
            ..Words { summary: summary & !BESIDE, forth, back }.connection()
        };
        connection.parent = connection.related.then(|| self.parent.load().tuple());
        connection
    }

    /// What can change of its state.
    pub fn words(&self) -> Words {
        Words {
            summary: self.summary.load(Ordering::Relaxed) & !BESIDE,
            forth: self.forth.load(Ordering::Relaxed),
            back: self.back.load(Ordering::Relaxed),
        }
    }

    /// Writes all of it. Whoever does so holds the shard.
    pub fn set_words(&self, words: &Words) {
        let beside = self.summary.load(Ordering::Relaxed) & BESIDE;
        self.summary.store(words.summary | beside, Ordering::Relaxed);
        self.forth.store(words.forth, Ordering::Relaxed);
        self.back.store(words.back, Ordering::Relaxed);
    }

    /// Writes what packets of one direction change.
    #[inline]
    pub fn set_own(&self, words: &Words, reply: bool) {
        if reply {
            self.back.store(words.back, Ordering::Relaxed);
        } else {
            self.forth.store(words.forth, Ordering::Relaxed);
        }
    }

    /// When it is over, in milliseconds.
    #[inline]
    pub fn expires(&self) -> u64 {
        self.expires.load(Ordering::Relaxed)
    }

    /// Sets when it is over. What many packets of one millisecond say alike is written once.
    #[inline]
    pub fn set_expires(&self, expires: u64) {
        if self.expires.load(Ordering::Relaxed) != expires {
            self.expires.store(expires, Ordering::Relaxed);
        }
    }

    /// Sets mark, policy and label. Whoever does so of what others see holds the shard.
    pub fn set_marks(&self, connection: &Connection) {
        let word = u64::from(connection.mark) << 32 | u64::from(connection.policy);
        self.mark.store(word, Ordering::Relaxed);
        let label = u128::from_be_bytes(connection.label);
        self.label[0].store((label >> 64) as u64, Ordering::Release);
        self.label[1].store(label as u64, Ordering::Release);
        if word != 0 || label != 0 {
            let summary = self.summary.load(Ordering::Relaxed);
            self.summary.store(summary & !UNMARKED, Ordering::Release);
        }
    }

    /// The mark, the index of the timeout policy, and the label.
    #[inline]
    pub fn marks(&self) -> (u32, u16, [u8; 16]) {
        if self.summary.load(Ordering::Acquire) & UNMARKED != 0 {
            return (0, 0, [0; 16]);
        }
        let word = self.mark.load(Ordering::Relaxed);
        ((word >> 32) as u32, word as u16, self.label())
    }

    /// Both halves of the label, as they were at one moment unless it is written again and again.
    #[inline]
    fn label(&self) -> [u8; 16] {
        let load = || {
            let [high, low] = self.label.each_ref().map(|half| half.load(Ordering::Acquire));
            u128::from(high) << 64 | u128::from(low)
        };
        let mut label = load();
        for _ in 0..4 {
            let again = load();
            if again == label {
                break;
            }
            label = again;
        }
        label.to_be_bytes()
    }

    /// How many began before it.
    pub fn serial(&self) -> u64 {
        self.serial.load(Ordering::Relaxed)
    }

    /// Links a dead one to the one that died before.
    pub fn set_next(&self, next: u32) {
        self.serial.store(next.into(), Ordering::Relaxed);
    }

    /// Which died before.
    pub fn next(&self) -> u32 {
        self.serial.load(Ordering::Relaxed) as u32
    }

    /// Both directions.
    pub fn directions(&self) -> [Packed; 2] {
        let orig = self.orig.load();
        let mirrored = self.summary.load(Ordering::Relaxed) & MIRRORED != 0;
        [orig, if mirrored { orig.reversed() } else { self.reply.load() }]
    }
}

/// Names a life in a place: never 0, and in use again only after 2^32 others there.
pub(in super::super) fn name(id: u32, life: u64) -> u64 {
    (u64::from((life >> 2) as u32) << 32) | (u64::from(id) + 1)
}
