//! Detaching, pidfile, log, supervision and signals, with the example `tiny_daemon` as the program.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail on the spot")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};

use crate::peer;

/// A run directory with one tiny daemon in it, which is killed at the end whatever happened.
struct Tiny {
    dir: tempfile::TempDir,
}

impl Tiny {
    fn new() -> Tiny {
        Tiny { dir: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn run(&self, args: &[&str]) -> Output {
        // Cargo builds examples before it runs tests, beside them.
        let mut program = std::env::current_exe().unwrap();
        program.pop();
        program.pop();
        program.push("examples/tiny_daemon");
        Command::new(program).args(args).env("OVS_RUNDIR", self.dir.path()).output().unwrap()
    }

    fn start(&self, args: &[&str]) {
        let log = format!("--log-file={}", self.path("log").display());
        let mut all = vec!["--detach", "--no-chdir", "--pidfile", "-vsyslog:off", &log];
        all.extend(args);
        let output = self.run(&all);
        assert!(output.status.success(), "{output:?}");
        assert!(output.stdout.is_empty(), "{output:?}");
    }

    fn pid(&self) -> Option<Pid> {
        Pid::from_raw(std::fs::read_to_string(self.path("tiny_daemon.pid")).ok()?.trim().parse().ok()?)
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    fn appctl(&self, appctl: &Path, args: &[&str]) -> Output {
        let mut command = Command::new(appctl);
        command.env("OVS_RUNDIR", self.dir.path()).arg("-t").arg("tiny_daemon").args(args).output().unwrap()
    }
}

impl Drop for Tiny {
    fn drop(&mut self) {
        if let Some(pid) = self.pid() {
            let _ = kill_process(pid, Signal::TERM);
        }
    }
}

#[track_caller]
fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(20);
    while !done() {
        assert!(Instant::now() < end, "{what} did not happen within 20 seconds");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn it_detaches_answers_and_ends_by_a_signal() {
    let Some(appctl) = peer::program("it_detaches_answers_and_ends_by_a_signal", "ovs-appctl") else {
        return;
    };
    let tiny = Tiny::new();
    tiny.start(&[]);
    let pid = tiny.pid().unwrap();
    let version = tiny.appctl(&appctl, &["version"]);
    assert_eq!(String::from_utf8_lossy(&version.stdout), "tiny_daemon (Open vSwitch) 3.7.1\n", "{version:?}");
    let list = tiny.appctl(&appctl, &["vlog/list"]);
    assert!(
        String::from_utf8_lossy(&list.stdout).contains("\nvlog               OFF        OFF       INFO\n")
    );

    let second = tiny.run(&["--pidfile"]);
    let expected =
        format!("{}: already running as pid {}, aborting\n", tiny.path("tiny_daemon.pid").display(), pid);
    assert_eq!(String::from_utf8_lossy(&second.stderr), format!("tiny_daemon: {expected}"));
    assert_eq!(second.status.code(), Some(1));

    kill_process(pid, Signal::TERM).unwrap();
    wait_until("the end", || test_kill_process(pid).is_err());
    assert!(tiny.pid().is_none(), "the pidfile is gone");
    assert!(!tiny.path(&format!("tiny_daemon.{pid}.ctl")).exists(), "the socket is gone");
    let log = tiny.log();
    let lines: Vec<_> = log.lines().map(|l| &l[24..]).collect();
    assert_eq!(
        lines,
        [
            &format!("|00001|vlog|INFO|opened log file {}", tiny.path("log").display()),
            "|00002|daemon|INFO|tiny_daemon (Open vSwitch) 3.7.1",
            "|00003|fatal_signal|WARN|terminating with signal 15 (Terminated)",
        ]
    );
}

#[test]
fn exit_leaves_nothing_behind() {
    let Some(appctl) = peer::program("exit_leaves_nothing_behind", "ovs-appctl") else { return };
    let tiny = Tiny::new();
    tiny.start(&[]);
    assert!(tiny.appctl(&appctl, &["exit"]).status.success());
    wait_until("the end", || {
        let names = std::fs::read_dir(tiny.dir.path()).unwrap().map(|e| e.unwrap().file_name());
        names.collect::<Vec<_>>() == ["log"]
    });
}

#[test]
fn a_crash_is_followed_by_a_restart() {
    let Some(appctl) = peer::program("a_crash_is_followed_by_a_restart", "ovs-appctl") else { return };
    let tiny = Tiny::new();
    tiny.start(&["--monitor"]);
    let first = tiny.pid().unwrap();
    tiny.appctl(&appctl, &["crash"]);
    wait_until("a second process", || tiny.pid().is_some_and(|pid| pid != first));
    wait_until("an answer", || tiny.appctl(&appctl, &["version"]).status.success());
    assert!(tiny.appctl(&appctl, &["exit"]).status.success());
    wait_until("the monitor's last line", || tiny.log().contains("exit status 0, exiting"));
    let log = tiny.log();
    let died = format!("(monitor)|ERR|pid {first} died, killed (Aborted)");
    assert!(log.contains(&died) && log.contains(", restarting\n"), "{log}");
}

#[test]
fn a_segmentation_fault_leaves_its_trace() {
    let tiny = Tiny::new();
    tiny.start(&[]);
    let pid = tiny.pid().unwrap();
    kill_process(pid, Signal::SEGV).unwrap();
    wait_until("the end", || test_kill_process(pid).is_err());
    let log = tiny.log();
    let at = log.find("|fatal_signal|ERR|SIGSEGV detected, backtrace:\n0x").expect(&log);
    assert!(log[at..].lines().count() > 5, "{log}");
    std::fs::remove_file(tiny.path("tiny_daemon.pid")).unwrap();
}

#[test]
fn another_user_keeps_what_a_switch_needs() {
    if !rustix::process::geteuid().is_root() {
        peer::skip("another_user_keeps_what_a_switch_needs", "only root can become another user");
        return;
    }
    let tiny = Tiny::new();
    std::os::unix::fs::chown(tiny.dir.path(), Some(65534), Some(65534)).unwrap();
    tiny.start(&["--user=nobody:nogroup"]);
    let pid = tiny.pid().unwrap();
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    assert!(status.contains("\nUid:\t65534\t65534\t65534\t65534\n"), "{status}");
    // NET_BROADCAST, NET_ADMIN, NET_RAW, IPC_LOCK, SYS_NICE: bits 11 to 14 and 23.
    assert!(status.contains("\nCapEff:\t0000000000807800\n"), "{status}");
    let log = std::fs::metadata(tiny.path("log")).unwrap();
    assert_eq!(std::os::unix::fs::MetadataExt::uid(&log), 65534);
}

#[test]
fn a_fatal_error_reaches_whoever_started_it() {
    let tiny = Tiny::new();
    let failures = [
        (
            &["--detach", "--pidfile=/nonexistent/x"][..],
            "tiny_daemon: /nonexistent/x.tmp: create failed (No such file or directory)\n",
        ),
        (
            &["--detach", "--unixctl=/nonexistent/x"],
            "tiny_daemon: /nonexistent/x: binding failed: No such file or directory\n",
        ),
        (
            &["--detach", "--log-file=/nonexistent/x"],
            "tiny_daemon: failed to open /nonexistent/x for logging: No such file or directory\n",
        ),
        (
            &["-vnonsense"],
            "tiny_daemon: processing \"nonsense\": no destination, level, or module \"nonsense\"\n",
        ),
        (&["--bogus"], "tiny_daemon: unexpected argument '--bogus' found; use --help for usage\n"),
        (&["--user=nobody-here"], "tiny_daemon: --user=nobody-here: no such user or group\n"),
    ];
    for (args, error) in failures {
        let output = tiny.run(args);
        assert_eq!(String::from_utf8_lossy(&output.stderr), error, "{args:?}");
        assert_eq!(output.status.code(), Some(1), "{args:?}");
    }
    let version = tiny.run(&["--versi"]);
    assert_eq!(String::from_utf8_lossy(&version.stdout), "tiny_daemon (Open vSwitch) 3.7.1\n");
    assert_eq!(version.status.code(), Some(0));
}
