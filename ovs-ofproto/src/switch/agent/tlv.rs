//! The table of Geneve options that have fields.

use std::sync::Arc;

use ovs_flow::TUN_METADATA_BYTES;
use ovs_openflow::{Message, OfError, TlvMap, TlvTable, TlvTableCommand, TlvTableMod};

use super::connection::ConnId;
use crate::switch::Switch;
use crate::tunnel::OptionTable;

impl Switch {
    pub(super) fn serve_tlv_table_mod(&mut self, id: ConnId, change: &TlvTableMod) -> Result<(), OfError> {
        let name = self.bridge_name_of(id);
        let version = self.version;
        let bridge = self.bridges.get_mut(&name).ok_or(OfError::BrcEperm)?;
        let after = changed(&bridge.options, change)?;
        let gone = bridge.options.places.mapped() & !after.places.mapped();
        if gone != 0 && bridge.named_options(version) & gone != 0 {
            return Err(OfError::NxTtmfcInvalidTlvDel);
        }
        bridge.options = Arc::new(after);
        self.world_changed = true;
        Ok(())
    }

    pub(super) fn serve_tlv_table(&mut self, id: ConnId, xid: u32) -> Result<(), OfError> {
        let maps = self.bridge_of(id)?.options.maps.clone();
        let table =
            TlvTable { max_option_space: TUN_METADATA_BYTES as u32, max_fields: TlvMap::FIELDS, maps };
        self.reply(id, xid, &Message::TlvTableReply(table));
        Ok(())
    }
}

/// The table after a change; all of a change is done, or nothing. Fields that stay, stay where they are in keys.
fn changed(table: &OptionTable, change: &TlvTableMod) -> Result<OptionTable, OfError> {
    let mut after = table.clone();
    match change.command {
        TlvTableCommand::Clear => after = OptionTable::default(),
        TlvTableCommand::Delete => {
            // As the original has it, the field alone counts, and one that has no option is no error.
            change.maps.iter().for_each(|gone| after.places.remove(gone.index.into()));
            after.maps.retain(|map| after.places.len(map.index.into()).is_some());
        }
        TlvTableCommand::Add => {
            for new in &change.maps {
                if after.places.len(new.index.into()).is_some() {
                    return Err(OfError::NxTtmfcAlreadyMapped);
                }
                if after.maps.iter().any(|map| (map.class, map.kind) == (new.class, new.kind)) {
                    return Err(OfError::NxTtmfcDupEntry);
                }
                if !after.places.add(new.index.into(), new.len.into()) {
                    return Err(OfError::NxTtmfcTableFull);
                }
                after.maps.push(*new);
            }
        }
    }
    after.maps.sort_by_key(|map| map.index);
    Ok(after)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_and_fields_go_together_once() {
        let map = |kind, len, index| TlvMap { class: 0xffff, kind, len, index };
        let add = |table: &OptionTable, maps: &[TlvMap]| {
            changed(table, &TlvTableMod { command: TlvTableCommand::Add, maps: maps.to_vec() })
        };
        let table = add(&OptionTable::default(), &[map(1, 8, 1), map(0, 4, 0)]).unwrap();
        assert_eq!(table.maps, [map(0, 4, 0), map(1, 8, 1)]);
        assert_eq!(add(&table, &[map(1, 8, 2)]), Err(OfError::NxTtmfcDupEntry));
        assert_eq!(add(&table, &[map(2, 8, 1)]), Err(OfError::NxTtmfcAlreadyMapped));
        assert_eq!(add(&table, &[map(2, 124, 2), map(3, 124, 3)]), Err(OfError::NxTtmfcTableFull));
        let delete = TlvTableMod { command: TlvTableCommand::Delete, maps: vec![map(1, 8, 1)] };
        assert_eq!(changed(&table, &delete).unwrap().maps, [map(0, 4, 0)]);
        assert_eq!(changed(&OptionTable::default(), &delete), Ok(OptionTable::default()));
        let other = TlvTableMod { command: TlvTableCommand::Delete, maps: vec![map(7, 4, 0)] };
        assert_eq!(changed(&table, &other).unwrap().maps, [map(1, 8, 1)], "whatever the option");
    }
}
