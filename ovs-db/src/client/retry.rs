//! Carrying a change through, however often other writers come between.

use super::connection::{Connection, Event};
use super::outcome::{Outcome, TransactionId};
use super::session::Session;
use super::transaction::Transaction;

/// Builds a transaction from the present snapshot, and again from a newer one as long as its outcome is
/// [`Outcome::TryAgain`].
///
/// In each turn of the loop give it the connection and the events of [`Connection::poll`]: [`step`](Self::step) gives the last
/// outcome when there is one. It waits for a snapshot before it begins, and after a failed attempt until the snapshot has
/// changed: built anew from the old one, the transaction would fail again.
#[derive(Debug)]
pub struct Retry<F> {
    build: F,
    /// The attempt that is under way.
    running: Option<TransactionId>,
    /// The snapshot's number as of the last attempt.
    built_from: Option<u64>,
    attempts: u64,
}

impl<F: FnMut(&Session, &mut Transaction)> Retry<F> {
    /// Will carry out what `build` puts into the transaction. What the change relies on is to be said by
    /// [`Transaction::verify`].
    pub fn new(build: F) -> Self {
        Retry { build, running: None, built_from: None, attempts: 0 }
    }

    /// How many transactions were sent.
    pub fn attempts(&self) -> u64 {
        self.attempts
    }

    /// Goes on; gives the outcome when it is final. Calling it again after that begins anew.
    pub fn step(&mut self, db: &mut Connection, events: &[Event]) -> Option<Outcome> {
        for event in events {
            match event {
                Event::Done(id, outcome) if self.running == Some(*id) => {
                    self.running = None;
                    if *outcome != Outcome::TryAgain {
                        self.built_from = None;
                        return Some(outcome.clone());
                    }
                }
                _ => {}
            }
        }
        let session = db.session();
        let seqno = session.snapshot().seqno();
        if self.running.is_some() || !session.is_synced() || self.built_from == Some(seqno) {
            return None;
        }
        let mut txn = Transaction::new();
        (self.build)(session, &mut txn);
        self.built_from = Some(seqno);
        self.attempts += 1;
        self.running = Some(db.transact(&txn));
        None
    }
}
