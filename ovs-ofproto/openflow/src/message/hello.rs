//! Hello (OpenFlow 1.3.1, 7.5.1).

use crate::header::{Put, Reader};
use crate::{OfError, Version, VersionSet};

/// Which versions the sender speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Hello {
    /// The versions: the bitmap's, or without a bitmap all up to the header's.
    pub versions: VersionSet,
}

/// The one element that is defined.
const VERSION_BITMAP: u16 = 1;

impl Hello {
    /// The header's version: the newest that is offered.
    pub fn version(&self) -> Version {
        self.versions.newest().unwrap_or(Version::V10)
    }

    /// Appends the body. A bitmap is left out where the header's version says the same.
    pub(super) fn encode(self, out: &mut Vec<u8>) {
        let newest = self.version();
        if self.versions != VersionSet::up_to(newest) || newest >= Version::V13 {
            out.u16(VERSION_BITMAP);
            out.u16(8);
            out.u32(self.versions.bitmap());
        }
    }

    /// From the header's version number and a body. Elements that nobody knows are passed over; one whose
    /// length is wrong ends the reading.
    pub(super) fn decode(version: u8, body: &[u8]) -> Self {
        let newest = Version::from_wire(version.min(Version::V15.wire())).unwrap_or(Version::V10);
        let mut versions = None;
        let mut r = Reader::new(body, OfError::HfcIncompatible);
        while let (Ok(kind), Ok(len)) = (r.u16(), r.u16()) {
            let padded = usize::from(len).next_multiple_of(8).saturating_sub(4);
            let Ok(element) = usize::from(len).checked_sub(4).ok_or(()).and_then(|n| {
                let all = r.take(padded.min(r.len())).map_err(drop)?;
                all.get(..n).ok_or(())
            }) else {
                break;
            };
            if kind == VERSION_BITMAP {
                let bits = element.first_chunk().map_or(0, |word| u32::from_be_bytes(*word));
                versions = Some(VersionSet::from_bitmap(bits));
            }
        }
        Self { versions: versions.unwrap_or_else(|| VersionSet::up_to(newest)) }
    }
}
