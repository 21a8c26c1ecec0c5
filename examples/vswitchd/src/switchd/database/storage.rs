//! A thread that waits for the disk, so that nobody else does.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use ovs_db::storage::{JournalFile, Storage, StorageError, Ticket};
use ovs_dpif::Waker as _;

use super::super::waker::Wakeup;

enum Order {
    Append(Ticket, Vec<u8>, bool),
    Replace(Ticket, Vec<u8>),
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

    fn replace(&mut self, ticket: Ticket, bytes: &[u8]) {
        self.order(Order::Replace(ticket, bytes.to_vec()));
    }

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
        let last = batch.iter().rposition(|order| matches!(order, Order::Append(_, _, true)));
        for (i, order) in batch.into_iter().enumerate() {
            match order {
                // One sync makes everything before it durable too.
                Order::Append(ticket, bytes, _) => file.append(ticket, &bytes, Some(i) == last),
                Order::Replace(ticket, bytes) => file.replace(ticket, &bytes),
            }
        }
        // Nothing is told as done before the batch's sync has been, and all of it fails with that.
        let mut results: Vec<_> = std::iter::from_fn(|| file.poll()).collect();
        if results.last().is_some_and(|(_, result)| result.is_err()) {
            for (_, result) in &mut results {
                if result.is_ok() {
                    *result = Err(StorageError::Failed { path: file.path().display().to_string() });
                }
            }
        }
        for result in results {
            // Nobody is left to be told once the switch ends.
            let _ = finished.send(result);
        }
        wakeup.wake();
    }
}
