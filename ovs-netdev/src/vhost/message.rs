//! The messages of vhost-user (QEMU's `docs/interop/vhost-user`), as bytes and as values. Numbers are in the machine's byte
//! order, as the protocol has them.

/// Bytes of a message's header.
pub(super) const HEADER: usize = 12;
/// The longest payload that is read.
pub(super) const PAYLOAD_MAX: usize = 4096;
/// Regions of memory that a message can have.
pub(super) const REGIONS_MAX: usize = 8;

const VERSION: u32 = 1;
const REPLY: u32 = 1 << 2;
const NEED_REPLY: u32 = 1 << 3;

/// What the frontend can be told to use, beside virtio's own features.
pub(super) const PROTOCOL_FEATURES: u64 = 1 << 0 | 1 << 3 | 1 << 4 | 1 << 12 | 1 << 16;

/// A header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub request: u32,
    /// The frontend waits for a number that says whether it worked.
    pub need_reply: bool,
    /// Bytes that follow.
    pub size: usize,
}

/// Why a connection is given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Malformed {
    #[error("a message of another version")]
    Version,
    #[error("a message of {0} bytes")]
    TooLong(usize),
    #[error("a message {0} that is too short")]
    TooShort(u32),
    #[error("a message {0} with a number out of range")]
    Range(u32),
    #[error("a message {0} without the descriptors that it needs")]
    Descriptors(u32),
    #[error("a ring that cannot be used")]
    Ring,
    #[error("a record of what is in flight that makes no sense")]
    Inflight,
    #[error("memory that cannot be used")]
    Memory,
    #[error("memory that its owner may take away, which this program does not stand")]
    Unsealed,
    #[error("memory was taken away")]
    Lost,
}

impl Header {
    pub fn parse(bytes: &[u8; HEADER]) -> Result<Self, Malformed> {
        let number = |at: usize| u32::from_ne_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        let (request, flags, size) = (number(0), number(4), number(8) as usize);
        if flags & 3 != VERSION {
            return Err(Malformed::Version);
        }
        if size > PAYLOAD_MAX {
            return Err(Malformed::TooLong(size));
        }
        Ok(Self { request, need_reply: flags & NEED_REPLY != 0, size })
    }
}

/// The bytes of a reply.
pub(super) fn reply(request: u32, payload: &[u8]) -> Vec<u8> {
    let numbers = [request, VERSION | REPLY, payload.len() as u32];
    let mut bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_ne_bytes()).collect();
    bytes.extend(payload);
    bytes
}

/// One region of the frontend's memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Region {
    /// Where descriptors have it.
    pub guest: u64,
    pub size: u64,
    /// Where addresses of rings have it.
    pub user: u64,
    /// Where its descriptor has it.
    pub offset: u64,
}

/// Memory in which is written down what is in flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Watch {
    pub size: u64,
    /// Where its descriptor has it.
    pub offset: u64,
    pub rings: u16,
    /// Entries of each ring at most.
    pub entries: u16,
}

impl Watch {
    /// A payload of `len` bytes: frontends pad it as their compilers do, and want it back like that.
    pub fn payload(self, len: usize) -> Vec<u8> {
        let mut bytes = [self.size.to_ne_bytes(), self.offset.to_ne_bytes()].concat();
        bytes.extend([self.rings.to_ne_bytes(), self.entries.to_ne_bytes()].concat());
        bytes.resize(len.max(bytes.len()), 0);
        bytes
    }
}

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Request {
    GetFeatures,
    SetFeatures(u64),
    SetOwner,
    ResetOwner,
    SetMemory(Vec<Region>),
    SetNumber {
        ring: u32,
        entries: u32,
    },
    SetAddress {
        ring: u32,
        descriptors: u64,
        used: u64,
        available: u64,
    },
    SetBase {
        ring: u32,
        base: u32,
    },
    GetBase {
        ring: u32,
    },
    /// A descriptor comes along, unless `none`.
    SetKick {
        ring: u32,
        none: bool,
    },
    SetCall {
        ring: u32,
        none: bool,
    },
    SetError,
    GetProtocolFeatures,
    SetProtocolFeatures(u64),
    GetQueues,
    SetEnable {
        ring: u32,
        on: bool,
    },
    SetMtu(u64),
    /// For a record of what is in flight in so many rings; the answer's payload has so many bytes.
    GetInflight(Watch, usize),
    /// A descriptor comes along.
    SetInflight(Watch),
    SetStatus(u64),
    GetStatus,
    /// Nothing that we have offered.
    Unknown,
}

impl Request {
    /// Reads a payload.
    pub fn parse(request: u32, payload: &[u8]) -> Result<Self, Malformed> {
        let short = Malformed::TooShort(request);
        let u64_at = |at: usize| {
            let bytes = payload.get(at..).and_then(<[u8]>::first_chunk);
            bytes.map(|bytes| u64::from_ne_bytes(*bytes)).ok_or(short)
        };
        let u32_at = |at: usize| {
            let bytes = payload.get(at..).and_then(<[u8]>::first_chunk);
            bytes.map(|bytes| u32::from_ne_bytes(*bytes)).ok_or(short)
        };
        // A ring's number and a flag for "no descriptor", in one word.
        let file = || u64_at(0).map(|word| ((word & 0xff) as u32, word & 0x100 != 0));
        Ok(match request {
            1 => Self::GetFeatures,
            2 => Self::SetFeatures(u64_at(0)?),
            3 => Self::SetOwner,
            4 => Self::ResetOwner,
            5 => {
                let count = u32_at(0)? as usize;
                if count > REGIONS_MAX {
                    return Err(Malformed::Range(request));
                }
                let region = |n: usize| {
                    let at = 8 + 32 * n;
                    let (guest, size, user, offset) =
                        (u64_at(at)?, u64_at(at + 8)?, u64_at(at + 16)?, u64_at(at + 24)?);
                    Ok(Region { guest, size, user, offset })
                };
                Self::SetMemory((0..count).map(region).collect::<Result<_, Malformed>>()?)
            }
            8 => Self::SetNumber { ring: u32_at(0)?, entries: u32_at(4)? },
            9 => Self::SetAddress {
                ring: u32_at(0)?,
                descriptors: u64_at(8)?,
                used: u64_at(16)?,
                available: u64_at(24)?,
            },
            10 => Self::SetBase { ring: u32_at(0)?, base: u32_at(4)? },
            11 => Self::GetBase { ring: u32_at(0)? },
            12 => file().map(|(ring, none)| Self::SetKick { ring, none })?,
            13 => file().map(|(ring, none)| Self::SetCall { ring, none })?,
            14 => Self::SetError,
            15 => Self::GetProtocolFeatures,
            16 => Self::SetProtocolFeatures(u64_at(0)?),
            17 => Self::GetQueues,
            18 => Self::SetEnable { ring: u32_at(0)?, on: u32_at(4)? != 0 },
            20 => Self::SetMtu(u64_at(0)?),
            31 | 32 => {
                let numbers = u32_at(16)?.to_ne_bytes();
                let [rings, entries] =
                    [[numbers[0], numbers[1]], [numbers[2], numbers[3]]].map(u16::from_ne_bytes);
                let watch = Watch { size: u64_at(0)?, offset: u64_at(8)?, rings, entries };
                if request == 31 { Self::GetInflight(watch, payload.len()) } else { Self::SetInflight(watch) }
            }
            39 => Self::SetStatus(u64_at(0)?),
            40 => Self::GetStatus,
            _ => Self::Unknown,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_read() {
        let header = |request: u32, flags: u32, size: u32| {
            let mut bytes = [0; HEADER];
            for (at, number) in [request, flags, size].into_iter().enumerate() {
                bytes[4 * at..4 * at + 4].copy_from_slice(&number.to_ne_bytes());
            }
            Header::parse(&bytes)
        };
        assert_eq!(header(5, 9, 8), Ok(Header { request: 5, need_reply: true, size: 8 }));
        assert_eq!(header(5, 2, 8), Err(Malformed::Version));
        assert_eq!(header(5, 1, 5000), Err(Malformed::TooLong(5000)));
    }

    #[test]
    fn no_payload_is_too_odd() {
        for request in 0..64 {
            for len in 0..80 {
                for fill in [0, 1, 0xff] {
                    let _ = Request::parse(request, &vec![fill; len]);
                }
            }
        }
        assert_eq!(Request::parse(5, &[9; 400]), Err(Malformed::Range(5)));
        assert_eq!(Request::parse(9, &[0; 31]), Err(Malformed::TooShort(9)));
        assert_eq!(
            Request::parse(12, &[3, 1, 0, 0, 0, 0, 0, 0]),
            Ok(Request::SetKick { ring: 3, none: true })
        );
    }

    #[test]
    fn what_is_in_flight_has_a_place() {
        let watch = Watch { size: 4096, offset: 64, rings: 2, entries: 256 };
        for len in [20, 24] {
            let payload = watch.payload(len);
            assert_eq!(payload.len(), len);
            assert_eq!(Request::parse(31, &payload), Ok(Request::GetInflight(watch, len)));
            assert_eq!(Request::parse(32, &payload), Ok(Request::SetInflight(watch)));
        }
        assert_eq!(Request::parse(32, &watch.payload(0)[..19]), Err(Malformed::TooShort(32)));
    }
}
