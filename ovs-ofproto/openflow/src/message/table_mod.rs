//! Changes of tables (OpenFlow 1.1, A.3.4.3; 1.3, 7.3.4.2).

use ovs_flow::TableId;

use crate::header::{Put, Reader};
use crate::{OfError, Version};

/// Change a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TableMod {
    /// Which; [`TableId::ALL`] for all.
    pub table: TableId,
    /// The configuration as the version has it: what happens to packets that miss (1.1, 1.2), nothing (1.3),
    /// eviction and vacancy events (from 1.4).
    pub config: u32,
}

impl TableMod {
    pub(super) fn encode(self, out: &mut Vec<u8>) {
        out.u8(self.table.0);
        out.zeros(3);
        out.u32(self.config);
    }

    pub(super) fn decode(version: Version, body: &[u8]) -> Result<Self, OfError> {
        let mut r = Reader::new(body, OfError::BrcBadLen);
        let table = TableId(r.u8()?);
        r.skip(3)?;
        let config = r.u32()?;
        let known = if version >= Version::V14 { 0xc } else { 3 };
        if config & !known != 0 {
            return Err(OfError::TmfcBadConfig);
        }
        if version < Version::V14 {
            r.finish()?;
        }
        Ok(Self { table, config })
    }
}
