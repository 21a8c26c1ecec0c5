//! Reading a database's file on two processors: a thread reads, checks and parses the records ahead of their replay.

use std::io;
use std::sync::mpsc::sync_channel;
use std::thread;

use ovs_db::storage::{Found, Records};

/// How many records go from thread to thread at a time, and how many such lots may wait: few enough that the memory of
/// those that were replayed is used again while it is in the caches.
const LOT: usize = 64;
const WAITING: usize = 8;

/// The same records, read by a thread of their own. It ends when all are read, or nobody wants more.
pub fn read_ahead(mut records: Records) -> io::Result<impl Iterator<Item = Found>> {
    let (send, receive) = sync_channel::<Vec<Found>>(WAITING);
    thread::Builder::new().name("ovsdb_read".to_owned()).spawn(move || {
        loop {
            let lot: Vec<Found> = records.by_ref().take(LOT).collect();
            if lot.is_empty() || send.send(lot).is_err() {
                return;
            }
        }
    })?;
    Ok(receive.into_iter().flatten())
}
