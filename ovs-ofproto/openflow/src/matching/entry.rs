//! The header of one NXM or OXM entry (OpenFlow 1.3, 7.2.3.2).

use std::sync::LazyLock;

use ovs_flow::Field;
use ovs_flow::field::{Header, OfVersion};

use crate::header::{Put, Reader};
use crate::{OfError, Version};

/// The class whose entries begin with an experimenter's number.
const EXPERIMENTER_CLASS: u16 = 0xffff;

/// What an entry says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct EntryHeader {
    pub class: u16,
    pub number: u8,
    pub experimenter: u32,
    pub has_mask: bool,
    /// Bytes of value and mask together.
    pub len: usize,
}

impl EntryHeader {
    /// Reads a header. One that is cut off or whose length cannot hold its experimenter is a bad length.
    pub(crate) fn decode(r: &mut Reader<'_>) -> Result<Self, OfError> {
        let class = r.u16()?;
        let [low, len] = r.array()?;
        let mut len = usize::from(len);
        let mut experimenter = 0;
        if class == EXPERIMENTER_CLASS {
            len = len.checked_sub(4).ok_or(OfError::BmcBadLen)?;
            experimenter = r.u32()?;
        }
        Ok(Self { class, number: low >> 1, experimenter, has_mask: low & 1 == 1, len })
    }

    /// The header of a field in a version; [`Version::V10`] stands for NXM.
    pub(crate) fn of(field: Field, version: Version, has_mask: bool) -> Option<Self> {
        let header = preferred(field, version)?;
        let size = usize::from(field.facts().size);
        Some(Self {
            class: header.class,
            number: header.number,
            experimenter: header.experimenter,
            has_mask,
            len: if has_mask { 2 * size } else { size },
        })
    }

    /// Appends the header.
    pub(crate) fn encode(self, out: &mut Vec<u8>) {
        let extra = if self.class == EXPERIMENTER_CLASS { 4 } else { 0 };
        out.u16(self.class);
        out.u8(self.number << 1 | u8::from(self.has_mask));
        out.u8((self.len + extra) as u8);
        if self.class == EXPERIMENTER_CLASS {
            out.u32(self.experimenter);
        }
    }

    /// The header as one number, for lists of fields; experimenters do not fit.
    pub(crate) fn to_u32(self) -> u32 {
        u32::from(self.class) << 16
            | u32::from(self.number) << 9
            | u32::from(self.has_mask) << 8
            | self.len as u32
    }
}

/// The number under which a version writes a field: the newest standard one it knows, else an extension.
fn preferred(field: Field, version: Version) -> Option<&'static Header> {
    let since = match version {
        Version::V10 => OfVersion::Extension,
        Version::V11 | Version::V12 => OfVersion::V12,
        Version::V13 | Version::V14 => OfVersion::V13,
        Version::V15 => OfVersion::V15,
    };
    let usable = field.headers().filter(|h| h.since <= since).max_by_key(|h| h.since);
    // Fields that came with a standard alone are written with its number in every version.
    usable.or_else(|| field.headers().next())
}

/// Which field has a number; one row of 128 for each class.
struct Table([[Option<Field>; 128]; ROWS]);

const ROWS: usize = 8;

const fn row(class: u16, experimenter: u32) -> Option<usize> {
    Some(match (class, experimenter) {
        (0x0000, _) => 0,
        (0x0001, _) => 1,
        (0x8000, _) => 2,
        (0x8001, _) => 3,
        (0x1000, _) => 4,
        (EXPERIMENTER_CLASS, 0x0000_2320) => 5,
        (EXPERIMENTER_CLASS, 0x005a_d650) => 6,
        (EXPERIMENTER_CLASS, 0x4f4e_4600) => 7,
        _ => return None,
    })
}

/// The registry turned round; constant facts, worked out once.
static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let mut table = Table([[None; 128]; ROWS]);
    for field in Field::all() {
        for header in field.headers() {
            if let Some(row) = row(header.class, header.experimenter) {
                table.0[row][usize::from(header.number & 0x7f)] = Some(field);
            }
        }
    }
    table
});

/// The field that an entry is about; `None` if nobody here knows it.
pub(crate) fn field_of(header: &EntryHeader) -> Option<Field> {
    TABLE.0[row(header.class, header.experimenter)?][usize::from(header.number)]
}
