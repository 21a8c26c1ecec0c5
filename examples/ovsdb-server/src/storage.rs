//! A journal whose slow work is done by threads: making records durable, and writing a new file.
//!
//! They live as long as the work: a process of one thread shares its descriptors with nobody, and each of its system
//! calls is cheaper.
//!
//! Records are written by the caller, all of a turn together: that takes the system's memory, not its disk. What has
//! to be durable is synced by a thread; whatever comes meanwhile waits for the next sync, together. A file that is
//! rewritten is written by another thread beside the old one, which goes on taking records.

use std::collections::VecDeque;
use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

use ovs_db::storage::{
    JournalFile, Rewrite, Rewritten, Snapshot, Storage, StorageError, Switch, Switched, Ticket,
};
use ovs_stream::{Interest, Wait};
use rustix::event::{EventfdFlags, eventfd};

/// What a thread has done.
enum Done {
    Sync(std::io::Result<()>),
    Rewrite(Box<Result<Rewritten, StorageError>>),
    Switch(Box<Switched>),
}

/// How much less important the writing of a new file is than the clients.
const NICE: i32 = 10;

/// A journal file with its threads.
pub struct ThreadedJournal {
    file: JournalFile,
    /// What came since the last commit, who waits for it, and who of them wants it durable.
    batch: Vec<u8>,
    waiting: Vec<(Ticket, bool)>,
    /// Written, and to be made durable by the next sync.
    unsynced: Vec<Ticket>,
    /// The sync that is under way is theirs.
    syncing: Vec<Ticket>,
    rewriting: Option<Ticket>,
    /// Replacements that wait for the one under way.
    queued: VecDeque<(Ticket, Snapshot)>,
    done: VecDeque<(Ticket, Result<(), StorageError>)>,
    wake: Arc<OwnedFd>,
    finish: Sender<Done>,
    finished: Receiver<Done>,
}

impl ThreadedJournal {
    /// Goes on with a file.
    pub fn start(file: JournalFile) -> std::io::Result<ThreadedJournal> {
        let wake = Arc::new(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?);
        let (finish, finished) = channel();
        Ok(ThreadedJournal {
            file,
            batch: Vec::new(),
            waiting: Vec::new(),
            unsynced: Vec::new(),
            syncing: Vec::new(),
            rewriting: None,
            queued: VecDeque::new(),
            done: VecDeque::new(),
            wake,
            finish,
            finished,
        })
    }

    fn write_batch(&mut self) {
        if self.waiting.is_empty() {
            return;
        }
        let waiting = std::mem::take(&mut self.waiting);
        match self.file.write(&self.batch, false) {
            Ok(()) => {
                for (ticket, sync) in waiting {
                    if sync {
                        self.unsynced.push(ticket);
                    } else {
                        self.done.push_back((ticket, Ok(())));
                    }
                }
            }
            Err(error) => self.fail(waiting.into_iter().map(|(ticket, _)| ticket), Some(error)),
        }
        self.batch.clear();
    }

    /// The first one is told why, the others that it failed.
    fn fail(&mut self, tickets: impl Iterator<Item = Ticket>, mut why: Option<StorageError>) {
        for ticket in tickets {
            let failed = || StorageError::Failed { path: self.file.path().display().to_string() };
            let error = why.take().unwrap_or_else(failed);
            self.done.push_back((ticket, Err(error)));
        }
    }

    fn start_sync(&mut self) {
        if !self.syncing.is_empty() || self.unsynced.is_empty() {
            return;
        }
        self.syncing = std::mem::take(&mut self.unsynced);
        let started = self.file.handles().and_then(|files| {
            let sync = move || Done::Sync(files.iter().try_for_each(File::sync_data));
            self.start_thread("ovsdb_sync", sync)
        });
        if let Err(error) = started {
            let syncing = std::mem::take(&mut self.syncing);
            self.fail(syncing.into_iter(), Some(error));
        }
    }

    fn start_rewrite(&mut self) {
        if self.rewriting.is_some() {
            return;
        }
        let Some((ticket, snapshot)) = self.queued.pop_front() else { return };
        // The snapshot has what was submitted before it: that goes to the old file only.
        self.write_batch();
        let Some(rewrite) = self.file.begin_rewrite(snapshot) else { return };
        self.rewriting = Some(ticket);
        let work = move || {
            yield_to_clients();
            Done::Rewrite(Box::new(Rewrite::run(rewrite)))
        };
        if let Err(error) = self.start_thread("ovsdb_compact", work) {
            self.switch(Err(error));
        }
    }

    /// Does slow work on a thread of its own.
    fn start_thread(
        &self,
        name: &str,
        work: impl FnOnce() -> Done + Send + 'static,
    ) -> Result<(), StorageError> {
        let (out, bell) = (self.finish.clone(), Arc::clone(&self.wake));
        let run = move || {
            // Nobody is left to be told once the database is closed.
            let _ = out.send(work());
            ring(&bell);
        };
        let started = std::thread::Builder::new().name(name.to_owned()).spawn(run);
        started.map(drop).map_err(|source| {
            let path = self.file.path().display().to_string();
            StorageError::Io { path, what: "start a thread for", source }
        })
    }

    /// A new file is written: it is brought up to date, and gets its name.
    fn switch(&mut self, rewritten: Result<Rewritten, StorageError>) {
        let switch = self.file.switch_rewrite(rewritten);
        let started = switch.and_then(|switch| {
            let work = move || {
                yield_to_clients();
                Done::Switch(Box::new(Switch::run(switch)))
            };
            self.start_thread("ovsdb_compact", work)
        });
        if let Err(error) = started {
            self.file.abandon_rewrite();
            self.end_rewrite(Err(error));
        }
    }

    fn end_rewrite(&mut self, result: Result<(), StorageError>) {
        self.done.extend(self.rewriting.take().map(|ticket| (ticket, result)));
        self.start_rewrite();
    }

    fn take_finished(&mut self) {
        while let Ok(done) = self.finished.try_recv() {
            match done {
                Done::Sync(result) => {
                    let syncing = std::mem::take(&mut self.syncing);
                    match result {
                        Ok(()) => self.done.extend(syncing.into_iter().map(|ticket| (ticket, Ok(())))),
                        Err(source) => {
                            let path = self.file.path().display().to_string();
                            let error = StorageError::Io { path, what: "sync", source };
                            self.fail(syncing.into_iter(), Some(error));
                        }
                    }
                    self.start_sync();
                }
                Done::Rewrite(rewritten) => self.switch(*rewritten),
                Done::Switch(switched) => {
                    let (old, result) = self.file.finish_rewrite(*switched);
                    // The last handle on a file without a name: giving its place back takes long. Where no thread can
                    // be had, it is done here.
                    let close = std::thread::Builder::new().name("ovsdb_close".to_owned());
                    let _ = close.spawn(move || drop(old));
                    self.end_rewrite(result);
                }
            }
        }
    }
}

impl Storage for ThreadedJournal {
    fn append(&mut self, ticket: Ticket, bytes: &[u8], sync: bool) {
        self.batch.extend_from_slice(bytes);
        self.waiting.push((ticket, sync));
    }

    fn replace(&mut self, ticket: Ticket, snapshot: &Snapshot) {
        // What is submitted before is in the snapshot; what comes later must not overtake it.
        self.write_batch();
        self.queued.push_back((ticket, snapshot.clone()));
        self.start_rewrite();
    }

    fn commit(&mut self) {
        self.write_batch();
        self.start_sync();
    }

    fn poll(&mut self) -> Option<(Ticket, Result<(), StorageError>)> {
        let mut count = [0; 8];
        // Reading takes the bell back; that there was nothing to read is no error.
        if !self.syncing.is_empty() || self.rewriting.is_some() {
            let _ = rustix::io::read(&*self.wake, &mut count);
            self.take_finished();
        }
        self.done.pop_front()
    }

    fn wait(&self) -> Wait<'_> {
        Wait::Fd(self.wake.as_fd(), Interest::Read)
    }

    fn size(&self) -> u64 {
        self.file.size()
    }
}

/// Makes this thread, and no other, less important than the clients: without that they would wait a little longer.
fn yield_to_clients() {
    let _ = rustix::process::setpriority_process(None, NICE);
}

fn ring(bell: &OwnedFd) {
    // A counter that is full wakes as well.
    let _ = rustix::io::write(bell, &1u64.to_ne_bytes());
}
