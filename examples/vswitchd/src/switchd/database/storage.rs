//! A thread that waits for the disk, so that nobody else does.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use ovs_db::storage::{JournalFile, Snapshot, Storage, StorageError, Ticket};
use ovs_dpif::Waker as _;

use super::super::waker::Wakeup;

enum Order {
    Append(Ticket, Vec<u8>, bool),
    Replace(Ticket, Snapshot),
}

/// A journal whose writes happen on a thread of their own, in order; those that wait together are made durable
/// together.
pub struct ThreadedStorage {
    orders: Option<Sender<Order>>,
    done: Receiver<(Ticket, Result<(), StorageError>)>,
    thread: Option<JoinHandle<()>>,
}

impl ThreadedStorage {
    /// Starts the thread; `wakeup` is called when a write is done.
    pub fn start(file: JournalFile, wakeup: Arc<Wakeup>) -> std::io::Result<Self> {
        let (orders, todo) = channel();
        let (finished, done) = channel();
        let thread = std::thread::Builder::new()
            .name("ovsdb_storage".to_owned())
            .spawn(move || work(file, &todo, &finished, &wakeup))?;
        Ok(Self { orders: Some(orders), done, thread: Some(thread) })
    }

    fn order(&self, order: Order) {
        if let Some(orders) = &self.orders {
            // The thread ends only after this value has dropped its end.
            let _ = orders.send(order);
        }
    }
}

impl Storage for ThreadedStorage {
    fn append(&mut self, ticket: Ticket, bytes: &[u8], sync: bool) {
        self.order(Order::Append(ticket, bytes.to_vec(), sync));
    }

    fn replace(&mut self, ticket: Ticket, snapshot: &Snapshot) {
        self.order(Order::Replace(ticket, snapshot.clone()));
    }

    /// The thread writes as orders come.
    fn commit(&mut self) {}

    fn poll(&mut self) -> Option<(Ticket, Result<(), StorageError>)> {
        self.done.try_recv().ok()
    }
}

impl Drop for ThreadedStorage {
    fn drop(&mut self) {
        self.orders = None;
        if let Some(thread) = self.thread.take() {
            // A panic of the thread has been reported by the thread.
            let _ = thread.join();
        }
    }
}

fn work(
    mut file: JournalFile,
    todo: &Receiver<Order>,
    finished: &Sender<(Ticket, Result<(), StorageError>)>,
    wakeup: &Wakeup,
) {
    while let Ok(first) = todo.recv() {
        let mut batch = vec![first];
        batch.extend(todo.try_iter());
        for order in batch {
            match order {
                Order::Append(ticket, bytes, sync) => file.append(ticket, &bytes, sync),
                Order::Replace(ticket, snapshot) => file.replace(ticket, &snapshot),
            }
        }
        // What waits together is written, and made durable, together.
        file.commit();
        let results: Vec<_> = std::iter::from_fn(|| file.poll()).collect();
        for result in results {
            // Nobody is left to be told once the switch ends.
            let _ = finished.send(result);
        }
        wakeup.wake();
    }
}
