//! A bridge's address and datapath identifier.

use ovs_flow::OfPort;
use ovs_netdev::EtherAddr;

use super::BridgeState;

/// The datapath identifier of a bridge with this address: the address under 16 zero bits.
pub(crate) fn datapath_id_of(mac: EtherAddr) -> u64 {
    mac.0.iter().fold(0, |id, byte| id << 8 | u64::from(*byte))
}

impl BridgeState {
    /// The address that the bridge's local port should have: the one asked for, else the lowest of its ports
    /// that are devices of the system, else that of the local port.
    pub fn mac(&self) -> EtherAddr {
        let usable = |mac: &EtherAddr| mac.0[0] & 1 == 0 && mac.0 != [0; 6];
        let device = |port: &super::PortRecord| port.status.as_ref().map(|status| status.mac).filter(usable);
        let others = self.ports.values().filter(|port| port.number != OfPort::LOCAL && port.is_physical());
        let local = || self.ports.get(&OfPort::LOCAL).and_then(device);
        self.config
            .mac
            .or_else(|| others.filter_map(device).min())
            .or_else(local)
            .unwrap_or(self.fallback_mac)
    }

    /// The datapath identifier.
    pub fn datapath_id(&self) -> u64 {
        self.config.datapath_id.unwrap_or_else(|| datapath_id_of(self.mac()))
    }
}
