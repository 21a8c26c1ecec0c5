//! Where the programs are: ours as cargo has built them, the distribution's unpacked or installed.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::BenchError;

/// Whose switch it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Who {
    /// Ours.
    Ours,
    /// The distribution's.
    Peer,
}

impl Who {
    /// In words.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::Peer => "peer",
        }
    }
}

/// The programs of both.
#[derive(Clone, Debug)]
pub struct Programs {
    /// Our switch.
    pub vswitchd: PathBuf,
    /// Our database server; scenarios on the embedded database do without.
    pub ovsdb_server: Option<PathBuf>,
    /// Whether the distribution's switch is the one with DPDK.
    dpdk: bool,
}

/// The workspace's root folder.
pub fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new(".")).to_owned()
}

impl Programs {
    /// A switch that is there already.
    pub fn with_switch(vswitchd: impl Into<PathBuf>) -> Self {
        Self { vswitchd: vswitchd.into(), ovsdb_server: None, dpdk: false }
    }

    /// Builds the programs beside this one (in the same profile's folder); `features` are those of the switch.
    pub fn build(packages: &[&str], features: &[&str]) -> Result<Self, BenchError> {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut build = Command::new(cargo);
        build.current_dir(workspace()).args(["build", "--quiet", "--locked"]);
        if !cfg!(debug_assertions) {
            build.arg("--release");
        }
        for package in packages {
            build.args(["-p", package]);
        }
        for feature in features {
            build.args(["--features", feature]);
        }
        crate::run(&mut build)?;
        let here = std::env::current_exe().map_err(BenchError::system("finding this program"))?;
        let server = packages.contains(&"ovsdb-server").then(|| here.with_file_name("ovsdb-server"));
        Ok(Self { vswitchd: here.with_file_name("vswitchd"), ovsdb_server: server, dpdk: false })
    }

    /// The same, with DPDK on either side.
    pub fn dpdk(self) -> Self {
        Self { dpdk: true, ..self }
    }

    /// One of the distribution's programs: unpacked under `target/peer`, or on the path.
    pub fn find(&self, name: &str) -> Result<PathBuf, BenchError> {
        let unpacked = workspace().join("target/peer/usr");
        let folders = ["bin", "sbin", "lib/openvswitch-switch", "lib/openvswitch-switch-dpdk"];
        let folders = folders.map(|folder| unpacked.join(folder));
        let path = std::env::var_os("PATH").unwrap_or_default();
        let system = ["/usr/sbin", "/sbin", "/usr/lib/openvswitch-switch-dpdk"].map(PathBuf::from);
        let all = folders.into_iter().chain(std::env::split_paths(&path)).chain(system);
        let found = all.map(|folder| folder.join(name)).find(|file| file.is_file());
        found.ok_or_else(|| BenchError::Missing(name.to_owned()))
    }

    /// The switch of one of the two.
    pub fn switch(&self, who: Who) -> Result<PathBuf, BenchError> {
        match who {
            Who::Ours => Ok(self.vswitchd.clone()),
            Who::Peer if self.dpdk => self.find("ovs-vswitchd-dpdk"),
            Who::Peer => self.find("ovs-vswitchd"),
        }
    }
}
