//! Sending by sendmmsg.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

use ovs_packet::{BATCH_MAX, Batch, Offload, Packet};

use super::lanes::{Lanes, Way};
use crate::linux::sys::mmsg;
use crate::linux::vnet::{self, VNET_LEN};
use crate::linux::{Shared, vnet::OFFLOADS};
use crate::{Sent, TxQueue};

/// A handle to send by.
#[derive(Debug)]
pub(super) struct SystemTx {
    fd: Arc<OwnedFd>,
    shared: Arc<Shared>,
    /// Sockets for packets that name a queue.
    lanes: Lanes,
}

impl SystemTx {
    pub fn new(fd: Arc<OwnedFd>, shared: Arc<Shared>, way: Way) -> Self {
        Self { fd, shared, lanes: Lanes::new(way) }
    }

    /// Sends packets of one queue, in order.
    fn send_run(&mut self, headers: &[[u8; VNET_LEN]], packets: &[Packet], sent: &mut Sent) {
        let queue = packets.first().map_or(0, |packet| packet.facts().queue);
        let fd = match queue {
            0 => Some(self.fd.as_fd()),
            queue => self.lanes.of(queue),
        };
        let Some(fd) = fd else {
            sent.refused += packets.len() as u64;
            return;
        };
        let mut at = 0;
        while at < packets.len() {
            match mmsg::send(fd, &headers[at..], &packets[at..]) {
                Ok(n) => {
                    sent.packets += n as u64;
                    sent.bytes += packets[at..at + n].iter().map(|packet| packet.len() as u64).sum::<u64>();
                    at += n;
                }
                Err(error) => at += lose(&error, packets.len() - at, sent),
            }
        }
    }
}

impl TxQueue for SystemTx {
    fn send(&mut self, batch: &mut Batch) -> Sent {
        let mut sent = Sent::default();
        let count = batch.len();
        if self.shared.is_closed() {
            sent.down = count as u64;
            batch.clear();
            return sent;
        }
        let mut headers = [[0; VNET_LEN]; BATCH_MAX];
        for (header, packet) in headers.iter_mut().zip(batch.iter()) {
            *header = vnet::encode(packet);
        }
        let mut at = 0;
        while at < count {
            let queue = batch[at].facts().queue;
            let end = at + batch[at..].iter().take_while(|packet| packet.facts().queue == queue).count();
            self.send_run(&headers[at..end], &batch[at..end], &mut sent);
            at = end;
        }
        batch.clear();
        Shared::count(&self.shared.tx_lost, sent.full + sent.refused + sent.down);
        sent
    }

    fn offloads(&self) -> Offload {
        OFFLOADS
    }
}

/// Counts what an error costs: how many packets, of the `left` that are still to go, are lost.
fn lose(error: &io::Error, left: usize, sent: &mut Sent) -> usize {
    match error.raw_os_error() {
        Some(libc::EINTR) => 0,
        Some(libc::EAGAIN) => {
            sent.full += left as u64;
            left
        }
        Some(libc::ENOBUFS | libc::ENOMEM) => {
            sent.full += 1;
            1
        }
        Some(libc::ENETDOWN | libc::ENODEV | libc::ENXIO) => {
            sent.down += left as u64;
            left
        }
        _ => {
            sent.refused += 1;
            1
        }
    }
}
