//! Running commands to their end, and keeping daemons while a value lives.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::BenchError;

/// How long a daemon may take to start or to end.
const PATIENCE: Duration = Duration::from_secs(20);

/// Runs a command that must succeed; gives its standard output.
pub fn run(command: &mut Command) -> Result<String, BenchError> {
    let output = command.stdin(Stdio::null()).output();
    let output = output.map_err(BenchError::system(line(command)))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        return Ok(text);
    }
    let errors = String::from_utf8_lossy(&output.stderr);
    let said = format!("{} ({})", [errors.trim(), text.trim()].join(" ").trim(), output.status);
    Err(BenchError::Command { command: line(command), said })
}

/// The command line, for people.
fn line(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
}

/// A program that runs until the value is dropped.
#[derive(Debug)]
pub struct Daemon {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Daemon {
    /// Starts one; what it prints goes to a file in `folder`.
    pub fn start(name: &str, folder: &Path, mut command: Command) -> Result<Self, BenchError> {
        let log = folder.join(format!("{name}.out"));
        let file = File::create(&log).map_err(BenchError::system(log.display().to_string()))?;
        let errors = file.try_clone().map_err(BenchError::system(log.display().to_string()))?;
        let child = command.stdin(Stdio::null()).stdout(file).stderr(errors).spawn();
        let child = child.map_err(BenchError::system(line(&command)))?;
        Ok(Self { name: name.to_owned(), child, log })
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it has printed.
    pub fn printed(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Fails, with the end of what it printed, if it has ended.
    pub fn check(&mut self) -> Result<(), BenchError> {
        match self.child.try_wait() {
            Ok(None) => Ok(()),
            Ok(Some(status)) => {
                let printed = self.printed();
                let lines: Vec<&str> = printed.lines().collect();
                let last = lines[lines.len().saturating_sub(5)..].join("\n");
                Err(BenchError::Command {
                    command: self.name.clone(),
                    said: format!("ended ({status})\n{last}"),
                })
            }
            Err(error) => Err(BenchError::system(self.name.as_str())(error)),
        }
    }

    /// Waits until `ready` holds.
    pub fn wait_until(&mut self, what: &str, mut ready: impl FnMut(&Self) -> bool) -> Result<(), BenchError> {
        let deadline = Instant::now() + PATIENCE;
        while !ready(self) {
            self.check()?;
            if Instant::now() > deadline {
                return Err(BenchError::Patience { what: format!("{}: {what}", self.name), limit: PATIENCE });
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if let Some(pid) = Pid::from_raw(self.child.id().cast_signed()) {
            // It may have ended by itself.
            let _ = kill_process(pid, Signal::TERM);
        }
        let deadline = Instant::now() + PATIENCE;
        while matches!(self.child.try_wait(), Ok(None)) {
            if Instant::now() > deadline {
                let _ = writeln!(std::io::stderr(), "{} does not end and is killed", self.name);
                let _ = self.child.kill();
                let _ = self.child.wait();
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}
