//! `ssl:` with certificates of `ovs-pki`, on the distribution's server.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::{OURS, printed, program, schema};

/// The distribution's server on `pssl:`, and the keys of both sides; killed when dropped.
struct Secure {
    dir: tempfile::TempDir,
    client: PathBuf,
    server: Child,
    remote: String,
}

impl Secure {
    fn new(test: &str) -> Option<Secure> {
        let (server, client) = (program(test, "ovsdb-server")?, program(test, "ovsdb-client")?);
        let (pki, _openssl) = (program(test, "ovs-pki")?, program(test, "openssl")?);
        let dir = tempfile::tempdir().unwrap();
        let keys = |args: &[&str]| {
            let mut command = Command::new(&pki);
            command
                .current_dir(dir.path())
                .args(["--dir=pki", "--log=log", "--batch", "--unique"])
                .args(args);
            let output = command.output().unwrap();
            assert!(output.status.success(), "{args:?}: {output:?}");
        };
        keys(&["init"]);
        keys(&["req+sign", "server", "controller"]);
        keys(&["req+sign", "client", "switch"]);
        let schema: ovs_db::schema::Schema = std::fs::read_to_string(schema()).unwrap().parse().unwrap();
        drop(ovs_db::storage::JournalFile::create(&dir.path().join("db"), &schema).unwrap());
        let path = |name: &str| dir.path().join(name).display().to_string();
        let child = Command::new(server)
            .arg(path("db"))
            .args(["--remote=pssl:0:127.0.0.1", "--unixctl=none", "-vconsole:off", "-vsyslog:off"])
            .arg(format!("--log-file={}", path("server.log")))
            .arg(format!("--private-key={}", path("server-privkey.pem")))
            .arg(format!("--certificate={}", path("server-cert.pem")))
            .arg(format!("--ca-cert={}", path("pki/switchca/cacert.pem")))
            .arg(format!("--peer-ca-cert={}", path("pki/controllerca/cacert.pem")))
            .env("OVS_RUNDIR", dir.path())
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let mut secure = Secure { dir, client, server: child, remote: String::new() };
        let deadline = Instant::now() + Duration::from_secs(10);
        while secure.remote.is_empty() {
            assert!(Instant::now() < deadline, "no server");
            let log = std::fs::read_to_string(secure.dir.path().join("server.log")).unwrap_or_default();
            let port = log.split("listening on port ").nth(1).and_then(|rest| rest.split_whitespace().next());
            secure.remote = port.map(|port| format!("ssl:127.0.0.1:{port}")).unwrap_or_default();
            std::thread::sleep(Duration::from_millis(5));
        }
        Some(secure)
    }

    fn run(&self, program: &Path, args: &[&str]) -> String {
        let mut command = Command::new(program);
        command.args(["-vconsole:off", "-vsyslog:off", "-t10"]).args(args).current_dir(self.dir.path());
        printed(&command.env("OVS_RUNDIR", self.dir.path()).stdin(Stdio::null()).output().unwrap())
    }
}

impl Drop for Secure {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

const KEYS: [&str; 4] = ["-p", "client-privkey.pem", "-c", "client-cert.pem"];

#[test]
fn servers_over_tls_answer_the_same() {
    let Some(secure) = Secure::new("servers_over_tls_answer_the_same") else { return };
    let remote = secure.remote.as_str();
    let with = |more: &[&'static str], rest: &[&'static str]| {
        let mut args: Vec<&str> = [&KEYS[..], more, &rest[..1], &[remote], &rest[1..]].concat();
        args.retain(|arg| !arg.is_empty());
        args
    };
    let trusting = ["--ca-cert", "pki/controllerca/cacert.pem"];
    for more in [&trusting[..], &[trusting[0], trusting[1], "--ssl-protocols=TLSv1.2", "--ssl-ciphers=HIGH"]]
    {
        for command in
            [&["list-dbs"][..], &["get-schema-version"], &["dump", "Open_vSwitch", "Bridge", "name"]]
        {
            let args = with(more, command);
            let ours = secure.run(Path::new(OURS), &args);
            assert_eq!(ours, secure.run(&secure.client, &args), "{args:?}");
            assert!(ours.ends_with("exit Some(0)"), "{ours}");
        }
    }
    // The first connection fetches the authority's certificate; the command comes over the second one.
    let bootstrap = ["--bootstrap-ca-cert=fetched.pem"];
    for command in [&["list-dbs"][..], &["wait", "Open_vSwitch", "added"]] {
        let fetched = secure.dir.path().join("fetched.pem");
        let _ = std::fs::remove_file(&fetched);
        let said = secure.run(Path::new(OURS), &with(&bootstrap, command));
        assert!(said.ends_with("exit Some(0)"), "{said}");
        assert!(std::fs::read_to_string(&fetched).unwrap().starts_with("-----BEGIN CERTIFICATE-----"));
    }
    // Who is not trusted, or has no keys, is told why.
    let wrong = secure.run(Path::new(OURS), &with(&["--ca-cert", "pki/switchca/cacert.pem"], &["list-dbs"]));
    assert!(wrong.contains("failed to connect") && wrong.ends_with("exit Some(1)"), "{wrong}");
    let bare = secure.run(Path::new(OURS), &["list-dbs", remote]);
    assert!(bare.contains("failed to connect") && bare.ends_with("exit Some(1)"), "{bare}");
    let odd = secure.run(Path::new(OURS), &with(&["--ssl-protocols=SSLv2"], &["list-dbs"]));
    assert!(odd.contains("SSLv2") && odd.ends_with("exit Some(1)"), "{odd}");
}
