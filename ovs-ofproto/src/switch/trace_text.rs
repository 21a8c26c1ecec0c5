//! Traces from text to text, as `ofproto/trace` and `ofproto/trace-packet-out` take and print them.

use std::time::Duration;

use ovs_flow::text::parse_flow;
use ovs_flow::{FlowKey, FlowMask, Match, Metadata, OfPort, TableId, U16, VLAN_CFI, compose, compose_around};
use ovs_openflow::action::check_consistency;
use ovs_openflow::{Action, Version};
use ovs_packet::Packet;

use super::Switch;
use super::agent::check_actions;
use super::trace::How;
use crate::trace::{Payload, TraceCommand, TraceError, TraceNames, TraceReport, TraceTarget};

/// The packet types of what stands behind Ethernet's header.
const NETWORK: u32 = 1;

impl Switch {
    /// Traces a flow of a bridge, written in OpenFlow syntax; `rest` is what may stand behind it in `ofproto/trace`.
    pub fn trace_text(
        &mut self,
        bridge: &str,
        flow: &str,
        rest: &[&str],
        now: Duration,
    ) -> Result<String, TraceError> {
        let command = TraceCommand::parse(&[&[bridge, flow], rest].concat(), false)?;
        self.run_trace(&command, now).map(|report| report.to_string())
    }

    /// Does what a command asks for. A datapath's name in it is not looked at: whoever calls has found this switch by
    /// it.
    pub fn run_trace(&mut self, command: &TraceCommand, now: Duration) -> Result<TraceReport, TraceError> {
        self.now = self.now.max(now);
        self.publish();
        let (bridge, mut key) = match command.target() {
            TraceTarget::Datapath(_) => self.flow_of_datapath(command)?,
            TraceTarget::Bridge(bridge) => (bridge.to_owned(), self.flow_of_bridge(bridge, command.flow())?),
        };
        let packet = self.traced_packet(command, &mut key)?;
        let actions = command.actions.as_deref().unwrap_or_default();
        self.check_traced(&bridge, actions, &key, command.consistent)?;
        let how = How { packet, actions, next: &command.next, names: command.names };
        Ok(self.trace_as(&bridge, &key, &how)?)
    }

    /// The key that a text in OpenFlow syntax says.
    fn flow_of_bridge(&self, bridge: &str, text: &str) -> Result<FlowKey, TraceError> {
        let state = self.bridges.get(bridge).ok_or_else(|| TraceError::NoBridge(bridge.to_owned()))?;
        let openflow = state.ports.iter().map(|(number, port)| (*number, port.name.clone())).collect();
        let names = TraceNames { openflow, places: state.options.places, ..TraceNames::default() };
        let mut key =
            parse_flow(text, &names).map_err(|source| TraceError::Flow { text: text.to_owned(), source })?;
        for tag in &mut key.vlans {
            if tag.tci.get() & VLAN_CFI != 0 && tag.tpid.get() == 0 {
                tag.tpid = U16::new(0x8100);
            }
        }
        Ok(key)
    }

    /// The bridge that a flow in datapath syntax enters by its port or by its tunnel, and its key there.
    fn flow_of_datapath(&self, command: &TraceCommand) -> Result<(String, FlowKey), TraceError> {
        let datapath = self.dpif.ports().into_iter().map(|port| (port.number, port.name)).collect();
        let names = TraceNames { datapath, ..TraceNames::default() };
        let mut key = command.datapath_flow(&names)?;
        if key.recirc_id != 0 && self.shared.recirculation.find(key.recirc_id).is_none() {
            return Err(TraceError::NotWaiting(key.recirc_id));
        }
        if key.tunnel.is_present() {
            return self.tunnel_flow(&key);
        }
        let port = key.dp_port();
        let (bridge, number) = self.by_dp.get(&port).ok_or(TraceError::NoPort(port.0))?;
        key.in_port = u32::from(number.0);
        Ok((bridge.clone(), key))
    }

    /// The bridge that a flow enters by a tunnel, and the flow as rules there see it.
    fn tunnel_flow(&self, key: &FlowKey) -> Result<(String, FlowKey), TraceError> {
        let found = self
            .world
            .tunnels
            .find(key.dp_port(), &key.tunnel, key.packet_type.get() == 0)
            .ok_or(TraceError::NoTunnel)?;
        let bridge = self.world.bridges.get(&found.0).ok_or(TraceError::NoTunnel)?;
        let mut key = *key;
        if !bridge.options.options_to_fields(&mut key.tunnel) {
            return Err(TraceError::Options);
        }
        key.in_port = u32::from(found.1.0);
        Ok((bridge.name.to_string(), key))
    }

    /// The packet that is to be traced, if there is one. Of the key it leaves only what no packet says of itself.
    fn traced_packet(&self, command: &TraceCommand, key: &mut FlowKey) -> Result<Option<Packet>, TraceError> {
        if let Some(bytes) = &command.packet {
            let packet = Packet::detached(bytes).map_err(|_| TraceError::TooLong)?;
            *key = around(key, &self.key_of(&packet, &Metadata::default()));
            return Ok(Some(packet));
        }
        let bytes = match &command.generate {
            None => return Ok(None),
            Some(Payload::Length(length)) => compose(key, *length),
            Some(Payload::Bytes(payload)) => compose_around(key, payload),
        };
        let mut packet = Packet::detached(&bytes).map_err(|_| TraceError::TooLong)?;
        if key.packet_type.get() >> 16 == NETWORK {
            packet.facts_mut().packet_type = key.packet_type.get();
        }
        Ok(Some(packet))
    }

    /// Checks the actions of a packet-out as those that controllers send.
    fn check_traced(
        &self,
        bridge: &str,
        actions: &[Action],
        key: &FlowKey,
        consistent: bool,
    ) -> Result<(), TraceError> {
        let version = if consistent { Version::V13 } else { Version::V10 };
        check_consistency(actions, &Match::new(key, FlowMask::exact()), version)
            .and_then(|()| check_actions(actions, Some(TableId(0))))
            .map_err(TraceError::BadActions)?;
        let state = self.bridges.get(bridge).ok_or_else(|| TraceError::NoBridge(bridge.to_owned()))?;
        state.check_names(actions).map_err(TraceError::BadActions)
    }
}

/// The key of a packet, with what a datapath knows of packets beside their headers, as `key` says it.
fn around(key: &FlowKey, packet: &FlowKey) -> FlowKey {
    let mut known = *packet;
    if key.tunnel.is_present() {
        known.tunnel = key.tunnel;
    }
    (known.recirc_id, known.dp_hash, known.in_port) = (key.recirc_id, key.dp_hash, key.in_port);
    (known.skb_priority, known.pkt_mark) = (key.skb_priority, key.pkt_mark);
    (known.ct_state, known.ct_zone) = (key.ct_state, key.ct_zone);
    (known.ct_mark, known.ct_label) = (key.ct_mark, key.ct_label);
    (known.ct_nw_src, known.ct_nw_dst, known.ct_nw_proto) = (key.ct_nw_src, key.ct_nw_dst, key.ct_nw_proto);
    (known.ct_ipv6_src, known.ct_ipv6_dst) = (key.ct_ipv6_src, key.ct_ipv6_dst);
    (known.ct_tp_src, known.ct_tp_dst) = (key.ct_tp_src, key.ct_tp_dst);
    if known.in_port == 0 {
        known.in_port = u32::from(OfPort::NONE.0);
    }
    known
}
