//! What is to be known of a cluster member's file without understanding it.

use std::path::Path;

use ovs_db::json::Json;

use crate::fault::Fault;

const MAGIC: &[u8] = b"OVSDB CLUSTER ";
const STANDALONE: &[u8] = b"OVSDB JSON ";

/// The most of a file that is read for its first record: schemas are not longer by far.
const FIRST_RECORD: u64 = 64 << 20;

/// What kind of file it is.
#[derive(Debug)]
pub enum Kind {
    /// A database by itself.
    Standalone,
    /// Of a cluster; with the first record.
    Clustered(Header),
}

/// The first record of a cluster member's file.
#[derive(Debug)]
pub struct Header(Json);

impl Header {
    /// A member of the record that is text (`name`, `local_address`).
    pub fn text(&self, member: &str) -> Option<&str> {
        self.0.get(member)?.as_str()
    }

    /// A member that is a UUID (`server_id`, `cluster_id`).
    pub fn uuid(&self, member: &str) -> Option<&str> {
        match self.0.get(member)? {
            Json::String(text) => Some(text),
            Json::Array(pair) => pair.get(1)?.as_str(),
            _ => None,
        }
    }
}

/// Looks at the beginning of a file.
pub fn identify(path: &Path) -> Result<Kind, Fault> {
    use std::io::Read as _;
    let name = || path.display().to_string();
    let io = |what| move |source| Fault::Io { path: path.display().to_string(), what, source };
    let file = std::fs::File::open(path).map_err(io("open"))?;
    let mut start = vec![0; MAGIC.len()];
    let mut file = std::io::BufReader::new(file);
    let n = read_some(&mut file, &mut start).map_err(io("read"))?;
    if start[..n].starts_with(STANDALONE) {
        return Ok(Kind::Standalone);
    }
    if start[..n] != *MAGIC {
        return Err(Fault::Unidentified(name()));
    }
    let mut rest = Vec::new();
    file.take(FIRST_RECORD).read_to_end(&mut rest).map_err(io("read"))?;
    record(&rest).map(|json| Kind::Clustered(Header(json))).ok_or_else(|| Fault::Unidentified(name()))
}

fn read_some(file: &mut impl std::io::Read, buffer: &mut [u8]) -> std::io::Result<usize> {
    let mut n = 0;
    while n < buffer.len() {
        match file.read(&mut buffer[n..])? {
            0 => break,
            more => n += more,
        }
    }
    Ok(n)
}

/// The record whose header goes on with `bytes`: `LENGTH SHA1\n` and the JSON.
fn record(bytes: &[u8]) -> Option<Json> {
    let end = bytes.iter().take(80).position(|byte| *byte == b'\n')?;
    let (length, _) = std::str::from_utf8(&bytes[..end]).ok()?.split_once(' ')?;
    let body = bytes.get(end + 1..)?.get(..length.parse().ok()?)?;
    Json::parse(body).ok()
}
