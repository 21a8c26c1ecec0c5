//! `vswitchd lab`: a switch, two hosts and traffic between them, for whoever wants to see it work.
//!
//! ```text
//!   this process ── own user and network namespace ──────────────────────────────┐
//!   │  vswitchd --embedded-db (child)      br0 ── h1p ═veth═ eth0  host h1 (child, own namespace)
//!   │                                          └─ h2p ═veth═ eth0  host h2 (child, own namespace)
//!   └──────────────────────────────────────────────────────────────────────────────┘
//! ```
//!
//! Everything is in namespaces that end with the process, and in one temporary folder; nothing on the
//! machine is changed, and nothing but this program is needed.

mod database;
mod host;
mod namespace;
mod netlink;
mod ping;
mod switch;

use std::io::Write;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use host::Host;
pub use host::serve as serve_host;
use switch::Switch;

/// What the demonstration does.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Options {
    /// How long the TCP transfer lasts.
    pub seconds: u32,
    /// End after the demonstration instead of serving until Ctrl-C.
    pub once: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { seconds: 3, once: false }
    }
}

impl From<&crate::cli::LabOptions> for Options {
    fn from(options: &crate::cli::LabOptions) -> Self {
        Self { seconds: options.seconds, once: options.once }
    }
}

/// Why the lab could not be set up or the demonstration failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LabError {
    /// The system refused a namespace.
    #[error("cannot make a {kind} namespace ({source}); {hint}")]
    Namespace {
        /// Which kind.
        kind: &'static str,
        /// What the system said.
        source: std::io::Error,
        /// What a user can do.
        hint: &'static str,
    },
    /// The system refused something else.
    #[error("{what}: {source}")]
    System {
        /// What was attempted.
        what: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// A child process said something unexpected or ended.
    #[error("{who}: {what}")]
    Child {
        /// Which.
        who: String,
        /// What it said.
        what: String,
    },
    /// The database refused a transaction.
    #[error("the database answered: {0}")]
    Database(String),
    /// The hosts could not talk.
    #[error("{0}")]
    Traffic(String),
}

/// Names the failing step of a system call.
fn system(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> LabError {
    let what = what.into();
    move |source| LabError::System { what, source }
}

/// A folder that is removed with the value.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Result<Self, LabError> {
        let path = std::env::temp_dir().join(format!("vswitchd-lab-{}", std::process::id()));
        std::fs::create_dir_all(&path).map_err(system(format!("making {}", path.display())))?;
        Ok(Self(path))
    }

    fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // A lab that cannot tidy up has nobody left to tell.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

const FIRST: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
const SECOND: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);

/// Runs the lab, writing what happens to `out`.
pub fn run(options: &Options, out: &mut dyn Write) -> Result<(), LabError> {
    let told = Printer(out);
    told.run(options)
}

struct Printer<'a>(&'a mut dyn Write);

impl Printer<'_> {
    fn line(&mut self, text: &str) {
        // A reader that went away ends the lab no sooner than Ctrl-C does.
        let _ = writeln!(self.0, "{text}");
    }

    fn section(&mut self, title: &str, body: &str) {
        self.line(&format!("\n── {title}"));
        self.line(body.trim_end());
    }

    fn run(mut self, options: &Options) -> Result<(), LabError> {
        namespace::enter()?;
        let stop = stop_on_signal()?;
        let scratch = Scratch::new()?;
        let mut switch = Switch::start(scratch.path())?;
        self.line(&format!("switch: running, database and control sockets in {}", scratch.path().display()));
        let mut first = Host::start("h1")?;
        let mut second = Host::start("h2")?;
        netlink::Netlink::open()?.loopback_up()?;
        switch.add_bridge("br0")?;
        for (host, address) in [(&mut first, FIRST), (&mut second, SECOND)] {
            let port = format!("{}p", host.name());
            netlink::Netlink::open()?.veth_into(&port, "eth0", host.pid())?;
            host.configure(address)?;
            let number = switch.add_port("br0", &port)?;
            self.line(&format!("host {}: {address}, behind port {number} ({port}) of br0", host.name()));
        }
        self.demonstrate(options, &mut switch, &mut first, &mut second)?;
        self.suggest(scratch.path());
        while !options.once && !stop.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_millis(100));
            switch.check()?;
        }
        switch.stop();
        Ok(())
    }

    fn demonstrate(
        &mut self,
        options: &Options,
        switch: &mut Switch,
        first: &mut Host,
        second: &mut Host,
    ) -> Result<(), LabError> {
        let pings = first.ask(&format!("ping {SECOND} 5"))?;
        self.section("ping h1 → h2", &pings);
        second.ask("serve 5001")?;
        let begun = Instant::now();
        let bytes = first.ask(&format!("send {SECOND} 5001 {}", options.seconds))?;
        let took = begun.elapsed().as_secs_f64();
        let bytes: f64 = bytes.trim().parse().map_err(|_| LabError::Traffic(format!("transfer: {bytes}")))?;
        self.section(
            "TCP h1 → h2",
            &format!("{:.0} MB in {took:.1} s: {:.2} Gbit/s", bytes / 1e6, bytes * 8.0 / took / 1e9),
        );
        for (title, command) in [
            ("OpenFlow table (bridge/dump-flows br0)", &["bridge/dump-flows", "br0"][..]),
            ("megaflows (dpctl/dump-flows)", &["dpctl/dump-flows"]),
            ("learned addresses (fdb/show br0)", &["fdb/show", "br0"]),
            ("where packets went (ledger/show)", &["ledger/show"]),
        ] {
            let answer = switch.appctl(command)?;
            self.section(title, &answer);
        }
        Ok(())
    }

    fn suggest(&mut self, folder: &Path) {
        let folder = folder.display();
        self.section(
            "to try from another terminal, with the tools of Open vSwitch",
            &format!(
                "export OVS_RUNDIR={folder}\n\
                 ovs-vsctl --db=unix:{folder}/db.sock show\n\
                 ovs-ofctl dump-flows unix:{folder}/br0.mgmt\n\
                 ovs-ofctl add-flow unix:{folder}/br0.mgmt priority=100,icmp,actions=drop\n\
                 ovs-appctl -t {folder}/vswitchd.ctl ofproto/trace br0 in_port=1,icmp\n\
                 ovs-appctl -t {folder}/vswitchd.ctl list-commands"
            ),
        );
    }
}

/// A flag that Ctrl-C and SIGTERM set.
fn stop_on_signal() -> Result<Arc<AtomicBool>, LabError> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        signal_hook::flag::register(signal, Arc::clone(&stop)).map_err(system("catching signals"))?;
    }
    Ok(stop)
}
