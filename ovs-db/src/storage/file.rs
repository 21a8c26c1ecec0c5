//! A journal in a file.

use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::journal::{Damage, encode};
use super::load::{Found, Loaded, Records, load};
use super::lock::LockFile;
use super::{Snapshot, Storage, StorageError, Ticket};
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
    /// What was appended since the last commit.
    batch: Vec<u8>,
    /// Who waits for the batch, and whether any of them wants it durable.
    waiting: Vec<Ticket>,
    sync: bool,
    rewriting: Rewriting,
    done: VecDeque<(Ticket, Result<(), StorageError>)>,
}

/// How far the rewriting of a file is.
#[derive(Debug)]
enum Rewriting {
    /// It is not being rewritten.
    No,
    /// The new file is being written. What was written to the old one since that began.
    Writing(Vec<u8>),
    /// The new file has everything, ends at `end`, and is about to get the old one's name.
    Switching { file: File, end: u64 },
}

/// The writing of a new file beside the old one, to be done anywhere: [`run`](Rewrite::run), and give what
/// comes of it to [`JournalFile::switch_rewrite`].
#[derive(Debug)]
pub struct Rewrite {
    snapshot: Snapshot,
    path: PathBuf,
}

/// The putting of a new file into the old one's place, to be done anywhere: [`run`](Switch::run), and give what comes
/// of it to [`JournalFile::finish_rewrite`].
#[derive(Debug)]
pub struct Switch {
    file: File,
    temporary: PathBuf,
    path: PathBuf,
}

/// What came of a [`Switch`].
#[derive(Debug)]
pub struct Switched {
    /// The new file has the old one's name.
    renamed: bool,
    result: Result<(), StorageError>,
}

/// So much is written and made durable at a time, so that nobody else's write has to wait for all of it.
const SLICE: usize = 4 << 20;

/// A new file that is written and durable, under another name.
#[derive(Debug)]
pub struct Rewritten {
    file: File,
    /// Its name, and the one that it is to have.
    temporary: PathBuf,
    path: PathBuf,
    length: u64,
}

impl Rewrite {
    /// Writes the file.
    pub fn run(self) -> Result<Rewritten, StorageError> {
        let path = self.path.canonicalize().map_err(|e| io_error(&self.path, "find", e))?;
        let mut name = path.as_os_str().to_owned();
        name.push(".tmp");
        let temporary = PathBuf::from(name);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(true).mode(0o640);
        let mut file = options.open(&temporary).map_err(|e| io_error(&temporary, "create", e))?;
        let bytes = self.snapshot.encode();
        let mut slices = bytes.chunks(SLICE);
        if let Err(e) = slices.try_for_each(|slice| file.write_all(slice).and_then(|()| file.sync_data())) {
            let _ = std::fs::remove_file(&temporary);
            return Err(io_error(&temporary, "write", e));
        }
        Ok(Rewritten { file, temporary, path, length: bytes.len() as u64 })
    }
}

impl Switch {
    /// Makes the new file durable, and gives it the name.
    pub fn run(self) -> Switched {
        let Switch { file, temporary, path } = self;
        if let Err(e) = file.sync_all().and_then(|()| std::fs::rename(&temporary, &path)) {
            let _ = std::fs::remove_file(&temporary);
            return Switched { renamed: false, result: Err(io_error(&temporary, "write", e)) };
        }
        Switched { renamed: true, result: sync_directory(&path) }
    }
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

/// What a file holds, for those who only read it.
#[derive(Debug)]
pub struct Contents {
    /// The database.
    pub database: Database,
    /// The number of transactions in the file.
    pub records: usize,
    /// Where an interrupted write was found, and what it looks like.
    pub torn: Option<(u64, Damage)>,
}

/// Reads a file as it is at present, without a lock and without changing it.
pub fn read_file(path: &Path, uuids: &mut UuidSource) -> Result<Contents, StorageError> {
    let file = File::open(path).map_err(|e| io_error(path, "open", e))?;
    read_journal(file, path, uuids)
}

/// Reads a journal from wherever its bytes are. `name` is what errors call it.
pub fn read_journal(
    source: impl Read + Send + 'static,
    name: &Path,
    uuids: &mut UuidSource,
) -> Result<Contents, StorageError> {
    let Loaded { database, records, torn, .. } = load(name, Records::new(source), uuids)?;
    Ok(Contents { database, records, torn })
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
            batch: Vec::new(),
            waiting: Vec::new(),
            sync: false,
            rewriting: Rewriting::No,
            done: VecDeque::new(),
        })
    }

    /// Opens and reads a file.
    pub fn open(path: &Path, uuids: &mut UuidSource) -> Result<Opened, StorageError> {
        Self::open_ahead(path, uuids, Ok)
    }

    /// As [`open`](Self::open), with the records coming from what `ahead` makes of them: the same in the same order,
    /// which a thread may have read ahead.
    pub fn open_ahead<I: IntoIterator<Item = Found>>(
        path: &Path,
        uuids: &mut UuidSource,
        ahead: impl FnOnce(Records) -> std::io::Result<I>,
    ) -> Result<Opened, StorageError> {
        let path = &absolute(path)?;
        let mut options = OpenOptions::new();
        options.read(true).write(true);
        let file = options.open(path).map_err(|e| io_error(path, "open", e))?;
        let lock = LockFile::lock(path)?;
        // Writing does not use the position that reading changes.
        let source = file.try_clone().map_err(|e| io_error(path, "duplicate", e))?;
        let found = ahead(Records::new(source)).map_err(|e| io_error(path, "start a thread for", e))?;
        let Loaded { database, records, end, torn } = load(path, found.into_iter(), uuids)?;
        let file = JournalFile {
            path: path.to_owned(),
            file,
            _lock: lock,
            end,
            dirty_tail: torn.is_some(),
            failed: false,
            batch: Vec::new(),
            waiting: Vec::new(),
            sync: false,
            rewriting: Rewriting::No,
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

    /// Other handles on what is written to, through which a thread can make it durable: two while the file is about to
    /// be replaced, as either may be there after a crash.
    pub fn handles(&self) -> Result<Vec<File>, StorageError> {
        let new = if let Rewriting::Switching { file, .. } = &self.rewriting { Some(file) } else { None };
        let files = std::iter::once(&self.file).chain(new).map(File::try_clone);
        files.collect::<Result<_, _>>().map_err(|e| io_error(&self.path, "duplicate", e))
    }

    /// Writes `bytes` at the end, without making them durable unless `sync`. After an error every further write
    /// fails: what the end of the file looks like is not known.
    pub fn write(&mut self, bytes: &[u8], sync: bool) -> Result<(), StorageError> {
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
        let JournalFile { path, file, end, rewriting, .. } = self;
        if self.dirty_tail {
            file.set_len(*end).map_err(|e| io_error(path, "truncate", e))?;
            self.dirty_tail = false;
        }
        file.write_all_at(bytes, *end).map_err(|e| io_error(path, "write", e))?;
        if sync {
            file.sync_data().map_err(|e| io_error(path, "sync", e))?;
        }
        *end += bytes.len() as u64;
        match rewriting {
            Rewriting::No => {}
            Rewriting::Writing(since) => since.extend_from_slice(bytes),
            Rewriting::Switching { file, end } => {
                let written = file.write_all_at(bytes, *end);
                let synced = written.and_then(|()| if sync { file.sync_data() } else { Ok(()) });
                synced.map_err(|e| io_error(path, "write", e))?;
                *end += bytes.len() as u64;
            }
        }
        Ok(())
    }

    /// Begins to replace the content. What is written from now on goes to the old file, and again to the new
    /// one later. `None` if that is under way already.
    pub fn begin_rewrite(&mut self, snapshot: Snapshot) -> Option<Rewrite> {
        if !matches!(self.rewriting, Rewriting::No) {
            return None;
        }
        self.rewriting = Rewriting::Writing(Vec::new());
        Some(Rewrite { snapshot, path: self.path.clone() })
    }

    /// Goes on with what [`begin_rewrite`](JournalFile::begin_rewrite) began: the new file gets what was written
    /// meanwhile, and from now on everything that the old one gets. If it fails, the old file stays and goes on.
    pub fn switch_rewrite(
        &mut self,
        rewritten: Result<Rewritten, StorageError>,
    ) -> Result<Switch, StorageError> {
        let before = std::mem::replace(&mut self.rewriting, Rewriting::No);
        let Rewritten { mut file, temporary, path, length } = rewritten?;
        let Rewriting::Writing(since) = before else {
            return Err(StorageError::Failed { path: self.path.display().to_string() });
        };
        if self.failed {
            let _ = std::fs::remove_file(&temporary);
            return Err(StorageError::Failed { path: self.path.display().to_string() });
        }
        match file.write_all(&since).and_then(|()| file.try_clone()) {
            Ok(other) => {
                self.rewriting = Rewriting::Switching { file, end: length + since.len() as u64 };
                Ok(Switch { file: other, temporary, path })
            }
            Err(e) => {
                let _ = std::fs::remove_file(&temporary);
                Err(io_error(&temporary, "write", e))
            }
        }
    }

    /// Takes back what [`switch_rewrite`](JournalFile::switch_rewrite) did, if its [`Switch`] was never run.
    pub fn abandon_rewrite(&mut self) {
        self.rewriting = Rewriting::No;
    }

    /// Ends what [`switch_rewrite`](JournalFile::switch_rewrite) went on with. If the new file has the old one's
    /// place, gives the old one, whose closing may take long.
    pub fn finish_rewrite(&mut self, switched: Switched) -> (Option<File>, Result<(), StorageError>) {
        let Switched { renamed, result } = switched;
        match std::mem::replace(&mut self.rewriting, Rewriting::No) {
            Rewriting::Switching { file, end } if renamed => {
                self.end = end;
                self.dirty_tail = false;
                (Some(std::mem::replace(&mut self.file, file)), result)
            }
            _ => (None, result),
        }
    }

    fn flush(&mut self) {
        if self.waiting.is_empty() {
            return;
        }
        let batch = std::mem::take(&mut self.batch);
        let sync = std::mem::take(&mut self.sync);
        let result = self.write(&batch, sync);
        let path = self.path.display().to_string();
        let mut tickets = std::mem::take(&mut self.waiting).into_iter();
        if let Err(error) = result {
            // The first one is told why, and the rest that it failed.
            self.done.extend(tickets.next().map(|ticket| (ticket, Err(error))));
            self.done.extend(tickets.map(|t| (t, Err(StorageError::Failed { path: path.clone() }))));
        } else {
            self.done.extend(tickets.map(|ticket| (ticket, Ok(()))));
        }
    }
}

/// Everything is done by the caller's thread. Appends of one turn are written, and synced, together.
impl Storage for JournalFile {
    fn append(&mut self, ticket: Ticket, bytes: &[u8], sync: bool) {
        self.batch.extend_from_slice(bytes);
        self.waiting.push(ticket);
        self.sync |= sync;
    }

    fn replace(&mut self, ticket: Ticket, snapshot: &Snapshot) {
        self.flush();
        if let Some(rewrite) = self.begin_rewrite(snapshot.clone()) {
            let switch = self.switch_rewrite(rewrite.run());
            let result = switch.and_then(|switch| self.finish_rewrite(switch.run()).1);
            self.done.push_back((ticket, result));
        }
    }

    fn commit(&mut self) {
        self.flush();
    }

    fn poll(&mut self) -> Option<(Ticket, Result<(), StorageError>)> {
        self.done.pop_front()
    }

    fn size(&self) -> u64 {
        self.end
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

pub(super) fn io_error(path: &Path, what: &'static str, source: std::io::Error) -> StorageError {
    StorageError::Io { path: path.display().to_string(), what, source }
}
