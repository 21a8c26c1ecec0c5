//! Bundles: changes that are kept, and take effect together or not at all (OpenFlow 1.4, 6.9).

use ovs_openflow::{
    BundleAdd, BundleControl, BundleControlKind, BundleFlags, FlowMod, Message, OfError, Protocol,
};

use super::control::{Control, Origin};
use super::session::Session;

/// Bundles that a connection may have open; more are refused by name.
const MOST_BUNDLES: usize = 64;
/// Changes that a bundle may hold; more are refused by name.
const MOST_CHANGES: usize = 4_000_000;

/// Changes that wait for their commit.
#[derive(Debug)]
pub(super) struct Bundle {
    flags: BundleFlags,
    closed: bool,
    changes: Vec<FlowMod>,
}

impl Bundle {
    /// Keeps a change.
    pub fn add(&mut self, change: FlowMod) -> Result<(), OfError> {
        if self.closed {
            return Err(OfError::BfcBundleClosed);
        }
        if self.changes.len() >= MOST_CHANGES {
            return Err(OfError::BfcMsgTooMany);
        }
        self.changes.push(change);
        Ok(())
    }
}

impl Session {
    /// Opens, closes, commits or discards.
    pub(super) fn bundle_control(
        &mut self,
        protocol: Protocol,
        xid: u32,
        wanted: BundleControl,
        control: &mut dyn Control,
        origin: Origin,
    ) -> Result<(), OfError> {
        match wanted.kind {
            BundleControlKind::OpenRequest => self.open_bundle(&wanted)?,
            BundleControlKind::CloseRequest => {
                let bundle = self.bundle(&wanted)?;
                if std::mem::replace(&mut bundle.closed, true) {
                    return Err(OfError::BfcBundleClosed);
                }
            }
            BundleControlKind::CommitRequest => {
                self.bundle(&wanted)?;
                let changes =
                    self.bundles.remove(&wanted.id).map(|bundle| bundle.changes).unwrap_or_default();
                control.flow_mods(&changes, origin).map_err(|_| OfError::BfcMsgFailed)?;
            }
            BundleControlKind::DiscardRequest => {
                self.bundle(&wanted)?;
                self.bundles.remove(&wanted.id);
            }
            _ => return Err(OfError::BfcBadType),
        }
        let reply = BundleControl { kind: wanted.kind.reply(), ..wanted };
        self.answer(protocol, xid, &Message::BundleControl(reply));
        Ok(())
    }

    /// Keeps a message in a bundle; one that is not open yet is opened by it.
    pub(super) fn bundle_add(&mut self, add: BundleAdd) -> Result<(), OfError> {
        if !self.bundles.contains_key(&add.id) {
            let open = BundleControl { id: add.id, kind: BundleControlKind::OpenRequest, flags: add.flags };
            self.open_bundle(&open)?;
        }
        match add.message {
            Message::FlowMod(change) => self.keep(add.id, *change),
            _ => Err(OfError::BfcMsgUnsup),
        }
    }

    fn open_bundle(&mut self, wanted: &BundleControl) -> Result<(), OfError> {
        if self.bundles.remove(&wanted.id).is_some() {
            return Err(OfError::BfcBadId);
        }
        if self.bundles.len() >= MOST_BUNDLES {
            return Err(OfError::BfcOutOfBundles);
        }
        let bundle = Bundle { flags: wanted.flags, closed: false, changes: Vec::new() };
        self.bundles.insert(wanted.id, bundle);
        Ok(())
    }

    /// An open bundle. One that is named with other flags than it was opened with is forgotten.
    fn bundle(&mut self, wanted: &BundleControl) -> Result<&mut Bundle, OfError> {
        let flags = self.bundles.get(&wanted.id).ok_or(OfError::BfcBadId)?.flags;
        if flags != wanted.flags {
            self.bundles.remove(&wanted.id);
            return Err(OfError::BfcBadFlags);
        }
        self.bundles.get_mut(&wanted.id).ok_or(OfError::BfcBadId)
    }
}
