//! Locks (RFC 7047 sections 4.1.8 to 4.1.10). They belong to the server, not to one of its databases.

use std::collections::BTreeMap;

use super::effect::SessionId;

/// For each lock, who asked for it, in order; the first one has it.
#[derive(Debug, Default)]
pub(super) struct Locks {
    queues: BTreeMap<String, Vec<SessionId>>,
    /// Who asked for a lock that was stolen from it, and still waits to have it back.
    lost: BTreeMap<SessionId, Vec<String>>,
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
        self.queues.get(name).is_some_and(|queue| queue.first() == Some(&session))
    }

    /// Counts the locks of a session.
    pub(super) fn counts(&self, session: SessionId) -> LockCounts {
        let mut counts = LockCounts::default();
        for (name, queue) in &self.queues {
            match queue.iter().position(|waiter| *waiter == session) {
                None => {}
                Some(0) => counts.held += 1,
                Some(_) if self.has_lost(session, name) => counts.lost += 1,
                Some(_) => counts.waiting += 1,
            }
        }
        counts
    }

    fn has_lost(&self, session: SessionId, name: &String) -> bool {
        self.lost.get(&session).is_some_and(|lost| lost.contains(name))
    }

    /// Asks for a lock. `None` if the session asked before; else whether it has it.
    pub(super) fn lock(&mut self, session: SessionId, name: &str) -> Option<bool> {
        let queue = self.queues.entry(name.to_owned()).or_default();
        if queue.contains(&session) {
            return None;
        }
        queue.push(session);
        Some(queue.len() == 1)
    }

    /// Takes a lock from whoever has it. `None` if the session asked before.
    pub(super) fn steal(&mut self, session: SessionId, name: &str) -> Option<Vec<Notice>> {
        let queue = self.queues.entry(name.to_owned()).or_default();
        if queue.contains(&session) {
            return None;
        }
        let victim = queue.first().map(|victim| Notice::Stolen(*victim, name.to_owned()));
        if let Some(victim) = queue.first() {
            self.lost.entry(*victim).or_default().push(name.to_owned());
        }
        queue.insert(0, session);
        Some(victim.into_iter().collect())
    }

    /// Gives a lock, or the wish for it, up. `None` if the session did not ask for it.
    pub(super) fn unlock(&mut self, session: SessionId, name: &str) -> Option<Vec<Notice>> {
        let queue = self.queues.get_mut(name)?;
        let place = queue.iter().position(|waiter| *waiter == session)?;
        queue.remove(place);
        let next = queue.first().filter(|_| place == 0).map(|next| Notice::Locked(*next, name.to_owned()));
        for regained in [Some(session), queue.first().copied().filter(|_| place == 0)].into_iter().flatten() {
            if let Some(lost) = self.lost.get_mut(&regained) {
                lost.retain(|lost| lost != name);
            }
        }
        if queue.is_empty() {
            self.queues.remove(name);
        }
        Some(next.into_iter().collect())
    }

    /// Gives up everything that a session asked for.
    pub(super) fn close(&mut self, session: SessionId) -> Vec<Notice> {
        let names: Vec<String> =
            self.queues.iter().filter(|(_, q)| q.contains(&session)).map(|(name, _)| name.clone()).collect();
        let notices = names.iter().filter_map(|name| self.unlock(session, name)).flatten().collect();
        self.lost.remove(&session);
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
        assert_eq!(locks.unlock(b, "l"), Some(vec![]));
        assert_eq!(locks.close(c), vec![Notice::Locked(a, "l".into())]);
        assert_eq!(locks.unlock(a, "l"), Some(vec![]));
        assert_eq!(locks.unlock(a, "l"), None);
    }
}
