use super::*;

#[test]
fn directories_follow_the_environment() {
    let plain = Dirs::from_lookup(|_| None);
    assert_eq!(plain.run.to_str(), Some("/var/run/openvswitch"));
    assert_eq!(plain.db.to_str(), Some("/etc/openvswitch"));
    let moved = Dirs::from_lookup(|name| Some(format!("/x/{name}").into()));
    assert_eq!(moved.db.to_str(), Some("/x/OVS_DBDIR"));
    assert_eq!(moved.in_run("a.ctl").to_str(), Some("/x/OVS_RUNDIR/a.ctl"));
    assert_eq!(moved.in_run("/y/a.ctl").to_str(), Some("/y/a.ctl"));
    let sysconf = Dirs::from_lookup(|name| (name == "OVS_SYSCONFDIR").then(|| "/s".into()));
    assert_eq!(sysconf.db.to_str(), Some("/s/openvswitch"));
}

#[test]
fn files_are_named_after_the_program() {
    let program = Program { name: "ovs-vswitchd".into(), dirs: Dirs::from_lookup(|_| None) };
    assert_eq!(program.version_line(), "ovs-vswitchd (Open vSwitch) 3.7.1");
    let options = DaemonOptions { pidfile: Some(None), ..DaemonOptions::default() };
    let pidfile = options.pidfile_path(&program).unwrap();
    assert_eq!(pidfile.to_str(), Some("/var/run/openvswitch/ovs-vswitchd.pid"));
    let ctl = options.unixctl_address(&program).unwrap().to_string();
    assert_eq!(ctl, format!("punix:/var/run/openvswitch/ovs-vswitchd.{}.ctl", std::process::id()));
    let options = DaemonOptions { unixctl: Some("none".into()), ..DaemonOptions::default() };
    assert_eq!(options.unixctl_address(&program), None);
}

#[test]
fn a_pidfile_names_its_process_and_goes_with_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.pid");
    std::fs::write(&path, "1\n").unwrap();
    let held = pidfile::Pidfile::create(&path, false).unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), format!("{}\n", std::process::id()));
    drop(held);
    assert!(!path.exists());
    let Err(e) = pidfile::Pidfile::create(std::path::Path::new("/nonexistent/a"), false) else { panic!() };
    assert_eq!(e.to_string(), "/nonexistent/a.tmp: create failed (No such file or directory)");
}

#[test]
fn an_unknown_user_is_refused_by_name() {
    let e = user::become_user("no-such-user-here:x", None).unwrap_err();
    assert_eq!(e.to_string(), "--user=no-such-user-here:x: no such user or group");
}

#[test]
fn threads_are_seen_before_a_fork() {
    let count = || sys::thread_count();
    let more = std::thread::spawn(count).join().unwrap();
    assert!(more >= 2, "the spawned thread and the one that waits for it");
}
