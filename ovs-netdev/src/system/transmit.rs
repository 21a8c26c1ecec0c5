//! Sending by sendmmsg.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

use ovs_packet::{BATCH_MAX, Batch, Offload};

use crate::linux::sys::mmsg;
use crate::linux::vnet::{self, VNET_LEN};
use crate::linux::{Shared, vnet::OFFLOADS};
use crate::{Sent, TxQueue};

/// A handle to send by.
#[derive(Debug)]
pub(super) struct SystemTx {
    fd: Arc<OwnedFd>,
    shared: Arc<Shared>,
}

impl SystemTx {
    pub fn new(fd: Arc<OwnedFd>, shared: Arc<Shared>) -> Self {
        Self { fd, shared }
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
            match mmsg::send(self.fd.as_fd(), &headers[at..], &batch[at..]) {
                Ok(n) => {
                    sent.packets += n as u64;
                    sent.bytes += batch[at..at + n].iter().map(|packet| packet.len() as u64).sum::<u64>();
                    at += n;
                }
                Err(error) => at += lose(&error, count - at, &mut sent),
            }
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
