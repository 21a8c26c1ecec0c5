//! IGMP versions 1 (RFC 1112), 2 (RFC 2236) and 3 (RFC 3376 section 4).
//!
//! ```text
//! ├ type 1 ┼ maximum response 1 ┼ checksum 2 ┼ group 4 ┤                         versions 1 and 2
//! ├ … ┼ S 1, QRV 3 ┼ QQIC 1 ┼ sources 2 ┼ source 4 … ┤                           query of version 3: 12 bytes and more
//! ├ type 1 ┼ reserved 1 ┼ checksum 2 ┼ reserved 2 ┼ records 2 ┼ record … ┤        report of version 3 (0x22)
//! record: ├ type 1 ┼ auxiliary words 1 ┼ sources 2 ┼ group 4 ┼ source 4 … ┼ auxiliary data ┤
//! ```

use alloc::vec::Vec;

use super::super::WireError;
use super::super::field::{fixed, to_the_end, view};
use super::super::list::{Item, Items, body, head};
use super::discovery::{addresses, count_at};
use crate::checksum;

view! {
    /// An IGMP header. A version 3 report (type 0x22) has another form ([`IgmpReportView`]), a version 3 query a longer
    /// one ([`IgmpQueryView`]).
    view IgmpView, value IgmpHeader, 8 bytes, header fixed::<8>, end to_the_end;
    /// Type: 0x11 query, 0x12, 0x16, 0x22 reports, 0x17 leave.
    kind set_kind: u8 = 0;
    /// Longest time until the response, in tenths of a second (coded, from 128 on, in version 3).
    max_response set_max_response: u8 = 1;
    /// Checksum over header and payload.
    checksum set_checksum: u16 = 2;
    /// Group address.
    group set_group: [u8; 4] = 4;
}

impl<T: AsRef<[u8]>> IgmpView<T> {
    /// True if the checksum is right.
    pub fn checksum_ok(&self) -> bool {
        checksum::internet(self.bytes.as_ref()) == 0
    }
}

impl<T: AsRef<[u8]> + AsMut<[u8]>> IgmpView<T> {
    /// Computes and sets the checksum.
    pub fn fill_checksum(&mut self) {
        self.set_checksum(0);
        let checksum = checksum::internet(self.bytes.as_ref());
        self.set_checksum(checksum);
    }
}

view! {
    /// A query of version 3 (type 0x11, 12 bytes and more).
    view IgmpQueryView, value IgmpQueryHeader, 12 bytes, header fixed::<12>, end to_the_end;
    /// Type: 0x11.
    kind set_kind: u8 = 0;
    /// Longest time until the response, in tenths of a second (coded, from 128 on).
    max_response set_max_response: u8 = 1;
    /// Checksum over header and payload.
    checksum set_checksum: u16 = 2;
    /// Group address; zero in a general query.
    group set_group: [u8; 4] = 4;
    /// Reserved (4 bits), suppress (1), robustness (3).
    s_qrv set_s_qrv: u8 = 8 {
        /// Routers do not process this as they usually would.
        suppress set_suppress: bool = 3, 1;
        /// Querier's robustness variable.
        robustness set_robustness: u8 = 0, 3;
    };
    /// Querier's query interval code: seconds (coded, from 128 on).
    interval_code set_interval_code: u8 = 9;
    /// Number of sources.
    source_count set_source_count: u16 = 10;
}

impl<T: AsRef<[u8]>> IgmpQueryView<T> {
    /// Tenths of a second until the response, decoded (RFC 3376 section 4.1.1).
    pub fn response_time(&self) -> u32 {
        decode(self.max_response())
    }

    /// Querier's query interval in seconds, decoded (RFC 3376 section 4.1.7).
    pub fn query_interval(&self) -> u32 {
        decode(self.interval_code())
    }

    /// The sources that are asked for.
    pub fn sources(&self) -> Items<'_, [u8; 4]> {
        Items::counted(self.payload(), Self::LEN, usize::from(self.source_count()))
    }
}

/// A code of one byte: itself below 128, else a mantissa of four bits (and a hidden one) and an exponent of three.
pub(super) fn decode(code: u8) -> u32 {
    match code {
        ..0x80 => u32::from(code),
        _ => (u32::from(code & 0x0f) | 0x10) << ((code >> 4 & 7) + 3),
    }
}

view! {
    /// A report of version 3 (type 0x22); the payload is records.
    view IgmpReportView, value IgmpReportHeader, 8 bytes, header fixed::<8>, end to_the_end;
    /// Type: 0x22.
    kind set_kind: u8 = 0;
    /// Reserved.
    reserved set_reserved: u8 = 1;
    /// Checksum over header and payload.
    checksum set_checksum: u16 = 2;
    /// Reserved.
    flags set_flags: u16 = 4;
    /// Number of records.
    record_count set_record_count: u16 = 6;
}

impl<T: AsRef<[u8]>> IgmpReportView<T> {
    /// The records.
    pub fn records(&self) -> Items<'_, IgmpRecord<'_>> {
        Items::counted(self.payload(), Self::LEN, usize::from(self.record_count()))
    }
}

/// A group and whom its members listen to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IgmpRecord<'a> {
    /// Type: 1 is include, 2 exclude, 3 and 4 change to these, 5 allow new sources, 6 block old.
    pub kind: u8,
    /// The group.
    pub group: [u8; 4],
    /// The sources.
    pub sources: &'a [[u8; 4]],
    /// Auxiliary data, a multiple of four bytes; none are defined.
    pub auxiliary: &'a [u8],
}

impl<'a> Item<'a> for IgmpRecord<'a> {
    fn read(bytes: &'a [u8]) -> Result<Option<(Self, usize)>, WireError> {
        let fixed = head::<8>(bytes)?;
        let sources = addresses(&bytes[8..], count_at(&fixed, 2))?;
        let (from, len) = (8 + sources.len() * 4, usize::from(fixed[1]) * 4);
        let auxiliary = body(bytes, from, from + len)?;
        Ok(Some((Self { kind: fixed[0], group: head(&fixed[4..])?, sources, auxiliary }, from + len)))
    }

    fn put(&self, out: &mut Vec<u8>) {
        out.extend([self.kind, (self.auxiliary.len() / 4) as u8]);
        out.extend((self.sources.len() as u16).to_be_bytes());
        out.extend(self.group);
        out.extend_from_slice(self.sources.as_flattened());
        out.extend_from_slice(self.auxiliary);
    }
}
