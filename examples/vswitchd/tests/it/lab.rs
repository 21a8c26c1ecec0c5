//! The lab, as a newcomer runs it.

use std::process::Command;

use crate::harness::skip;

/// Runs `vswitchd lab --once` and gives what it printed.
fn lab(mut command: Command) -> (bool, String) {
    let output = command.args(["lab", "--once", "--seconds=1"]).output().unwrap();
    let text =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (output.status.success(), text)
}

fn check(text: &str) {
    assert!(text.contains("reply from 10.0.0.2: seq=5"), "{text}");
    assert!(text.contains("Gbit/s"), "{text}");
    assert!(text.contains("actions=NORMAL"), "{text}");
    assert!(text.contains("eth_type(0x0800)"), "{text}");
}

#[test]
fn two_hosts_talk_as_root() {
    if !rustix::process::geteuid().is_root() {
        return skip("two_hosts_talk_as_root", "needs root");
    }
    let (ended_well, text) = lab(Command::new(env!("CARGO_BIN_EXE_vswitchd")));
    assert!(ended_well, "{text}");
    check(&text);
}

#[test]
fn two_hosts_talk_as_an_ordinary_user() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vswitchd"));
    if rustix::process::geteuid().is_root() {
        // The program must be somewhere that `nobody` may read.
        let folder = tempfile::Builder::new().prefix("ovst-").tempdir().unwrap();
        let program = folder.path().join("vswitchd");
        std::fs::copy(env!("CARGO_BIN_EXE_vswitchd"), &program).unwrap();
        Command::new("chmod").arg("a+rx").arg(folder.path()).arg(&program).status().unwrap();
        command = Command::new("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(&program);
        let (ended_well, text) = lab(command);
        assert!(ended_well, "{text}");
        check(&text);
        return;
    }
    let (ended_well, text) = lab(command);
    assert!(ended_well, "{text}");
    check(&text);
}
