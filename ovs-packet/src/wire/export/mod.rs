//! Flow export: writers of NetFlow version 5, sFlow version 5 and IPFIX messages, which collectors read.
//!
//! What is counted and when it is sent is the caller's business; these make the bytes of one UDP payload.

pub mod ipfix;
pub mod netflow;
pub mod sflow;

/// Why something does not go into a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// The message would be longer than its length field, or the limit, can tell.
    #[error("{len} bytes do not fit, there is room for {room}")]
    Full {
        /// Bytes that were to be added.
        len: usize,
        /// Bytes for which there is room.
        room: usize,
    },
    /// More records than the message may have.
    #[error("{count} records, at most {most} are allowed")]
    TooMany {
        /// Records that there are.
        count: usize,
        /// Records that may be.
        most: usize,
    },
    /// A set or template has a number that is not a template's.
    #[error("{id} is no template number: they begin with 256")]
    NoTemplate {
        /// The number.
        id: u16,
    },
}
