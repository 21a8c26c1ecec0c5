//! The program as a daemon: options, files, signals and bad input.

use std::process::Command;
use std::time::Duration;

use rustix::process::Signal;

use crate::harness::{Database, Kind, World, exclusive, tools};

fn vswitchd(args: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_vswitchd")).args(args).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn version_and_help_are_printed() {
    let (code, out, _) = vswitchd(&["--version"]);
    assert_eq!(code, Some(0));
    assert!(out.starts_with("vswitchd (Open vSwitch) 3.7.1"), "{out}");
    let (code, out, _) = vswitchd(&["--help"]);
    assert_eq!(code, Some(0));
    assert!(out.contains("--embedded-db"), "{out}");
}

#[test]
fn a_wrong_option_is_named() {
    let (code, _, err) = vswitchd(&["--no-such-option"]);
    assert_ne!(code, Some(0));
    assert!(err.contains("--no-such-option"), "{err}");
    let (code, _, err) = vswitchd(&["-vnosuchmodule:dbg"]);
    assert_ne!(code, Some(0));
    assert!(err.contains("nosuchmodule"), "{err}");
}

#[test]
fn a_corrupt_database_is_named_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("conf.db");
    std::fs::write(&file, "not a database").unwrap();
    let (code, _, err) = vswitchd(&[&format!("--embedded-db={}", file.display()), "--unixctl=none"]);
    assert_ne!(code, Some(0));
    assert!(err.contains("conf.db"), "{err}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "not a database");
}

#[test]
fn it_detaches_when_ready_and_sigterm_removes_its_files() {
    let _lock = exclusive();
    let Some(tools) = tools("it_detaches_when_ready_and_sigterm_removes_its_files") else { return };
    let mut world = World::empty(&tools, Kind::Ours);
    // Nobody has put anything into it, not even its root row.
    world.start_database(Database::Ours);
    let namespace = world.namespace().to_owned();
    let socket = format!("unix:{}", world.folder().join("db.sock").display());
    let mut command = world.inside(
        &namespace,
        env!("CARGO_BIN_EXE_vswitchd"),
        &["--detach", "--no-chdir", "--pidfile", "--log-file", &socket],
    );
    for name in ["OVS_RUNDIR", "OVS_LOGDIR", "OVS_DBDIR"] {
        command.env(name, world.folder());
    }
    let status =
        command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null()).status().unwrap();
    assert!(status.success(), "the parent exits once the child is ready");
    let pidfile = world.folder().join("vswitchd.pid");
    let pid: i32 = std::fs::read_to_string(&pidfile).unwrap().trim().parse().unwrap();
    let control = world.folder().join(format!("vswitchd.{pid}.ctl"));
    assert!(control.exists());
    let pid = rustix::process::Pid::from_raw(pid).unwrap();
    rustix::process::kill_process(pid, Signal::TERM).unwrap();
    world.wait_for("the end of the daemon", |_| (!pidfile.exists() && !control.exists()).then_some(()));
}

#[test]
fn exit_by_command_ends_it() {
    let _lock = exclusive();
    let Some(tools) = tools("exit_by_command_ends_it") else { return };
    let mut world = World::start(&tools, Kind::Ours, Database::Embedded, &[]);
    world.appctl_ok(&["exit"]);
    assert!(world.switch().end(Duration::from_secs(10)).is_some_and(|status| status.success()));
}

#[test]
fn malformed_requests_hurt_only_their_sender() {
    use std::io::{Read, Write};
    use std::os::unix::net::UnixStream;
    let _lock = exclusive();
    let Some(tools) = tools("malformed_requests_hurt_only_their_sender") else { return };
    let world = World::start(&tools, Kind::Ours, Database::Embedded, &[]);
    world.ok("ovs-vsctl", &["add-br", "br0"]);
    let sockets = ["db.sock", "br0.mgmt", "switch.ctl"].map(|name| world.folder().join(name));
    for socket in &sockets {
        for garbage in [
            &b"{\"method\": nonsense}\n"[..],
            b"\x01\xff\x00\x04",
            b"\x01\x00\x00\x07\0\0\0\0",
            &[0xff; 4096],
        ] {
            let mut stream = UnixStream::connect(socket).unwrap();
            stream.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
            let _ = stream.write_all(garbage);
            let _ = stream.shutdown(std::net::Shutdown::Write);
            let _ = stream.read_to_end(&mut Vec::new());
        }
    }
    assert_eq!(world.ok("ovs-vsctl", &["list-br"]).trim(), "br0");
    world.ok("ovs-ofctl", &["dump-flows", "br0"]);
    world.appctl_ok(&["version"]);
}
