//! The same commands to our server and to the distribution's.

use std::process::Command;

use crate::support::{Server, printed, program, schema};

/// Commands for `ovs-vsctl`, one a line.
const SCRIPT: &str = "init
show
add-br br0
add-br br0
--may-exist add-br br0
add-port br0 p1 -- set interface p1 type=internal options:a=b ofport_request=7
add-port br0 p1
add-port br0 p2 tag=9
add-bond br0 bond0 x y bond_mode=active-backup
list-br
list-ports br0
list-ifaces br0
port-to-br p2
get port p2 tag
set port p2 tag=5000
set port p2 trunks=1,2,3 vlan_mode=trunk
get port p2 trunks vlan_mode
remove port p2 trunks 2
add port p2 trunks 7
get port p2 trunks
clear port p2 trunks
set bridge br0 other_config:hwaddr=00:00:00:00:00:01 fail_mode=secure
set bridge br0 fail_mode=odd
--columns=name,fail_mode,other_config list bridge
--columns=name,type,options find interface type=internal
set-controller br0 tcp:127.0.0.1:6653
get-controller br0
set-manager ptcp:6640
get-manager
del-manager
-- --id=@m create mirror name=m select_all=true output_port=@p -- --id=@p get port p1 -- set bridge br0 mirrors=@m
--columns=name,select_all,output_port list mirror
del-port p1
--columns=name,output_port list mirror
-- --id=@q create qos type=linux-htb queues:0=@z -- --id=@z create queue other_config:max-rate=10 -- set port p2 qos=@q
--columns=type,queues list qos
destroy qos nothing
--all destroy qos
--if-exists del-port nothing
del-port nothing
br-set-external-id br0 key value
br-get-external-id br0
wait-until bridge br0 fail_mode=secure
emer-reset
del-br br0
show
list open_vswitch";

#[test]
fn vsctl_prints_what_it_prints_elsewhere() {
    const TEST: &str = "vsctl_prints_what_it_prints_elsewhere";
    let (Some(vsctl), Some(peer)) = (program(TEST, "ovs-vsctl"), program(TEST, "ovsdb-server")) else {
        return;
    };
    let (ours, theirs) = (Server::start(None), Server::start(Some(&peer)));
    for line in SCRIPT.lines() {
        let args: Vec<&str> = line.split(' ').collect();
        let expected = printed(&theirs.vsctl(&vsctl, &args), theirs.dir.path());
        let got = printed(&ours.vsctl(&vsctl, &args), ours.dir.path());
        // Texts of constraint violations are each server's own; the rows come in the order of UUIDs.
        let lines = |text: &str| {
            let mut lines: Vec<String> =
                text.lines().map(|l| l.split("details").next().unwrap().into()).collect();
            lines.sort();
            lines
        };
        assert_eq!(lines(&got), lines(&expected), "{line}\nours:\n{got}\ntheirs:\n{expected}");
    }
}

#[test]
fn appctl_and_client_tools_work() {
    const TEST: &str = "appctl_and_client_tools_work";
    let (Some(appctl), Some(client), Some(tool)) =
        (program(TEST, "ovs-appctl"), program(TEST, "ovsdb-client"), program(TEST, "ovsdb-tool"))
    else {
        return;
    };
    let mut server = Server::start(None);
    let dir = server.dir.path().to_owned();
    let ask = |args: &[&str]| printed(&server.appctl(&appctl, args), &dir);
    assert_eq!(ask(&["version"]), "ovsdb-server (Open vSwitch) 3.7.1\nexit Some(0)");
    assert_eq!(ask(&["ovsdb-server/list-dbs"]), "Open_vSwitch\n_Server\nexit Some(0)");
    assert_eq!(ask(&["ovsdb-server/list-remotes"]), "punix:DIR/db.sock\nexit Some(0)");
    assert_eq!(ask(&["ovsdb-server/sync-status"]), "state: active\nexit Some(0)");
    assert_eq!(ask(&["ovsdb-server/compact"]), "exit Some(0)");
    assert!(ask(&["ovsdb-server/compact", "nothing"]).ends_with("exit Some(2)"));
    assert!(ask(&["list-commands"]).contains("ovsdb-server/add-remote REMOTE"));
    assert!(ask(&["coverage/show"]).contains(" events never hit"), "{}", ask(&["coverage/show"]));
    assert_eq!(ask(&["coverage/read-counter", "failures"]), "0\nexit Some(0)");
    assert!(ask(&["coverage/read-counter", "nothing"]).contains("No such counter"));
    let memory = ask(&["memory/show"]);
    assert!(memory.contains(" monitors:0 n-weak-refs:0\n"), "{memory}");

    let second = dir.join("second.sock");
    let remote = format!("punix:{}", second.display());
    assert_eq!(ask(&["ovsdb-server/add-remote", &remote]), "exit Some(0)");
    let dbs = |socket: &std::path::Path| {
        let output =
            Command::new(&client).args(["list-dbs", &format!("unix:{}", socket.display())]).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    assert_eq!(dbs(&second), "Open_vSwitch\n_Server\n");
    assert_eq!(ask(&["ovsdb-server/remove-remote", &remote]), "exit Some(0)");
    assert!(!second.exists());

    // A second database, made by the distribution's tool from the project's schema under another name.
    let text = std::fs::read_to_string(schema()).unwrap().replacen("Open_vSwitch", "Other", 1);
    let (other_schema, other) = (dir.join("other.ovsschema"), dir.join("other.db"));
    std::fs::write(&other_schema, text).unwrap();
    assert!(Command::new(&tool).arg("create").args([&other, &other_schema]).status().unwrap().success());
    assert_eq!(ask(&["ovsdb-server/add-db", other.to_str().unwrap()]), "exit Some(0)");
    assert_eq!(dbs(&dir.join("db.sock")), "Open_vSwitch\nOther\n_Server\n");
    assert_eq!(ask(&["ovsdb-server/remove-db", "Other"]), "exit Some(0)");
    assert_eq!(dbs(&dir.join("db.sock")), "Open_vSwitch\n_Server\n");

    assert_eq!(ask(&["ovsdb-server/disable-monitor-cond"]), "exit Some(0)");

    assert_eq!(ask(&["exit"]), "exit Some(0)");
    assert_eq!(server.wait(), Some(0));
    assert!(!dir.join("db.sock").exists() && !dir.join("ctl").exists());
}

#[test]
fn the_python_idl_works() {
    const TEST: &str = "the_python_idl_works";
    let Some(python) = program(TEST, "python3").map(|_| "/usr/bin/python3") else { return };
    let known = Command::new(python).args(["-c", "import ovs.db.idl"]).output();
    if !known.is_ok_and(|output| output.status.success()) {
        program(TEST, "python3-openvswitch");
        return;
    }
    let server = Server::start(None);
    let script = r#"
import sys, time, ovs.db.idl, ovs.poller
helper = ovs.db.idl.SchemaHelper(sys.argv[2])
helper.register_all()
idl = ovs.db.idl.Idl("unix:" + sys.argv[1], helper)
def until(what):
    end = time.time() + 10
    while not what() and time.time() < end:
        idl.run()
        poller = ovs.poller.Poller()
        idl.wait(poller)
        poller.timer_wait(100)
        poller.block()
    return what()
assert until(lambda: idl.change_seqno > 0)
txn = ovs.db.idl.Transaction(idl)
root = txn.insert(idl.tables["Open_vSwitch"])
qos = txn.insert(idl.tables["QoS"])
qos.type = "x"
root.external_ids = {"a": "b"}
assert txn.commit_block() == "success", txn.get_error()
root = list(idl.tables["Open_vSwitch"].rows.values())[0]
txn = ovs.db.idl.Transaction(idl)
root.setkey("external_ids", "c", "d")
root.increment("next_cfg") if hasattr(root, "increment") else None
assert txn.commit_block() == "success", txn.get_error()
assert until(lambda: root.external_ids == {"a": "b", "c": "d"}), root.external_ids
print("good")
"#;
    let output =
        Command::new(python).args(["-c", script]).args([server.path("db.sock"), schema()]).output().unwrap();
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "good\n",
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn the_distributions_switch_works() {
    const TEST: &str = "the_distributions_switch_works";
    let (Some(switch), Some(vsctl)) = (program(TEST, "ovs-vswitchd"), program(TEST, "ovs-vsctl")) else {
        return;
    };
    let server = Server::start(None);
    let dir = server.dir.path();
    assert!(server.vsctl(&vsctl, &["init"]).status.success());
    let mut child = Command::new(switch)
        .arg(format!("unix:{}", server.path("db.sock").display()))
        .args(["--enable-dummy=override", "--disable-system", "--unixctl=none", "-vconsole:emer"])
        .env("OVS_RUNDIR", dir)
        .env("OVS_LOGDIR", dir)
        .spawn()
        .unwrap();
    let db = format!("--db=unix:{}", server.path("db.sock").display());
    let run = |args: &[&str]| {
        let output = Command::new(&vsctl).args([db.as_str(), "--timeout=10"]).args(args).output().unwrap();
        printed(&output, dir)
    };
    // Without --no-wait: the switch has to see the change and to write its answer.
    let added = run(&["add-br", "br0", "--", "add-port", "br0", "p7"]);
    let number = run(&["get", "interface", "p7", "ofport"]);
    let _ = child.kill();
    let _ = child.wait();
    assert_eq!((added.as_str(), number.as_str()), ("exit Some(0)", "1\nexit Some(0)"));
}
