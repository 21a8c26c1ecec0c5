//! A cluster of the distribution's servers, and a client that looks for a good one.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail on the spot")]

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use ovs_db::client::{Event, Outcome, SessionError, Transaction, Unfit};
use ovs_db::value::Datum;
use ovs_stream::Address;

use crate::client::{Client, SCHEMA, config};
use crate::peer;

/// Servers that hold one database together, killed when dropped.
pub struct Cluster {
    pub dir: tempfile::TempDir,
    children: Vec<Option<Child>>,
}

impl Cluster {
    /// Starts `members` servers.
    pub fn start(test: &str, members: usize) -> Option<Cluster> {
        let (program, tool) = (peer::program(test, "ovsdb-server")?, peer::program(test, "ovsdb-tool")?);
        let dir = tempfile::tempdir().unwrap();
        let schema = dir.path().join("schema");
        std::fs::write(&schema, SCHEMA).unwrap();
        let mut cluster = Cluster { dir, children: Vec::new() };
        for n in 0..members {
            let mut make = Command::new(&tool);
            let (db, raft) = (cluster.path("db", n), format!("unix:{}", cluster.path("raft", n).display()));
            if n == 0 {
                make.args(["create-cluster".as_ref(), db.as_os_str(), schema.as_os_str()]).arg(raft);
            } else {
                let first = format!("unix:{}", cluster.path("raft", 0).display());
                make.args(["join-cluster".as_ref(), db.as_os_str()]).args(["Open_vSwitch", &raft, &first]);
            }
            assert!(make.status().unwrap().success());
            let child = Command::new(&program)
                .arg(db)
                .arg(format!("--remote=punix:{}", cluster.path("sock", n).display()))
                .arg(format!("--unixctl={}", cluster.path("ctl", n).display()))
                .args(["-vconsole:off", "-vsyslog:off"])
                .stdin(Stdio::null())
                .spawn();
            cluster.children.push(Some(child.unwrap()));
        }
        Some(cluster)
    }

    pub fn path(&self, name: &str, member: usize) -> PathBuf {
        self.dir.path().join(format!("{name}{member}"))
    }

    /// The remotes of all members.
    pub fn remotes(&self) -> Vec<Address> {
        (0..self.children.len()).map(|n| Address::Unix(self.path("sock", n))).collect()
    }

    fn kill(&mut self, remote: &str) {
        let named = |n: &usize| Path::new(remote.trim_start_matches("unix:")) == self.path("sock", *n);
        let member = (0..self.children.len()).find(named).unwrap();
        if let Some(mut child) = self.children[member].take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for child in self.children.iter_mut().flatten() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn insert(client: &mut Client, number: i64) {
    let mut txn = Transaction::new();
    txn.insert("Open_vSwitch", [("cur_cfg", Datum::from(number))]);
    let outcome = client.commit(&txn);
    assert!(matches!(outcome, Outcome::Committed { .. }), "{outcome:?}");
}

#[test]
fn a_client_follows_the_leader_of_a_cluster() {
    let Some(mut cluster) = Cluster::start("a_client_follows_the_leader_of_a_cluster", 3) else { return };
    let members = cluster.remotes();
    // All of them have to belong to the cluster before one may go.
    for member in &members {
        Client::new(config(), vec![member.clone()]).synced();
    }
    let mut client = Client::new(config().leader_only(true), members);
    client.synced();
    insert(&mut client, 1);
    let leader = client.db.remote();
    cluster.kill(&leader);
    client.until("another leader", |db, _| (db.session().is_synced() && db.remote() != leader).then_some(()));
    assert_eq!(client.db.session().first("Open_vSwitch").unwrap().get_int("cur_cfg"), 1);

    // Whoever takes any member may be at one that only follows; the leader's clients refuse those.
    let leader = client.db.remote();
    let others: Vec<Address> =
        cluster.remotes().into_iter().filter(|remote| remote.to_string() != leader).collect();
    let mut any = Client::new(config(), others.clone());
    any.synced();
    assert_eq!(any.db.session().first("Open_vSwitch").unwrap().get_int("cur_cfg"), 1);
    let mut picky = Client::new(config().leader_only(true), others);
    picky.until("refusal", |_, events| {
        let not_leader = |e: &Event| {
            matches!(e, Event::Unusable { error: SessionError::Unfit { why: Unfit::NotLeader, .. }, .. })
        };
        events.iter().any(not_leader).then_some(())
    });
}
