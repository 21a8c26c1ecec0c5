//! Reading a journal out of a file, record by record.
//!
//! [`Records`] reads, checks and parses; what it [finds](Found) is replayed by whoever opens the file. The two halves
//! know nothing of each other, so that a program may let a thread of its own run ahead with the first one.

use std::io::{ErrorKind, Read};
use std::path::Path;
use std::sync::Arc;

use super::StorageError;
use super::direct::{Direct, DirectReader, replay_direct};
use super::file::io_error;
use super::journal::{Damage, Journal, check_record};
use super::record::replay_with;
use crate::database::Database;
use crate::json::Json;
use crate::schema::Schema;
use crate::value::UuidSource;

/// How much is read at a time, at least.
const CHUNK: usize = 256 << 10;

/// The records of a file in order, each checked and parsed. What cannot be read is the last one.
pub struct Records {
    source: Box<dyn Read + Send>,
    buffer: Vec<u8>,
    /// How much of the buffer was given out.
    start: usize,
    /// Where in the file that is.
    offset: u64,
    /// Reads straight from the text once the schema is known.
    reader: Option<DirectReader>,
    /// Nothing more comes from the file.
    ended: bool,
    stopped: bool,
}

/// A record of a file, or why there are no more.
#[derive(Debug)]
pub struct Found(Result<Record, Stop>);

#[derive(Debug)]
struct Record {
    /// Where it begins, and where the next one does.
    offset: u64,
    end: u64,
    body: Body,
}

/// What a record says.
#[derive(Debug)]
enum Body {
    /// As it was written: the schema, and what has to be looked at closely.
    Tree(Json),
    Direct(Direct),
}

#[derive(Debug)]
enum Stop {
    Clustered,
    Io(std::io::Error),
    Damage { offset: u64, damage: Damage, continues: bool },
}

impl Records {
    /// Reads `source` from its present position to its end.
    pub fn new(source: impl Read + Send + 'static) -> Records {
        let buffer = Vec::new();
        Records {
            source: Box::new(source),
            buffer,
            start: 0,
            offset: 0,
            reader: None,
            ended: false,
            stopped: false,
        }
    }

    fn step(&mut self) -> Result<Option<Record>, Stop> {
        loop {
            let rest = &self.buffer[self.start..];
            if rest.is_empty() && self.ended {
                return Ok(None);
            }
            let checked = check_record(rest).and_then(|(text, length)| {
                let direct = self.reader.as_mut().and_then(|reader| reader.read(text));
                Ok((
                    direct.map_or_else(|| Json::parse(text).map(Body::Tree), |d| Ok(Body::Direct(d)))?,
                    length,
                ))
            });
            match checked {
                Ok((body, length)) => {
                    let offset = self.offset;
                    self.start += length;
                    self.offset += length as u64;
                    if let (0, Body::Tree(schema)) = (offset, &body) {
                        // One that is bad is refused by who opens the file.
                        self.reader = Schema::from_json(schema).ok().map(DirectReader::new);
                    }
                    return Ok(Some(Record { offset, end: self.offset, body }));
                }
                // It may be good once all of it is here; and if it is not, what follows has to be looked at.
                Err(_) if !self.ended => self.fill().map_err(Stop::Io)?,
                Err(_) if self.offset == 0 && Journal::new(rest).is_clustered() => {
                    return Err(Stop::Clustered);
                }
                Err(damage) => {
                    let continues = Journal::new(rest).continues();
                    return Err(Stop::Damage { offset: self.offset, damage, continues });
                }
            }
        }
    }

    /// Reads on, each time at least as much as is waiting, so that a long record costs no more than its length.
    fn fill(&mut self) -> std::io::Result<()> {
        self.buffer.drain(..self.start);
        self.start = 0;
        let wanted = CHUNK.max(self.buffer.len()) as u64;
        let taken = loop {
            match self.source.by_ref().take(wanted).read_to_end(&mut self.buffer) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                other => break other?,
            }
        };
        self.ended = (taken as u64) < wanted;
        Ok(())
    }
}

impl Iterator for Records {
    type Item = Found;

    fn next(&mut self) -> Option<Found> {
        if self.stopped {
            return None;
        }
        let step = self.step();
        self.stopped = !matches!(step, Ok(Some(_)));
        step.transpose().map(Found)
    }
}

impl std::fmt::Debug for Records {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Records").field("offset", &self.offset).finish_non_exhaustive()
    }
}

/// What a whole journal comes to.
pub(super) struct Loaded {
    pub(super) database: Database,
    /// The number of transactions.
    pub(super) records: usize,
    /// Where the good records end.
    pub(super) end: u64,
    /// Where an interrupted write was found, and what it looks like.
    pub(super) torn: Option<(u64, Damage)>,
}

/// Replays the records of the file at `path`.
pub(super) fn load(
    path: &Path,
    mut records: impl Iterator<Item = Found>,
    versions: &mut UuidSource,
) -> Result<Loaded, StorageError> {
    let name = || path.display().to_string();
    let bad = |offset: u64, error| StorageError::BadRecord { path: name(), offset, error: Box::new(error) };
    let damaged = |offset: u64, damage| StorageError::Damaged { path: name(), offset, damage };
    let (schema, mut end) = match records.next() {
        Some(Found(Ok(Record { body: Body::Tree(schema), end, .. }))) => {
            (Schema::from_json(&schema).map_err(|error| bad(0, error))?, end)
        }
        None
        | Some(Found(
            Ok(Record { body: Body::Direct(_), .. }) | Err(Stop::Damage { damage: Damage::Header, .. }),
        )) => {
            return Err(StorageError::NotDatabase { path: name() });
        }
        Some(Found(Err(Stop::Damage { damage, .. }))) => return Err(damaged(0, damage)),
        Some(Found(Err(Stop::Clustered))) => return Err(StorageError::Clustered { path: name() }),
        Some(Found(Err(Stop::Io(error)))) => return Err(io_error(path, "read", error)),
    };
    let mut database = Database::new(Arc::new(schema));
    let (mut count, mut torn) = (0, None);
    for Found(found) in records {
        match found {
            Ok(record) => {
                let replayed = match record.body {
                    Body::Tree(json) => replay_with(&mut database, &json, None),
                    Body::Direct(direct) => replay_direct(&mut database, direct),
                };
                replayed.map_err(|error| bad(record.offset, error))?;
                count += 1;
                end = record.end;
            }
            Err(Stop::Damage { offset, damage, continues: true }) => return Err(damaged(offset, damage)),
            Err(Stop::Damage { offset, damage, .. }) => torn = Some((offset, damage)),
            Err(Stop::Io(error)) => return Err(io_error(path, "read", error)),
            Err(Stop::Clustered) => return Err(damaged(end, Damage::Header)),
        }
    }
    // Only now: nobody has seen the versions in between.
    database.set_versions(versions);
    Ok(Loaded { database, records: count, end, torn })
}
