//! Where things lie.

use std::path::{Path, PathBuf};

/// The directories of an installation; each can be moved by an environment variable.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Dirs {
    /// Sockets and pidfiles: `OVS_RUNDIR`, else `/var/run/openvswitch`.
    pub run: PathBuf,
    /// Logs: `OVS_LOGDIR`, else `/var/log/openvswitch`.
    pub log: PathBuf,
    /// Databases: `OVS_DBDIR`; else `OVS_SYSCONFDIR/openvswitch`, else `/etc/openvswitch`.
    pub db: PathBuf,
    /// Configuration: `OVS_SYSCONFDIR`, else `/etc`.
    pub sysconf: PathBuf,
    /// Schemas and scripts: `OVS_PKGDATADIR`, else `/usr/share/openvswitch`.
    pub pkgdata: PathBuf,
}

impl Dirs {
    /// The directories that the environment names.
    pub fn from_env() -> Dirs {
        Dirs::from_lookup(|name| std::env::var_os(name).map(PathBuf::from))
    }

    /// The directories that `lookup` names; empty values count as none.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<PathBuf>) -> Dirs {
        let get = |name: &str| lookup(name).filter(|p| !p.as_os_str().is_empty());
        let sysconf_given = get("OVS_SYSCONFDIR");
        let sysconf = sysconf_given.unwrap_or_else(|| "/etc".into());
        Dirs {
            run: get("OVS_RUNDIR").unwrap_or_else(|| "/var/run/openvswitch".into()),
            log: get("OVS_LOGDIR").unwrap_or_else(|| "/var/log/openvswitch".into()),
            db: get("OVS_DBDIR").unwrap_or_else(|| sysconf.join("openvswitch")),
            pkgdata: get("OVS_PKGDATADIR").unwrap_or_else(|| "/usr/share/openvswitch".into()),
            sysconf,
        }
    }

    /// `path` in the run directory if it is relative.
    pub fn in_run(&self, path: impl AsRef<Path>) -> PathBuf {
        self.run.join(path)
    }
}
