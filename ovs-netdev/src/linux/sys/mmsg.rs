//! recvmmsg(2) and sendmmsg(2) on packet sockets.
//!
//! A message is a vnet header and a packet. A received one is scattered over three buffers: the vnet header, a
//! small frame, and a large frame for what does not fit into the small one. So a small packet lies whole in a small
//! frame without a copy, and a super-packet costs a copy of its first 2 KiB.

use std::io;
use std::mem::{MaybeUninit, size_of, zeroed};
use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr;

use ovs_packet::{BATCH_MAX, Packet};

use super::check;
use crate::linux::vnet::VNET_LEN;

/// Where one packet is received into.
#[derive(Debug, Default)]
pub(crate) struct Slot {
    /// The vnet header.
    pub vnet: [u8; VNET_LEN],
    /// An empty packet with a small frame.
    pub small: Option<Packet>,
    /// An empty packet with a large frame.
    pub large: Option<Packet>,
}

/// What the system said of one received packet.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Received {
    /// Bytes, with the vnet header.
    pub len: usize,
    /// It was longer than its buffers.
    pub truncated: bool,
    /// The VLAN tag that the kernel took out: type and control information.
    pub vlan: Option<(u16, u16)>,
}

/// Room for one control message with a `tpacket_auxdata`, aligned for its header.
#[repr(C, align(8))]
#[derive(Clone, Copy)]
struct Control([u8; 64]);

const _: () = assert!(size_of::<libc::cmsghdr>() + size_of::<libc::tpacket_auxdata>() + 8 <= 64);

/// Receives up to `slots.len()` (at most [`BATCH_MAX`]) packets without waiting. Fills `results` for those that it
/// says were received.
pub(crate) fn receive(
    fd: BorrowedFd<'_>,
    slots: &mut [Slot],
    results: &mut [Received; BATCH_MAX],
) -> io::Result<usize> {
    let count = slots.len().min(BATCH_MAX);
    // Not initialised as a whole: that would cost more than receiving one packet.
    let mut vectors = [const { MaybeUninit::<[libc::iovec; 3]>::uninit() }; BATCH_MAX];
    let mut messages = [const { MaybeUninit::<libc::mmsghdr>::uninit() }; BATCH_MAX];
    let mut controls = [const { MaybeUninit::<Control>::uninit() }; BATCH_MAX];
    for (i, slot) in slots.iter_mut().take(count).enumerate() {
        let vector = vectors[i].write([
            vector(&mut slot.vnet),
            slot.small.as_mut().map_or(EMPTY, |packet| vector(packet.spare_mut())),
            slot.large.as_mut().map_or(EMPTY, |packet| vector(packet.spare_mut())),
        ]);
        let control = controls[i].write(Control([0; 64]));
        // SAFETY: all zeros is valid for this C struct of integers and raw pointers.
        let message = messages[i].write(unsafe { zeroed() });
        message.msg_hdr.msg_iov = vector.as_mut_ptr();
        message.msg_hdr.msg_iovlen = 3;
        message.msg_hdr.msg_control = ptr::from_mut(control).cast();
        message.msg_hdr.msg_controllen = size_of::<Control>();
    }
    // SAFETY: `count` message headers are initialised; their vectors point at distinct writable memory of the stated
    // lengths (the slots are borrowed exclusively), as do their control pointers, and all of it outlives the call.
    let received = check(unsafe {
        libc::recvmmsg(
            fd.as_raw_fd(),
            messages.as_mut_ptr().cast(),
            count as libc::c_uint,
            libc::MSG_DONTWAIT | libc::MSG_TRUNC,
            ptr::null_mut(),
        )
    })? as usize;
    for (result, message) in results.iter_mut().zip(&messages).take(received.min(count)) {
        // SAFETY: the first `count` headers were initialised above.
        let message = unsafe { message.assume_init_ref() };
        *result = Received {
            len: message.msg_len as usize,
            truncated: message.msg_hdr.msg_flags & libc::MSG_TRUNC != 0,
            vlan: vlan(&message.msg_hdr),
        };
    }
    Ok(received)
}

const EMPTY: libc::iovec = libc::iovec { iov_base: ptr::null_mut(), iov_len: 0 };

fn vector(bytes: &mut [u8]) -> libc::iovec {
    libc::iovec { iov_base: bytes.as_mut_ptr().cast(), iov_len: bytes.len() }
}

/// The VLAN tag in a message's auxiliary data.
fn vlan(header: &libc::msghdr) -> Option<(u16, u16)> {
    // SAFETY: the header was filled by the kernel, and its control buffer is alive and aligned.
    let control = unsafe { libc::CMSG_FIRSTHDR(header).as_ref() }?;
    let wanted = size_of::<libc::cmsghdr>() + size_of::<libc::tpacket_auxdata>();
    if (control.cmsg_level, control.cmsg_type) != (libc::SOL_PACKET, libc::PACKET_AUXDATA)
        || control.cmsg_len < wanted
    {
        return None;
    }
    // SAFETY: the control message has a whole tpacket_auxdata, by its type and length.
    let data: libc::tpacket_auxdata = unsafe { ptr::read_unaligned(libc::CMSG_DATA(control).cast()) };
    if data.tp_status & libc::TP_STATUS_VLAN_VALID == 0 {
        return None;
    }
    let known = data.tp_status & libc::TP_STATUS_VLAN_TPID_VALID != 0;
    Some((if known { data.tp_vlan_tpid } else { libc::ETH_P_8021Q as u16 }, data.tp_vlan_tci))
}

/// Sends packets with their vnet headers (as many as there are of both, at most [`BATCH_MAX`]) without waiting. Says
/// how many went; an error concerns the first.
pub(crate) fn send(fd: BorrowedFd<'_>, headers: &[[u8; VNET_LEN]], packets: &[Packet]) -> io::Result<usize> {
    let count = packets.len().min(headers.len()).min(BATCH_MAX);
    let mut vectors = [const { MaybeUninit::<[libc::iovec; 2]>::uninit() }; BATCH_MAX];
    let mut messages = [const { MaybeUninit::<libc::mmsghdr>::uninit() }; BATCH_MAX];
    for (i, (header, packet)) in headers.iter().zip(packets).take(count).enumerate() {
        let data = packet.data();
        let vector = vectors[i].write([
            libc::iovec { iov_base: header.as_ptr().cast_mut().cast(), iov_len: VNET_LEN },
            libc::iovec { iov_base: data.as_ptr().cast_mut().cast(), iov_len: data.len() },
        ]);
        // SAFETY: all zeros is valid for this C struct of integers and raw pointers.
        let message = messages[i].write(unsafe { zeroed() });
        message.msg_hdr.msg_iov = vector.as_mut_ptr();
        message.msg_hdr.msg_iovlen = 2;
    }
    // SAFETY: `count` message headers are initialised; their vectors point at readable memory of the stated lengths,
    // which outlives the call; sending does not write through them.
    let sent = unsafe {
        libc::sendmmsg(
            fd.as_raw_fd(),
            messages.as_mut_ptr().cast(),
            count as libc::c_uint,
            libc::MSG_DONTWAIT,
        )
    };
    Ok(check(sent)? as usize)
}
