//! What is in the kernel: asking for it, changing it.

use std::collections::BTreeMap;
use std::io;

use super::{Plan, QUEUES, ROOT};
use crate::QueueCounters;
use crate::linux::rtnl::{Request, Requests, attributes, u32_at};

/// `struct tcmsg`: family, interface, handle, parent, info.
const TCMSG: usize = 20;
const TCA_KIND: u16 = 1;
const TCA_OPTIONS: u16 = 2;
const TCA_STATS2: u16 = 7;
const STATS_BASIC: u16 = 1;
const STATS_QUEUE: u16 = 3;
const STATS_PACKETS: u16 = 8;
/// The parent of the root discipline.
const NOBODY: u32 = u32::MAX;

/// What failed, and why.
type Failure = (&'static str, io::Error);

fn message(ifindex: u32, handle: u32, parent: u32) -> [u8; TCMSG] {
    let mut body = [0; TCMSG];
    body[4..8].copy_from_slice(&ifindex.to_ne_bytes());
    body[8..12].copy_from_slice(&handle.to_ne_bytes());
    body[12..16].copy_from_slice(&parent.to_ne_bytes());
    body
}

/// The request that makes, or changes, the root discipline.
pub(super) fn new_root(ifindex: u32, plan: &Plan, flags: libc::c_int) -> Request {
    let body = message(ifindex, ROOT, NOBODY);
    let mut request = Request::with(libc::RTM_NEWQDISC, libc::NLM_F_ACK | flags, &body);
    request.attribute(TCA_KIND, &[plan.discipline.as_bytes(), &[0]].concat());
    request.attribute(TCA_OPTIONS, &plan.options);
    request
}

/// The request that makes, or changes, a class.
pub(super) fn new_class(ifindex: u32, plan: &Plan, class: &super::plan::Class) -> Request {
    let flags = libc::NLM_F_ACK | libc::NLM_F_CREATE | libc::NLM_F_REPLACE;
    let body = message(ifindex, class.handle, class.parent);
    let mut request = Request::with(libc::RTM_NEWTCLASS, flags, &body);
    request.attribute(TCA_KIND, &[plan.discipline.as_bytes(), &[0]].concat());
    request.attribute(TCA_OPTIONS, &class.options);
    request
}

/// The root discipline that there is.
#[derive(Debug, Default, PartialEq, Eq)]
struct Root {
    handle: u32,
    kind: String,
    options: Vec<u8>,
}

impl Root {
    /// Whether it can stay for a plan: then classes alone, or its settings, are changed.
    fn fits(&self, plan: &Plan) -> bool {
        let same = self.handle == ROOT && self.kind == plan.discipline;
        // Settings of those with classes cannot be changed: the default class has to be ours.
        same && (!plan.classful || default_class(&self.kind, &self.options) == Some(1))
    }
}

fn default_class(kind: &str, options: &[u8]) -> Option<u32> {
    match kind {
        "htb" => attributes(options).find(|(kind, _)| *kind == 2).and_then(|(_, init)| u32_at(init, 8)),
        "hfsc" => options.first_chunk().map(|class| u32::from(u16::from_ne_bytes(*class))),
        _ => None,
    }
}

fn name(value: &[u8]) -> String {
    String::from_utf8_lossy(value.strip_suffix(&[0]).unwrap_or(value)).into_owned()
}

fn root(requests: &mut Requests, ifindex: u32) -> io::Result<Root> {
    let mut found = Root::default();
    // Without an echo the kernel tells everyone but who asks.
    let flags = libc::NLM_F_ACK | libc::NLM_F_ECHO;
    let request = Request::with(libc::RTM_GETQDISC, flags, &message(ifindex, 0, NOBODY));
    let told = requests.list(request, |_, body| {
        found.handle = u32_at(body, 8).unwrap_or(0);
        for (kind, value) in attributes(body.get(TCMSG..).unwrap_or_default()) {
            match kind {
                TCA_KIND => found.kind = name(value),
                TCA_OPTIONS => found.options = value.to_vec(),
                _ => {}
            }
        }
    });
    match told {
        // Of a discipline that the kernel chose it may say that there is none.
        Err(error) if error.raw_os_error() != Some(libc::ENOENT) => Err(error),
        _ => Ok(found),
    }
}

/// Takes the root discipline away, unless it is the kernel's own.
pub(in crate::linux) fn remove(requests: &mut Requests, ifindex: u32) -> io::Result<()> {
    if root(requests, ifindex)?.handle == 0 {
        return Ok(());
    }
    let body = message(ifindex, 0, NOBODY);
    requests.acknowledged(Request::with(libc::RTM_DELQDISC, libc::NLM_F_ACK, &body))
}

/// Makes a link's disciplines and classes what `plan` says. What fits stays, with the packets that wait in it.
pub(in crate::linux) fn apply(requests: &mut Requests, ifindex: u32, plan: &Plan) -> Result<(), Failure> {
    let there = root(requests, ifindex).map_err(|error| ("reading the queueing discipline", error))?;
    let mut stays = there.fits(plan);
    if stays && !plan.classful {
        stays = requests.acknowledged(new_root(ifindex, plan, libc::NLM_F_REPLACE)).is_ok();
    }
    if !stays {
        remove(requests, ifindex).map_err(|error| ("removing the queueing discipline", error))?;
        let flags = libc::NLM_F_CREATE | libc::NLM_F_EXCL;
        let made = requests.acknowledged(new_root(ifindex, plan, flags));
        made.map_err(|error| ("installing the queueing discipline", error))?;
    }
    if plan.classful {
        classes(requests, ifindex, plan)?;
    }
    Ok(())
}

fn classes(requests: &mut Requests, ifindex: u32, plan: &Plan) -> Result<(), Failure> {
    for class in &plan.classes {
        let made = requests.acknowledged(new_class(ifindex, plan, class));
        made.map_err(|error| ("setting up a queue", error))?;
    }
    let there = class_handles(requests, ifindex).map_err(|error| ("reading the queues", error))?;
    // `hfsc` tells its root as a class, too, and that stays.
    let wanted = |handle: u32| handle == ROOT || plan.classes.iter().any(|class| class.handle == handle);
    let unwanted = there.into_iter().filter(|handle| !wanted(*handle));
    for handle in unwanted {
        let request = Request::with(libc::RTM_DELTCLASS, libc::NLM_F_ACK, &message(ifindex, handle, 0));
        requests.acknowledged(request).map_err(|error| ("removing a queue", error))?;
    }
    Ok(())
}

fn class_handles(requests: &mut Requests, ifindex: u32) -> io::Result<Vec<u32>> {
    let mut handles = Vec::new();
    let request = Request::with(libc::RTM_GETTCLASS, libc::NLM_F_DUMP, &message(ifindex, 0, 0));
    requests.list(request, |_, body| handles.extend(u32_at(body, 8)))?;
    Ok(handles)
}

/// What queues have counted, by number.
pub(in crate::linux) fn counters(
    requests: &mut Requests,
    ifindex: u32,
) -> io::Result<BTreeMap<u32, QueueCounters>> {
    let mut all = BTreeMap::new();
    let request = Request::with(libc::RTM_GETTCLASS, libc::NLM_F_DUMP, &message(ifindex, 0, 0));
    requests.list(request, |_, body| {
        let handle =
            u32_at(body, 8).filter(|handle| handle & 0xffff_0000 == ROOT).map(|handle| handle & 0xffff);
        let Some(queue) = handle.and_then(|minor| minor.checked_sub(1)).filter(|queue| *queue < QUEUES)
        else {
            return;
        };
        let attribute =
            attributes(body.get(TCMSG..).unwrap_or_default()).find(|(kind, _)| *kind == TCA_STATS2);
        if let Some((_, statistics)) = attribute {
            all.insert(queue, counters_of(statistics));
        }
    })?;
    Ok(all)
}

/// Reads the attributes of `TCA_STATS2`.
pub(super) fn counters_of(statistics: &[u8]) -> QueueCounters {
    let wide = |value: &[u8]| value.first_chunk().map(|bytes| u64::from_ne_bytes(*bytes));
    let mut counted = QueueCounters::default();
    for (kind, value) in attributes(statistics) {
        match kind {
            STATS_BASIC => {
                counted.bytes = wide(value);
                counted.packets = counted.packets.or(u32_at(value, 8).map(u64::from));
            }
            STATS_PACKETS => counted.packets = wide(value),
            STATS_QUEUE => counted.errors = u32_at(value, 8).map(u64::from),
            _ => {}
        }
    }
    counted
}
