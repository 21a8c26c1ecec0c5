//! The lock file beside a database.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, fcntl_lock, flock};
use rustix::io::Errno;

use super::StorageError;

/// The lock on a database file `DIR/NAME`: the file `DIR/.NAME.~lock~`, locked as long as this lives.
///
/// The file itself stays: removing it would let a third process lock a new one while a second one still
/// waits for the old one.
#[derive(Debug)]
pub struct LockFile {
    file: File,
}

impl LockFile {
    /// The name of the lock file for `database`. A symbolic link is followed, so that a database has one
    /// lock however it is named.
    pub fn path_for(database: &Path) -> PathBuf {
        let real = database.canonicalize().unwrap_or_else(|_| database.to_owned());
        let name = real.file_name().unwrap_or_default().to_string_lossy();
        real.with_file_name(format!(".{name}.~lock~"))
    }

    /// Locks `database`, or fails at once if someone else has it.
    pub fn lock(database: &Path) -> Result<LockFile, StorageError> {
        let path = LockFile::path_for(database);
        let error = |what, source: std::io::Error| StorageError::Io {
            path: path.display().to_string(),
            what,
            source,
        };
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let file = options.open(&path).map_err(|e| error("open", e))?;
        // The record lock is the one that other programs look at; it does not hold between two users in
        // one process, which the whole-file lock does.
        let locked = flock(&file, FlockOperation::NonBlockingLockExclusive)
            .and_then(|()| fcntl_lock(&file, FlockOperation::NonBlockingLockExclusive));
        match locked {
            Ok(()) => Ok(LockFile { file }),
            Err(Errno::AGAIN | Errno::ACCESS) => {
                Err(StorageError::Locked { path: database.display().to_string() })
            }
            Err(e) => Err(error("lock", e.into())),
        }
    }
}

impl Drop for LockFile {
    fn drop(&mut self) {
        // Closing is not enough: a child that another thread has just forked still has the file open, until it
        // executes its program.
        let _ = flock(&self.file, FlockOperation::Unlock);
    }
}
