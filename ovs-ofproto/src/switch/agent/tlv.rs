//! The table of Geneve options that have fields.

use ovs_openflow::{Message, OfError, TlvMap, TlvTable, TlvTableCommand, TlvTableMod};

use super::connection::ConnId;
use crate::switch::Switch;

/// Bytes that the values of all options together may have.
const SPACE: u32 = 256;

impl Switch {
    pub(super) fn serve_tlv_table_mod(&mut self, id: ConnId, change: &TlvTableMod) -> Result<(), OfError> {
        let name = self.bridge_name_of(id);
        let version = self.version;
        let bridge = self.bridges.get_mut(&name).ok_or(OfError::BrcEperm)?;
        let after = changed(&bridge.tlv_table, change)?;
        let stays = |map: &TlvMap| after.iter().any(|other| other.index == map.index);
        let gone = bridge.tlv_table.iter().filter(|map| !stays(map));
        let gone = gone.fold(0_u64, |bits, map| bits | 1_u64.checked_shl(map.index.into()).unwrap_or(0));
        if gone != 0 && bridge.named_options(version) & gone != 0 {
            return Err(OfError::NxTtmfcInvalidTlvDel);
        }
        bridge.tlv_table = after;
        self.world_changed = true;
        Ok(())
    }

    pub(super) fn serve_tlv_table(&mut self, id: ConnId, xid: u32) -> Result<(), OfError> {
        let maps = self.bridge_of(id)?.tlv_table.clone();
        let table = TlvTable { max_option_space: SPACE, max_fields: TlvMap::FIELDS, maps };
        self.reply(id, xid, &Message::TlvTableReply(table));
        Ok(())
    }
}

/// The table after a change, by field; all of a change is done, or nothing.
fn changed(table: &[TlvMap], change: &TlvTableMod) -> Result<Vec<TlvMap>, OfError> {
    let mut after = table.to_vec();
    match change.command {
        TlvTableCommand::Clear => after.clear(),
        TlvTableCommand::Delete => {
            // As the original has it, the field alone counts, and one that has no option is no error.
            after.retain(|map| change.maps.iter().all(|gone| gone.index != map.index));
        }
        TlvTableCommand::Add => {
            for new in &change.maps {
                if after.iter().any(|map| map.index == new.index) {
                    return Err(OfError::NxTtmfcAlreadyMapped);
                }
                if after.iter().any(|map| (map.class, map.kind) == (new.class, new.kind)) {
                    return Err(OfError::NxTtmfcDupEntry);
                }
                after.push(*new);
                if after.iter().map(|map| u32::from(map.len)).sum::<u32>() > SPACE {
                    return Err(OfError::NxTtmfcTableFull);
                }
            }
        }
    }
    after.sort_by_key(|map| map.index);
    Ok(after)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_and_fields_go_together_once() {
        let map = |kind, len, index| TlvMap { class: 0xffff, kind, len, index };
        let add = |table: &[TlvMap], maps: &[TlvMap]| {
            changed(table, &TlvTableMod { command: TlvTableCommand::Add, maps: maps.to_vec() })
        };
        let table = add(&[], &[map(1, 8, 1), map(0, 4, 0)]).unwrap();
        assert_eq!(table, [map(0, 4, 0), map(1, 8, 1)]);
        assert_eq!(add(&table, &[map(1, 8, 2)]), Err(OfError::NxTtmfcDupEntry));
        assert_eq!(add(&table, &[map(2, 8, 1)]), Err(OfError::NxTtmfcAlreadyMapped));
        assert_eq!(add(&table, &[map(2, 124, 2), map(3, 124, 3)]), Err(OfError::NxTtmfcTableFull));
        let delete = TlvTableMod { command: TlvTableCommand::Delete, maps: vec![map(1, 8, 1)] };
        assert_eq!(changed(&table, &delete), Ok(vec![map(0, 4, 0)]));
        assert_eq!(changed(&[], &delete), Ok(vec![]));
        let other = TlvTableMod { command: TlvTableCommand::Delete, maps: vec![map(7, 4, 0)] };
        assert_eq!(changed(&table, &other), Ok(vec![map(1, 8, 1)]), "whatever the option");
    }
}
