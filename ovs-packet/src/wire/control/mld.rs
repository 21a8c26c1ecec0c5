//! Multicast listener discovery, versions 1 (RFC 2710) and 2 (RFC 3810 section 5).
//!
//! ```text
//! ├ type 1 ┼ code 1 ┼ checksum 2 ┼ maximum response 2 ┼ reserved 2 ┼ group 16 ┤        query (130), report (131), done (132)
//! ├ … ┼ S 1, QRV 3 ┼ QQIC 1 ┼ sources 2 ┼ source 16 … ┤                              query of version 2: 28 bytes and more
//! ├ type 1 ┼ reserved 1 ┼ checksum 2 ┼ reserved 2 ┼ records 2 ┼ record … ┤            report of version 2 (143)
//! record: ├ type 1 ┼ auxiliary words 1 ┼ sources 2 ┼ group 16 ┼ source 16 … ┼ auxiliary data ┤
//! ```

use alloc::vec::Vec;

use super::super::WireError;
use super::super::field::{fixed, to_the_end, view};
use super::super::list::{Item, Items, body, head};
use super::discovery::{addresses, count_at};
use super::igmp::decode;

view! {
    /// A query, report or done message of version 1; the first part of a version 2 query.
    view MldView, value MldHeader, 24 bytes, header fixed::<24>, end to_the_end;
    /// ICMPv6 type: 130 query, 131 report, 132 done.
    kind set_kind: u8 = 0;
    /// ICMPv6 code.
    code set_code: u8 = 1;
    /// ICMPv6 checksum.
    checksum set_checksum: u16 = 2;
    /// Milliseconds until the response (coded, from 32768 on, in version 2).
    max_response set_max_response: u16 = 4;
    /// Reserved.
    reserved set_reserved: u16 = 6;
    /// Group; zero in a general query.
    group set_group: [u8; 16] = 8;
}

view! {
    /// A query of version 2 (ICMPv6 type 130, 28 bytes and more).
    view MldQueryView, value MldQueryHeader, 28 bytes, header fixed::<28>, end to_the_end;
    /// ICMPv6 type: 130.
    kind set_kind: u8 = 0;
    /// ICMPv6 code.
    code set_code: u8 = 1;
    /// ICMPv6 checksum.
    checksum set_checksum: u16 = 2;
    /// Milliseconds until the response (coded, from 32768 on).
    max_response set_max_response: u16 = 4;
    /// Reserved.
    reserved set_reserved: u16 = 6;
    /// Group; zero in a general query.
    group set_group: [u8; 16] = 8;
    /// Reserved (4 bits), suppress (1), robustness (3).
    s_qrv set_s_qrv: u8 = 24 {
        /// Routers do not process this as they usually would.
        suppress set_suppress: bool = 3, 1;
        /// Querier's robustness variable.
        robustness set_robustness: u8 = 0, 3;
    };
    /// Querier's query interval code: seconds (coded, from 128 on).
    interval_code set_interval_code: u8 = 25;
    /// Number of sources.
    source_count set_source_count: u16 = 26;
}

impl<T: AsRef<[u8]>> MldQueryView<T> {
    /// Milliseconds until the response, decoded (RFC 3810 section 5.1.3).
    pub fn response_time(&self) -> u32 {
        match self.max_response() {
            code @ ..0x8000 => u32::from(code),
            code => (u32::from(code & 0x0fff) | 0x1000) << ((code >> 12 & 7) + 3),
        }
    }

    /// Querier's query interval in seconds, decoded (RFC 3810 section 5.1.9).
    pub fn query_interval(&self) -> u32 {
        decode(self.interval_code())
    }

    /// The sources that are asked for.
    pub fn sources(&self) -> Items<'_, [u8; 16]> {
        Items::counted(self.payload(), Self::LEN, usize::from(self.source_count()))
    }
}

view! {
    /// A report of version 2 (ICMPv6 type 143); the payload is records.
    view MldReportView, value MldReportHeader, 8 bytes, header fixed::<8>, end to_the_end;
    /// ICMPv6 type: 143.
    kind set_kind: u8 = 0;
    /// Reserved.
    code set_code: u8 = 1;
    /// ICMPv6 checksum.
    checksum set_checksum: u16 = 2;
    /// Reserved.
    reserved set_reserved: u16 = 4;
    /// Number of records.
    record_count set_record_count: u16 = 6;
}

impl<T: AsRef<[u8]>> MldReportView<T> {
    /// The records.
    pub fn records(&self) -> Items<'_, MldRecord<'_>> {
        Items::counted(self.payload(), Self::LEN, usize::from(self.record_count()))
    }
}

/// A group and whom its listeners listen to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MldRecord<'a> {
    /// Type: 1 is include, 2 exclude, 3 and 4 change to these, 5 allow new sources, 6 block old.
    pub kind: u8,
    /// The group.
    pub group: [u8; 16],
    /// The sources.
    pub sources: &'a [[u8; 16]],
    /// Auxiliary data, a multiple of four bytes; none are defined.
    pub auxiliary: &'a [u8],
}

impl<'a> Item<'a> for MldRecord<'a> {
    fn read(bytes: &'a [u8]) -> Result<Option<(Self, usize)>, WireError> {
        let fixed = head::<20>(bytes)?;
        let sources = addresses(&bytes[20..], count_at(&fixed, 2))?;
        let (from, len) = (20 + sources.len() * 16, usize::from(fixed[1]) * 4);
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
