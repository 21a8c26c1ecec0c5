//! A host of the lab: a child process in a network namespace of its own, that does what it is asked.
//!
//! Requests are lines on its standard input, answers are lines on its standard output, ended by a line
//! `ok` or `error: …`.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddrV4, TcpListener, TcpStream};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use super::netlink::Netlink;
use super::{LabError, namespace, ping, system};

/// The hidden subcommand that turns this program into a host.
pub const SUBCOMMAND: &str = "lab-host";

/// The lab's end of a host.
pub struct Host {
    name: String,
    child: Child,
    requests: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Host {
    /// Starts one and waits until it is in its own namespace.
    pub fn start(name: &str) -> Result<Self, LabError> {
        let program = std::env::current_exe().map_err(system("finding this program"))?;
        let mut child = Command::new(program)
            .arg(SUBCOMMAND)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(system(format!("starting host {name}")))?;
        let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(LabError::Child { who: name.to_owned(), what: "has no pipes".to_owned() });
        };
        let mut host =
            Self { name: name.to_owned(), child, requests: Some(stdin), answers: BufReader::new(stdout) };
        host.answer()?;
        Ok(host)
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its process, which names its namespace.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Gives its device `eth0` an address.
    pub fn configure(&mut self, address: Ipv4Addr) -> Result<(), LabError> {
        self.ask(&format!("address {address}")).map(|_| ())
    }

    /// Sends a request and waits for its answer.
    pub fn ask(&mut self, request: &str) -> Result<String, LabError> {
        if let Some(requests) = &mut self.requests {
            writeln!(requests, "{request}").map_err(system(format!("asking host {}", self.name)))?;
        }
        self.answer()
    }

    fn answer(&mut self) -> Result<String, LabError> {
        let mut text = String::new();
        loop {
            let mut line = String::new();
            let read =
                self.answers.read_line(&mut line).map_err(system(format!("hearing host {}", self.name)))?;
            if read == 0 {
                return Err(LabError::Child { who: self.name.clone(), what: "ended".to_owned() });
            }
            match line.trim_end() {
                "ok" => return Ok(text),
                error if error.starts_with("error: ") => {
                    return Err(LabError::Child { who: self.name.clone(), what: error[7..].to_owned() });
                }
                _ => text.push_str(&line),
            }
        }
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        // A host ends when its requests end; one that does not is ended.
        self.requests = None;
        let deadline = Instant::now() + Duration::from_secs(1);
        while Instant::now() < deadline {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The life of a host: enter a namespace, then answer requests until there are no more.
pub fn serve(input: &mut dyn BufRead, output: &mut dyn Write) -> Result<(), LabError> {
    namespace::own_network()?;
    Netlink::open()?.loopback_up()?;
    let said = |output: &mut dyn Write, text: &str| {
        writeln!(output, "{text}").and_then(|()| output.flush()).map_err(system("answering"))
    };
    said(output, "ok")?;
    let mut line = String::new();
    while input.read_line(&mut line).map_err(system("reading requests"))? > 0 {
        match obey(line.trim()) {
            Ok(answer) if answer.is_empty() => said(output, "ok")?,
            Ok(answer) => said(output, &format!("{answer}\nok"))?,
            Err(error) => said(output, &format!("error: {error}"))?,
        }
        line.clear();
    }
    Ok(())
}

fn obey(request: &str) -> Result<String, LabError> {
    let words: Vec<&str> = request.split_whitespace().collect();
    match words[..] {
        ["address", address] => {
            Netlink::open()?.configure("eth0", parse(address)?)?;
            Ok(String::new())
        }
        ["ping", to, count] => ping::ping(parse(to)?, parse(count)?).map_err(system("ping")),
        ["serve", port] => {
            let listener = TcpListener::bind(SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, parse(port)?));
            let listener = listener.map_err(system("listening"))?;
            std::thread::spawn(move || swallow(&listener));
            Ok(String::new())
        }
        ["send", to, port, seconds] => send(SocketAddrV4::new(parse(to)?, parse(port)?), parse(seconds)?),
        _ => Err(LabError::Traffic(format!("unknown request: {request}"))),
    }
}

/// Takes one connection, reads it to its end and answers with the number of bytes.
fn swallow(listener: &TcpListener) {
    let Ok((mut stream, _)) = listener.accept() else { return };
    let mut buffer = vec![0; 1 << 18];
    let mut total = 0_u64;
    while let Ok(read @ 1..) = stream.read(&mut buffer) {
        total += read as u64;
    }
    let _ = writeln!(stream, "{total}");
}

/// Sends for some seconds; returns how many bytes the other end has counted.
fn send(to: SocketAddrV4, seconds: u64) -> Result<String, LabError> {
    let connected = TcpStream::connect_timeout(&to.into(), Duration::from_secs(5));
    let mut stream = connected.map_err(system(format!("connecting to {to}")))?;
    let (buffer, deadline) = (vec![0; 1 << 17], Instant::now() + Duration::from_secs(seconds));
    while Instant::now() < deadline {
        stream.write_all(&buffer).map_err(system("sending"))?;
    }
    stream.shutdown(std::net::Shutdown::Write).map_err(system("sending"))?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).map_err(system("hearing the other end"))?;
    Ok(answer.trim().to_owned())
}

fn parse<T: std::str::FromStr>(word: &str) -> Result<T, LabError> {
    word.parse().map_err(|_| LabError::Traffic(format!("cannot read {word}")))
}
