//! OpenFlow errors: one enum over all versions, and each version's numbers for it.
//!
//! ```
//! use ovs_openflow::{OfError, Version, WireError};
//!
//! let error = OfError::BmcBadPrereq;
//! assert_eq!(error.name(), "OFPBMC_BAD_PREREQ");
//! assert_eq!(error.wire(Version::V13), Some(WireError::Std(4, 9)));
//! assert_eq!(error.wire(Version::V10), Some(WireError::Nx(1, 260)));
//! ```

mod table;

pub use table::OfError;

use crate::Version;
use table::ROWS;

/// Nicira's (Open vSwitch's) experimenter number.
pub const NX_VENDOR: u32 = 0x0000_2320;
/// The Open Networking Foundation's experimenter number.
pub const ONF_VENDOR: u32 = 0x4f4e_4600;
/// Type and code with which 1.0 and 1.1 wrap errors of a vendor.
const NXET_VENDOR: u16 = 0xb0c2;
/// Type with which 1.2 and later wrap errors of an experimenter.
const ET_EXPERIMENTER: u16 = 0xffff;

/// How one version numbers an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WireError {
    /// Type and code of the standard.
    Std(u16, u16),
    /// Open vSwitch's extension for 1.0 and 1.1: type and code inside a vendor error.
    Nx(u16, u16),
    /// Open vSwitch's experimenter error of 1.2 and later.
    NxExp(u16),
    /// The ONF's experimenter error (extensions to 1.3).
    OnfExp(u16),
}

impl WireError {
    /// Appends type, code and what follows them.
    pub fn encode(self, out: &mut Vec<u8>) {
        let mut put = |words: &[u16]| out.extend(words.iter().flat_map(|w| w.to_be_bytes()));
        let nx = [(NX_VENDOR >> 16) as u16, NX_VENDOR as u16];
        let onf = [(ONF_VENDOR >> 16) as u16, ONF_VENDOR as u16];
        match self {
            Self::Std(kind, code) => put(&[kind, code]),
            Self::Nx(kind, code) => put(&[NXET_VENDOR, 0, nx[0], nx[1], kind, code]),
            Self::NxExp(kind) => put(&[ET_EXPERIMENTER, kind, nx[0], nx[1]]),
            Self::OnfExp(kind) => put(&[ET_EXPERIMENTER, kind, onf[0], onf[1]]),
        }
    }

    /// From the start of an error's body, and what follows; `None` if it is too short or of another vendor.
    pub fn decode(version: Version, body: &[u8]) -> Option<(Self, &[u8])> {
        let word = |i: usize| Some(u16::from_be_bytes([*body.get(i)?, *body.get(i + 1)?]));
        let vendor = || Some(u32::from(word(4)?) << 16 | u32::from(word(6)?));
        let (kind, code) = (word(0)?, word(2)?);
        Some(match (kind, version) {
            (NXET_VENDOR, Version::V10 | Version::V11) if code == 0 => {
                if vendor()? != NX_VENDOR {
                    return None;
                }
                (Self::Nx(word(8)?, word(10)?), &body[12..])
            }
            (ET_EXPERIMENTER, _) if version >= Version::V12 => match vendor()? {
                NX_VENDOR => (Self::NxExp(code), &body[8..]),
                ONF_VENDOR => (Self::OnfExp(code), &body[8..]),
                _ => return None,
            },
            _ => (Self::Std(kind, code), &body[4..]),
        })
    }
}

/// What the table says of one error: from which to which version it has which numbers.
struct Row {
    name: &'static str,
    wire: &'static [(u8, u8, WireError)],
}

impl OfError {
    /// As the standard names it: `OFPBRC_BAD_TYPE`.
    pub fn name(self) -> &'static str {
        ROWS[self as usize].name
    }

    /// Its numbers in a version; `None` if the version cannot say it.
    pub fn wire(self, version: Version) -> Option<WireError> {
        let v = version.wire();
        ROWS[self as usize].wire.iter().find(|(from, to, _)| (*from..=*to).contains(&v)).map(|row| row.2)
    }

    /// Its numbers in a version, or those of "an error that this version cannot encode".
    pub fn wire_or_generic(self, version: Version) -> WireError {
        self.wire(version)
            .or_else(|| Self::NxBrcUnencodableError.wire(version))
            .unwrap_or(WireError::Std(1, 5))
    }

    /// The error of these numbers; `None` if nobody here knows it.
    pub fn from_wire(version: Version, wire: WireError) -> Option<Self> {
        Self::all().find(|e| e.wire(version) == Some(wire))
    }
}

impl core::fmt::Display for OfError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.name())
    }
}

impl core::error::Error for OfError {}

/// An error message: what was wrong, and the start of the message it is about (OpenFlow 1.3, 7.4.4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorMsg {
    /// What was wrong.
    pub error: ErrorCode,
    /// At least the first 64 bytes of the offending message, or for a failed hello a text.
    pub data: Vec<u8>,
}

/// The error of an error message: one that is known, or the numbers of one that is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorCode {
    /// One of the table.
    Known(OfError),
    /// Any other type and code.
    Unknown(u16, u16),
}

/// The longest quote: a message less its header and the numbers of an experimenter's error.
const MAX_QUOTE: usize = 65_535 - 8 - 16;

impl ErrorMsg {
    /// The answer to a message with these bytes. All of them are quoted, as far as one message can hold them;
    /// the standards ask for at least 64.
    pub fn about(error: OfError, request: &[u8]) -> Self {
        Self { error: ErrorCode::Known(error), data: request[..request.len().min(MAX_QUOTE)].to_vec() }
    }

    /// Appends the body.
    pub(crate) fn encode(&self, version: Version, out: &mut Vec<u8>) {
        match self.error {
            ErrorCode::Known(error) => error.wire_or_generic(version).encode(out),
            ErrorCode::Unknown(kind, code) => WireError::Std(kind, code).encode(out),
        }
        out.extend_from_slice(&self.data);
    }

    /// From a body.
    pub(crate) fn decode(version: Version, body: &[u8]) -> Result<Self, OfError> {
        if body.len() < 4 {
            return Err(OfError::BrcBadLen);
        }
        let numbers = [0, 2].map(|i| u16::from_be_bytes([body[i], body[i + 1]]));
        let unknown = ErrorCode::Unknown(numbers[0], numbers[1]);
        let known = WireError::decode(version, body)
            .and_then(|(wire, rest)| Some((ErrorCode::Known(OfError::from_wire(version, wire)?), rest)));
        let (error, data) = known.unwrap_or((unknown, &body[4..]));
        Ok(Self { error, data: data.to_vec() })
    }
}
