//! Some bits of a field, as actions name them: `NXM_NX_REG0[0..15]`, `reg0[3]`, `eth_src[]`.

use alloc::format;
use alloc::string::String;
use core::fmt;

use super::rows::Field;
use crate::{FlowKey, FlowMask, Wide};

/// Bits `start` to `start + width - 1` of a field; at least one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Subfield {
    field: Field,
    start: u16,
    width: u16,
}

/// Why a subfield is refused. The texts are those that users of the tools know.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SubfieldError {
    /// No `[` follows the name.
    #[error("missing [ looking for field name")]
    NoBracket,
    /// No such field.
    #[error("unknown field `{0}'")]
    UnknownField(String),
    /// Something else than `[]`, `[N]` or `[N..M]`.
    #[error("syntax error expecting [] or [<bit>] or [<start>..<end>]")]
    Syntax,
    /// The range runs backwards.
    #[error("starting bit {start} is after ending bit {end}")]
    Reversed {
        /// First bit as written.
        start: u16,
        /// Last bit as written.
        end: u16,
    },
    /// The range ends beyond the field.
    #[error("ending bit {end} is not valid because field is only {width} bits wide")]
    Beyond {
        /// The field.
        field: Field,
        /// First bit.
        start: u16,
        /// Last bit.
        end: u16,
        /// The field's width.
        width: u16,
    },
    /// What the bits shall be is no number, or has more bytes than the field.
    #[error("cannot parse integer value: {text}")]
    NotInteger {
        /// The field.
        field: Field,
        /// As written.
        text: String,
    },
    /// What the bits shall be has more bits.
    #[error("value {text} does not fit into {width} bits")]
    TooWide {
        /// The field.
        field: Field,
        /// The value, written as the field's.
        text: String,
        /// How many bits there are.
        width: u16,
    },
}

impl SubfieldError {
    /// The field, where its name was understood.
    pub fn field(&self) -> Option<Field> {
        match self {
            Self::Beyond { field, .. } | Self::NotInteger { field, .. } | Self::TooWide { field, .. } => {
                Some(*field)
            }
            _ => None,
        }
    }

    /// What would have been right.
    pub fn expected(&self) -> String {
        match self {
            Self::NoBracket | Self::Syntax => "FIELD[], FIELD[BIT] or FIELD[START..END]".into(),
            Self::UnknownField(_) => "a field's name, or its NXM or OXM name".into(),
            Self::Reversed { .. } => "the lower bit first".into(),
            Self::Beyond { width, .. } => format!("bits below {width}"),
            Self::NotInteger { field, .. } => {
                format!("a decimal or 0x number of at most {} bytes", field.longest())
            }
            Self::TooWide { width, .. } => format!("a number of at most {width} bits"),
        }
    }
}

impl Field {
    /// How many bits subfields can name.
    pub fn bit_width(self) -> u16 {
        let facts = self.facts();
        // Values of more bytes than they have bits (a 20-bit label in 4 bytes) are named by their bits;
        // in_port has 16 although its container has 32, ct_state 32 although it uses 8.
        match self {
            // What says that there is a tag is no bit of the identifier.
            Self::VLAN_VID => 12,
            Self::IP_TOS | Self::CT_STATE | Self::ARP_OP => u16::from(facts.size) * 8,
            // As long as the longest option; how many of them there are, a table says.
            _ if self.option().is_some() => 8 * crate::MAX_OPTION as u16,
            _ => (facts.place.width() as u16).min(u16::from(facts.size) * 8),
        }
    }
}

impl Subfield {
    /// Some bits of `field`.
    pub fn new(field: Field, start: u16, width: u16) -> Result<Self, SubfieldError> {
        let end = start.saturating_add(width.saturating_sub(1));
        if width == 0 {
            return Err(SubfieldError::Syntax);
        }
        if start >= field.bit_width() || end >= field.bit_width() {
            return Err(SubfieldError::Beyond { field, start, end, width: field.bit_width() });
        }
        Ok(Self { field, start, width })
    }

    /// All bits of `field`.
    pub fn whole(field: Field) -> Self {
        Self { field, start: 0, width: field.bit_width() }
    }

    /// Parses `NAME[]`, `NAME[BIT]` or `NAME[START..END]` from the front of `text`, and gives the rest.
    /// Names may be those of matches or of NXM and OXM.
    pub fn parse_prefix(text: &str) -> Result<(Self, &str), SubfieldError> {
        let open = text.find('[').ok_or(SubfieldError::NoBracket)?;
        let name = &text[..open];
        let field = Field::by_name(name)
            .or_else(|| Field::by_wire_name(name))
            .ok_or_else(|| SubfieldError::UnknownField(name.into()))?;
        let close = text[open..].find(']').ok_or(SubfieldError::Syntax)? + open;
        let range = &text[open + 1..close];
        let rest = &text[close + 1..];
        if range.is_empty() {
            return Ok((Self::whole(field), rest));
        }
        let number = |s: &str| s.trim().parse::<u16>().map_err(|_| SubfieldError::Syntax);
        let (start, end) = match range.split_once("..") {
            Some((start, end)) => (number(start)?, number(end)?),
            None => (number(range)?, number(range)?),
        };
        if start > end {
            return Err(SubfieldError::Reversed { start, end });
        }
        Ok((Self::new(field, start, end.saturating_sub(start).saturating_add(1))?, rest))
    }

    /// The field.
    pub fn field(&self) -> Field {
        self.field
    }

    /// The lowest bit.
    pub fn start(&self) -> u16 {
        self.start
    }

    /// How many bits.
    pub fn width(&self) -> u16 {
        self.width
    }

    /// The bits as a mask of the field's value; of a tunnel option only the lowest 128.
    pub fn bits(&self) -> u128 {
        let ones = if self.width >= 128 { u128::MAX } else { (1 << self.width) - 1 };
        ones.checked_shl(self.start.into()).unwrap_or(0)
    }

    /// The bits as a mask of the field's value.
    pub fn wide_bits(&self) -> Wide {
        Wide::ones(self.width).shl(self.start)
    }

    /// The value of these bits in a key, right-aligned. Options of tunnels lie where a key without a table has them; see
    /// [`OptionPlaces::get`](crate::OptionPlaces::get).
    pub fn get(&self, key: &FlowKey) -> u128 {
        (self.field.get(key) & self.bits()).checked_shr(self.start.into()).unwrap_or(0)
    }

    /// Writes these bits of a key, likewise.
    pub fn set(&self, key: &mut FlowKey, value: u128) {
        let rest = self.field.get(key) & !self.bits();
        let value = value.checked_shl(self.start.into()).unwrap_or(0);
        self.field.set_key(key, rest | value & self.bits());
    }

    /// Adds these bits to a mask.
    pub fn mask_into(&self, mask: &mut FlowMask) {
        let place = self.field.facts().place;
        let bits = place.get(&mask.fields) | self.bits();
        place.set(&mut mask.fields, bits);
    }
}

impl core::str::FromStr for Subfield {
    type Err = SubfieldError;

    fn from_str(text: &str) -> Result<Self, SubfieldError> {
        match Self::parse_prefix(text)? {
            (subfield, "") => Ok(subfield),
            _ => Err(SubfieldError::Syntax),
        }
    }
}

impl fmt::Display for Subfield {
    /// As the tools print it: with the field's first wire name, `[]` for the whole field.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.field.headers().next() {
            Some(header) => f.write_str(header.name)?,
            None => f.write_str(self.field.name())?,
        }
        if self.start == 0 && self.width == self.field.bit_width() {
            f.write_str("[]")
        } else if self.width == 1 {
            write!(f, "[{}]", self.start)
        } else {
            write!(f, "[{}..{}]", self.start, self.start + self.width - 1)
        }
    }
}
