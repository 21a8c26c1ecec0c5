//! Locks (RFC 7047 sections 4.1.8 to 4.1.10). They belong to the server, not to one of its databases.

use std::collections::{BTreeMap, BTreeSet};

use super::effect::SessionId;

/// For each lock, who asked for it, in order; the first one has it.
///
/// A session from which a lock is stolen waits for it again, unless it had stolen it itself: then it is out, and has to
/// unlock before it may ask again. Whoever leaves a queue, the first one in it is told that it has the lock.
#[derive(Clone, Debug, Default)]
pub(super) struct Locks {
    queues: BTreeMap<String, Vec<Waiter>>,
    /// Sessions from which a lock was stolen, until they have it again or unlock it.
    lost: BTreeSet<(SessionId, String)>,
}

#[derive(Clone, Copy, Debug)]
struct Waiter {
    session: SessionId,
    stole: bool,
}

/// A session's part in the locks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LockCounts {
    /// Locks that it has.
    pub held: usize,
    /// Locks that it waits for.
    pub waiting: usize,
    /// Locks that were stolen from it and that it waits for since.
    pub lost: usize,
}

/// Who learns what when a lock changes hands.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Notice {
    /// The session has the lock now.
    Locked(SessionId, String),
    /// The session has it no longer, but waits for it.
    Stolen(SessionId, String),
}

impl Locks {
    /// True if the session has the lock.
    pub(super) fn holds(&self, session: SessionId, name: &str) -> bool {
        self.queues.get(name).and_then(|queue| queue.first()).is_some_and(|first| first.session == session)
    }

    /// Counts the locks of a session.
    pub(super) fn counts(&self, session: SessionId) -> LockCounts {
        let lost = self.lost.iter().filter(|(loser, _)| *loser == session).count();
        let mut counts = LockCounts { lost, ..LockCounts::default() };
        for (name, queue) in &self.queues {
            match queue.iter().position(|waiter| waiter.session == session) {
                Some(0) => counts.held += 1,
                Some(_) if !self.has_lost(session, name) => counts.waiting += 1,
                _ => {}
            }
        }
        counts
    }

    fn has_lost(&self, session: SessionId, name: &str) -> bool {
        self.lost.contains(&(session, name.to_owned()))
    }

    fn asked(&self, session: SessionId, name: &str) -> bool {
        let queued = |queue: &Vec<Waiter>| queue.iter().any(|waiter| waiter.session == session);
        self.queues.get(name).is_some_and(queued) || self.has_lost(session, name)
    }

    /// Asks for a lock. `None` if the session asked before; else whether it has it.
    pub(super) fn lock(&mut self, session: SessionId, name: &str) -> Option<bool> {
        if self.asked(session, name) {
            return None;
        }
        let queue = self.queues.entry(name.to_owned()).or_default();
        queue.push(Waiter { session, stole: false });
        Some(queue.len() == 1)
    }

    /// Takes a lock from whoever has it. `None` if the session asked before.
    pub(super) fn steal(&mut self, session: SessionId, name: &str) -> Option<Vec<Notice>> {
        if self.asked(session, name) {
            return None;
        }
        let queue = self.queues.entry(name.to_owned()).or_default();
        let victim = queue.first().copied();
        if victim.is_some_and(|victim| victim.stole) {
            queue.remove(0);
        }
        queue.insert(0, Waiter { session, stole: true });
        self.lost.extend(victim.map(|victim| (victim.session, name.to_owned())));
        Some(victim.map(|victim| Notice::Stolen(victim.session, name.to_owned())).into_iter().collect())
    }

    /// Gives a lock, or the wish for it, up. `None` if the session did not ask for it.
    pub(super) fn unlock(&mut self, session: SessionId, name: &str) -> Option<Vec<Notice>> {
        if !self.asked(session, name) {
            return None;
        }
        self.lost.remove(&(session, name.to_owned()));
        let Some(queue) = self.queues.get_mut(name) else { return Some(Vec::new()) };
        let Some(place) = queue.iter().position(|waiter| waiter.session == session) else {
            return Some(Vec::new());
        };
        queue.remove(place);
        let Some(next) = queue.first().map(|next| next.session) else {
            self.queues.remove(name);
            return Some(Vec::new());
        };
        self.lost.remove(&(next, name.to_owned()));
        Some(vec![Notice::Locked(next, name.to_owned())])
    }

    /// Gives up everything that a session asked for.
    pub(super) fn close(&mut self, session: SessionId) -> Vec<Notice> {
        let names: Vec<String> =
            self.queues.keys().filter(|name| self.asked(session, name)).cloned().collect();
        let notices = names.iter().filter_map(|name| self.unlock(session, name)).flatten().collect();
        self.lost.retain(|(loser, _)| *loser != session);
        notices
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locks_change_hands_in_order() {
        let (a, b, c) = (SessionId(1), SessionId(2), SessionId(3));
        let mut locks = Locks::default();
        assert_eq!(locks.lock(a, "l"), Some(true));
        assert_eq!(locks.lock(a, "l"), None);
        assert_eq!(locks.lock(b, "l"), Some(false));
        assert_eq!(locks.steal(c, "l"), Some(vec![Notice::Stolen(a, "l".into())]));
        assert!(locks.holds(c, "l") && !locks.holds(a, "l"));
        assert_eq!(locks.unlock(b, "l"), Some(vec![Notice::Locked(c, "l".into())]));
        assert_eq!(locks.counts(a), LockCounts { lost: 1, ..LockCounts::default() });
        assert_eq!(locks.close(c), vec![Notice::Locked(a, "l".into())]);
        assert_eq!(locks.unlock(a, "l"), Some(vec![]));
        assert_eq!(locks.unlock(a, "l"), None);
    }

    #[test]
    fn who_stole_and_is_robbed_does_not_get_it_back() {
        let (a, b) = (SessionId(1), SessionId(2));
        let mut locks = Locks::default();
        assert_eq!(locks.steal(a, "l"), Some(vec![]));
        assert_eq!(locks.steal(b, "l"), Some(vec![Notice::Stolen(a, "l".into())]));
        assert_eq!(locks.unlock(b, "l"), Some(vec![]));
        assert_eq!(locks.lock(a, "l"), None);
        assert_eq!(locks.unlock(a, "l"), Some(vec![]));
        assert_eq!(locks.lock(a, "l"), Some(true));
    }
}
