//! Bundles: messages that are kept and take effect together (OpenFlow 1.4, 7.3.9; ONF extension 230 to 1.3).

use super::Message;
use crate::header::{HEADER_LEN, Put, Reader};
use crate::{EncodeError, OfError, Protocol};

bitflags::bitflags! {
    /// What a bundle promises.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
    pub struct BundleFlags: u16 {
        /// All or nothing, and nobody sees a part.
        const ATOMIC = 1 << 0;
        /// In the order of the messages.
        const ORDERED = 1 << 1;
    }
}

/// What to do with a bundle, or what was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u16)]
pub enum BundleControlKind {
    /// Begin.
    OpenRequest = 0,
    /// Begun.
    OpenReply = 1,
    /// No message more.
    CloseRequest = 2,
    /// Closed.
    CloseReply = 3,
    /// Take effect.
    CommitRequest = 4,
    /// Done.
    CommitReply = 5,
    /// Forget.
    DiscardRequest = 6,
    /// Forgotten.
    DiscardReply = 7,
}

impl BundleControlKind {
    const ALL: [Self; 8] = [
        Self::OpenRequest,
        Self::OpenReply,
        Self::CloseRequest,
        Self::CloseReply,
        Self::CommitRequest,
        Self::CommitReply,
        Self::DiscardRequest,
        Self::DiscardReply,
    ];

    /// The answer to a request; of a reply, itself.
    pub const fn reply(self) -> Self {
        Self::ALL[self as usize | 1]
    }
}

/// Open, close, commit or discard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BundleControl {
    /// Which bundle of this connection.
    pub id: u32,
    /// What.
    pub kind: BundleControlKind,
    /// Its promises.
    pub flags: BundleFlags,
}

/// Put a message into a bundle.
#[derive(Clone, Debug, PartialEq)]
pub struct BundleAdd {
    /// Which bundle of this connection.
    pub id: u32,
    /// Its promises.
    pub flags: BundleFlags,
    /// The transaction of the message, which must be that of the adding.
    pub xid: u32,
    /// The message.
    pub message: Message,
}

fn flags(bits: u16) -> Result<BundleFlags, OfError> {
    BundleFlags::from_bits(bits).ok_or(OfError::BfcBadFlags)
}

impl BundleControl {
    pub(super) fn encode(self, out: &mut Vec<u8>) {
        out.u32(self.id);
        out.u16(self.kind as u16);
        out.u16(self.flags.bits());
    }

    pub(super) fn decode(r: &mut Reader<'_>) -> Result<Self, OfError> {
        let id = r.u32()?;
        let kind = *BundleControlKind::ALL.get(usize::from(r.u16()?)).ok_or(OfError::BfcBadType)?;
        Ok(Self { id, kind, flags: flags(r.u16()?)? })
    }
}

impl BundleAdd {
    pub(super) fn encode(&self, protocol: Protocol, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        out.u32(self.id);
        out.u16(0);
        out.u16(self.flags.bits());
        self.message.encode_into(protocol, self.xid, out)
    }

    /// Only messages that change the switch can be in a bundle.
    pub(super) fn decode(protocol: Protocol, xid: u32, r: &mut Reader<'_>) -> Result<Box<Self>, OfError> {
        let id = r.u32()?;
        r.skip(2)?;
        let flags = flags(r.u16()?)?;
        let inner = r.rest();
        let header = crate::Header::parse(inner).ok_or(OfError::BfcMsgBadLen)?;
        let len = usize::from(header.length);
        if len < HEADER_LEN || len > inner.len() {
            return Err(OfError::BfcMsgBadLen);
        }
        if header.version != protocol.version.wire() {
            return Err(OfError::BfcBadVersion);
        }
        if header.xid != xid {
            return Err(OfError::BfcMsgBadXid);
        }
        if !super::kinds::can_be_bundled(protocol.version, header.kind) {
            return Err(OfError::BfcMsgUnsup);
        }
        let message = Message::decode_body(protocol, header, &inner[HEADER_LEN..len])?;
        Ok(Box::new(Self { id, flags, xid, message }))
    }
}
