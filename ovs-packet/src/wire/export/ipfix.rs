//! IPFIX (RFC 7011): a message of sets, which are templates or the data that they describe.
//!
//! ```text
//! message: ├ version 2: 10 ┼ length 2 ┼ export time 4 ┼ sequence 4 ┼ observation domain 4 ┼ set … ┤
//! set:     ├ identifier 2 ┼ length 2 ┼ record … ┤        2: templates, 3: options templates, from 256: data
//! template:├ identifier 2 ┼ fields 2 ┼ element 2, length 2, [enterprise 4] … ┤
//! ```
//!
//! ```
//! use ovs_packet::wire::export::ipfix::{IpfixHeader, IpfixMessage, IpfixView, InformationElement};
//!
//! let mut message = IpfixMessage::new(IpfixHeader { sequence: 1, ..IpfixHeader::default() });
//! message.template(256, &[InformationElement::new(8, 4), InformationElement::new(2, 8)])?;
//! message.data(256, &[10, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 3])?;
//! let bytes = message.finish();
//! let view = IpfixView::new_checked(&bytes[..]).unwrap();
//! let sets: Vec<_> = view.sets().map(|set| set.unwrap().id).collect();
//! assert_eq!((view.version(), sets), (10, vec![2, 256]));
//! # Ok::<(), ovs_packet::wire::export::ExportError>(())
//! ```

use alloc::vec::Vec;

use super::super::WireError;
use super::super::field::{fixed, view};
use super::super::list::{Item, Items, body, head};
use super::ExportError;

/// Longest message.
const MAX: usize = 65_535;

view! {
    /// A message's header (section 3.1); the payload is sets and ends where the length says.
    view IpfixView, value IpfixHeader, 16 bytes, header fixed::<16>, end end;
    /// Version: 10.
    version set_version: u16 = 0;
    /// Bytes of the message.
    length set_length: u16 = 2;
    /// Seconds since 1970.
    export_time set_export_time: u32 = 4;
    /// Data records sent before this message in this domain.
    sequence set_sequence: u32 = 8;
    /// Observation domain.
    domain set_domain: u32 = 12;
}

fn end(bytes: &[u8]) -> usize {
    usize::from(u16::from_be_bytes([bytes[2], bytes[3]]))
}

impl<T: AsRef<[u8]>> IpfixView<T> {
    /// The sets.
    pub fn sets(&self) -> Items<'_, IpfixSet<'_>> {
        Items::new(self.payload(), Self::LEN)
    }
}

/// One set (section 3.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IpfixSet<'a> {
    /// 2 templates, 3 options templates, from 256 on data of that template.
    pub id: u16,
    /// Its records.
    pub data: &'a [u8],
}

impl<'a> Item<'a> for IpfixSet<'a> {
    fn read(bytes: &'a [u8]) -> Result<Option<(Self, usize)>, WireError> {
        let [a, b, c, d] = head(bytes)?;
        let used = usize::from(u16::from_be_bytes([c, d]));
        Ok(Some((Self { id: u16::from_be_bytes([a, b]), data: body(bytes, 4, used)? }, used)))
    }

    fn put(&self, out: &mut Vec<u8>) {
        out.extend(self.id.to_be_bytes());
        out.extend(((self.data.len() + 4) as u16).to_be_bytes());
        out.extend_from_slice(self.data);
    }
}

/// One field of a template (section 3.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct InformationElement {
    /// Element, 0 to 32767.
    pub id: u16,
    /// Bytes of its values; 65535 if they say themselves.
    pub len: u16,
    /// Who defines it, if not IANA.
    pub enterprise: Option<u32>,
}

impl InformationElement {
    /// An element of IANA's registry.
    pub const fn new(id: u16, len: u16) -> Self {
        Self { id, len, enterprise: None }
    }
}

impl Item<'_> for InformationElement {
    fn read(bytes: &[u8]) -> Result<Option<(Self, usize)>, WireError> {
        let [a, b, c, d] = head(bytes)?;
        let (id, len) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
        if id & 0x8000 == 0 {
            return Ok(Some((Self { id, len, enterprise: None }, 4)));
        }
        let enterprise = head::<8>(bytes)?;
        let enterprise = u32::from_be_bytes(head(&enterprise[4..])?);
        Ok(Some((Self { id: id & 0x7fff, len, enterprise: Some(enterprise) }, 8)))
    }

    fn put(&self, out: &mut Vec<u8>) {
        let flag = if self.enterprise.is_some() { 0x8000 } else { 0 };
        out.extend((self.id & 0x7fff | flag).to_be_bytes());
        out.extend(self.len.to_be_bytes());
        out.extend(self.enterprise.iter().flat_map(|number| number.to_be_bytes()));
    }
}

/// A message that is being written.
#[derive(Debug, Clone)]
pub struct IpfixMessage {
    bytes: Vec<u8>,
    /// The set that is open: where it begins, and its identifier.
    open: Option<(usize, u16)>,
}

impl IpfixMessage {
    /// A message without sets. Version and length of the header are set.
    pub fn new(header: IpfixHeader) -> Self {
        let header = IpfixHeader { version: 10, ..header };
        Self { bytes: header.to_bytes().to_vec(), open: None }
    }

    /// Adds a template (section 3.4.1).
    pub fn template(&mut self, id: u16, fields: &[InformationElement]) -> Result<(), ExportError> {
        if id < 256 {
            return Err(ExportError::NoTemplate { id });
        }
        let mut record = id.to_be_bytes().to_vec();
        record.extend((fields.len() as u16).to_be_bytes());
        for field in fields {
            field.put(&mut record);
        }
        self.record(2, &record)
    }

    /// Adds an options template (section 3.4.2.2), whose first `scopes` fields say what the others are about.
    pub fn options_template(
        &mut self,
        id: u16,
        scopes: u16,
        fields: &[InformationElement],
    ) -> Result<(), ExportError> {
        if id < 256 {
            return Err(ExportError::NoTemplate { id });
        }
        let mut record = id.to_be_bytes().to_vec();
        record.extend((fields.len() as u16).to_be_bytes());
        record.extend(scopes.to_be_bytes());
        for field in fields {
            field.put(&mut record);
        }
        self.record(3, &record)
    }

    /// Adds a data record: the values of the template's fields, one behind the other.
    pub fn data(&mut self, template: u16, record: &[u8]) -> Result<(), ExportError> {
        if template < 256 {
            return Err(ExportError::NoTemplate { id: template });
        }
        self.record(template, record)
    }

    /// Bytes so far.
    #[expect(clippy::len_without_is_empty, reason = "a message has a header at least")]
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// The message's bytes.
    pub fn finish(mut self) -> Vec<u8> {
        let len = self.bytes.len() as u16;
        self.bytes[2..4].copy_from_slice(&len.to_be_bytes());
        self.bytes
    }

    /// Adds a record to the open set if that is its own, else to a new one.
    fn record(&mut self, set: u16, record: &[u8]) -> Result<(), ExportError> {
        let begin = self.open.filter(|(_, open)| *open == set).map(|(begin, _)| begin);
        let len = record.len() + if begin.is_some() { 0 } else { 4 };
        let room = MAX - self.bytes.len();
        if len > room {
            return Err(ExportError::Full { len, room });
        }
        let begin = begin.unwrap_or_else(|| {
            let begin = self.bytes.len();
            self.bytes.extend(set.to_be_bytes());
            self.bytes.extend([0; 2]);
            begin
        });
        self.bytes.extend_from_slice(record);
        let len = (self.bytes.len() - begin) as u16;
        self.bytes[begin + 2..begin + 4].copy_from_slice(&len.to_be_bytes());
        self.open = Some((begin, set));
        Ok(())
    }
}
