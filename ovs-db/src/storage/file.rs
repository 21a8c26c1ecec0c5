//! A journal in a file.

use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::journal::{Damage, Journal, encode};
use super::lock::LockFile;
use super::record::replay;
use super::{Storage, StorageError, Ticket};
use crate::database::Database;
use crate::schema::Schema;
use crate::value::UuidSource;

/// A database file that is open for writing, locked.
///
/// Writes happen inside [`Storage::append`] and [`Storage::replace`]; a program that must not wait for a
/// disk gives this value to a thread.
#[derive(Debug)]
pub struct JournalFile {
    path: PathBuf,
    file: File,
    _lock: LockFile,
    /// Where the good records end.
    end: u64,
    /// The file may have bytes behind `end`, which have to go before anything is appended.
    dirty_tail: bool,
    failed: bool,
    done: VecDeque<(Ticket, Result<(), StorageError>)>,
}

/// What was found in a file.
#[derive(Debug)]
pub struct Opened {
    /// The file.
    pub file: JournalFile,
    /// Its contents.
    pub database: Database,
    /// The number of transactions in it.
    pub records: usize,
    /// Where an interrupted write was found, and what it looks like. Everything before is there; the rest
    /// is cut off by the first write.
    pub torn: Option<(u64, Damage)>,
}

impl JournalFile {
    /// Makes a new file with a database of `schema` in it.
    pub fn create(path: &Path, schema: &Schema) -> Result<JournalFile, StorageError> {
        let path = &absolute(path)?;
        let lock = LockFile::lock(path)?;
        let bytes = encode(&schema.to_json());
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true).mode(0o640);
        let mut file = options.open(path).map_err(|e| match e.kind() {
            std::io::ErrorKind::AlreadyExists => StorageError::Exists { path: path.display().to_string() },
            _ => io_error(path, "create", e),
        })?;
        file.write_all(&bytes).and_then(|()| file.sync_all()).map_err(|e| io_error(path, "write", e))?;
        sync_directory(path)?;
        Ok(JournalFile {
            path: path.to_owned(),
            file,
            _lock: lock,
            end: bytes.len() as u64,
            dirty_tail: false,
            failed: false,
            done: VecDeque::new(),
        })
    }

    /// Opens and reads a file.
    pub fn open(path: &Path, uuids: &mut UuidSource) -> Result<Opened, StorageError> {
        let path = &absolute(path)?;
        let mut options = OpenOptions::new();
        options.read(true).write(true);
        let mut file = options.open(path).map_err(|e| io_error(path, "open", e))?;
        let lock = LockFile::lock(path)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(|e| io_error(path, "read", e))?;
        let (database, records, end, torn) = read(path, &bytes, uuids)?;
        let file = JournalFile {
            path: path.to_owned(),
            file,
            _lock: lock,
            end,
            dirty_tail: torn.is_some(),
            failed: false,
            done: VecDeque::new(),
        };
        Ok(Opened { file, database, records, torn })
    }

    /// The file's name.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The length of the good part, in bytes.
    pub fn size(&self) -> u64 {
        self.end
    }

    fn write(&mut self, bytes: &[u8], sync: bool) -> Result<(), StorageError> {
        if self.failed {
            return Err(StorageError::Failed { path: self.path.display().to_string() });
        }
        let result = self.try_write(bytes, sync);
        if result.is_err() {
            // Best effort to leave no half record; opening the file again would cut it off as well.
            let _ = self.file.set_len(self.end);
            self.failed = true;
        }
        result
    }

    fn try_write(&mut self, bytes: &[u8], sync: bool) -> Result<(), StorageError> {
        let JournalFile { path, file, end, .. } = self;
        if self.dirty_tail {
            file.set_len(*end).map_err(|e| io_error(path, "truncate", e))?;
            self.dirty_tail = false;
        }
        file.seek(SeekFrom::Start(*end)).map_err(|e| io_error(path, "seek", e))?;
        file.write_all(bytes).map_err(|e| io_error(path, "write", e))?;
        if sync {
            file.sync_data().map_err(|e| io_error(path, "sync", e))?;
        }
        *end += bytes.len() as u64;
        Ok(())
    }

    /// Writes a new file beside the old one and renames it over that.
    fn rewrite(&mut self, bytes: &[u8]) -> Result<(), StorageError> {
        let real = self.path.canonicalize().map_err(|e| io_error(&self.path, "find", e))?;
        let mut name = real.as_os_str().to_owned();
        name.push(".tmp");
        let new = PathBuf::from(name);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(true).mode(0o640);
        let mut file = options.open(&new).map_err(|e| io_error(&new, "create", e))?;
        let written = file.write_all(bytes).and_then(|()| file.sync_all());
        if let Err(e) = written.and_then(|()| std::fs::rename(&new, &real)) {
            let _ = std::fs::remove_file(&new);
            return Err(io_error(&new, "write", e));
        }
        self.file = file;
        self.end = bytes.len() as u64;
        self.dirty_tail = false;
        self.failed = false;
        sync_directory(&real)
    }
}

impl Storage for JournalFile {
    fn append(&mut self, ticket: Ticket, bytes: &[u8], sync: bool) {
        let result = self.write(bytes, sync);
        self.done.push_back((ticket, result));
    }

    fn replace(&mut self, ticket: Ticket, bytes: &[u8]) {
        let result = self.rewrite(bytes);
        self.done.push_back((ticket, result));
    }

    fn poll(&mut self) -> Option<(Ticket, Result<(), StorageError>)> {
        self.done.pop_front()
    }
}

type Contents = (Database, usize, u64, Option<(u64, Damage)>);

/// Reads a whole journal.
fn read(path: &Path, bytes: &[u8], uuids: &mut UuidSource) -> Result<Contents, StorageError> {
    let name = || path.display().to_string();
    let mut journal = Journal::new(bytes);
    if journal.is_clustered() {
        return Err(StorageError::Clustered { path: name() });
    }
    let bad = |offset: usize, error| StorageError::BadRecord {
        path: name(),
        offset: offset as u64,
        error: Box::new(error),
    };
    let schema = match journal.next_record() {
        Some(Ok(json)) => Schema::from_json(&json).map_err(|error| bad(0, error))?,
        None | Some(Err(Damage::Header)) => return Err(StorageError::NotDatabase { path: name() }),
        Some(Err(damage)) => return Err(StorageError::Damaged { path: name(), offset: 0, damage }),
    };
    let mut database = Database::new(Arc::new(schema));
    let mut records = 0;
    loop {
        let offset = journal.offset();
        match journal.next_record() {
            None => return Ok((database, records, offset as u64, None)),
            Some(Ok(record)) => {
                replay(&mut database, &record, uuids).map_err(|error| bad(offset, error))?;
                records += 1;
            }
            Some(Err(damage)) if journal.continues() => {
                return Err(StorageError::Damaged { path: name(), offset: offset as u64, damage });
            }
            Some(Err(damage)) => {
                return Ok((database, records, offset as u64, Some((offset as u64, damage))));
            }
        }
    }
}

/// The file's name from the root on: a daemon changes its working directory.
fn absolute(path: &Path) -> Result<PathBuf, StorageError> {
    std::path::absolute(path).map_err(|e| io_error(path, "find", e))
}

/// Makes a file's name durable.
fn sync_directory(path: &Path) -> Result<(), StorageError> {
    let directory = match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    File::open(directory).and_then(|d| d.sync_all()).map_err(|e| io_error(directory, "sync", e))
}

fn io_error(path: &Path, what: &'static str, source: std::io::Error) -> StorageError {
    StorageError::Io { path: path.display().to_string(), what, source }
}
