//! The control side that the Linux backends share.

use std::io;

use super::rtnl::{Change, LinkInfo, Notice, Notices, Requests};
use super::{check_name, open_error, sys::ethtool, tc};
use crate::{
    ConfigError, DeviceConfig, Duplex, OpenError, Qos, QosError, QosView, QueueView, Statistics, Status, Wait,
};

/// A link of this network namespace, watched from its opening on.
#[derive(Debug)]
pub(crate) struct Link {
    name: String,
    kind: &'static str,
    requests: Requests,
    notices: Notices,
    /// As last heard of.
    last: LinkInfo,
    /// Carrier changes before it was opened.
    resets_before: u64,
    changes: u64,
    /// What the driver says; asked once, for it does not change.
    driver: Vec<(String, String)>,
    gone: Option<String>,
    /// What was set of quality of service: what was wanted, and what came of it.
    qos: Option<(Qos, Option<tc::Plan>)>,
}

impl Link {
    /// The link `name`, or why not.
    pub fn open(name: &str, kind: &'static str) -> Result<Self, OpenError> {
        check_name(name)?;
        let system = |source| open_error(name, source);
        // Listen first, so that nothing is missed between asking and listening.
        let notices = Notices::open().map_err(system)?;
        let mut requests = Requests::open().map_err(system)?;
        let last = requests.by_name(name).map_err(system)?;
        let driver = driver(&requests, name);
        let resets_before = last.carrier_changes;
        Ok(Self {
            name: name.to_owned(),
            kind,
            requests,
            notices,
            last,
            resets_before,
            changes: 0,
            driver,
            gone: None,
            qos: None,
        })
    }

    /// True if there is a link of that name.
    pub fn exists(name: &str) -> io::Result<bool> {
        match Requests::open()?.by_name(name) {
            Ok(_) => Ok(true),
            Err(error) if error.raw_os_error() == Some(libc::ENODEV) => Ok(false),
            Err(error) => Err(error),
        }
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn kind(&self) -> &'static str {
        self.kind
    }

    pub fn ifindex(&self) -> u32 {
        self.last.ifindex
    }

    /// True for links whose frames begin with an Ethernet header.
    pub fn is_ethernet(&self) -> bool {
        matches!(self.last.hardware, libc::ARPHRD_ETHER | libc::ARPHRD_LOOPBACK)
    }

    pub fn is_gone(&self) -> bool {
        self.gone.is_some()
    }

    /// Asks again; after an error the last answer stays.
    fn refresh(&mut self) {
        match self.requests.by_index(self.last.ifindex) {
            Ok(info) => self.last = info,
            Err(error) if error.raw_os_error() == Some(libc::ENODEV) => self.vanished(),
            Err(_) => {}
        }
    }

    fn vanished(&mut self) {
        if self.gone.is_none() {
            self.gone = Some(format!("network device {} has disappeared", self.name));
            self.changes += 1;
        }
    }

    pub fn status(&mut self) -> Status {
        self.refresh();
        let settings = ethtool::settings(self.requests.fd(), &self.name).ok().filter(|_| self.gone.is_none());
        let (speed, full) = settings.unwrap_or_default();
        Status {
            mac: self.last.mac,
            mtu: self.last.mtu,
            mtu_range: self.last.mtu_range,
            admin_up: self.last.up && self.gone.is_none(),
            // The system keeps the carrier of a device that is down; to users there is none.
            link_up: self.last.carrier && self.last.up && self.gone.is_none(),
            link_resets: self.last.carrier_changes.saturating_sub(self.resets_before),
            ifindex: Some(self.last.ifindex),
            link_speed: speed.map(|megabits| u64::from(megabits) * 1_000_000),
            duplex: full.map(|full| if full { Duplex::Full } else { Duplex::Half }),
            details: self.driver.clone(),
            gone: self.gone.clone(),
        }
    }

    /// The kernel's counters.
    pub fn statistics(&mut self) -> Statistics {
        self.refresh();
        self.last.statistics.clone()
    }

    pub fn configure(&mut self, config: &DeviceConfig) -> Result<(), ConfigError> {
        let changes = [
            config.mac.map(|mac| ("mac", Change::Mac(mac))),
            config.mtu.map(|mtu| ("mtu", Change::Mtu(mtu))),
            config.admin_up.map(|up| ("admin_state", Change::Up(up))),
        ];
        for (property, change) in changes.into_iter().flatten() {
            if let Err(source) = self.requests.change(self.last.ifindex, change) {
                return Err(match source.raw_os_error() {
                    Some(libc::ENODEV) => ConfigError::Gone { device: self.name.clone() },
                    _ => ConfigError::System { device: self.name.clone(), property, source },
                });
            }
        }
        Ok(())
    }

    /// Makes the link's queueing discipline what is wanted; what it is already is left alone.
    pub fn set_qos(&mut self, wanted: Option<&Qos>) -> Result<(), QosError> {
        if wanted.is_some() && self.qos.as_ref().map(|(set, _)| set) == wanted {
            return Ok(());
        }
        let Some(wanted) = wanted else {
            self.qos = None;
            // There may be none to take away, and a link that is gone has none.
            let _ = tc::remove(&mut self.requests, self.last.ifindex);
            return Ok(());
        };
        self.refresh();
        let speed = ethtool::settings(self.requests.fd(), &self.name).ok().and_then(|(speed, _)| speed);
        let carrier = tc::Carrier { name: &self.name, kind: self.kind, mtu: self.last.mtu, megabits: speed };
        let plan = tc::plan(wanted, carrier)?;
        self.qos = None;
        if let Some(plan) = &plan {
            let failed = |(what, source)| QosError::System {
                device: self.name.clone(),
                qos: wanted.kind.clone(),
                what,
                source,
            };
            tc::apply(&mut self.requests, self.last.ifindex, plan).map_err(failed)?;
        }
        self.qos = Some((wanted.clone(), plan));
        Ok(())
    }

    /// What [`Link::set_qos`] has set.
    pub fn qos(&mut self) -> Option<QosView> {
        // Of what others manage, nothing is known.
        let (wanted, Some(plan)) = self.qos.as_ref()? else { return None };
        let mut counters = tc::counters(&mut self.requests, self.last.ifindex).unwrap_or_default();
        let mut view = QosView::new(wanted.kind.as_str());
        view.options.clone_from(&plan.shown);
        for (queue, shown) in &plan.queues {
            let counted = counters.remove(queue).unwrap_or_default();
            view.queues.insert(*queue, QueueView::new(shown.clone(), counted));
        }
        Some(view)
    }

    /// The number as it was last told.
    #[cfg(feature = "afxdp")]
    pub fn changes(&self) -> u64 {
        self.changes
    }

    /// Takes in what was notified; the number moves with every change.
    pub fn poll_changes(&mut self) -> u64 {
        let mut gone = false;
        let changes = &mut self.changes;
        self.notices.read(self.last.ifindex, |notice| {
            gone |= notice == Notice::Gone;
            *changes += 1;
        });
        if gone {
            self.vanished();
        }
        self.changes
    }

    pub fn wait(&self) -> Wait<'_> {
        Wait::Fd(self.notices.fd(), crate::Interest::Read)
    }

    /// Removes the link if the name still means it.
    pub fn delete(&mut self) {
        if self.requests.by_name(&self.name).is_ok_and(|info| info.ifindex == self.last.ifindex) {
            // It may vanish by itself in between; either way it is gone.
            let _ = self.requests.delete(self.last.ifindex);
        }
    }
}

/// The driver's names, sorted by key.
fn driver(requests: &Requests, name: &str) -> Vec<(String, String)> {
    let Ok([driver, version, firmware]) = ethtool::driver(requests.fd(), name) else { return Vec::new() };
    let pairs = [("driver_name", driver), ("driver_version", version), ("firmware_version", firmware)];
    pairs.map(|(key, value)| (key.to_owned(), value)).into()
}
