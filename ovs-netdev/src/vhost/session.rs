//! What the frontend has said so far, and the rings that follow from it. No input or output but what a message brings
//! along: bytes and descriptors in, bytes out, rings put into and taken from their slots.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use rustix::event::{EventfdFlags, eventfd};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};

use super::connection::{Message, Reply};
use super::memory::Memory;
use super::message::{Malformed, PROTOCOL_FEATURES, Request, Watch, reply};
use super::queue::{Active, Slot};
use super::ring::{Inflight, Ring, Setup};

/// Features of virtio-net devices (virtio 1.1 section 5.1.3) and of all devices (section 6).
pub(super) mod feature {
    pub const CSUM: u64 = 1 << 0;
    pub const GUEST_CSUM: u64 = 1 << 1;
    pub const GUEST_TSO4: u64 = 1 << 7;
    pub const GUEST_TSO6: u64 = 1 << 8;
    pub const GUEST_ECN: u64 = 1 << 9;
    pub const HOST_TSO4: u64 = 1 << 11;
    pub const HOST_TSO6: u64 = 1 << 12;
    pub const HOST_ECN: u64 = 1 << 13;
    pub const MRG_RXBUF: u64 = 1 << 15;
    pub const MQ: u64 = 1 << 22;
    pub const INDIRECT_DESC: u64 = 1 << 28;
    pub const EVENT_IDX: u64 = 1 << 29;
    pub const PROTOCOL: u64 = 1 << 30;
    pub const VERSION_1: u64 = 1 << 32;
    pub const RING_PACKED: u64 = 1 << 34;
    pub const OFFERED: u64 = CSUM
        | GUEST_CSUM
        | GUEST_TSO4
        | GUEST_TSO6
        | GUEST_ECN
        | HOST_TSO4
        | HOST_TSO6
        | HOST_ECN
        | MRG_RXBUF
        | MQ
        | INDIRECT_DESC
        | EVENT_IDX
        | PROTOCOL
        | VERSION_1
        | RING_PACKED;
}

/// The protocol feature by which replies can be asked for.
const REPLY_ACK: u64 = 1 << 3;
/// The question for a record of what is in flight.
const GET_INFLIGHT: u32 = 31;

/// What was said of one ring.
#[derive(Debug, Default)]
struct Said {
    entries: u32,
    /// Descriptors, available, used.
    addresses: Option<[u64; 3]>,
    base: u32,
    kick: Option<OwnedFd>,
    enabled: bool,
    running: bool,
}

/// See the module's head.
#[derive(Debug)]
pub(super) struct Session {
    slots: Arc<[Slot]>,
    features: u64,
    protocol: u64,
    status: u64,
    memory: Option<Arc<Memory>>,
    inflight: Option<Inflight>,
    rings: Vec<Said>,
}

impl Session {
    /// A new frontend, with a slot for each ring that it may have.
    pub fn new(slots: Arc<[Slot]>) -> Self {
        let rings = slots.iter().map(|_| Said::default()).collect();
        Self { slots, features: 0, protocol: 0, status: 0, memory: None, inflight: None, rings }
    }

    /// What both sides use.
    pub fn features(&self) -> u64 {
        self.features
    }

    /// Fails if memory has gone under the rings.
    pub fn check(&self) -> Result<(), Malformed> {
        let lost = [
            self.memory.as_ref().is_some_and(|memory| memory.is_lost()),
            self.inflight.as_ref().is_some_and(Inflight::is_lost),
        ];
        if lost.contains(&true) { Err(Malformed::Lost) } else { Ok(()) }
    }

    /// How many rings run.
    pub fn running(&self) -> usize {
        self.rings.iter().filter(|ring| ring.running).count()
    }

    /// Does what a message says; gives the reply to be sent.
    pub fn handle(&mut self, message: Message) -> Result<Option<Reply>, Malformed> {
        let Message { header, payload, fds } = message;
        let request = Request::parse(header.request, &payload)?;
        if let Request::GetInflight(watch, len) = request {
            return self.watch(watch, len).map(Some);
        }
        if let Some(payload) = self.answer(header.request, &request)? {
            return Ok(Some(Reply { bytes: reply(header.request, &payload), fd: None }));
        }
        let result = self.obey(header.request, request, fds);
        if header.need_reply && self.protocol & REPLY_ACK != 0 {
            let code = u64::from(result.is_err());
            return Ok(Some(Reply { bytes: reply(header.request, &code.to_ne_bytes()), fd: None }));
        }
        result.map(|()| None)
    }

    /// Makes a record of what is in flight, for the frontend to keep.
    fn watch(&self, wanted: Watch, len: usize) -> Result<Reply, Malformed> {
        // What is not recorded has no size.
        let mut made = Watch { size: 0, offset: 0, ..wanted };
        let mut fd = None;
        if self.features & feature::RING_PACKED == 0 {
            let few = usize::from(wanted.rings) <= self.rings.len();
            let (file, size) = Inflight::make(wanted).filter(|_| few).ok_or(Malformed::Inflight)?;
            (made.size, fd) = (size, Some(file));
        }
        Ok(Reply { bytes: reply(GET_INFLIGHT, &made.payload(len)), fd })
    }

    /// Questions.
    fn answer(&mut self, number: u32, request: &Request) -> Result<Option<Vec<u8>>, Malformed> {
        let word = match request {
            Request::GetFeatures => feature::OFFERED,
            Request::GetProtocolFeatures => PROTOCOL_FEATURES,
            Request::GetQueues => self.rings.len() as u64 / 2,
            Request::GetStatus => self.status,
            Request::GetBase { ring } => {
                let (index, base) = (*ring, self.stop(number, *ring)?);
                return Ok(Some([index.to_ne_bytes(), base.to_ne_bytes()].concat()));
            }
            _ => return Ok(None),
        };
        Ok(Some(word.to_ne_bytes().to_vec()))
    }

    /// Everything else.
    fn obey(&mut self, number: u32, request: Request, mut fds: Vec<OwnedFd>) -> Result<(), Malformed> {
        match request {
            Request::SetFeatures(features) => self.features = features & feature::OFFERED,
            Request::SetProtocolFeatures(features) => self.protocol = features & PROTOCOL_FEATURES,
            Request::SetInflight(watch) => {
                let fd = fds.pop().ok_or(Malformed::Descriptors(number))?;
                self.inflight = Some(Inflight::new(watch, fd)?);
            }
            Request::SetStatus(status) => {
                self.status = status;
                if status == 0 {
                    self.reset();
                }
            }
            Request::ResetOwner => self.reset(),
            Request::SetMemory(regions) => {
                let memory = Memory::map(regions, &fds)?;
                self.memory = Some(Arc::new(memory));
                // Rings that run go on in the new memory.
                for ring in 0..self.rings.len() as u32 {
                    if self.rings[ring as usize].running {
                        self.rings[ring as usize].base = self.stop_keeping(ring);
                        self.start(number, ring)?;
                    }
                }
            }
            Request::SetNumber { ring, entries } => self.said(number, ring)?.entries = entries,
            Request::SetAddress { ring, descriptors, used, available } => {
                self.said(number, ring)?.addresses = Some([descriptors, available, used]);
            }
            Request::SetBase { ring, base } => self.said(number, ring)?.base = base,
            Request::SetKick { ring, none } => {
                let fd = if none { None } else { fds.pop() };
                // Without a descriptor the ring is to be asked all the time: an event that never comes will do.
                let fd = match fd {
                    Some(fd) => fd,
                    None => eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)
                        .map_err(|_| Malformed::Descriptors(number))?,
                };
                self.said(number, ring)?;
                self.rings[ring as usize].base = self.stop_keeping(ring);
                self.rings[ring as usize].kick = Some(fd);
                self.start(number, ring)?;
            }
            Request::SetCall { ring, none } => {
                let fd = if none { None } else { fds.pop().map(unblocked).transpose()? };
                self.said(number, ring)?;
                self.slots[ring as usize].set_call(fd);
            }
            Request::SetEnable { ring, on } => {
                self.said(number, ring)?.enabled = on;
                if on {
                    self.start(number, ring)?;
                } else {
                    self.said(number, ring)?.base = self.stop_keeping(ring);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn said(&mut self, number: u32, ring: u32) -> Result<&mut Said, Malformed> {
        self.rings.get_mut(ring as usize).ok_or(Malformed::Range(number))
    }

    /// Starts a ring if all is said.
    fn start(&mut self, number: u32, ring: u32) -> Result<(), Malformed> {
        let (features, memory) = (self.features, self.memory.clone());
        let inflight = self.inflight.as_ref().filter(|_| features & feature::RING_PACKED == 0);
        let inflight = inflight.and_then(|inflight| inflight.of_ring(ring));
        let said = self.said(number, ring)?;
        let enabled = said.enabled || features & feature::PROTOCOL == 0;
        let (Some(memory), Some(addresses), Some(kick), true) =
            (memory, said.addresses, &said.kick, enabled && !said.running)
        else {
            return Ok(());
        };
        let (entries, base) = (said.entries, said.base);
        let new = Ring::new(Setup { memory, entries, addresses, base, features, inflight })?;
        let kick = kick.try_clone().map_err(|_| Malformed::Descriptors(number))?;
        said.running = true;
        self.slots[ring as usize].put(Active::new(new, kick, features));
        Ok(())
    }

    /// Stops a ring for good: it needs a new kick to start again.
    fn stop(&mut self, number: u32, ring: u32) -> Result<u32, Malformed> {
        self.said(number, ring)?;
        let base = self.stop_keeping(ring);
        let said = self.said(number, ring)?;
        (said.kick, said.base) = (None, base);
        Ok(base)
    }

    /// Stops a ring, and says where it was.
    fn stop_keeping(&mut self, ring: u32) -> u32 {
        let said = &mut self.rings[ring as usize];
        said.running = false;
        match self.slots[ring as usize].take() {
            Some(base) => base,
            None => said.base,
        }
    }

    /// Stops everything.
    pub fn reset(&mut self) {
        for ring in 0..self.rings.len() as u32 {
            self.stop_keeping(ring);
            self.rings[ring as usize] = Said::default();
        }
        self.inflight = None;
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.reset();
    }
}

/// Whatever the frontend passes to be called by, writing it must not wait. The frontend can take that back: one that does, and
/// never reads, can stop the worker that calls it.
fn unblocked(fd: OwnedFd) -> Result<OwnedFd, Malformed> {
    let set = fcntl_getfl(&fd).and_then(|flags| fcntl_setfl(&fd, flags | OFlags::NONBLOCK));
    set.map(|()| fd).map_err(|_| Malformed::Descriptors(0))
}
