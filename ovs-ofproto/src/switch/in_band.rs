//! In-band control: a bridge that is reached through itself lets the traffic with its controllers through, whatever
//! rules they make. For that it has rules of its own, before all others and hidden from controllers: they let the local
//! port ask for an address, whoever is on the way resolve addresses, and TCP with the controllers pass.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddrV4};
use std::sync::Arc;

use ovs_flow::{Field, Match, OfPort, TableId};
use ovs_netdev::EtherAddr;
use ovs_openflow::{Action, FlowRemovedReason};

use super::Switch;
use super::fail_mode::of_our_own;
use crate::bridge::{BridgeState, InBand};

/// The lowest priority of these rules; each kind has one of its own. They are the original's.
const PRIORITY: i32 = 180_000;

const IPV4: u128 = 0x0800;
const ARP: u128 = 0x0806;
const REQUEST: u128 = 1;
const REPLY: u128 = 2;
const TCP: u128 = 6;
const UDP: u128 = 17;
/// Ports of DHCP.
const CLIENT: u128 = 68;
const SERVER: u128 = 67;

impl Switch {
    /// Brings the rules of in-band control up to date with controllers, addresses and routes.
    pub(super) fn check_in_band(&mut self) {
        let concerned =
            |bridge: &BridgeState| !bridge.config.in_band.is_empty() || !bridge.in_band.rules.is_empty();
        let names: Vec<String> = self
            .bridges
            .iter()
            .filter(|(_, bridge)| concerned(bridge))
            .map(|(name, _)| name.clone())
            .collect();
        for name in names {
            let Some(bridge) = self.bridges.get(&name) else { continue };
            let wanted = self.wanted_in_band(bridge);
            if wanted != bridge.in_band {
                self.set_in_band(&name, wanted);
            }
        }
    }

    fn wanted_in_band(&self, bridge: &BridgeState) -> InBand {
        let remotes = &bridge.config.in_band;
        if remotes.is_empty() {
            return InBand::default();
        }
        let hops: BTreeSet<[u8; 6]> =
            remotes.iter().filter_map(|remote| self.next_hop(bridge, *remote)).collect();
        let rules = rules(bridge.local_mac().0, &hops, remotes);
        InBand { rules, queue: bridge.config.in_band_queue }
    }

    /// The Ethernet address to which a bridge's local port sends what is for a controller, if the way leads there.
    fn next_hop(&self, bridge: &BridgeState, remote: SocketAddrV4) -> Option<[u8; 6]> {
        let destination = IpAddr::V4(*remote.ip());
        let hop = self.net.router.lookup(destination, None, 0)?;
        let next = hop.gateway.unwrap_or(destination);
        let found = self.net.index.get(&(Arc::from(hop.device.as_str()), next));
        found.filter(|_| hop.device == bridge.config.name).map(|EtherAddr(mac)| *mac)
    }

    fn set_in_band(&mut self, name: &str, wanted: InBand) {
        let normal = Action::Output { port: OfPort::NORMAL, max_len: 0 };
        let actions: Arc<[Action]> = match wanted.queue {
            Some(queue) => [Action::SetQueue(queue), normal].into(),
            None => [normal].into(),
        };
        let (version, now) = (self.version, self.now);
        self.change_rules(name, |bridge, round| {
            let before = std::mem::take(&mut bridge.in_band);
            let stays = |rule| before.queue == wanted.queue && wanted.rules.contains(rule);
            for (priority, matching) in before.rules.iter().filter(|rule| !stays(rule)) {
                let table = bridge.tables.get_mut(TableId(0));
                if let Some(rule) = table.and_then(|t| t.rules.find_exact(matching, *priority, version)) {
                    bridge.remove(&rule, FlowRemovedReason::Delete, round);
                }
            }
            let known = |rule| before.queue == wanted.queue && before.rules.contains(rule);
            for (priority, matching) in wanted.rules.iter().filter(|rule| !known(rule)) {
                // A table that is full has no room for them either.
                let _ = bridge.insert(matching, *priority, of_our_own(Arc::clone(&actions), now), round);
            }
            bridge.in_band = wanted;
        });
    }
}

/// All rules of a bridge with this local address, these next hops and these controllers.
fn rules(local: [u8; 6], hops: &BTreeSet<[u8; 6]>, remotes: &BTreeSet<SocketAddrV4>) -> Vec<(i32, Match)> {
    let arp = |op, field, value| matching(&[(Field::ETH_TYPE, ARP), (Field::ARP_OP, op), (field, value)]);
    let tcp = |address, ip, field, port| {
        matching(&[(Field::ETH_TYPE, IPV4), (Field::IP_PROTO, TCP), (address, ip), (field, port)])
    };
    let dhcp = matching(&[
        (Field::IN_PORT, u128::from(OfPort::LOCAL.0)),
        (Field::ETH_TYPE, IPV4),
        (Field::ETH_SRC, mac(local)),
        (Field::IP_PROTO, UDP),
        (Field::UDP_SRC, CLIENT),
        (Field::UDP_DST, SERVER),
    ]);
    let mut rules = vec![
        (0, dhcp),
        (1, arp(REPLY, Field::ETH_DST, mac(local))),
        (2, arp(REQUEST, Field::ETH_SRC, mac(local))),
    ];
    for hop in hops {
        rules.push((3, arp(REPLY, Field::ETH_DST, mac(*hop))));
        rules.push((4, arp(REQUEST, Field::ETH_SRC, mac(*hop))));
    }
    let addresses: BTreeSet<u128> = remotes.iter().map(|remote| u32::from(*remote.ip()).into()).collect();
    for ip in addresses {
        rules.push((5, arp(REPLY, Field::ARP_TPA, ip)));
        rules.push((6, arp(REQUEST, Field::ARP_SPA, ip)));
    }
    for remote in remotes {
        let (ip, port) = (u128::from(u32::from(*remote.ip())), u128::from(remote.port()));
        rules.push((7, tcp(Field::IP_DST, ip, Field::TCP_DST, port)));
        rules.push((8, tcp(Field::IP_SRC, ip, Field::TCP_SRC, port)));
    }
    rules.into_iter().map(|(kind, matching)| (PRIORITY + kind, matching)).collect()
}

fn mac(address: [u8; 6]) -> u128 {
    address.iter().fold(0, |number, byte| number << 8 | u128::from(*byte))
}

fn matching(fields: &[(Field, u128)]) -> Match {
    let mut matching = Match::default();
    for (field, value) in fields {
        matching.require_ethernet(*field);
        field.set_match(&mut matching, *value);
    }
    matching
}
