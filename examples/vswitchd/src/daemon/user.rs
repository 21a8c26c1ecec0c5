//! Running as another user, with the rights that a switch needs.

use std::path::Path;

use rustix::fs::{Gid, Uid, chown};
use rustix::thread::{
    CapabilitySet, CapabilitySets, set_capabilities, set_keep_capabilities, set_thread_groups,
    set_thread_res_gid, set_thread_res_uid,
};

use super::{DaemonError, reason};

/// What is kept: making devices, raw sockets, pinning memory and threads.
const KEPT: CapabilitySet = CapabilitySet::NET_ADMIN
    .union(CapabilitySet::NET_RAW)
    .union(CapabilitySet::NET_BROADCAST)
    .union(CapabilitySet::IPC_LOCK)
    .union(CapabilitySet::SYS_NICE);

/// Changes to `USER[:GROUP]`, and gives the log file to them so that it can be opened again. The process must have one thread only, because the calls change the calling one.
pub(super) fn become_user(spec: &str, log_file: Option<&Path>) -> Result<(), DaemonError> {
    let none = || DaemonError::NoUser(spec.to_string());
    let (user, group) = spec.split_once(':').map_or((spec, None), |(u, g)| (u, Some(g)));
    let passwd = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let groups = std::fs::read_to_string("/etc/group").unwrap_or_default();
    let entry = find(&passwd, user).ok_or_else(none)?;
    let uid = field(entry, 2).ok_or_else(none)?;
    let gid = match group.filter(|g| !g.is_empty()) {
        Some(name) => find(&groups, name).and_then(|e| field(e, 2)).ok_or_else(none)?,
        None => field(entry, 3).ok_or_else(none)?,
    };
    let (uid, gid) = (Uid::from_raw(uid), Gid::from_raw(gid));
    let member_of = groups.lines().filter(|line| is_member(line, user)).filter_map(|line| field(line, 2));
    let all: Vec<Gid> = std::iter::once(gid).chain(member_of.map(Gid::from_raw)).collect();
    let step = |what| {
        move |e: rustix::io::Errno| DaemonError::User {
            user: spec.to_string(),
            what,
            reason: reason(&e.into()),
        }
    };
    if let Some(path) = log_file {
        chown(path, Some(uid), Some(gid)).map_err(step("giving the log file away"))?;
    }
    set_keep_capabilities(true).map_err(step("keeping capabilities"))?;
    set_thread_groups(&all).map_err(step("setting groups"))?;
    set_thread_res_gid(gid, gid, gid).map_err(step("setting the group"))?;
    set_thread_res_uid(uid, uid, uid).map_err(step("setting the user"))?;
    let sets = CapabilitySets { effective: KEPT, permitted: KEPT, inheritable: CapabilitySet::empty() };
    set_capabilities(None, sets).map_err(step("setting capabilities"))
}

/// The line of `name` in a file like `/etc/passwd`.
fn find<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines().find(|line| !name.is_empty() && line.split(':').next() == Some(name))
}

fn field(line: &str, index: usize) -> Option<u32> {
    line.split(':').nth(index)?.parse().ok()
}

fn is_member(line: &str, user: &str) -> bool {
    line.split(':').nth(3).is_some_and(|members| members.split(',').any(|m| m == user))
}
