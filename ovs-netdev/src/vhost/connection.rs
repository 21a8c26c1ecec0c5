//! The socket: whole messages with their descriptors, without waiting.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags, recvmsg, sendmsg,
};

use super::message::{HEADER, Header, Malformed, REGIONS_MAX};

/// A message.
#[derive(Debug)]
pub(super) struct Message {
    pub header: Header,
    pub payload: Vec<u8>,
    pub fds: Vec<OwnedFd>,
}

/// An answer.
#[derive(Debug)]
pub(super) struct Reply {
    pub bytes: Vec<u8>,
    /// What goes along with it.
    pub fd: Option<OwnedFd>,
}

/// Why a connection ends.
#[derive(Debug, thiserror::Error)]
pub(super) enum Ended {
    #[error("the frontend has closed the connection")]
    Closed,
    #[error("{0}")]
    System(#[from] io::Error),
    #[error("{0}")]
    Malformed(#[from] Malformed),
}

/// A connection with what has come of the next message.
#[derive(Debug)]
pub(super) struct Connection {
    socket: UnixStream,
    bytes: Vec<u8>,
    fds: Vec<OwnedFd>,
}

impl Connection {
    pub fn new(socket: UnixStream) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        Ok(Self { socket, bytes: Vec::new(), fds: Vec::new() })
    }

    pub fn fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }

    /// The next message, if all of it is there.
    pub fn receive(&mut self) -> Result<Option<Message>, Ended> {
        loop {
            let header = match self.bytes.first_chunk() {
                Some(bytes) => Some(Header::parse(bytes)?),
                None => None,
            };
            let wanted = header.map_or(HEADER, |header| HEADER + header.size);
            if let Some(header) = header.filter(|_| self.bytes.len() == wanted) {
                let payload = self.bytes.split_off(HEADER);
                self.bytes.clear();
                return Ok(Some(Message { header, payload, fds: std::mem::take(&mut self.fds) }));
            }
            if !self.read(wanted)? {
                return Ok(None);
            }
        }
    }

    /// Reads until there are `wanted` bytes, at most once. False: nothing is there.
    fn read(&mut self, wanted: usize) -> Result<bool, Ended> {
        let have = self.bytes.len();
        self.bytes.resize(wanted, 0);
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(REGIONS_MAX))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let parts = &mut [IoSliceMut::new(&mut self.bytes[have..])];
        let result = recvmsg(&self.socket, parts, &mut control, RecvFlags::CMSG_CLOEXEC);
        let count = result.as_ref().map_or(0, |message| message.bytes);
        self.bytes.truncate(have + count);
        match result {
            Ok(message) if message.bytes == 0 => return Err(Ended::Closed),
            Ok(_) => {}
            Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => return Ok(false),
            Err(error) => return Err(Ended::System(error.into())),
        }
        for message in control.drain() {
            if let RecvAncillaryMessage::ScmRights(fds) = message {
                self.fds.extend(fds);
            }
        }
        if self.fds.len() > REGIONS_MAX {
            return Err(Malformed::Descriptors(0).into());
        }
        Ok(true)
    }

    /// Sends a reply. A frontend that does not take it is given up.
    pub fn reply(&self, reply: &Reply) -> Result<(), Ended> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        let fds: Vec<BorrowedFd<'_>> = reply.fd.iter().map(AsFd::as_fd).collect();
        if !fds.is_empty() {
            // There is space for one.
            control.push(SendAncillaryMessage::ScmRights(&fds));
        }
        match sendmsg(&self.socket, &[IoSlice::new(&reply.bytes)], &mut control, SendFlags::NOSIGNAL) {
            Ok(sent) if sent == reply.bytes.len() => Ok(()),
            Ok(_) => Err(Ended::System(io::ErrorKind::WouldBlock.into())),
            Err(error) => Err(Ended::System(error.into())),
        }
    }
}
