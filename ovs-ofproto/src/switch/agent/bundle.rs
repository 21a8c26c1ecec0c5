//! Bundles: messages that take effect together or not at all.
//!
//! All changes of a commit are made for the same unpublished version, so that readers see all of them or none. If
//! one fails, those before it are taken back in reverse order.

use ovs_openflow::{
    BundleAdd, BundleControl, BundleControlKind, BundleFlags, Header, Message, OfError, PacketOut, PortMod,
    Protocol, Version,
};

use super::check::check_actions;
use super::connection::ConnId;
use super::flows::check_flow_mod;
use super::groups::check_group_mod;
use crate::bridge::{BridgeState, Round, Undo};
use crate::switch::Switch;

/// Bundles that a connection may have open.
const BUNDLES: usize = 16;

/// An open or closed bundle.
#[derive(Debug)]
pub(in crate::switch) struct Bundle {
    flags: BundleFlags,
    closed: bool,
    /// The messages as they came, one behind the other: a decoded change of flows takes ten times as much.
    bytes: Vec<u8>,
    /// Where each begins.
    starts: Vec<usize>,
    /// Those that are no changes of flows, with their places among all.
    others: Vec<(usize, Message)>,
}

impl Bundle {
    fn new(flags: BundleFlags) -> Self {
        Self { flags, closed: false, bytes: Vec::new(), starts: Vec::new(), others: Vec::new() }
    }

    /// The messages as they came.
    fn messages(&self) -> impl Iterator<Item = &[u8]> {
        let ends = self.starts.iter().skip(1).copied().chain([self.bytes.len()]);
        self.starts.iter().zip(ends).map(|(start, end)| self.bytes.get(*start..end).unwrap_or_default())
    }

    fn add(&mut self, message: Message, bytes: &[u8]) {
        if !matches!(message, Message::FlowMod(_)) {
            self.others.push((self.starts.len(), message));
        }
        self.starts.push(self.bytes.len());
        self.bytes.extend_from_slice(bytes);
    }
}

/// The message in a request that adds it to a bundle.
fn message_in(request: &[u8]) -> Result<&[u8], OfError> {
    const EXPERIMENTER: u8 = 4;
    let start = if request.get(1) == Some(&EXPERIMENTER) { 24 } else { 16 };
    let inner = request.get(start..).ok_or(OfError::BfcMsgBadLen)?;
    let header = Header::parse(inner).ok_or(OfError::BfcMsgBadLen)?;
    inner.get(..usize::from(header.length)).ok_or(OfError::BfcMsgBadLen)
}

impl Switch {
    pub(super) fn serve_bundle_control(
        &mut self,
        id: ConnId,
        xid: u32,
        control: BundleControl,
    ) -> Result<(), OfError> {
        let result = match control.kind {
            BundleControlKind::OpenRequest => self.open_bundle(id, control),
            BundleControlKind::CloseRequest => self.close_bundle(id, control),
            BundleControlKind::CommitRequest => self.commit_bundle(id, control),
            BundleControlKind::DiscardRequest => {
                let bundles = self.connections.get_mut(&id).map(|conn| &mut conn.bundles);
                bundles.and_then(|bundles| bundles.remove(&control.id)).map(|_| ()).ok_or(OfError::BfcBadId)
            }
            _ => Err(OfError::BfcBadType),
        };
        result?;
        // As the original's, replies don't repeat the flags.
        let reply = BundleControl { kind: control.kind.reply(), flags: BundleFlags::empty(), ..control };
        self.reply(id, xid, &Message::BundleControl(reply));
        Ok(())
    }

    fn open_bundle(&mut self, id: ConnId, control: BundleControl) -> Result<(), OfError> {
        let Some(conn) = self.connections.get_mut(&id) else { return Ok(()) };
        if conn.bundles.remove(&control.id).is_some() {
            return Err(OfError::BfcBadId);
        }
        if conn.bundles.len() >= BUNDLES {
            return Err(OfError::BfcOutOfBundles);
        }
        conn.bundles.insert(control.id, Bundle::new(control.flags));
        Ok(())
    }

    fn close_bundle(&mut self, id: ConnId, control: BundleControl) -> Result<(), OfError> {
        let Some(conn) = self.connections.get_mut(&id) else { return Ok(()) };
        let bundle = conn.bundles.get_mut(&control.id).ok_or(OfError::BfcBadId)?;
        let refused = if bundle.closed {
            Some(OfError::BfcBundleClosed)
        } else {
            (bundle.flags != control.flags).then_some(OfError::BfcBadFlags)
        };
        if let Some(error) = refused {
            conn.bundles.remove(&control.id);
            return Err(error);
        }
        bundle.closed = true;
        Ok(())
    }

    pub(super) fn serve_bundle_add(
        &mut self,
        id: ConnId,
        add: BundleAdd,
        request: &[u8],
    ) -> Result<(), OfError> {
        let limit = self.config.limits.bundle_messages;
        let Some(conn) = self.connections.get_mut(&id) else { return Ok(()) };
        let full = conn.bundles.len() >= BUNDLES;
        let bundle = match conn.bundles.get_mut(&add.id) {
            Some(bundle) => bundle,
            None if full => return Err(OfError::BfcOutOfBundles),
            // A bundle opens with its first message, too.
            None => conn.bundles.entry(add.id).or_insert(Bundle::new(add.flags)),
        };
        let error = if bundle.closed {
            OfError::BfcBundleClosed
        } else if bundle.flags != add.flags {
            OfError::BfcBadFlags
        } else if !can_be_bundled(&add.message) {
            OfError::BfcMsgUnsup
        } else if bundle.starts.len() >= limit {
            OfError::BfcMsgTooMany
        } else {
            bundle.add(add.message, message_in(request)?);
            return Ok(());
        };
        conn.bundles.remove(&add.id);
        Err(error)
    }

    fn commit_bundle(&mut self, id: ConnId, control: BundleControl) -> Result<(), OfError> {
        let Some(conn) = self.connections.get_mut(&id) else { return Ok(()) };
        let bundle = conn.bundles.remove(&control.id).ok_or(OfError::BfcBadId)?;
        if bundle.flags != control.flags {
            return Err(OfError::BfcBadFlags);
        }
        let name = conn.bridge.clone();
        let protocol = conn.protocol.unwrap_or(Protocol::new(Version::V10));
        match self.try_bundle(&name, protocol, &bundle) {
            Ok(()) => {
                self.finish_bundle(&name, &bundle.others);
                Ok(())
            }
            Err((index, error)) => {
                // The message that failed is named by its own error first.
                if let Some(request) = bundle.messages().nth(index) {
                    let xid = Header::parse(request).map_or(0, |header| header.xid);
                    self.refuse(id, xid, error, request);
                }
                Err(OfError::BfcMsgFailed)
            }
        }
    }

    /// Makes all changes of flows and groups, or none; checks the other messages first.
    fn try_bundle(
        &mut self,
        name: &str,
        protocol: Protocol,
        bundle: &Bundle,
    ) -> Result<(), (usize, OfError)> {
        for (index, message) in &bundle.others {
            let checked = match message {
                Message::GroupMod(change) => check_group_mod(change),
                Message::PortMod(change) => self.check_port_mod(name, change),
                Message::PacketOut(packet) => check_packet_out(packet),
                _ => Err(OfError::BfcMsgUnsup),
            };
            checked.map_err(|error| (*index, error))?;
        }
        let result = self.change_rules(name, |bridge, round| {
            round.undo = Some(Vec::new());
            for (index, request) in bundle.messages().enumerate() {
                if let Err(error) = change_one(bridge, round, protocol, request) {
                    let undo: Vec<Undo> = round.undo.take().unwrap_or_default();
                    bridge.take_back(undo);
                    round.gone.clear();
                    round.events = round.events.take().map(|_| Vec::new());
                    return Err((index, error));
                }
            }
            Ok(())
        });
        result.unwrap_or(Err((0, OfError::BrcEperm)))
    }

    /// What cannot fail any more.
    fn finish_bundle(&mut self, name: &str, messages: &[(usize, Message)]) {
        for (_, message) in messages {
            match message {
                Message::PortMod(change) => self.change_port(name, change.port, change.config, change.mask),
                Message::PacketOut(packet) => {
                    // It was checked; what happens to the packet is not the bundle's business.
                    let _ = self.packet_out(name, packet.in_port, &packet.actions, &packet.data);
                }
                _ => {}
            }
        }
    }

    fn check_port_mod(&self, name: &str, change: &PortMod) -> Result<(), OfError> {
        match self.port_desc(name, change.port) {
            None => Err(OfError::PmfcBadPort),
            Some(desc) if desc.hw_addr != change.hw_addr => Err(OfError::PmfcBadHwAddr),
            Some(_) => Ok(()),
        }
    }
}

/// Makes a bundle's change of flows or groups, or checks the names that a packet-out uses.
fn change_one(
    bridge: &mut BridgeState,
    round: &mut Round<'_>,
    protocol: Protocol,
    request: &[u8],
) -> Result<(), OfError> {
    let (_, message) = Message::decode(protocol, request).map_err(|rejected| rejected.error)?;
    match message {
        Message::FlowMod(change) => {
            check_flow_mod(&change, protocol.version)?;
            bridge.flow_mod(&change, round)
        }
        Message::GroupMod(change) => bridge.group_mod(&change, round),
        Message::PacketOut(packet) => bridge.check_names(&packet.actions),
        _ => Ok(()),
    }
}

fn can_be_bundled(message: &Message) -> bool {
    matches!(
        message,
        Message::FlowMod(_) | Message::GroupMod(_) | Message::PortMod(_) | Message::PacketOut(_)
    )
}

fn check_packet_out(packet: &PacketOut) -> Result<(), OfError> {
    if packet.buffer_id.is_some() {
        return Err(OfError::BrcBufferUnknown);
    }
    check_actions(&packet.actions, Some(ovs_flow::TableId(0)))
}
