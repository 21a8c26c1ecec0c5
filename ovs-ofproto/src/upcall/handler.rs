//! The handler of one worker.

use std::sync::mpsc::SyncSender;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use ovs_classifier::rcu::Reader;
use ovs_dpif::{
    Actions, ControllerPunt, DropReason, HandlerFactory, Install, Punt, PuntCookie, SlowPath, TooBigPunt,
    Upcall, UpcallHandler, Verdict, WorkerId,
};
use ovs_flow::{FlowKey, Metadata, SparseKey, Ufid, extract};
use ovs_packet::Packet;

use super::identity::Identities;
use super::message::{Age, HeardPacket, HeldPacket, LongPacket, Message, Miss, NewFlow, PuntedPacket};
use crate::compact::Compact;
use crate::snapshot::{Shared, Snapshot};
use crate::trace::Unwatched;
use crate::translate::{Scratch, Translation, mask as masks, origin, translate};
use crate::tunnel::too_big::KEPT;

/// Who is to be woken when a message waits; set by the embedder once, before or after workers were made.
pub(crate) type SharedWaker = Arc<OnceLock<Arc<dyn ovs_dpif::Waker>>>;

/// Bytes of a packet that the switch's own protocols look at.
const HEARD: usize = 512;

/// Makes the handlers of a datapath's workers.
pub(crate) struct Handlers {
    pub shared: Arc<Shared>,
    pub messages: SyncSender<Box<Message>>,
    pub waker: SharedWaker,
    pub seed: u64,
}

impl HandlerFactory for Handlers {
    fn handler(&self, worker: WorkerId) -> Box<dyn UpcallHandler> {
        let mut reader = self.shared.domain.reader();
        let snapshot = self.shared.snapshot(&reader.enter());
        Box::new(Handler {
            worker,
            scratch: Scratch::new(&snapshot),
            reader,
            snapshot,
            messages: self.messages.clone(),
            waker: Arc::clone(&self.waker),
            identities: Identities::new(self.seed),
            sparse: SparseKey::new(),
        })
    }
}

struct Handler {
    worker: WorkerId,
    reader: Reader,
    scratch: Scratch,
    /// What all answers of this turn come from.
    snapshot: Snapshot,
    messages: SyncSender<Box<Message>>,
    waker: SharedWaker,
    identities: Identities,
    sparse: SparseKey,
}

impl Handler {
    /// Hands a message over; `false` if there is no room for it.
    fn send(&self, message: Message) -> bool {
        let sent = self.messages.try_send(Box::new(message)).is_ok();
        if let (true, Some(waker)) = (sent, self.waker.get()) {
            waker.wake();
        }
        sent
    }

    fn translate(&mut self, key: &FlowKey, packet: &Packet) -> (Translation, Age) {
        let age = Age {
            version: self.snapshot.version,
            generation: self.snapshot.world.generation,
            macs: self.snapshot.shared.mac_changes(),
        };
        (translate(&self.snapshot, key, Some(packet), &mut self.scratch, &mut Unwatched), age)
    }

    fn punt_to_controller(&mut self, punt: &Punt<'_>, cookie: ControllerPunt) -> Result<(), DropReason> {
        let Some(state) = self.snapshot.shared.recirculation.find(cookie.recirc_id) else {
            return Err(DropReason::Upcall);
        };
        let data = punt.packet.data();
        let kept = data.len().min(usize::from(cookie.max_len));
        let message = Message::Punted(PuntedPacket {
            punt: cookie,
            state,
            dp_port: punt.metadata.in_port.0,
            data: data[..kept].to_vec(),
            total_len: data.len(),
        });
        if self.send(message) { Ok(()) } else { Err(DropReason::EffectsFull) }
    }

    /// Hands a packet over that changes tables.
    fn hold(
        &self,
        key: &FlowKey,
        metadata: &Metadata,
        packet: &Packet,
        now: Duration,
        counted: bool,
    ) -> Result<(), DropReason> {
        let mut copy = Packet::detached(packet.data()).map_err(|_| DropReason::NoBuffer)?;
        copy.facts_mut().packet_type = packet.facts().packet_type;
        let held = HeldPacket {
            worker: self.worker,
            now,
            key: *key,
            metadata: metadata.clone(),
            packet: copy,
            counted,
        };
        if self.send(Message::Held(Box::new(held))) { Ok(()) } else { Err(DropReason::EffectsFull) }
    }

    /// Hands a packet over that is for the session of its port.
    fn hear(&self, key: &FlowKey, packet: &Packet, now: Duration) -> Result<(), DropReason> {
        let Some((bridge, port)) = origin(&self.snapshot, key) else { return Err(DropReason::Upcall) };
        let data = packet.data();
        let frame = data[..data.len().min(HEARD)].to_vec();
        let heard = HeardPacket { now, bridge, port, frame };
        if self.send(Message::Heard(Box::new(heard))) { Ok(()) } else { Err(DropReason::EffectsFull) }
    }

    /// Hands a packet over that is too long for a tunnel, if it begins with an Ethernet header.
    fn tell_too_big(&self, punt: &Punt<'_>, told: TooBigPunt) -> Result<(), DropReason> {
        if punt.packet.facts().packet_type != 0 {
            return Err(DropReason::TunnelTooBig);
        }
        let data = punt.packet.data();
        let frame = data[..data.len().min(KEPT)].to_vec();
        let message = Message::TooBig(Box::new(LongPacket { punt: told, frame }));
        if self.send(message) { Ok(()) } else { Err(DropReason::TunnelTooBig) }
    }

    fn key_of(&mut self, punt: &Punt<'_>) -> FlowKey {
        let tags = self.snapshot.world.vlan_headers;
        let packet_type = punt.packet.facts().packet_type;
        extract::extract_bytes(punt.packet.data(), packet_type, punt.metadata, tags, &mut self.sparse);
        self.sparse.expand()
    }
}

impl UpcallHandler for Handler {
    fn begin(&mut self, _now: Duration) {
        let guard = self.reader.enter();
        let shared = Arc::clone(&self.snapshot.shared);
        shared.renew(&mut self.snapshot, &guard);
    }

    fn miss(&mut self, upcall: Upcall<'_>) -> Verdict {
        let (translation, age) = self.translate(upcall.key, upcall.packet);
        if translation.undecided {
            return match self.hold(upcall.key, upcall.metadata, upcall.packet, upcall.now, false) {
                Ok(()) => Verdict::Keep,
                Err(reason) => Verdict::Refuse(reason),
            };
        }
        let mut actions: Actions = translation.actions.as_slice().into();
        let bits = Box::new(masks::installed(&self.snapshot, upcall.key, translation.mask));
        let installed: Actions = match translation.slow {
            None => Arc::clone(&actions),
            Some(_) => translation.megaflow_actions().into(),
        };
        if translation.slow == Some(SlowPath::Bfd) {
            // It comes back by the way of its successors.
            actions = Arc::clone(&installed);
        }
        let mask = Compact::new(&bits.fields);
        let ufid = self.identities.of(upcall.key, &mask);
        let message = Message::Miss(Miss {
            now: upcall.now,
            bytes: upcall.packet.len() as u64,
            tcp_flags: upcall.key.tcp_flags.get(),
            push: translation.push,
            install: Some(NewFlow {
                ufid,
                worker: self.worker,
                key: Compact::masked(upcall.key, &mask),
                mask,
                actions: Arc::clone(&installed),
                deps: translation.deps,
                frozen: translation.frozen,
                age,
            }),
        });
        if !self.send(message) {
            return Verdict::Refuse(DropReason::EffectsFull);
        }
        Verdict::Forward { actions, install: Some(Install { ufid, mask: bits, actions: installed }) }
    }

    fn installed(&mut self, ufid: Ufid, refused: Option<DropReason>) {
        if refused.is_some_and(|reason| reason != DropReason::AlreadyInstalled) {
            // If this is lost, the next sweep finds that the datapath does not have the flow.
            self.send(Message::Refused { ufid, worker: self.worker });
        }
    }

    fn punt(&mut self, punt: Punt<'_>) -> Result<Option<Actions>, DropReason> {
        match punt.cookie {
            PuntCookie::Controller(cookie) if cookie.dont_send => Ok(None),
            PuntCookie::Controller(cookie) => {
                let cookie = *cookie;
                self.punt_to_controller(&punt, cookie).map(|()| None)
            }
            PuntCookie::TooBig(told) => self.tell_too_big(&punt, *told).map(|()| None),
            PuntCookie::SlowPath(_) => {
                let key = self.key_of(&punt);
                let (translation, _) = self.translate(&key, punt.packet);
                if translation.undecided {
                    return self.hold(&key, punt.metadata, punt.packet, punt.now, true).map(|()| None);
                }
                if translation.slow == Some(SlowPath::Bfd) {
                    return self.hear(&key, punt.packet, punt.now).map(|()| None);
                }
                // The packet has been counted by the megaflow that sent it here.
                Ok(Some(translation.actions.into()))
            }
            _ => Err(DropReason::UnsupportedAction),
        }
    }
}
