//! Passing the connection tracker: `ct`.

use ovs_flow::{Subfield, TableId};

use super::kinds::nx;
use super::set_field::{check_short, from_ofs_nbits, ofs_nbits, pull_short_field, put_header};
use super::vlan_compat::Context;
use super::wire::{Depth, begin_nx, decode_nested, encode_one, finish};
use super::{Action, Nat};
use crate::header::{Put, Reader};
use crate::{EncodeError, OfError, Version};

/// Which zone's connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CtZone {
    /// This one.
    Number(u16),
    /// The one that sixteen bits of a field name.
    Field(Subfield),
}

impl Default for CtZone {
    fn default() -> Self {
        Self::Number(0)
    }
}

/// Pass the connection tracker.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub struct Ct {
    /// Whether the connection is kept.
    pub commit: bool,
    /// Whether a connection of the other direction is replaced; only with `commit`.
    pub force: bool,
    /// Which zone's.
    pub zone: CtZone,
    /// Where the packet goes on with what the tracker said; without, only a copy passes.
    pub table: Option<TableId>,
    /// Port of the application whose messages are read: 21 (ftp), 69 (tftp), 0 for none.
    pub alg: u16,
    /// Address translation, and what is written into the connection's mark and label.
    pub actions: Vec<Action>,
}

const COMMIT: u16 = 1 << 0;
const FORCE: u16 = 1 << 1;
const NO_TABLE: u8 = 0xff;

impl Ct {
    pub(super) fn encode(&self, context: Context, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        if let CtZone::Field(src) = self.zone {
            check_short(src.field(), context.version)?;
        }
        let mut nested = context;
        let start = begin_nx(out, nx::CT);
        out.u16(if self.commit { COMMIT } else { 0 } | if self.force { FORCE } else { 0 });
        match self.zone {
            CtZone::Number(zone) => {
                out.u32(0);
                out.u16(zone);
            }
            CtZone::Field(src) => {
                put_header(src.field(), out);
                out.u16(ofs_nbits(src));
            }
        }
        out.u8(self.table.map_or(NO_TABLE, |t| t.0));
        out.zeros(3);
        out.u16(self.alg);
        self.actions.iter().try_for_each(|action| encode_one(action, &mut nested, out))?;
        finish(out, start)
    }

    pub(super) fn decode(r: &mut Reader<'_>, version: Version, depth: Depth) -> Result<Self, OfError> {
        let flags = r.u16()?;
        let (commit, force) = (flags & COMMIT != 0, flags & FORCE != 0);
        if force && !commit {
            return Err(OfError::BacBadArgument);
        }
        let zone = if r.peek().starts_with(&[0; 4]) {
            r.skip(4)?;
            CtZone::Number(r.u16()?)
        } else {
            let field = pull_short_field(r)?;
            let src = from_ofs_nbits(field, r.u16()?)?;
            if src.width() != 16 {
                return Err(OfError::BacBadSetLen);
            }
            CtZone::Field(src)
        };
        let table = Some(r.u8()?).filter(|t| *t != NO_TABLE).map(TableId);
        r.skip(3)?;
        let alg = r.u16()?;
        let actions = decode_nested(r.rest(), version, depth)?;
        // Without a commit there is nothing to write to, and no address to choose.
        let known = |action: &Action| matches!(action, Action::Nat(nat) if **nat == Nat::default());
        if !commit && !actions.iter().all(known) {
            return Err(OfError::BacBadArgument);
        }
        Ok(Self { commit, force, zone, table, alg, actions })
    }
}
