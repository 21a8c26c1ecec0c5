//! What `Interface.bfd` asks for.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::str::FromStr;
use std::time::Duration;

use ovs_netdev::EtherAddr;

/// How a session runs. Made from the keys of the database's column, whose defaults it has.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BfdConfig {
    /// Shortest interval between received packets that is supported (`min_rx`, milliseconds).
    pub min_rx: Duration,
    /// Shortest interval between sent packets that is wanted (`min_tx`, milliseconds).
    pub min_tx: Duration,
    /// Intervals without a packet after which the neighbour gives this end up (`mult`).
    pub multiplier: u8,
    /// A longer `min_rx` while the interface carries no traffic (`decay_min_rx`), if it is longer.
    pub decay_min_rx: Option<Duration>,
    /// Traffic counts as a sign of life, too (`forwarding_if_rx`).
    pub forwarding_if_rx: bool,
    /// The neighbour is told that a path behind this end is down (`cpath_down`).
    pub cpath_down: bool,
    /// Only packets with tunnel key 0 are taken (`check_tnl_key`).
    pub check_tunnel_key: bool,
    /// Ethernet source of sent packets (`bfd_local_src_mac`), else the port's address.
    pub local_src_mac: Option<EtherAddr>,
    /// Ethernet destination that received packets must have (`bfd_local_dst_mac`).
    pub local_dst_mac: Option<EtherAddr>,
    /// Ethernet destination of sent packets (`bfd_remote_dst_mac`).
    pub remote_dst_mac: EtherAddr,
    /// Source of sent packets (`bfd_src_ip`).
    pub src: Ipv4Addr,
    /// Destination of sent packets (`bfd_dst_ip`).
    pub dst: Ipv4Addr,
    /// Sent packets have the OAM mark of their tunnel (`oam`).
    pub oam: bool,
}

impl Default for BfdConfig {
    fn default() -> Self {
        Self {
            min_rx: Duration::from_secs(1),
            min_tx: Duration::from_millis(100),
            multiplier: 3,
            decay_min_rx: None,
            forwarding_if_rx: false,
            cpath_down: false,
            check_tunnel_key: false,
            local_src_mac: None,
            local_dst_mac: None,
            remote_dst_mac: EtherAddr([0x00, 0x23, 0x20, 0x00, 0x00, 0x01]),
            src: Ipv4Addr::new(169, 254, 1, 1),
            dst: Ipv4Addr::new(169, 254, 1, 0),
            oam: false,
        }
    }
}

impl BfdConfig {
    /// Reads the column; `None` unless `enable` is `true`. A value that cannot be read counts as not given, one out of
    /// range as the nearest.
    pub fn from_map(map: &BTreeMap<String, String>) -> Option<Self> {
        let truth = |key: &str| map.get(key).is_some_and(|value| value == "true");
        if !truth("enable") {
            return None;
        }
        let defaults = Self::default();
        let min_rx = milliseconds(map, "min_rx").unwrap_or(defaults.min_rx);
        Some(Self {
            min_rx,
            min_tx: milliseconds(map, "min_tx").unwrap_or(defaults.min_tx),
            multiplier: number::<u64>(map, "mult").map_or(defaults.multiplier, |n| n.clamp(1, 255) as u8),
            decay_min_rx: milliseconds(map, "decay_min_rx").filter(|decayed| *decayed > min_rx),
            forwarding_if_rx: truth("forwarding_if_rx"),
            cpath_down: truth("cpath_down"),
            check_tunnel_key: truth("check_tnl_key"),
            local_src_mac: number(map, "bfd_local_src_mac").filter(|mac| *mac != EtherAddr::default()),
            local_dst_mac: number(map, "bfd_local_dst_mac").filter(|mac| *mac != EtherAddr::default()),
            remote_dst_mac: number(map, "bfd_remote_dst_mac")
                .filter(|mac| *mac != EtherAddr::default())
                .unwrap_or(defaults.remote_dst_mac),
            src: number(map, "bfd_src_ip").unwrap_or(defaults.src),
            dst: number(map, "bfd_dst_ip").unwrap_or(defaults.dst),
            oam: truth("oam"),
        })
    }
}

fn number<T: FromStr>(map: &BTreeMap<String, String>, key: &str) -> Option<T> {
    map.get(key)?.parse().ok()
}

/// An interval; the wire counts microseconds in 32 bits.
fn milliseconds(map: &BTreeMap<String, String>, key: &str) -> Option<Duration> {
    number::<u64>(map, key).map(|ms| Duration::from_millis(ms.clamp(1, u64::from(u32::MAX) / 1000)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn what_is_not_enabled_is_not_there() {
        assert_eq!(BfdConfig::from_map(&map(&[])), None);
        assert_eq!(BfdConfig::from_map(&map(&[("enable", "false"), ("min_rx", "5")])), None);
        assert_eq!(BfdConfig::from_map(&map(&[("enable", "true")])), Some(BfdConfig::default()));
    }

    #[test]
    fn values_are_read_and_kept_in_their_range() {
        let config = BfdConfig::from_map(&map(&[
            ("enable", "true"),
            ("min_rx", "0"),
            ("min_tx", "99999999999"),
            ("mult", "1000"),
            ("decay_min_rx", "nonsense"),
            ("bfd_src_ip", "10.0.0.1"),
            ("bfd_remote_dst_mac", "00:00:00:00:00:09"),
        ]))
        .unwrap();
        assert_eq!(config.min_rx, Duration::from_millis(1));
        assert_eq!(config.min_tx, Duration::from_millis(4_294_967));
        assert_eq!((config.multiplier, config.decay_min_rx), (255, None));
        assert_eq!(config.src, Ipv4Addr::new(10, 0, 0, 1));
        assert_eq!(config.remote_dst_mac, EtherAddr([0, 0, 0, 0, 0, 9]));
    }
}
