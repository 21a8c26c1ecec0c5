//! The classic pcap file format, read and written over bytes (and, with `std`, over files).
//!
//! ```text
//! file header  magic 4 │ version 2+2 │ zone 4 │ accuracy 4 │ snapshot length 4 │ link type 4
//! per packet   seconds 4 │ micro- or nanoseconds 4 │ captured length 4 │ original length 4 │ bytes …
//! ```
//! The magic number tells byte order and resolution. The reader takes all four combinations; the writer makes
//! little-endian files. (Format: draft-ietf-opsawg-pcap.)
//!
//! ```
//! use ovs_packet::pcap::{FileHeader, Reader, record_header};
//!
//! let mut file = FileHeader::ethernet().to_bytes().to_vec();
//! file.extend(record_header(1_500_000_000, 3, 3));
//! file.extend([1, 2, 3]);
//!
//! let mut reader = Reader::new(&file)?;
//! let record = reader.next().unwrap()?;
//! assert_eq!((record.timestamp, record.data), (1_500_000_000, &[1, 2, 3][..]));
//! assert!(reader.next().is_none());
//! # Ok::<(), ovs_packet::pcap::PcapError>(())
//! ```

#[cfg(feature = "std")]
mod file;

#[cfg(feature = "std")]
pub use file::{ReadError, StreamReader, Writer};

/// Link type of Ethernet frames.
pub const LINKTYPE_ETHERNET: u32 = 1;

/// Longest record that is believed; a longer one means a corrupt file.
pub const MAX_RECORD: u32 = 1 << 20;

/// Bytes of the file header.
pub const FILE_HEADER_LEN: usize = 24;

/// Bytes of a record's header.
pub const RECORD_HEADER_LEN: usize = 16;

const MICROSECONDS: u32 = 0xa1b2_c3d4;
const NANOSECONDS: u32 = 0xa1b2_3c4d;

/// Why bytes are not a pcap file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PcapError {
    /// The file does not begin with one of the four magic numbers.
    #[error("not a pcap file: it begins with {magic:#010x}")]
    Magic {
        /// What it begins with, read as big-endian.
        magic: u32,
    },
    /// The file ends within a header or record.
    #[error("pcap file truncated at offset {offset}")]
    Truncated {
        /// Where the header or record begins.
        offset: usize,
    },
    /// A record claims to be longer than [`MAX_RECORD`].
    #[error("pcap record at offset {offset} claims {len} bytes")]
    TooLong {
        /// Where the record begins.
        offset: usize,
        /// Its claim.
        len: u32,
    },
}

/// What the file header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileHeader {
    /// Numbers are big-endian.
    pub big_endian: bool,
    /// The second time field counts nanoseconds, not microseconds.
    pub nanoseconds: bool,
    /// Most bytes kept of a packet.
    pub snapshot_len: u32,
    /// What the packets begin with.
    pub link_type: u32,
}

impl FileHeader {
    /// Little-endian, nanoseconds, Ethernet, no packet cut.
    pub const fn ethernet() -> Self {
        Self { big_endian: false, nanoseconds: true, snapshot_len: MAX_RECORD, link_type: LINKTYPE_ETHERNET }
    }

    /// Reads a file's first [`FILE_HEADER_LEN`] bytes.
    pub fn parse(bytes: &[u8]) -> Result<Self, PcapError> {
        let truncated = PcapError::Truncated { offset: 0 };
        let header: &[u8; FILE_HEADER_LEN] = bytes.first_chunk().ok_or(truncated)?;
        let magic = number(header, 0, true);
        let (big_endian, nanoseconds) = match (magic, magic.swap_bytes()) {
            (MICROSECONDS, _) => (true, false),
            (NANOSECONDS, _) => (true, true),
            (_, MICROSECONDS) => (false, false),
            (_, NANOSECONDS) => (false, true),
            _ => return Err(PcapError::Magic { magic }),
        };
        let snapshot_len = number(header, 16, big_endian);
        // The upper bits of the link type tell of frame check sequences.
        let link_type = number(header, 20, big_endian) & 0x0fff_ffff;
        Ok(Self { big_endian, nanoseconds, snapshot_len, link_type })
    }

    /// The header's bytes.
    pub fn to_bytes(self) -> [u8; FILE_HEADER_LEN] {
        let magic = if self.nanoseconds { NANOSECONDS } else { MICROSECONDS };
        // Version 2.4, written as one number so that byte order applies to each half.
        let version = if self.big_endian { 2 << 16 | 4 } else { 4 << 16 | 2 };
        let mut bytes = [0; FILE_HEADER_LEN];
        let fields = [magic, version, 0, 0, self.snapshot_len, self.link_type];
        for (place, field) in bytes.chunks_exact_mut(4).zip(fields) {
            place.copy_from_slice(&if self.big_endian { field.to_be_bytes() } else { field.to_le_bytes() });
        }
        bytes
    }

    /// Reads a record's header, at `offset` of the file.
    pub fn parse_record(&self, bytes: &[u8], offset: usize) -> Result<RecordHeader, PcapError> {
        let header: &[u8; RECORD_HEADER_LEN] = bytes.first_chunk().ok_or(PcapError::Truncated { offset })?;
        let field = |at| number(header, at, self.big_endian);
        let len = field(8);
        if len > MAX_RECORD {
            return Err(PcapError::TooLong { offset, len });
        }
        let fraction = u64::from(field(4)) * if self.nanoseconds { 1 } else { 1000 };
        let timestamp = u64::from(field(0)) * 1_000_000_000 + fraction;
        Ok(RecordHeader { timestamp, len: len as usize, original_len: field(12) })
    }
}

/// What a record's header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordHeader {
    /// Nanoseconds since 1970.
    pub timestamp: u64,
    /// Bytes in the file.
    pub len: usize,
    /// Bytes that the packet had.
    pub original_len: u32,
}

/// One packet of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record<'a> {
    /// Nanoseconds since 1970.
    pub timestamp: u64,
    /// Bytes that the packet had; more than `data` if it was cut.
    pub original_len: u32,
    /// The captured bytes.
    pub data: &'a [u8],
}

/// The records of a file in memory. After an error it ends.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    header: FileHeader,
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    /// Reads the file header.
    pub fn new(bytes: &'a [u8]) -> Result<Self, PcapError> {
        Ok(Self { header: FileHeader::parse(bytes)?, bytes, at: FILE_HEADER_LEN })
    }

    /// What the file header says.
    pub fn header(&self) -> &FileHeader {
        &self.header
    }

    fn record(&self, rest: &'a [u8]) -> Result<Record<'a>, PcapError> {
        let header = self.header.parse_record(rest, self.at)?;
        let truncated = PcapError::Truncated { offset: self.at };
        let data = rest[RECORD_HEADER_LEN..].get(..header.len).ok_or(truncated)?;
        Ok(Record { timestamp: header.timestamp, original_len: header.original_len, data })
    }
}

impl<'a> Iterator for Reader<'a> {
    type Item = Result<Record<'a>, PcapError>;

    fn next(&mut self) -> Option<Self::Item> {
        let rest = self.bytes.get(self.at..).filter(|rest| !rest.is_empty())?;
        let record = self.record(rest);
        self.at = match &record {
            Ok(record) => self.at + RECORD_HEADER_LEN + record.data.len(),
            Err(_) => self.bytes.len(),
        };
        Some(record)
    }
}

/// The header of a record in a file with [`FileHeader::ethernet`]: time in nanoseconds since 1970, bytes that
/// follow, bytes that the packet had.
pub fn record_header(timestamp: u64, len: u32, original_len: u32) -> [u8; RECORD_HEADER_LEN] {
    let seconds = (timestamp / 1_000_000_000) as u32;
    let fraction = (timestamp % 1_000_000_000) as u32;
    let mut bytes = [0; RECORD_HEADER_LEN];
    for (place, field) in bytes.chunks_exact_mut(4).zip([seconds, fraction, len, original_len]) {
        place.copy_from_slice(&field.to_le_bytes());
    }
    bytes
}

/// The number at `at`, which the caller knows to be within the header.
fn number<const N: usize>(header: &[u8; N], at: usize, big_endian: bool) -> u32 {
    let mut bytes = [0; 4];
    bytes.copy_from_slice(&header[at..at + 4]);
    if big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) }
}
