//! Output: real ports, reserved ports, queues.

use ovs_dpif::{Action as DpAction, SlowPath};
use ovs_flow::{OfPort, Subfield, TableId};
use ovs_openflow::PortConfig;

use super::context::Context;
use crate::snapshot::PortSnap;
use crate::trace::Tracer;
use crate::tunnel::Carries;

/// The bits of a type of service that are the code point (RFC 2474).
const DSCP: u8 = 0xfc;

impl<T: Tracer> Context<'_, T> {
    /// `output`: `max_len` is for the controller alone.
    pub(super) fn output(&mut self, port: OfPort, max_len: u16) {
        match port {
            OfPort::IN_PORT => self.output_port(self.flow.of_port()),
            OfPort::TABLE => {
                let port = self.flow.of_port();
                self.go_to_table(TableId(0), port, true, true);
            }
            OfPort::NORMAL => self.normal(),
            OfPort::FLOOD => self.flood(PortConfig::NO_FLOOD),
            OfPort::ALL => self.flood(PortConfig::empty()),
            OfPort::CONTROLLER => self.punt_output(max_len),
            OfPort::NONE => {}
            port if port == self.flow.of_port() => {
                self.warn(|| "skipping output to input port".into());
            }
            port => self.output_port(port),
        }
    }

    /// `output(port=…,max_len=…)`.
    pub(super) fn output_truncated(&mut self, port: OfPort, max_len: u32) {
        match port {
            OfPort::TABLE
            | OfPort::NORMAL
            | OfPort::FLOOD
            | OfPort::ALL
            | OfPort::CONTROLLER
            | OfPort::NONE => {
                self.warn(|| format!("output_trunc does not support port: {port}"));
            }
            port if port == self.flow.of_port() => {
                self.warn(|| "skipping output to input port".into());
            }
            port => {
                if self.bridge.ports.get(&port).and_then(|port| port.dp_port).is_none() {
                    self.fail_softly(|| format!("output_trunc does not support patch port {port}"));
                    return;
                }
                if !self.snapshot.world.features.trunc {
                    self.go_slow(SlowPath::Action);
                }
                self.out.push(DpAction::Trunc(max_len));
                self.output(port, 0);
            }
        }
    }

    /// `output:FIELD`.
    pub(super) fn output_field(&mut self, src: Subfield, max_len: u16) {
        self.mask_subfield(src);
        let value = self.read(src);
        let number = value.narrow().and_then(|value| u32::try_from(value).ok());
        let port = number.and_then(|n| u16::try_from(n).map(OfPort).ok().or_else(|| OfPort::from_u32(n)));
        match port {
            Some(port) => {
                self.detail(|| format!("output port is {port}"));
                self.output(port, max_len);
            }
            None => self.warn(|| format!("output port {value:#x} is out of range")),
        }
    }

    /// `enqueue`: the queue counts for this output only.
    pub(super) fn enqueue(&mut self, port: OfPort, queue: u32) {
        self.mask.fields.skb_priority = u32::MAX;
        let in_port = self.flow.of_port();
        if port == in_port {
            return;
        }
        let before = std::mem::replace(&mut self.flow.skb_priority, queue);
        self.output_port(if port == OfPort::IN_PORT { in_port } else { port });
        self.flow.skb_priority = before;
    }

    /// `set_queue`.
    pub(super) fn set_queue(&mut self, queue: u32) {
        self.mask.fields.skb_priority = u32::MAX;
        self.flow.skb_priority = queue;
    }

    /// `pop_queue`: the queue that the packet came with.
    pub(super) fn pop_queue(&mut self) {
        self.mask.fields.skb_priority = u32::MAX;
        if self.flow.skb_priority == self.original.skb_priority {
            return;
        }
        self.flow.skb_priority = self.original.skb_priority;
        let queue = self.flow.skb_priority;
        self.detail(|| if queue == 0 { "queue = 0".into() } else { format!("queue = {queue:#x}") });
    }

    fn flood(&mut self, without: PortConfig) {
        let bridge = self.bridge;
        let in_port = self.flow.of_port();
        let local = bridge.ports.get_key_value(&OfPort::LOCAL);
        let others = bridge.ports.iter().filter(|(number, _)| **number != OfPort::LOCAL);
        for (number, port) in local.into_iter().chain(others) {
            if *number != in_port && !port.config.intersects(without) {
                self.output_port_of_many(*number);
            }
        }
    }

    /// Sends out of one of several ports: others may follow.
    pub(super) fn output_port_of_many(&mut self, number: OfPort) {
        let last = std::mem::replace(&mut self.last, false);
        self.output_port(number);
        self.last = last;
    }

    /// Sends out of a port, whatever the port of entry is.
    pub(super) fn output_port(&mut self, number: OfPort) {
        let bridge = self.bridge;
        let Some(port) = bridge.ports.get(&number) else {
            self.warn(|| "Nonexistent output port".into());
            return;
        };
        if port.config.contains(PortConfig::NO_FWD) {
            self.warn(|| "OFPPC_NO_FWD set, skipping output".into());
            return;
        }
        if self.is_between_protected(number) {
            self.warn(|| "Flow is between protected ports, skipping output.".into());
            return;
        }
        if let Some(dp_port) = port.dp_port {
            let takes = port.tunnel.as_ref().map_or(Carries::Frames, |tunnel| tunnel.carries);
            if self.flow.packet_type.get() != 0 && takes == Carries::Frames {
                self.warn(|| {
                    "Trying to send non-Ethernet packet through legacy L2 port. Dropping packet.".into()
                });
                return;
            }
            if let Some(tunnel) = &port.tunnel {
                self.cut_in_tunnel = self.snaplen;
                let tos = self.mark_by_queue(port);
                self.output_tunnel(number, tunnel, dp_port);
                self.flow.nw_tos = tos;
                self.mirror_output(number);
                return;
            }
            let tos = self.mark_by_queue(port);
            self.commit();
            self.flow.nw_tos = tos;
            if number == OfPort::LOCAL && self.end_tunnel() {
                self.mirror_output(number);
                return;
            }
            if let Some(bytes) = self.snaplen {
                self.out.push(DpAction::Trunc(bytes));
            }
            self.out.push(DpAction::Output(dp_port));
            self.mirror_output(number);
        } else if let Some(peer) = port.peer {
            if self.snaplen.is_some() {
                self.warn(|| "Mirror truncate to ODPP_NONE port, skipping output".into());
                return;
            }
            self.cross_patch(number, peer);
            self.mirror_output(number);
        } else {
            self.warn(|| "Nonexistent output port".into());
        }
    }

    /// Gives the packet the code point of the queue that it leaves by, if that has one. What it had before is given back.
    fn mark_by_queue(&mut self, port: &PortSnap) -> u8 {
        let before = self.flow.nw_tos;
        if let Some(marks) = &port.dscp {
            self.mask.fields.skb_priority = u32::MAX;
            if let Some(dscp) = marks.get(&self.flow.skb_priority) {
                // Of other packets too, as with the original.
                self.mask.fields.nw_tos |= DSCP;
                if self.is_ip() {
                    self.flow.nw_tos = before & !DSCP | dscp << 2;
                }
            }
        }
        before
    }

    fn is_between_protected(&self, to: OfPort) -> bool {
        let protected = |port| self.bridge.bundle_of(port).is_some_and(|(_, bundle)| bundle.protected);
        protected(to) && protected(self.flow.of_port())
    }
}
