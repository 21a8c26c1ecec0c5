//! TLS with certificates of `ovs-pki`, against the distribution's clients and server.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use ovs_db::client::{Connection, Event, Outcome, SessionConfig, Transaction};
use ovs_db::value::Datum;
use ovs_stream::{Address, StreamConfig, Tls, TlsConfig, sleep};

use crate::support::{program, schema};

const PATIENCE: Duration = Duration::from_secs(20);

/// Polls `step` until it gives a value.
#[track_caller]
fn wait_for<T>(what: &str, mut step: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + PATIENCE;
    while Instant::now() < end {
        if let Some(value) = step() {
            return value;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("no {what}");
}

/// Keys and certificates, made once for all tests of this process.
struct Pki {
    dir: tempfile::TempDir,
}

impl Pki {
    /// The keys, unless a program is missing.
    fn get(test: &str) -> Option<&'static Pki> {
        static PKI: OnceLock<Pki> = OnceLock::new();
        let (tool, openssl) = (program(test, "ovs-pki")?, program(test, "openssl")?);
        Some(PKI.get_or_init(|| Pki::make(&tool, &openssl)))
    }

    fn make(tool: &Path, openssl: &Path) -> Pki {
        let pki = Pki { dir: tempfile::tempdir().unwrap() };
        let run = |args: &[&str]| {
            let mut command = Command::new(tool);
            command
                .current_dir(pki.dir.path())
                .arg("--dir=pki")
                .arg("--log=log")
                .arg("--batch")
                .arg("--unique");
            let output = command.args(args).output().unwrap();
            assert!(output.status.success(), "{args:?}: {output:?}");
        };
        run(&["init"]);
        run(&["req+sign", "server", "controller"]);
        run(&["req+sign", "client", "switch"]);
        for name in ["old", "lonely"] {
            run(&["req", name]);
        }
        run(&["self-sign", "lonely"]);
        let mut expired = Command::new(openssl);
        expired.current_dir(pki.dir.path().join("pki/switchca"));
        expired.args(["ca", "-config", "ca.cnf", "-batch", "-notext", "-in", "../../old-req.pem"]);
        expired.args([
            "-out",
            "../../old-cert.pem",
            "-startdate",
            "20200101000000Z",
            "-enddate",
            "20210101000000Z",
        ]);
        let output = expired.output().unwrap();
        assert!(output.status.success(), "{output:?}");
        pki
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn ca(&self, kind: &str) -> PathBuf {
        self.path(&format!("pki/{kind}ca/cacert.pem"))
    }

    /// The options of a program that is `name` and trusts the authority of `kind`.
    fn options(&self, name: &str, kind: &str) -> Vec<String> {
        let option = |option: &str, path: PathBuf| format!("--{option}={}", path.display());
        vec![
            option("private-key", self.path(&format!("{name}-privkey.pem"))),
            option("certificate", self.path(&format!("{name}-cert.pem"))),
            option("ca-cert", self.ca(kind)),
        ]
    }
}

/// A server that listens on `pssl:`, with its log in a file.
struct Secure {
    dir: tempfile::TempDir,
    child: Child,
    port: u16,
}

impl Secure {
    /// Starts `server` (ours, if `None`) with more options.
    fn start(server: Option<&Path>, options: &[String]) -> Secure {
        let dir = tempfile::tempdir().unwrap();
        let schema: ovs_db::schema::Schema = std::fs::read_to_string(schema()).unwrap().parse().unwrap();
        drop(ovs_db::storage::JournalFile::create(&dir.path().join("conf.db"), &schema).unwrap());
        let ours = Path::new(env!("CARGO_BIN_EXE_ovsdb-server"));
        let child = Command::new(server.unwrap_or(ours))
            .arg(dir.path().join("conf.db"))
            .args(["--remote=pssl:0:127.0.0.1", "--no-self-confinement", "-vconsole:off", "-vsyslog:off"])
            .arg(format!("--unixctl={}", dir.path().join("ctl").display()))
            .arg(format!("--log-file={}", dir.path().join("log").display()))
            .args(options)
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let mut server = Secure { dir, child, port: 0 };
        server.port = wait_for("port in the log", || {
            let text = server.log();
            let port = text.split("listening on port ").nth(1)?.lines().next()?.trim();
            port.parse().ok()
        });
        server
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
    }

    /// Waits until the log has a line with all of `words`.
    #[track_caller]
    fn logged(&self, words: &[&str]) -> String {
        wait_for(&format!("line with {words:?} in\n{}", self.log()), || {
            let text = self.log();
            text.lines().find(|line| words.iter().all(|word| line.contains(word))).map(str::to_owned)
        })
    }

    fn target(&self) -> String {
        format!("ssl:127.0.0.1:{}", self.port)
    }

    /// Runs one of the distribution's clients on it.
    fn list(&self, client: &Path, options: &[String]) -> Output {
        let mut command = Command::new(client);
        command.args(options).args(["--timeout=5", "-vconsole:info", "list-dbs", &self.target()]);
        command.output().unwrap()
    }
}

impl Drop for Secure {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn the_distributions_clients_use_our_server() {
    const TEST: &str = "the_distributions_clients_use_our_server";
    let (Some(pki), Some(client), Some(vsctl)) =
        (Pki::get(TEST), program(TEST, "ovsdb-client"), program(TEST, "ovs-vsctl"))
    else {
        return;
    };
    for protocols in ["TLSv1.2", "TLSv1.3", "TLSv1.2+"] {
        let mut options = pki.options("server", "switch");
        options.push(format!("--ssl-protocols={protocols}"));
        options.push("--ssl-ciphers=HIGH:!aNULL:!MD5".to_owned());
        let server = Secure::start(None, &options);
        let output = server.list(&client, &pki.options("client", "controller"));
        assert_eq!(text(&output.stdout), "Open_vSwitch\n_Server\n", "{protocols}: {}", text(&output.stderr));
        let mut command = Command::new(&vsctl);
        command.args(pki.options("client", "controller")).arg(format!("--db={}", server.target()));
        command.args(["--no-wait", "--timeout=10", "--", "init", "--", "add-br", "br0", "--", "list-br"]);
        let output = command.output().unwrap();
        assert_eq!(text(&output.stdout), "br0\n", "{protocols}: {}", text(&output.stderr));
        let log = server.log();
        assert!(!log.contains("|WARN|") && !log.contains("|ERR|"), "{log}");
    }
}

#[test]
fn our_client_uses_the_distributions_server() {
    const TEST: &str = "our_client_uses_the_distributions_server";
    let (Some(pki), Some(peer)) = (Pki::get(TEST), program(TEST, "ovsdb-server")) else { return };
    let server = Secure::start(Some(&peer), &pki.options("server", "switch"));
    for protocols in ["TLSv1.2", "TLSv1.3"] {
        let tls = TlsConfig::default()
            .private_key(pki.path("client-privkey.pem"))
            .certificate(pki.path("client-cert.pem"))
            .ca_cert(pki.ca("controller"))
            .protocols(protocols)
            .unwrap();
        let remote = Address::Ssl(([127, 0, 0, 1], server.port).into());
        let start = Instant::now();
        let session = SessionConfig::new("Open_vSwitch").table("QoS", ["type"]);
        let config = StreamConfig::default().tls(Tls::new(tls));
        let mut db = Connection::new(session, vec![remote], &config, start.elapsed());
        let mut sent = None;
        let mut seen = Vec::new();
        let outcome = loop {
            let mut done = None;
            for event in db.poll(start.elapsed()) {
                match event {
                    Event::Synced if sent.is_none() => {
                        let mut txn = Transaction::new();
                        // Many records long.
                        txn.comment("a long comment ".repeat(10_000));
                        txn.insert("QoS", [("type", Datum::from("x"))]);
                        sent = Some(db.transact(&txn));
                    }
                    Event::Done(id, outcome) if Some(id) == sent => done = Some(outcome),
                    other => seen.push(format!("{other:?}")),
                }
            }
            if let Some(outcome) = done {
                break outcome;
            }
            assert!(start.elapsed() < PATIENCE, "{seen:#?}\n{}", server.log());
            sleep(&db.waits(), start.elapsed(), Some(Duration::from_millis(200))).unwrap();
        };
        assert!(matches!(outcome, Outcome::Committed { .. }), "{outcome:?} {seen:?}");
    }
}

#[test]
fn strangers_are_refused_with_the_reason_logged() {
    const TEST: &str = "strangers_are_refused_with_the_reason_logged";
    let (Some(pki), Some(client), Some(appctl)) =
        (Pki::get(TEST), program(TEST, "ovsdb-client"), program(TEST, "ovs-appctl"))
    else {
        return;
    };
    let server = Secure::start(None, &pki.options("server", "switch"));
    let mut unlimited = Command::new(appctl);
    unlimited.arg("-t").arg(server.dir.path().join("ctl")).arg("vlog/disable-rate-limit");
    assert!(unlimited.status().unwrap().success());
    let refused = |name: &str, words: &[&str]| {
        let output = server.list(&client, &pki.options(name, "controller"));
        assert_eq!(text(&output.stdout), "", "{name}: {}", server.log());
        server.logged(words)
    };
    // Signed by another authority, by nobody, and too long ago.
    refused("server", &["|WARN|ssl:127.0.0.1:", "certificate refused", "controllerca", "is not trusted"]);
    refused("lonely", &["|WARN|ssl:127.0.0.1:", "certificate refused", "is not trusted", "lonely"]);
    refused("old", &["|WARN|ssl:127.0.0.1:", "certificate refused", "expired"]);
    // No certificate at all.
    let openssl = program(TEST, "openssl").unwrap();
    let mut bare = Command::new(openssl);
    bare.args(["s_client", "-connect", &format!("127.0.0.1:{}", server.port)]);
    let output = bare.stdin(Stdio::null()).output().unwrap();
    server.logged(&["|WARN|ssl:127.0.0.1:", "certificate refused: the peer did not present one"]);
    drop(output);
    // No TLS at all.
    for bytes in
        [&b"{\"method\":\"list_dbs\",\"params\":[],\"id\":1}"[..], &[0; 300], b"\x16\x03\x01\xff\xff\x01"]
    {
        let mut plain = TcpStream::connect(("127.0.0.1", server.port)).unwrap();
        plain.set_read_timeout(Some(PATIENCE)).unwrap();
        plain.write_all(bytes).unwrap();
        let mut answer = Vec::new();
        // It gets an alert, or nothing, and the end.
        let _ = plain.read_to_end(&mut answer);
        assert!(answer.len() < 16, "{answer:?}");
    }
    server.logged(&["|WARN|ssl:127.0.0.1:", "the peer does not speak TLS"]);
    let gone = TcpStream::connect(("127.0.0.1", server.port)).unwrap();
    drop(gone);
    server.logged(&["|WARN|ssl:127.0.0.1:", "connection closed during the TLS handshake"]);
    // Those who belong here are served as before.
    let output = server.list(&client, &pki.options("client", "controller"));
    assert_eq!(text(&output.stdout), "Open_vSwitch\n_Server\n");
    // A client that does not trust the server says so.
    let output = server.list(&client, &pki.options("client", "switch"));
    assert_eq!(text(&output.stdout), "");
    server.logged(&["|WARN|ssl:127.0.0.1:", "the peer refused with TLS alert 48 (unknown CA)"]);
}

#[test]
fn files_are_read_again_and_authorities_bootstrapped() {
    const TEST: &str = "files_are_read_again_and_authorities_bootstrapped";
    let (Some(pki), Some(client), Some(vsctl)) =
        (Pki::get(TEST), program(TEST, "ovsdb-client"), program(TEST, "ovs-vsctl"))
    else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let (key, certificate) = (dir.path().join("key"), dir.path().join("cert"));
    let ca = dir.path().join("ca");
    std::fs::copy(pki.path("lonely-privkey.pem"), &key).unwrap();
    std::fs::copy(pki.path("lonely-cert.pem"), &certificate).unwrap();
    let server = Secure::start(
        None,
        &[
            format!("--private-key={}", key.display()),
            format!("--certificate={}", certificate.display()),
            format!("--bootstrap-ca-cert={}", ca.display()),
            format!("--peer-ca-cert={}", pki.ca("controller").display()),
        ],
    );
    // The first peer that sends its authority is believed; its connection ends.
    let mut options = pki.options("client", "controller");
    options[2] = "--ca-cert=none".to_owned();
    let mut first = Command::new(vsctl);
    first.args(&options).arg(format!("--peer-ca-cert={}", pki.ca("switch").display()));
    first.arg(format!("--db={}", server.target())).args(["--no-wait", "--timeout=5", "list-br"]);
    first.output().unwrap();
    server.logged(&["successfully bootstrapped CA cert to", "switchca"]);
    let pem =
        |path: &Path| text(&std::fs::read(path).unwrap()).split("-----BEGIN").nth(1).unwrap().to_owned();
    assert_eq!(pem(&ca), pem(&pki.ca("switch")));
    // From then on it is what peers are verified by.
    let output = server.list(&client, &options);
    assert_eq!(text(&output.stdout), "Open_vSwitch\n_Server\n", "{}", server.log());
    // The server's own certificate is nobody's; a key that does not fit it yet changes nothing.
    let trusting = pki.options("client", "controller");
    assert_eq!(text(&server.list(&client, &trusting).stdout), "");
    std::fs::copy(pki.path("server-privkey.pem"), &key).unwrap();
    assert_eq!(text(&server.list(&client, &options).stdout), "Open_vSwitch\n_Server\n");
    server.logged(&["|ERR|", "the certificate is not for the private key"]);
    std::fs::copy(pki.path("server-cert.pem"), &certificate).unwrap();
    assert_eq!(text(&server.list(&client, &trusting).stdout), "Open_vSwitch\n_Server\n", "{}", server.log());
    // A client can bootstrap from the server.
    let mine = dir.path().join("mine");
    let mut options = pki.options("client", "controller");
    options[2] = format!("--bootstrap-ca-cert={}", mine.display());
    server.list(&client, &options);
    assert_eq!(pem(&mine), pem(&pki.ca("controller")));
}

#[test]
fn keys_and_options_from_a_database() {
    const TEST: &str = "keys_and_options_from_a_database";
    let (Some(pki), Some(client), Some(vsctl), Some(appctl)) = (
        Pki::get(TEST),
        program(TEST, "ovsdb-client"),
        program(TEST, "ovs-vsctl"),
        program(TEST, "ovs-appctl"),
    ) else {
        return;
    };
    let server = crate::support::Server::start_with(
        None,
        &[
            "--private-key=db:Open_vSwitch,SSL,private_key",
            "--certificate=db:Open_vSwitch,SSL,certificate",
            "--ca-cert=db:Open_vSwitch,SSL,ca_cert",
        ],
    );
    let add = |remote: &str| text(&server.appctl(&appctl, &["ovsdb-server/add-remote", remote]).stderr);
    assert!(add("pssl:0:127.0.0.1").contains("private key must be configured to use TLS"));
    let path = |name: &str| pki.path(name).display().to_string();
    let ca = pki.ca("switch").display().to_string();
    let (key, certificate) = (path("server-privkey.pem"), path("server-cert.pem"));
    let output = server.vsctl(&vsctl, &["--", "init", "--", "set-ssl", &key, &certificate, &ca]);
    assert!(output.status.success(), "{output:?}");
    let port = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
    assert_eq!(add(&format!("pssl:{port}:127.0.0.1")), "");
    let mut command = Command::new(client);
    command.args(pki.options("client", "controller")).arg("list-dbs").arg(format!("ssl:127.0.0.1:{port}"));
    let output = command.output().unwrap();
    assert_eq!(text(&output.stdout), "Open_vSwitch\n_Server\n", "{}", text(&output.stderr));

    for (option, word) in [
        ("--ssl-protocols=TLSv1.1,TLSv1.2", "TLSv1.1: unsupported TLS protocol"),
        ("--ssl-ciphers=HIGH:AES256-SHA", "AES256-SHA: unknown cipher"),
        ("--ssl-ciphersuites=TLS_ODD", "TLS_ODD: unknown TLS 1.3 cipher suite"),
    ] {
        let mut bad = Command::new(env!("CARGO_BIN_EXE_ovsdb-server"));
        bad.args(["--no-dbs", "--unixctl=none", "-vsyslog:off", option]);
        let output = bad.stdin(Stdio::null()).output().unwrap();
        assert!(!output.status.success() && text(&output.stderr).contains(word), "{output:?}");
    }
}
