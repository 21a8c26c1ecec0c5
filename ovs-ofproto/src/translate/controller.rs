//! Packets for controllers: the state they leave in is frozen, the datapath sends them up.

use ovs_dpif::{Action as DpAction, ControllerPunt, PuntCookie, UserspaceAction};
use ovs_openflow::{NO_BUFFER, ToController};

use super::TranslateError;
use super::context::Context;
use crate::packet_in::reason;
use crate::trace::Tracer;

/// One packet for a controller.
#[derive(Clone, Copy)]
struct Punt<'a> {
    reason: u8,
    max_len: u16,
    controller_id: u16,
    userdata: &'a [u8],
    /// 0 for none in particular.
    meter: u32,
    /// Of the rule that sends it; all bits if none does, 0 if it is that there is none.
    cookie: u64,
}

impl<'s, T: Tracer> Context<'s, T> {
    /// `output:CONTROLLER`.
    pub(super) fn punt_output(&mut self, max_len: u16) {
        let (reason, cookie) = (self.output_reason(), self.cookie);
        self.punt(Punt { reason, max_len, controller_id: 0, userdata: &[], meter: 0, cookie });
    }

    /// `controller(…)`.
    pub(super) fn punt_as_asked(&mut self, to: &'s ToController) {
        if to.pause {
            self.pause = Some(to);
            self.freeze();
            return;
        }
        let asked = to.reason.wire();
        let reason = if asked == reason::ACTION { self.output_reason() } else { asked };
        let (max_len, controller_id, cookie) = (to.max_len, to.controller_id, self.cookie);
        self.punt(Punt { reason, max_len, controller_id, userdata: &to.userdata, meter: to.meter, cookie });
    }

    /// No table had a rule.
    pub(super) fn punt_miss(&mut self) {
        let reason = reason::IMPLICIT_MISS;
        self.punt(Punt { reason, max_len: NO_BUFFER, controller_id: 0, userdata: &[], meter: 0, cookie: 0 });
    }

    /// The time to live has run out.
    pub(super) fn punt_invalid_ttl(&mut self, controller_id: u16) {
        let (reason, cookie) = (reason::INVALID_TTL, self.cookie);
        self.punt(Punt { reason, max_len: NO_BUFFER, controller_id, userdata: &[], meter: 0, cookie });
    }

    fn output_reason(&self) -> u8 {
        // As in the original, a traced packet-out is none.
        if self.in_packet_out && !T::ACTIVE {
            reason::PACKET_OUT
        } else if self.in_bucket {
            reason::GROUP
        } else if self.in_action_set {
            reason::ACTION_SET
        } else if self.table_miss_rule {
            reason::EXPLICIT_MISS
        } else {
            reason::ACTION
        }
    }

    fn punt(&mut self, punt: Punt<'_>) {
        self.commit();
        let state = self.frozen_state(punt.userdata);
        let Some(held) = self.snapshot.shared.recirculation.intern(state) else {
            self.fail(TranslateError::NoRecirculation, || "no recirculation identifier could be had".into());
            return;
        };
        let cookie = PuntCookie::Controller(ControllerPunt {
            reason: punt.reason,
            dont_send: self.dry,
            continuation: false,
            recirc_id: held.id,
            rule_cookie: punt.cookie,
            controller_id: punt.controller_id,
            max_len: punt.max_len,
        });
        self.frozen.push(held);
        let action = DpAction::Userspace(UserspaceAction { cookie, egress: None });
        let action = self.metered(punt.meter, action);
        self.out.push(action);
    }
}
