//! Links by rtnetlink(7): asking, changing, and hearing of changes.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType};

use crate::{EtherAddr, Statistics};

const HEADER: usize = 16;
const INFO: usize = 16;
/// Longest message that is read; replies on one link stay far below.
const BUFFER: usize = 64 << 10;

/// What the kernel says of a link.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct LinkInfo {
    pub ifindex: u32,
    /// ARPHRD_*, the kind of link-layer header.
    pub hardware: u16,
    pub up: bool,
    pub mac: EtherAddr,
    pub mtu: u32,
    pub mtu_range: Option<(u32, u32)>,
    pub carrier: bool,
    pub carrier_changes: u64,
    pub statistics: Statistics,
}

/// What to change.
#[derive(Debug, Clone, Copy)]
pub(super) enum Change {
    Mac(EtherAddr),
    Mtu(u32),
    Up(bool),
}

/// A socket for requests and their answers.
#[derive(Debug)]
pub(super) struct Requests {
    fd: OwnedFd,
    sequence: u32,
    buffer: Vec<u8>,
}

impl Requests {
    pub fn open() -> io::Result<Self> {
        Ok(Self { fd: socket(SocketFlags::CLOEXEC, 0)?, sequence: 0, buffer: vec![0; BUFFER] })
    }

    /// The descriptor, for ioctls that want any socket.
    pub fn fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }

    /// The link of that name.
    pub fn by_name(&mut self, name: &str) -> io::Result<LinkInfo> {
        let mut request = Request::new(libc::RTM_GETLINK, 0, 0);
        request.attribute(libc::IFLA_IFNAME, &[name.as_bytes(), &[0]].concat());
        self.ask(request)?.ok_or_else(no_device)
    }

    /// The link of that index.
    pub fn by_index(&mut self, ifindex: u32) -> io::Result<LinkInfo> {
        self.ask(Request::new(libc::RTM_GETLINK, 0, ifindex))?.ok_or_else(no_device)
    }

    /// Changes one property of a link.
    pub fn change(&mut self, ifindex: u32, change: Change) -> io::Result<()> {
        let mut request = Request::new(libc::RTM_NEWLINK, libc::NLM_F_ACK, ifindex);
        match change {
            Change::Mac(mac) => request.attribute(libc::IFLA_ADDRESS, &mac.0),
            Change::Mtu(mtu) => request.attribute(libc::IFLA_MTU, &mtu.to_ne_bytes()),
            Change::Up(up) => request.flags(if up { libc::IFF_UP as u32 } else { 0 }, libc::IFF_UP as u32),
        }
        self.ask(request).map(drop)
    }

    /// Removes a link.
    pub fn delete(&mut self, ifindex: u32) -> io::Result<()> {
        self.ask(Request::new(libc::RTM_DELLINK, libc::NLM_F_ACK, ifindex)).map(drop)
    }

    /// Sends a request that wants an acknowledgement.
    pub fn acknowledged(&mut self, request: Request) -> io::Result<()> {
        self.ask(request).map(drop)
    }

    /// Sends a request for a list and hands what comes to `each`: kind and body.
    pub fn list(&mut self, request: Request, mut each: impl FnMut(u16, &[u8])) -> io::Result<()> {
        self.sequence = self.sequence.wrapping_add(1);
        rustix::net::send(&self.fd, &request.finish(self.sequence), SendFlags::empty())?;
        loop {
            let (len, _) = rustix::net::recv(&self.fd, &mut self.buffer[..], RecvFlags::empty())?;
            for message in Messages(&self.buffer[..len]).filter(|m| m.sequence == self.sequence) {
                match i32::from(message.kind) {
                    libc::NLMSG_DONE => return Ok(()),
                    libc::NLMSG_ERROR => return acknowledgement(message.body).map(drop),
                    _ => each(message.kind, message.body),
                }
            }
        }
    }

    /// Sends a request and reads its answer: a link, an acknowledgement (None) or an error.
    fn ask(&mut self, request: Request) -> io::Result<Option<LinkInfo>> {
        self.sequence = self.sequence.wrapping_add(1);
        rustix::net::send(&self.fd, &request.finish(self.sequence), SendFlags::empty())?;
        loop {
            let (len, _) = rustix::net::recv(&self.fd, &mut self.buffer[..], RecvFlags::empty())?;
            for message in Messages(&self.buffer[..len]) {
                if message.sequence != self.sequence {
                    continue; // the answer to an earlier request whose wait was interrupted
                }
                match i32::from(message.kind) {
                    libc::NLMSG_ERROR => return acknowledgement(message.body),
                    _ => return Ok(parse(message.body)),
                }
            }
        }
    }
}

fn no_device() -> io::Error {
    io::Error::from_raw_os_error(libc::ENODEV)
}

fn acknowledgement(body: &[u8]) -> io::Result<Option<LinkInfo>> {
    match u32_at(body, 0).map(|code| code as i32) {
        Some(0) => Ok(None),
        Some(code) => Err(io::Error::from_raw_os_error(-code)),
        None => Err(io::ErrorKind::InvalidData.into()),
    }
}

/// A socket that hears of every change of a link in its network namespace.
#[derive(Debug)]
pub(super) struct Notices {
    fd: OwnedFd,
    buffer: Vec<u8>,
}

/// What was heard of one link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Notice {
    /// It changed, or may have.
    Changed,
    /// It has left the namespace.
    Gone,
}

impl Notices {
    pub fn open() -> io::Result<Self> {
        let fd = socket(SocketFlags::CLOEXEC | SocketFlags::NONBLOCK, libc::RTMGRP_LINK as u32)?;
        Ok(Self { fd, buffer: vec![0; BUFFER] })
    }

    pub fn fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }

    /// Reads what has come and tells what concerns `ifindex`.
    pub fn read(&mut self, ifindex: u32, mut heard: impl FnMut(Notice)) {
        loop {
            match rustix::net::recv(&self.fd, &mut self.buffer[..], RecvFlags::empty()) {
                Ok((len, _)) => {
                    for message in Messages(&self.buffer[..len]) {
                        if u32_at(message.body, 4) == Some(ifindex) {
                            let gone = message.kind == libc::RTM_DELLINK;
                            heard(if gone { Notice::Gone } else { Notice::Changed });
                        }
                    }
                }
                // More came than fitted: anything may have changed.
                Err(rustix::io::Errno::NOBUFS) => heard(Notice::Changed),
                Err(rustix::io::Errno::INTR) => {}
                Err(_) => return,
            }
        }
    }
}

fn socket(flags: SocketFlags, groups: u32) -> io::Result<OwnedFd> {
    // The default protocol, number 0, is NETLINK_ROUTE.
    let fd = rustix::net::socket_with(AddressFamily::NETLINK, SocketType::RAW, flags, None)?;
    rustix::net::bind(&fd, &SocketAddrNetlink::new(0, groups))?;
    Ok(fd)
}

/// A request under construction: message header, `ifinfomsg`, attributes.
pub(super) struct Request(Vec<u8>);

impl Request {
    fn new(kind: u16, flags: libc::c_int, ifindex: u32) -> Self {
        let mut info = [0; INFO];
        info[4..8].copy_from_slice(&ifindex.to_ne_bytes());
        Self::with(kind, flags, &info)
    }

    /// With another structure behind the header.
    pub fn with(kind: u16, flags: libc::c_int, body: &[u8]) -> Self {
        let mut bytes = vec![0; HEADER];
        bytes[4..6].copy_from_slice(&kind.to_ne_bytes());
        bytes[6..8].copy_from_slice(&((libc::NLM_F_REQUEST | flags) as u16).to_ne_bytes());
        bytes.extend(body);
        Self(bytes)
    }

    /// Device flags and which of them to change.
    fn flags(&mut self, flags: u32, change: u32) {
        self.0[HEADER + 8..HEADER + 12].copy_from_slice(&flags.to_ne_bytes());
        self.0[HEADER + 12..HEADER + 16].copy_from_slice(&change.to_ne_bytes());
    }

    pub fn attribute(&mut self, kind: u16, value: &[u8]) {
        attribute(&mut self.0, kind, value);
    }

    pub fn finish(mut self, sequence: u32) -> Vec<u8> {
        let len = self.0.len() as u32;
        self.0[..4].copy_from_slice(&len.to_ne_bytes());
        self.0[8..12].copy_from_slice(&sequence.to_ne_bytes());
        self.0
    }
}

/// Appends an attribute.
pub(super) fn attribute(out: &mut Vec<u8>, kind: u16, value: &[u8]) {
    out.extend((4 + value.len() as u16).to_ne_bytes());
    out.extend(kind.to_ne_bytes());
    out.extend(value);
    out.resize(out.len().next_multiple_of(4), 0);
}

/// The attributes of a list; ends at the first malformed one.
pub(super) fn attributes(mut rest: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    std::iter::from_fn(move || {
        let (len, kind) = (usize::from(u16_at(rest, 0)?), u16_at(rest, 2)?);
        let value = rest.get(4..len)?;
        rest = rest.get(len.next_multiple_of(4)..).unwrap_or(&[]);
        Some((kind, value))
    })
}

/// One netlink message.
struct Message<'a> {
    kind: u16,
    sequence: u32,
    body: &'a [u8],
}

/// The messages of a datagram; ends at the first malformed one.
struct Messages<'a>(&'a [u8]);

impl<'a> Iterator for Messages<'a> {
    type Item = Message<'a>;

    fn next(&mut self) -> Option<Message<'a>> {
        let len = u32_at(self.0, 0)? as usize;
        let kind = u16_at(self.0, 4)?;
        let sequence = u32_at(self.0, 8)?;
        let body = self.0.get(HEADER..len)?;
        self.0 = self.0.get(len.next_multiple_of(4)..).unwrap_or(&[]);
        Some(Message { kind, sequence, body })
    }
}

/// Reads an `ifinfomsg` with its attributes.
fn parse(body: &[u8]) -> Option<LinkInfo> {
    let flags = u32_at(body, 8)?;
    let mut info = LinkInfo {
        ifindex: u32_at(body, 4)?,
        hardware: u16_at(body, 2)?,
        up: flags & libc::IFF_UP as u32 != 0,
        ..LinkInfo::default()
    };
    let (mut smallest, mut largest) = (None, None);
    for (kind, value) in attributes(body.get(INFO..)?) {
        match kind {
            libc::IFLA_ADDRESS => {
                if let Some(mac) = value.first_chunk() {
                    info.mac = EtherAddr(*mac);
                }
            }
            libc::IFLA_MTU => info.mtu = u32_at(value, 0)?,
            libc::IFLA_MIN_MTU => smallest = u32_at(value, 0),
            libc::IFLA_MAX_MTU => largest = u32_at(value, 0).filter(|mtu| *mtu != 0),
            libc::IFLA_CARRIER => info.carrier = value.first().is_some_and(|carrier| *carrier != 0),
            libc::IFLA_CARRIER_CHANGES => info.carrier_changes = u64::from(u32_at(value, 0)?),
            libc::IFLA_STATS64 => info.statistics = statistics(value),
            _ => {}
        }
    }
    info.mtu_range = smallest.zip(largest);
    Some(info)
}

/// Reads `rtnl_link_stats64`, as the link's own host sees it.
fn statistics(value: &[u8]) -> Statistics {
    let counter =
        |index: usize| value.get(index * 8..)?.first_chunk().map(|bytes| u64::from_ne_bytes(*bytes));
    Statistics {
        rx_packets: counter(0),
        tx_packets: counter(1),
        rx_bytes: counter(2),
        tx_bytes: counter(3),
        rx_errors: counter(4),
        tx_errors: counter(5),
        rx_dropped: counter(6),
        tx_dropped: counter(7),
        multicast: counter(8),
        collisions: counter(9),
        rx_over_errors: counter(11),
        rx_crc_errors: counter(12),
        rx_frame_errors: counter(13),
        rx_missed_errors: counter(15),
        ..Statistics::default()
    }
}

pub(super) fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().map(|bytes| u16::from_ne_bytes(*bytes))
}

pub(super) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|bytes| u32::from_ne_bytes(*bytes))
}
