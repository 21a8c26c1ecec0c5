//! The file that names the running process and is locked while it lives.

use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, fcntl_lock};
use rustix::process::{Flock, FlockType, fcntl_getlk};

use super::{DaemonError, reason};

/// A pidfile that this process made and holds. Dropping it removes the file.
///
/// The lock is a POSIX record lock, which tools query with `F_GETLK` to tell a living daemon from a left-behind
/// file. Such a lock goes with the first close of *any* descriptor of the file, so nothing else may open it here.
pub(super) struct Pidfile {
    path: PathBuf,
    inode: (u64, u64),
    _file: File,
}

impl Pidfile {
    /// Makes the file: written and locked under another name, then moved into place, so that nobody sees it
    /// half-made.
    pub(super) fn create(path: &Path, overwrite: bool) -> Result<Pidfile, DaemonError> {
        check(path, overwrite)?;
        let mut name = path.as_os_str().to_owned();
        name.push(".tmp");
        let tmp = PathBuf::from(name);
        let failed = |what| {
            let path = tmp.clone();
            move |e: std::io::Error| DaemonError::Pidfile { path, what, reason: reason(&e) }
        };
        let mut options = File::options();
        options.create(true).truncate(false).write(true).read(true).mode(0o644);
        let mut file = options.open(&tmp).map_err(failed("create"))?;
        if fcntl_lock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
            let pid = holder(&file).unwrap_or(0);
            return Err(DaemonError::AlreadyRunning { path: path.to_path_buf(), pid });
        }
        file.set_len(0).map_err(failed("truncate"))?;
        writeln!(file, "{}", std::process::id()).map_err(failed("write"))?;
        std::fs::rename(&tmp, path).map_err(failed("rename"))?;
        let inode = file.metadata().map(|m| (m.dev(), m.ino())).map_err(failed("stat"))?;
        Ok(Pidfile { path: path.to_path_buf(), inode, _file: file })
    }
}

impl Drop for Pidfile {
    fn drop(&mut self) {
        let there = std::fs::symlink_metadata(&self.path).map(|m| (m.dev(), m.ino()));
        if there.is_ok_and(|inode| inode == self.inode) {
            // It may have gone in between; nobody could be told of another failure.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// Refuses if another process holds the file.
pub(super) fn check(path: &Path, overwrite: bool) -> Result<(), DaemonError> {
    if overwrite {
        return Ok(());
    }
    let Ok(file) = File::open(path) else { return Ok(()) };
    match holder(&file) {
        Some(pid) => Err(DaemonError::AlreadyRunning { path: path.to_path_buf(), pid }),
        None => Ok(()),
    }
}

/// Who holds a lock on the file.
fn holder(file: &File) -> Option<i32> {
    let found = fcntl_getlk(file, &Flock::from(FlockType::WriteLock)).ok()??;
    found.pid.map(|pid| pid.as_raw_nonzero().get())
}
