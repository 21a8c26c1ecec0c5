//! unixctl over sockets: with our own client and with the distribution's `ovs-appctl`.

use std::process::Command;
use std::time::{Duration, Instant};

use ovs_db::json::Json;
use ovs_db::unixctl::{Client, Registry, Server};
use ovs_stream::{Address, PassiveAddress, StreamConfig};

use crate::peer;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cmd {
    Echo,
    Fail,
    Later,
}

fn server(dir: &tempfile::TempDir) -> (Server<Cmd>, Address) {
    let mut registry = Registry::new("demo (Open vSwitch) 3.7.1");
    registry.add("echo", "[word]...", 0, None, Cmd::Echo);
    registry.add("fail", "", 0, Some(0), Cmd::Fail);
    registry.add("later", "", 0, Some(0), Cmd::Later);
    let path = dir.path().join("demo.ctl");
    let server = Server::bind(&PassiveAddress::Unix(path.clone()), &StreamConfig::default(), registry);
    #[expect(clippy::expect_used, reason = "a test fails on the spot")]
    let server = server.expect("a listening server");
    (server, Address::Unix(path))
}

/// Serves until `done` gives a value; `later` is answered two turns after it came.
fn serve<T>(server: &mut Server<Cmd>, mut done: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + Duration::from_secs(10);
    let mut waiting = Vec::new();
    while Instant::now() < end {
        for (id, turns) in &mut waiting {
            *turns -= 1;
            if *turns == 0 {
                server.reply(*id, Ok("at last".into()));
            }
        }
        waiting.retain(|&(_, turns)| turns > 0);
        for request in server.poll() {
            match request.command {
                Cmd::Echo => server.reply(request.id, Ok(request.args.join(" "))),
                Cmd::Fail => server.reply(request.id, Err("it failed".into())),
                Cmd::Later => waiting.push((request.id, 2)),
            }
        }
        if let Some(value) = done() {
            return value;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    panic!("no answer within ten seconds");
}

#[test]
fn our_client_and_our_server() {
    let dir = tempfile::tempdir().unwrap();
    let (mut server, address) = server(&dir);
    let mut client = Client::connect(&address, &StreamConfig::default()).unwrap();
    for (command, args, answer) in [
        ("echo", &["a", "b c"][..], Ok(Json::from("a b c\n"))),
        ("later", &[], Ok(Json::from("at last\n"))),
        ("fail", &[], Err("it failed\n".to_string())),
    ] {
        client.call(command, args).unwrap();
        assert_eq!(serve(&mut server, || client.poll().unwrap()), answer);
    }
    drop(client);
    let end = Instant::now() + Duration::from_secs(10);
    while server.connections() > 0 && Instant::now() < end {
        server.poll();
    }
    assert_eq!((server.connections(), server.take_faults().len()), (0, 0));
}

#[test]
fn requests_that_come_together_are_answered_one_after_the_other() {
    use std::io::{Read as _, Write as _};
    let dir = tempfile::tempdir().unwrap();
    let (mut server, Address::Unix(path)) = server(&dir) else { panic!() };
    let mut client = std::os::unix::net::UnixStream::connect(path).unwrap();
    let request = |id: i64| format!(r#"{{"method":"echo","params":["{id}"],"id":{id}}}"#);
    client.write_all((request(1) + &request(2) + &request(3)).as_bytes()).unwrap();
    client.shutdown(std::net::Shutdown::Write).unwrap();
    let start = Instant::now();
    loop {
        for r in server.poll() {
            server.reply(r.id, Ok(r.args.join(" ")));
        }
        // What was sent at once must not wait for anything else to happen.
        if server.connections() == 0 {
            break;
        }
        let waits: Vec<_> = server.waits().collect();
        ovs_stream::sleep(&waits, Duration::ZERO, Some(Duration::from_secs(5))).unwrap();
        assert!(start.elapsed() < Duration::from_secs(4));
    }
    let mut answers = String::new();
    client.read_to_string(&mut answers).unwrap();
    let expected = [1, 2, 3].map(|id| format!(r#"{{"error":null,"id":{id},"result":"{id}\n"}}"#)).concat();
    assert_eq!(answers, expected);
}

#[test]
fn the_distributions_appctl() {
    let Some(appctl) = peer::program("the_distributions_appctl", "ovs-appctl") else { return };
    let dir = tempfile::tempdir().unwrap();
    let (mut server, Address::Unix(path)) = server(&dir) else { panic!() };
    for (args, code, out, err) in [
        (&["version"][..], 0, "demo (Open vSwitch) 3.7.1\n", ""),
        (&["echo", "a", "b"], 0, "a b\n", ""),
        (&["echo"], 0, "", ""),
        (&["later"], 0, "at last\n", ""),
        (&["fail"], 2, "", "it failed\n"),
        (
            &["nope"],
            2,
            "",
            "\"nope\" is not a valid command (use \"list-commands\" to see a list of valid commands)\n",
        ),
    ] {
        let mut command = Command::new(&appctl);
        command.arg("-t").arg(&path).args(args);
        let child = std::thread::spawn(move || command.output());
        serve(&mut server, || child.is_finished().then_some(()));
        let output = child.join().unwrap().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout), out, "{args:?}");
        assert!(String::from_utf8_lossy(&output.stderr).starts_with(err), "{args:?}: {output:?}");
        assert_eq!(output.status.code(), Some(code), "{args:?}");
    }
}
