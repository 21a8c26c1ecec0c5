//! What the database says of polling: cores, queues, balance, sleep (`Open_vSwitch.other_config:pmd-*` and
//! `Interface.other_config:pmd-rxq-affinity`).

use std::collections::BTreeMap;
use std::time::Duration;

use ovs_dpif::{RxConfig, RxPolicy};

use super::rows::{Row, Rows};

/// Cores that a mask can name.
pub const CORES: usize = 1024;
/// The longest sleep that can be asked for, in microseconds.
const LONGEST_SLEEP: u64 = 10_000;

/// See the module's head.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Polling {
    /// The cores of `pmd-cpu-mask`, if there is one that names any.
    pub cores: Option<Vec<usize>>,
    /// How queues are given to workers.
    pub rx: RxConfig,
    /// When they are given anew by themselves.
    pub balance: Option<Balance>,
    /// How long threads may sleep.
    pub sleep: MaxSleep,
    /// Cores of queues by interface and queue.
    pub pins: BTreeMap<String, BTreeMap<u32, usize>>,
}

/// When queues are given anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Balance {
    /// Not sooner after each other than this.
    pub interval: Duration,
    /// Some worker is busy for so many percent of its time.
    pub load: u64,
    /// The variance of loads falls by so many percent at least.
    pub improvement: u64,
}

/// The longest that a thread that polls sleeps at a time, in microseconds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MaxSleep {
    /// On cores that are not named.
    pub default: u64,
    /// By core.
    pub cores: BTreeMap<usize, u64>,
}

impl MaxSleep {
    /// On this core.
    pub fn on(&self, core: usize) -> u64 {
        self.cores.get(&core).copied().unwrap_or(self.default)
    }
}

impl Polling {
    /// What the rows say. What is not understood counts as not said, and the log tells.
    pub fn of(rows: &impl Rows) -> Self {
        let mut polling = Self::default();
        if let Some(root) = rows.all("Open_vSwitch").first() {
            polling.cores = root.key("other_config", "pmd-cpu-mask").and_then(cores_of);
            polling.rx = rx(root);
            polling.balance = balance(root);
            polling.sleep = root.key("other_config", "pmd-sleep-max").map(sleep_of).unwrap_or_default();
        }
        for interface in rows.all("Interface") {
            if let Some(text) = interface.key("other_config", "pmd-rxq-affinity") {
                polling.pins.insert(interface.string("name").to_owned(), pins_of(text));
            }
        }
        polling
    }
}

fn rx(root: &Row<'_>) -> RxConfig {
    let policy = match root.key("other_config", "pmd-rxq-assign") {
        None | Some("cycles") => RxPolicy::Cycles,
        Some("group") => RxPolicy::Group,
        Some("roundrobin") => RxPolicy::RoundRobin,
        Some(other) => {
            tracing::warn!(target: "dpif_netdev", "unsupported rx queue assignment policy in pmd-rxq-assign '{other}': using 'cycles'");
            RxPolicy::Cycles
        }
    };
    // Others than the group policy cannot tell how much room is left on a core.
    let isolate = root.key("other_config", "pmd-rxq-isolate") != Some("false") || policy != RxPolicy::Group;
    RxConfig::default().policy(policy).isolate(isolate)
}

fn balance(root: &Row<'_>) -> Option<Balance> {
    (root.key("other_config", "pmd-auto-lb") == Some("true")).then(|| {
        let number = |key: &str, usual: u64, most: u64| {
            let value = root.key_number::<u64>("other_config", key);
            value.filter(|value| *value <= most).unwrap_or(usual)
        };
        let minutes = number("pmd-auto-lb-rebal-interval", 1, 20_000).max(1);
        Balance {
            interval: Duration::from_secs(minutes * 60),
            load: number("pmd-auto-lb-load-threshold", 95, 100),
            improvement: number("pmd-auto-lb-improvement-threshold", 25, 100),
        }
    })
}

/// `50`, `50,3:100` or `3:100,4:0`: a default and pairs of core and time.
fn sleep_of(text: &str) -> MaxSleep {
    let mut sleep = MaxSleep::default();
    let micros = |text: &str| text.parse::<u64>().ok().map(|micros| micros.min(LONGEST_SLEEP));
    for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        let understood = match part.split_once(':') {
            None => micros(part).map(|value| sleep.default = value),
            Some((core, value)) => core.trim().parse().ok().zip(micros(value.trim())).map(|(core, value)| {
                sleep.cores.insert(core, value);
            }),
        };
        if understood.is_none() {
            tracing::error!(target: "dpif_netdev", "error parsing pmd-sleep-max '{text}': '{part}' is neither a time nor a core and a time");
        }
    }
    sleep
}

/// `0:3,1:7`: queue 0 on core 3, queue 1 on core 7.
fn pins_of(text: &str) -> BTreeMap<u32, usize> {
    let mut pins = BTreeMap::new();
    for pair in text.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
        let parsed = pair.split_once(':').and_then(|(queue, core)| {
            Some((queue.trim().parse().ok()?, core.trim().parse().ok().filter(|core| *core < CORES)?))
        });
        match parsed {
            Some((queue, core)) => drop(pins.insert(queue, core)),
            None => {
                tracing::warn!(target: "dpif_netdev", "pmd-rxq-affinity '{text}': '{pair}' is not a queue and a core");
            }
        }
    }
    pins
}

/// The cores of a hexadecimal mask, with or without `0x`; `None` if it is not one, or names none.
fn cores_of(mask: &str) -> Option<Vec<usize>> {
    let digits = mask.strip_prefix("0x").or_else(|| mask.strip_prefix("0X")).unwrap_or(mask);
    let mut cores = Vec::new();
    for (index, digit) in digits.chars().rev().enumerate() {
        let digit = digit.to_digit(16)?;
        cores.extend((0..4).filter(|bit| digit >> bit & 1 == 1).map(|bit| index * 4 + bit));
    }
    cores.retain(|core| *core < CORES);
    (!cores.is_empty()).then_some(cores)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_name_cores() {
        assert_eq!(cores_of("0x2"), Some(vec![1]));
        assert_eq!(cores_of("C1"), Some(vec![0, 6, 7]));
        assert_eq!(cores_of("0"), None);
        assert_eq!(cores_of("0xg"), None);
        assert_eq!(cores_of(""), None);
    }

    #[test]
    fn queues_have_cores() {
        assert_eq!(pins_of("0:3, 1:7"), BTreeMap::from([(0, 3), (1, 7)]));
        assert_eq!(pins_of("0:x,,5,2:1,3:99999"), BTreeMap::from([(2, 1)]));
    }

    #[test]
    fn sleeps_have_a_default_and_cores() {
        let sleep = sleep_of("50,3:100, 4:0");
        assert_eq!((sleep.on(1), sleep.on(3), sleep.on(4)), (50, 100, 0));
        assert_eq!(sleep_of("x,99999").on(0), LONGEST_SLEEP);
        assert_eq!(sleep_of("").on(0), 0);
    }
}
