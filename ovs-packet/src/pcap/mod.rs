//! The classic pcap file format, read and written over bytes (and, with `std`, over files).
//!
//! ```text
//! file header  magic 4 │ version 2+2 │ zone 4 │ accuracy 4 │ snapshot length 4 │ link type 4
//! per packet   seconds 4 │ micro- or nanoseconds 4 │ captured length 4 │ original length 4 │ bytes …
//! ```
//! The magic number tells byte order and resolution; all four combinations are read and written. The snapshot length is
//! a promise that writers keep and readers do not rely on: a record is believed up to [`MAX_RECORD`] bytes, whatever
//! the file's header says. (Format: draft-ietf-opsawg-pcap.)
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

/// Link type of bare IP packets, version 4 or 6 by their first four bits.
pub const LINKTYPE_RAW: u32 = 101;

/// Link type of packets behind Linux's "cooked" header, version 1.
pub const LINKTYPE_LINUX_SLL: u32 = 113;

/// Link type of bare IPv4 packets.
pub const LINKTYPE_IPV4: u32 = 228;

/// Link type of bare IPv6 packets.
pub const LINKTYPE_IPV6: u32 = 229;

/// Link type of packets behind Linux's "cooked" header, version 2.
pub const LINKTYPE_LINUX_SLL2: u32 = 276;

/// Longest record that is believed; a longer one means a corrupt file.
pub const MAX_RECORD: u32 = 1 << 20;

/// Bytes of the file header.
pub const FILE_HEADER_LEN: usize = 24;

/// Bytes of a record's header.
pub const RECORD_HEADER_LEN: usize = 16;

/// What a block of the other format, pcapng, begins with; the same in both byte orders.
const PCAPNG: u32 = 0x0a0d_0d0a;

/// The version that every writer since 1998 writes.
const VERSION: (u16, u16) = (2, 4);

/// Nanoseconds of a second.
const NANOS: u64 = 1_000_000_000;

/// Of the last word of a file header: the link type, and the flag that the length of check sequences is known.
const LINK_TYPE: u32 = 0x03ff_ffff;
const FCS_KNOWN: u32 = 0x0400_0000;

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
    /// The file is of the other format, pcapng.
    #[error("a pcapng file, not a pcap file")]
    Pcapng,
    /// The file is of another version than 2.4.
    #[error("pcap version {major}.{minor}, only 2.4 is known")]
    Version {
        /// First number.
        major: u16,
        /// Second number.
        minor: u16,
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
    /// What the packets begin with ([`LINKTYPE_ETHERNET`] …).
    pub link_type: u32,
    /// Bytes of a frame check sequence behind each packet, if the file says so (0 to 30, even: the format
    /// counts 16-bit words).
    pub fcs_len: u8,
}

impl FileHeader {
    /// Little-endian, nanoseconds, Ethernet, no packet cut.
    pub const fn ethernet() -> Self {
        Self {
            big_endian: false,
            nanoseconds: true,
            snapshot_len: MAX_RECORD,
            link_type: LINKTYPE_ETHERNET,
            fcs_len: 0,
        }
    }

    /// Sets the byte order of all numbers.
    pub const fn big_endian(mut self, big_endian: bool) -> Self {
        self.big_endian = big_endian;
        self
    }

    /// Sets whether times are in nanoseconds; otherwise in microseconds, and what is finer is cut off.
    pub const fn nanoseconds(mut self, nanoseconds: bool) -> Self {
        self.nanoseconds = nanoseconds;
        self
    }

    /// Sets how much is kept of a packet, at most [`MAX_RECORD`] (which 0 stands for too).
    pub const fn snapshot_len(mut self, bytes: u32) -> Self {
        self.snapshot_len = if bytes == 0 || bytes > MAX_RECORD { MAX_RECORD } else { bytes };
        self
    }

    /// Sets what the packets begin with (26 bits).
    pub const fn link_type(mut self, link_type: u32) -> Self {
        self.link_type = link_type & LINK_TYPE;
        self
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
            (PCAPNG, _) => return Err(PcapError::Pcapng),
            _ => return Err(PcapError::Magic { magic }),
        };
        let (major, minor) = halves(number(header, 4, big_endian), big_endian);
        if (major, minor) != VERSION {
            return Err(PcapError::Version { major, minor });
        }
        let snapshot_len = number(header, 16, big_endian);
        // The upper bits of the link type: length of the frame check sequence in words, whether that is known.
        let word = number(header, 20, big_endian);
        let fcs_len = if word & FCS_KNOWN == 0 { 0 } else { (word >> 28) as u8 * 2 };
        Ok(Self { big_endian, nanoseconds, snapshot_len, link_type: word & LINK_TYPE, fcs_len })
    }

    /// The header's bytes.
    pub fn to_bytes(self) -> [u8; FILE_HEADER_LEN] {
        let magic = if self.nanoseconds { NANOSECONDS } else { MICROSECONDS };
        let (major, minor) = (u32::from(VERSION.0), u32::from(VERSION.1));
        // Two numbers written as one, so that byte order applies to each half.
        let version = if self.big_endian { major << 16 | minor } else { minor << 16 | major };
        let fcs = match self.fcs_len {
            0 => 0,
            len => FCS_KNOWN | u32::from(len / 2) << 28,
        };
        let link = self.link_type & LINK_TYPE | fcs;
        self.numbers([magic, version, 0, 0, self.snapshot_len, link])
    }

    /// The header of a record in such a file: time in nanoseconds since 1970, captured bytes that follow, bytes that the
    /// packet had. Seconds beyond 2106 wrap, as the format has 32 bits for them.
    pub fn record(&self, timestamp: u64, len: u32, original_len: u32) -> [u8; RECORD_HEADER_LEN] {
        let seconds = (timestamp / NANOS) as u32;
        let fraction = (timestamp % NANOS) as u32 / if self.nanoseconds { 1 } else { 1000 };
        self.numbers([seconds, fraction, len, original_len])
    }

    /// Numbers in the file's byte order.
    fn numbers<const N: usize, const BYTES: usize>(&self, numbers: [u32; N]) -> [u8; BYTES] {
        let mut bytes = [0; BYTES];
        for (place, number) in bytes.chunks_exact_mut(4).zip(numbers) {
            place.copy_from_slice(&if self.big_endian { number.to_be_bytes() } else { number.to_le_bytes() });
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
        let timestamp = u64::from(field(0)) * NANOS + fraction;
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
    FileHeader::ethernet().record(timestamp, len, original_len)
}

/// Two 16-bit numbers that were read as one.
fn halves(both: u32, big_endian: bool) -> (u16, u16) {
    let (upper, lower) = ((both >> 16) as u16, both as u16);
    if big_endian { (upper, lower) } else { (lower, upper) }
}

/// The number at `at`, which the caller knows to be within the header.
fn number<const N: usize>(header: &[u8; N], at: usize, big_endian: bool) -> u32 {
    let mut bytes = [0; 4];
    bytes.copy_from_slice(&header[at..at + 4]);
    if big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) }
}
