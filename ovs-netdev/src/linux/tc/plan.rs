//! What is wanted, as a root discipline and its classes.

use std::collections::BTreeMap;

use super::rates::{HtbClass, curve, ticks_of_micros};
use super::{KINDS, QUEUES, ROOT, TRUNK, class_of};
use crate::linux::rtnl::attribute;
use crate::{Qos, QosError};

/// What of the link decides.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Carrier<'a> {
    pub name: &'a str,
    pub kind: &'static str,
    pub mtu: u32,
    /// Its speed in Mbit/s, where known.
    pub megabits: Option<u32>,
}

/// The rate of a link that does not know its own, in bytes a second: 10 Gbit/s.
const USUAL_RATE: u64 = 1_250_000_000;
/// What `htb` derives a class's quantum from: its rate divided by this.
const RATE_TO_QUANTUM: u32 = 10;

/// A root discipline and its classes, ready to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    /// The discipline's name in the kernel.
    pub discipline: &'static str,
    /// The bytes of its options.
    pub options: Vec<u8>,
    /// Whether it has classes, and thus queues.
    pub classful: bool,
    /// In the order in which they are made: parents first.
    pub classes: Vec<Class>,
    /// Settings with the values that hold.
    pub shown: Vec<(&'static str, u64)>,
    /// The same of queues.
    pub queues: BTreeMap<u32, Vec<(&'static str, u64)>>,
}

/// A class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Class {
    pub handle: u32,
    pub parent: u32,
    /// The bytes of its options.
    pub options: Vec<u8>,
}

impl Plan {
    fn new(discipline: &'static str, options: Vec<u8>) -> Self {
        let (classes, shown, queues) = (Vec::new(), Vec::new(), BTreeMap::new());
        Self { discipline, options, classful: false, classes, shown, queues }
    }
}

/// What has to be in the kernel; `None` if that is left to others (`linux-noop`).
pub(crate) fn plan(qos: &Qos, carrier: Carrier<'_>) -> Result<Option<Plan>, QosError> {
    let reader = Reader { qos, carrier };
    match qos.kind.as_str() {
        "linux-htb" => htb(&reader).map(Some),
        "linux-hfsc" => hfsc(&reader).map(Some),
        "linux-sfq" => sfq(&reader).map(Some),
        "linux-codel" => codel(&reader).map(Some),
        "linux-fq_codel" => fq_codel(&reader).map(Some),
        "linux-netem" => netem(&reader).map(Some),
        "linux-noop" => Ok(None),
        _ => Err(QosError::unsupported(carrier.name, carrier.kind, qos, KINDS)),
    }
}

/// Settings of a type on a link.
struct Reader<'a> {
    qos: &'a Qos,
    carrier: Carrier<'a>,
}

impl Reader<'_> {
    fn number(&self, option: &str) -> Result<Option<u64>, QosError> {
        self.qos.number(self.carrier.name, option)
    }

    /// A setting that the kernel has 32 bits for; `usual` if it is not there or zero.
    fn word(&self, option: &str, usual: u32) -> Result<u32, QosError> {
        let number = self.number(option)?.filter(|number| *number > 0);
        number.map_or(Ok(usual), |number| {
            u32::try_from(number).map_err(|_| self.bad(option, format!("{number} is too large")))
        })
    }

    fn bad(&self, option: &str, reason: String) -> QosError {
        let (device, qos) = (self.carrier.name.to_owned(), self.qos.kind.clone());
        QosError::BadOption { device, qos, option: option.to_owned(), reason }
    }

    fn bad_queue(&self, queue: u32, reason: &str) -> QosError {
        let (device, qos) = (self.carrier.name.to_owned(), self.qos.kind.clone());
        QosError::BadQueue { device, qos, queue, reason: reason.to_owned() }
    }

    fn of_queue(&self, queue: u32, option: &str) -> Result<Option<u64>, QosError> {
        self.qos.queue_number(self.carrier.name, queue, option)
    }

    /// The rate that queues share, in bytes a second.
    fn max_rate(&self) -> Result<u64, QosError> {
        let link = self.carrier.megabits.map(|megabits| u64::from(megabits) * 125_000);
        let asked = self.number("max-rate")?.map(|bits| bits / 8).filter(|rate| *rate > 0);
        Ok(asked.or(link).unwrap_or(USUAL_RATE))
    }

    /// A queue's least and greatest rate in bytes a second, within a least and a greatest for all.
    fn rates(&self, queue: u32, least: u64, greatest: u64) -> Result<(u64, u64), QosError> {
        let min = self.of_queue(queue, "min-rate")?.unwrap_or(0) / 8;
        let min = min.max(least).min(greatest);
        let max = self.of_queue(queue, "max-rate")?.map_or(greatest, |bits| bits / 8);
        Ok((min, max.max(min).min(greatest)))
    }

    /// Numbers of queues, the default one included.
    fn queues(&self) -> Result<Vec<u32>, QosError> {
        let mut numbers: Vec<u32> = self.qos.queues.keys().copied().collect();
        if let Some(queue) = numbers.iter().find(|queue| **queue >= QUEUES) {
            return Err(self.bad_queue(*queue, "queues of this type have numbers below 61440"));
        }
        if !numbers.contains(&0) {
            numbers.insert(0, 0);
        }
        Ok(numbers)
    }

    /// Refuses queues where there is only the one for all.
    fn no_queues(&self) -> Result<(), QosError> {
        match self.qos.queues.keys().find(|queue| **queue != 0) {
            Some(queue) => Err(self.bad_queue(*queue, "this type has no queues")),
            None => Ok(()),
        }
    }
}

fn htb(reader: &Reader<'_>) -> Result<Plan, QosError> {
    let max = reader.max_rate()?;
    let mtu = u64::from(reader.carrier.mtu);
    // TCA_HTB_INIT: version, divisor of quanta, default class, debugging, packets past all classes.
    let init: Vec<u8> = [3, RATE_TO_QUANTUM, class_of(0) & 0xffff, 0, 0]
        .iter()
        .flat_map(|word: &u32| word.to_ne_bytes())
        .collect();
    let mut plan = Plan::new("htb", list(&[(2, &init)]));
    plan.classful = true;
    plan.shown.push(("max-rate", max * 8));
    let trunk = HtbClass { rate: max, ceil: max, burst: mtu, quantum: quantum(max, mtu), priority: 0 };
    plan.classes.push(Class { handle: TRUNK, parent: ROOT, options: htb_options(&trunk) });
    for queue in reader.queues()? {
        let (rate, ceil) = reader.rates(queue, mtu, max)?;
        let burst = reader.of_queue(queue, "burst")?.unwrap_or(0) / 8;
        // One frame with its header has to fit.
        let burst = burst.max(mtu + 64);
        let priority = reader.of_queue(queue, "priority")?.unwrap_or(0);
        let priority =
            u32::try_from(priority).map_err(|_| reader.bad_queue(queue, "priority: is too large"))?;
        let class = HtbClass { rate, ceil, burst, quantum: quantum(rate, mtu), priority };
        plan.classes.push(Class { handle: class_of(queue), parent: TRUNK, options: htb_options(&class) });
        let shown = [
            Some(("burst", burst * 8)),
            Some(("priority", u64::from(priority))).filter(|_| priority > 0),
            Some(("min-rate", rate * 8)),
            Some(("max-rate", ceil * 8)),
        ];
        plan.queues.insert(queue, shown.into_iter().flatten().collect());
    }
    Ok(plan)
}

/// What a class may send in its turn: the kernel's own choice (0) where that is at least a frame.
fn quantum(rate: u64, mtu: u64) -> u32 {
    if rate / u64::from(RATE_TO_QUANTUM) < mtu { mtu as u32 } else { 0 }
}

fn htb_options(class: &HtbClass) -> Vec<u8> {
    let mut options = list(&[(1, &class.encode())]);
    // TCA_HTB_RATE64 and TCA_HTB_CEIL64.
    for (kind, rate) in [(6, class.rate), (7, class.ceil)] {
        if rate > u64::from(u32::MAX) {
            attribute(&mut options, kind, &rate.to_ne_bytes());
        }
    }
    options
}

fn hfsc(reader: &Reader<'_>) -> Result<Plan, QosError> {
    let max = reader.max_rate()?;
    if max > u64::from(u32::MAX) {
        return Err(reader.bad("max-rate", "the kernel's curves end at 34359738360 bits a second".to_owned()));
    }
    // A `tc_hfsc_qopt`: the default class.
    let mut plan = Plan::new("hfsc", (class_of(0) as u16).to_ne_bytes().to_vec());
    plan.classful = true;
    plan.shown.push(("max-rate", max * 8));
    plan.classes.push(Class { handle: TRUNK, parent: ROOT, options: hfsc_options(max, max) });
    for queue in reader.queues()? {
        let (min, max) = reader.rates(queue, 1, max)?;
        let (handle, options) = (class_of(queue), hfsc_options(min, max));
        plan.classes.push(Class { handle, parent: TRUNK, options });
        plan.queues.insert(queue, vec![("min-rate", min * 8), ("max-rate", max * 8)]);
    }
    Ok(plan)
}

/// Real-time and link-sharing curve for the least rate, upper limit for the greatest.
fn hfsc_options(min: u64, max: u64) -> Vec<u8> {
    list(&[(1, &curve(min)), (2, &curve(min)), (3, &curve(max))])
}

fn sfq(reader: &Reader<'_>) -> Result<Plan, QosError> {
    reader.no_queues()?;
    let quantum = reader.word("quantum", reader.carrier.mtu)?;
    let perturb = reader.word("perturb", 10)?;
    // A `tc_sfq_qopt`: quantum, seconds, and three limits that the kernel chooses.
    let mut plan = Plan::new("sfq", words(&[quantum, perturb, 0, 0, 0]));
    plan.shown = vec![("quantum", quantum.into()), ("perturb", perturb.into())];
    Ok(plan)
}

fn codel(reader: &Reader<'_>) -> Result<Plan, QosError> {
    reader.no_queues()?;
    let target = reader.word("target", 5000)?;
    let limit = reader.word("limit", 10_240)?;
    let interval = reader.word("interval", 100_000)?;
    let options = list(&[(1, &words(&[target])), (2, &words(&[limit])), (3, &words(&[interval]))]);
    let mut plan = Plan::new("codel", options);
    plan.shown = vec![("limit", limit.into()), ("interval", interval.into()), ("target", target.into())];
    Ok(plan)
}

fn fq_codel(reader: &Reader<'_>) -> Result<Plan, QosError> {
    reader.no_queues()?;
    let settings = [
        ("limit", 2, reader.word("limit", 10_240)?),
        ("quantum", 6, reader.word("quantum", 1514)?),
        ("flows", 5, reader.word("flows", 1024)?),
        // Ten times what the kernel takes by itself; as the original has it.
        ("interval", 3, reader.word("interval", 1_000_000)?),
        ("target", 1, reader.word("target", 5000)?),
    ];
    let mut options = Vec::new();
    for (_, kind, value) in settings {
        attribute(&mut options, kind, &words(&[value]));
    }
    let mut plan = Plan::new("fq_codel", options);
    plan.shown = settings.map(|(name, _, value)| (name, u64::from(value))).to_vec();
    Ok(plan)
}

fn netem(reader: &Reader<'_>) -> Result<Plan, QosError> {
    reader.no_queues()?;
    let latency = reader.number("latency")?.unwrap_or(0);
    let jitter = reader.number("jitter")?.unwrap_or(0);
    let limit = reader.word("limit", 1000)?;
    let loss = reader.number("loss")?.unwrap_or(0);
    if loss > 100 {
        return Err(reader.bad("loss", format!("{loss} is more than 100 percent")));
    }
    for (option, micros) in [("latency", latency), ("jitter", jitter)] {
        if ticks_of_micros(micros) == u32::MAX {
            return Err(reader.bad(option, format!("{micros} microseconds are too many")));
        }
    }
    // A `tc_netem_qopt`: latency, limit, loss as a part of all ones, gap, duplicates, jitter.
    let part = ((loss * u64::from(u32::MAX) + 50) / 100) as u32;
    let options = words(&[ticks_of_micros(latency), limit, part, 0, 0, ticks_of_micros(jitter)]);
    let mut plan = Plan::new("netem", options);
    plan.shown = vec![("limit", limit.into()), ("loss", loss), ("latency", latency)];
    if jitter > 0 {
        plan.shown.push(("jitter", jitter));
    }
    Ok(plan)
}

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_ne_bytes()).collect()
}

fn list(attributes: &[(u16, &[u8])]) -> Vec<u8> {
    let mut out = Vec::new();
    for (kind, value) in attributes {
        attribute(&mut out, *kind, value);
    }
    out
}
