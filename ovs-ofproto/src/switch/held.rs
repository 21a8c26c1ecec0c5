//! Packets that change tables: they go on when what they change is visible.

use ovs_dpif::{Actions, Execute, FlowPut, Op, PutMode};

use super::Switch;
use crate::compact::Compact;
use crate::trace::Unwatched;
use crate::traffic::Traffic;
use crate::translate::{Translation, mask as masks, translate_deciding};
use crate::upcall::{Age, HeldPacket, Identities, NewFlow};

impl Switch {
    /// Translates a packet anew, makes the changes, publishes them, and lets the packet go on.
    pub(super) fn take_held(&mut self, held: HeldPacket) {
        self.publish();
        let snapshot = self.snapshot();
        let age = Age {
            version: snapshot.version,
            generation: snapshot.world.generation,
            macs: snapshot.shared.mac_changes(),
        };
        let mut translation = self.with_learner(|scratch, decide| {
            translate_deciding(
                &snapshot,
                &held.key,
                Some(&held.packet),
                Some(decide),
                scratch,
                &mut Unwatched,
            )
        });
        let seen = u64::from(!held.counted);
        let traffic = Traffic {
            packets: seen,
            bytes: seen * held.packet.len() as u64,
            used: held.now,
            tcp_flags: held.key.tcp_flags.get(),
        };
        self.push_packet(&translation.push, traffic);
        self.publish();
        let actions: Actions = std::mem::take(&mut translation.actions).into();
        if !held.counted {
            self.install_held(&held, translation, &actions, age);
        }
        if actions.is_empty() {
            return;
        }
        let HeldPacket { packet, metadata, .. } = held;
        // A datapath whose queue is full loses the packet as a full device queue would.
        if self.dpif.execute(Execute { packet, metadata, actions }).is_err() {
            tracing::debug!(target: "ofproto", "a packet that changed tables was dropped, the datapath is busy");
        }
    }

    /// Installs a megaflow for the packets that follow, on the worker that asked.
    fn install_held(&mut self, held: &HeldPacket, translation: Translation, actions: &Actions, age: Age) {
        let bits = Box::new(masks::installed(&self.snapshot(), &held.key, translation.mask));
        let identities = Identities::new(self.config.seed);
        let mask = Compact::new(&bits.fields);
        let ufid = identities.of(&held.key, &mask);
        if self.revalidator.index.get(&ufid).is_some_and(|flow| flow.seen.contains_key(&held.worker)) {
            return;
        }
        let installed = match translation.slow {
            None => Actions::clone(actions),
            Some(_) => translation.megaflow_actions().into(),
        };
        let put = FlowPut {
            ufid: Some(ufid),
            key: Box::new(held.key),
            mask: bits.clone(),
            actions: Actions::clone(&installed),
            mode: PutMode::Create,
            worker: Some(held.worker),
        };
        if self.dpif.submit(Op::FlowPut(put)).is_err() {
            return;
        }
        let new = NewFlow {
            ufid,
            worker: held.worker,
            key: Compact::masked(&held.key, &mask),
            mask,
            actions: installed,
            deps: translation.deps,
            frozen: translation.frozen,
            age,
        };
        self.register(new, translation.push, held.now);
    }
}
