//! The distribution's `ovs-ofctl` against our bridges, over a Unix socket of the test's own.

use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use ovs_ofproto::{ConnId, ConnectionKind};

use crate::peer::Peer;
use crate::world::World;

/// How long a command may take.
const LIMIT: Duration = Duration::from_mins(1);

pub struct Ofctl {
    program: PathBuf,
    socket: PathBuf,
}

struct Link {
    stream: UnixStream,
    id: ConnId,
    unread: Vec<u8>,
    unsent: Vec<u8>,
}

impl Ofctl {
    pub fn new(peer: &Peer) -> Self {
        Self::at(peer.ofctl(), peer.folder())
    }

    pub fn at(program: &Path, folder: &Path) -> Self {
        Self { program: program.to_owned(), socket: folder.join("ours.sock") }
    }

    /// Runs a command to its end while the world turns; `TARGET` stands for our bridge.
    pub fn run(&self, world: &mut World, bridge: &str, args: &[&str]) -> Output {
        let _ = std::fs::remove_file(&self.socket);
        let listener = UnixListener::bind(&self.socket).expect("binds");
        listener.set_nonblocking(true).expect("non-blocking");
        let target = format!("unix:{}", self.socket.display());
        let args = args.iter().map(|arg| arg.replace("TARGET", &target));
        let mut command = Command::new(&self.program);
        let mut child =
            command.args(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("runs");
        let (mut links, end) = (Vec::new(), Instant::now() + LIMIT);
        // What it prints must not fill the pipes while it waits for us.
        let stdout = child.stdout.take().expect("piped");
        let stderr = child.stderr.take().expect("piped");
        let readers = [read_all(stdout), read_all(stderr)];
        let status = loop {
            if let Ok((stream, _)) = listener.accept() {
                stream.set_nonblocking(true).expect("non-blocking");
                let id =
                    world.switch.open_connection(bridge, ConnectionKind::Service, world.now).expect("bridge");
                links.push(Link { stream, id, unread: Vec::new(), unsent: Vec::new() });
            }
            let busy = links.iter_mut().map(|link| link.turn(world)).fold(false, |a, b| a | b);
            world.turn();
            if let Some(status) = child.try_wait().expect("waits") {
                break status;
            }
            assert!(Instant::now() < end, "{} hangs", self.program.display());
            if !busy {
                std::thread::sleep(Duration::from_micros(100));
            }
        };
        for link in links {
            world.switch.close_connection(link.id, world.now);
        }
        let [stdout, stderr] = readers.map(|reader| reader.join().expect("reads"));
        Output { status, stdout, stderr }
    }
}

fn read_all(mut from: impl Read + Send + 'static) -> std::thread::JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        from.read_to_end(&mut bytes).expect("reads");
        bytes
    })
}

impl Link {
    /// Moves bytes both ways; says whether there were any.
    fn turn(&mut self, world: &mut World) -> bool {
        let mut buffer = vec![0; 65536];
        if self.unread.is_empty() {
            match self.stream.read(&mut buffer) {
                Ok(n) => self.unread.extend(&buffer[..n]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(_) => return false,
            }
        }
        let taken = world.switch.feed(self.id, &self.unread).unwrap_or(self.unread.len());
        self.unread.drain(..taken);
        world.switch.take_output(self.id, 1 << 20, &mut self.unsent);
        let sent = self.stream.write(&self.unsent).unwrap_or(0);
        self.unsent.drain(..sent);
        taken + sent > 0
    }
}
