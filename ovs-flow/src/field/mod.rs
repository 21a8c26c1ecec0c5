//! The field registry: every match field of Open vSwitch 3.7 as one row of facts.
//!
//! A [`Field`] is a small `Copy` id; [`Field::facts`] says everything that is known of it: names, width, where
//! its bits lie in a [`FlowKey`](crate::FlowKey), NXM and OXM numbers, whether it can be masked or written, its prerequisites and
//! its text format. Parsing, printing and the wire formats all derive from these rows.
//!
//! Values are unsigned numbers of up to 128 bits, right-aligned, whatever the byte order in the key;
//! on the wire they are big-endian in [`Facts::size`] bytes.
//!
//! ```
//! use ovs_flow::{Field, FlowKey};
//!
//! let field = Field::by_name("nw_src").unwrap();
//! assert_eq!(field, Field::IP_SRC);
//! let mut key = FlowKey::default();
//! field.set_key(&mut key, 0x0a00_0001);
//! assert_eq!(key.nw_src.get(), 0x0a00_0001);
//! ```

mod arrays;
mod facts;
mod lookup;
pub mod nxm;
mod place;
mod prereq;
mod rows;
mod subfield;
mod value;

pub use facts::{Facts, Format, Header, Masking, OfVersion, Place, Prereq, Setter};
pub use place::SetError;
pub use rows::Field;
pub use subfield::{Subfield, SubfieldError};
pub use value::{FieldText, ValueError};

/// Protocol numbers that decide what follows in a packet.
pub(crate) mod numbers {
    pub(crate) use super::prereq::{eth, ip, nd};
}
pub(crate) use value::{write_hex, write_packet_type};

use arrays::{REGISTERS, TUN_METADATA, XREGISTERS, XXREGISTERS};
use rows::ROWS;

/// How many fields there are.
pub const FIELDS: usize =
    ROWS.len() + REGISTERS.len() + XREGISTERS.len() + XXREGISTERS.len() + TUN_METADATA.len();

const REG_BASE: usize = ROWS.len();
const XREG_BASE: usize = REG_BASE + REGISTERS.len();
const XXREG_BASE: usize = XREG_BASE + XREGISTERS.len();
const TUN_BASE: usize = XXREG_BASE + XXREGISTERS.len();
const _: () = assert!(FIELDS < lookup::NONE as usize);

/// The rows of all tables, by [`Field::index`].
static ALL: [&Facts; FIELDS] = {
    let mut all = [&ROWS[0]; FIELDS];
    let mut i = 0;
    while i < FIELDS {
        all[i] = if i < REG_BASE {
            &ROWS[i]
        } else if i < XREG_BASE {
            &REGISTERS[i - REG_BASE]
        } else if i < XXREG_BASE {
            &XREGISTERS[i - XREG_BASE]
        } else if i < TUN_BASE {
            &XXREGISTERS[i - XXREG_BASE]
        } else {
            &TUN_METADATA[i - TUN_BASE]
        };
        i += 1;
    }
    all
};

impl Field {
    /// All fields, in the registry's order.
    pub fn all() -> impl Iterator<Item = Self> + Clone {
        (0..FIELDS).map(|i| Self(i as u8))
    }

    /// A dense number, below [`FIELDS`].
    pub const fn index(self) -> usize {
        self.0 as usize
    }

    /// The field with this dense number.
    pub const fn from_index(index: usize) -> Option<Self> {
        if index < FIELDS { Some(Self(index as u8)) } else { None }
    }

    /// 32-bit register `n`; `None` from 32 up.
    pub const fn reg(n: usize) -> Option<Self> {
        if n < REGISTERS.len() { Some(Self((REG_BASE + n) as u8)) } else { None }
    }

    /// 64-bit register `n`, made of registers `2n` and `2n+1`; `None` from 16 up.
    pub const fn xreg(n: usize) -> Option<Self> {
        if n < XREGISTERS.len() { Some(Self((XREG_BASE + n) as u8)) } else { None }
    }

    /// 128-bit register `n`, made of registers `4n` to `4n+3`; `None` from 8 up.
    pub const fn xxreg(n: usize) -> Option<Self> {
        if n < XXREGISTERS.len() { Some(Self((XXREG_BASE + n) as u8)) } else { None }
    }

    /// Tunnel option `n`; `None` from 64 up.
    pub const fn tun_metadata(n: usize) -> Option<Self> {
        if n < TUN_METADATA.len() { Some(Self((TUN_BASE + n) as u8)) } else { None }
    }

    /// What is known of this field.
    pub fn facts(self) -> &'static Facts {
        ALL[self.index()]
    }

    /// The name that the tools print.
    pub fn name(self) -> &'static str {
        self.facts().name
    }

    /// The field of this name or alias (`eth_src`, `dl_src`), as matches write it; case matters.
    pub fn by_name(name: &str) -> Option<Self> {
        lookup::by_name(name)
    }

    /// The field of this NXM or OXM name (`NXM_OF_IP_SRC`), as subfields write it.
    pub fn by_wire_name(name: &str) -> Option<Self> {
        lookup::by_wire_name(name)
    }

    /// The field that has this number on the wire; `experimenter` is that of class 0xffff, else 0.
    pub fn by_header(class: u16, number: u8, experimenter: u32) -> Option<Self> {
        lookup::by_header(class, number, experimenter)
    }

    /// The numbers under which the field goes over the wire; the first is preferred by old versions.
    pub fn headers(self) -> impl Iterator<Item = &'static Header> {
        self.facts().headers.iter().flatten()
    }
}

impl core::fmt::Display for Field {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.name())
    }
}

impl core::fmt::Debug for Field {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.name())
    }
}
