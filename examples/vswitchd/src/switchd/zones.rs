//! Rows of a datapath's zones to what its connection tracker shall do.

use ovs_db::value::{Datum, Uuid};
use ovs_dpif::conntrack::{Phase, TimeoutPolicy};
use ovs_ofproto::{ZoneConfig, ZonesConfig};

use super::rows::{Row, Rows};

/// What the row of a datapath type says; nothing if there is none.
pub fn of(rows: &dyn Rows, root: &Row<'_>, kind: &str) -> ZonesConfig {
    let row = pairs(root, "datapaths").find(|(name, _)| name.as_str() == Some(kind));
    let Some(datapath) = row.and_then(|(_, uuid)| rows.get("Datapath", uuid.as_uuid()?)) else {
        return ZonesConfig::default();
    };
    let limit = |row: &Row<'_>, column| row.integer(column).and_then(|limit| u32::try_from(limit).ok());
    let mut config = ZonesConfig::default().default_limit(limit(&datapath, "ct_zone_default_limit"));
    for (number, uuid) in pairs(&datapath, "ct_zones") {
        let number = number.as_integer().and_then(|number| u16::try_from(number).ok());
        let row = uuid.as_uuid().and_then(|uuid: Uuid| rows.get("CT_Zone", uuid));
        if let (Some(number), Some(row)) = (number, row) {
            let policy = row.references("timeout_policy").next();
            let policy = policy.and_then(|uuid| rows.get("CT_Timeout_Policy", uuid));
            let zone = ZoneConfig::default()
                .timeouts(policy.map(|policy| timeouts(&policy)))
                .limit(limit(&row, "limit"));
            config = config.zone(number, zone);
        }
    }
    config
}

/// Keys that only other datapaths know are passed over.
fn timeouts(row: &Row<'_>) -> TimeoutPolicy {
    let mut policy = TimeoutPolicy::default();
    for (name, seconds) in pairs(row, "timeouts") {
        let phase = Phase::ALL.into_iter().find(|phase| name.as_str() == Some(phase.name()));
        let seconds = seconds.as_integer().and_then(|seconds| u32::try_from(seconds).ok());
        if let (Some(phase), Some(seconds)) = (phase, seconds) {
            policy.set(phase, seconds);
        }
    }
    policy
}

/// The pairs of a map column.
fn pairs<'a>(
    row: &Row<'a>,
    column: &str,
) -> impl Iterator<Item = (&'a ovs_db::value::Atom, &'a ovs_db::value::Atom)> {
    row.datum(column).into_iter().flat_map(Datum::pairs)
}
