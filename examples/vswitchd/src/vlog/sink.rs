//! The three places that lines are written to.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};

/// The file of `--log-file`.
#[derive(Debug)]
pub(super) struct LogFile {
    pub(super) path: PathBuf,
    file: File,
}

impl LogFile {
    pub(super) fn open(path: &Path) -> std::io::Result<LogFile> {
        let file = OpenOptions::new().append(true).create(true).mode(0o640).open(path)?;
        Ok(LogFile { path: path.to_path_buf(), file })
    }

    /// Whether the path still leads to the open file.
    pub(super) fn is_current(&self) -> bool {
        let inode = |m: std::fs::Metadata| (m.dev(), m.ino());
        match (std::fs::metadata(&self.path), self.file.metadata()) {
            (Ok(there), Ok(here)) => inode(there) == inode(here),
            _ => false,
        }
    }

    /// The open file's descriptor.
    pub(super) fn fd(&self) -> i32 {
        self.file.as_raw_fd()
    }

    pub(super) fn write(&mut self, line: &str) {
        // A full disk must not stop the switch; there is nowhere left to tell of it.
        let _ = self.file.write_all(line.as_bytes());
    }
}

/// How the system log is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum SyslogMethod {
    /// The local daemon's socket, whose daemon adds time and host.
    Local(PathBuf),
    /// A server over UDP, which gets the whole header.
    Udp(SocketAddr),
    /// None.
    Null,
}

impl SyslogMethod {
    /// Reads `libc`, `unix:FILE`, `udp:IP:PORT` or `null`.
    pub(super) fn parse(text: &str) -> Option<SyslogMethod> {
        match text {
            "libc" => Some(SyslogMethod::Local("/dev/log".into())),
            "null" => Some(SyslogMethod::Null),
            _ => match text.split_once(':')? {
                ("unix", file) if !file.is_empty() => Some(SyslogMethod::Local(file.into())),
                ("udp", at) => at.parse().ok().map(SyslogMethod::Udp),
                _ => None,
            },
        }
    }
}

/// A way to the system log.
#[derive(Debug)]
pub(super) struct Syslog {
    method: SyslogMethod,
    socket: Option<Socket>,
}

#[derive(Debug)]
enum Socket {
    Local(UnixDatagram),
    Udp(UdpSocket),
}

impl Syslog {
    pub(super) fn new(method: SyslogMethod) -> Syslog {
        Syslog { method, socket: None }
    }

    /// Whether lines go to a remote server, which needs host and time in them.
    pub(super) fn is_remote(&self) -> bool {
        matches!(self.method, SyslogMethod::Udp(_))
    }

    /// Sends one line without waiting. What cannot be sent is lost, as it is with any system log.
    pub(super) fn write(&mut self, line: &str) {
        if self.socket.is_none() {
            self.socket = self.connect().ok();
        }
        let sent = match &self.socket {
            Some(Socket::Local(s)) => s.send(line.as_bytes()),
            Some(Socket::Udp(s)) => s.send(line.as_bytes()),
            None => return,
        };
        // A daemon that was restarted has another socket behind the same name.
        if sent.is_err_and(|e| e.kind() != std::io::ErrorKind::WouldBlock) {
            self.socket = None;
        }
    }

    fn connect(&self) -> std::io::Result<Socket> {
        match &self.method {
            SyslogMethod::Local(path) => {
                let socket = UnixDatagram::unbound()?;
                socket.set_nonblocking(true)?;
                socket.connect(path)?;
                Ok(Socket::Local(socket))
            }
            SyslogMethod::Udp(to) => {
                let any: SocketAddr = if to.is_ipv4() { ([0; 4], 0).into() } else { ([0u16; 8], 0).into() };
                let socket = UdpSocket::bind(any)?;
                socket.set_nonblocking(true)?;
                socket.connect(to)?;
                Ok(Socket::Udp(socket))
            }
            SyslogMethod::Null => Err(std::io::ErrorKind::Unsupported.into()),
        }
    }
}
