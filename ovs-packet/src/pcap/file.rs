//! pcap over `std::io`.

use std::io::{self, ErrorKind, Read, Write};

use super::{FILE_HEADER_LEN, FileHeader, MAX_RECORD, PcapError, RECORD_HEADER_LEN, RecordHeader};

/// Why a pcap stream could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The system could not read.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// What was read is not pcap.
    #[error(transparent)]
    Format(#[from] PcapError),
}

/// Reads records one by one. Buffering is the reader's business.
#[derive(Debug)]
pub struct StreamReader<R> {
    header: FileHeader,
    source: R,
    offset: usize,
}

impl<R: Read> StreamReader<R> {
    /// Reads the file header.
    pub fn new(mut source: R) -> Result<Self, ReadError> {
        let mut bytes = [0; FILE_HEADER_LEN];
        let read = read_up_to(&mut source, &mut bytes)?;
        Ok(Self { header: FileHeader::parse(&bytes[..read])?, source, offset: FILE_HEADER_LEN })
    }

    /// What the file header says.
    pub fn header(&self) -> &FileHeader {
        &self.header
    }

    /// Reads the next record's bytes into `data` (replacing what it had); None at the end of the file.
    pub fn read(&mut self, data: &mut Vec<u8>) -> Result<Option<RecordHeader>, ReadError> {
        let mut bytes = [0; RECORD_HEADER_LEN];
        let read = read_up_to(&mut self.source, &mut bytes)?;
        if read == 0 {
            return Ok(None);
        }
        let header = self.header.parse_record(&bytes[..read], self.offset)?;
        data.clear();
        data.resize(header.len, 0);
        if read_up_to(&mut self.source, data)? < header.len {
            return Err(PcapError::Truncated { offset: self.offset }.into());
        }
        self.offset += RECORD_HEADER_LEN + header.len;
        Ok(Some(header))
    }
}

/// Fills `bytes` unless the source ends before; says how many were read.
fn read_up_to(source: &mut impl Read, bytes: &mut [u8]) -> io::Result<usize> {
    let mut done = 0;
    while done < bytes.len() {
        match source.read(&mut bytes[done..]) {
            Ok(0) => break,
            Ok(n) => done += n,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(done)
}

/// Writes records one by one. Buffering is the writer's business.
#[derive(Debug)]
pub struct Writer<W> {
    sink: W,
    header: FileHeader,
}

impl<W: Write> Writer<W> {
    /// Writes the file header ([`FileHeader::ethernet`]).
    pub fn new(sink: W) -> io::Result<Self> {
        Self::with_header(sink, FileHeader::ethernet())
    }

    /// Writes such a file header; packets will be cut to its snapshot length.
    pub fn with_header(mut sink: W, header: FileHeader) -> io::Result<Self> {
        sink.write_all(&header.to_bytes())?;
        Ok(Self { sink, header })
    }

    /// Goes on with a file that has its header ([`FileHeader::ethernet`]).
    pub fn append(sink: W) -> Self {
        Self::append_to(sink, FileHeader::ethernet())
    }

    /// Goes on with a file that has this header.
    pub fn append_to(sink: W, header: FileHeader) -> Self {
        Self { sink, header }
    }

    /// What the file header says.
    pub fn header(&self) -> &FileHeader {
        &self.header
    }

    /// Writes a packet with its time in nanoseconds since 1970.
    pub fn write(&mut self, timestamp: u64, data: &[u8]) -> io::Result<()> {
        self.write_cut(timestamp, data, data.len())
    }

    /// Writes what was captured of a packet that had `original_len` bytes.
    pub fn write_cut(&mut self, timestamp: u64, data: &[u8], original_len: usize) -> io::Result<()> {
        let kept = &data[..data.len().min(self.header.snapshot_len.min(MAX_RECORD) as usize)];
        let original = u32::try_from(original_len).map_err(|_| io::Error::from(ErrorKind::InvalidInput))?;
        self.sink.write_all(&self.header.record(timestamp, kept.len() as u32, original))?;
        self.sink.write_all(kept)
    }

    /// Passes on what the sink has buffered.
    pub fn flush(&mut self) -> io::Result<()> {
        self.sink.flush()
    }

    /// The sink.
    pub fn into_inner(self) -> W {
        self.sink
    }
}
