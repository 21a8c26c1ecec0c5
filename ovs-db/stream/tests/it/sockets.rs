//! Streams and listeners over loopback and files.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail on the spot")]

use std::time::{Duration, Instant};

use ovs_stream::{
    Address, Buffer, Interest, ListenError, Listener, PassiveAddress, Role, Stream, StreamConfig,
    StreamError, Wait, sleep,
};

/// Polls `step` until it gives a value, for at most ten seconds.
#[track_caller]
fn wait_for<T>(what: &str, mut step: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + Duration::from_secs(10);
    while Instant::now() < end {
        if let Some(v) = step() {
            return v;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    panic!("no {what} within ten seconds");
}

fn exchange(listen: &str, config: &StreamConfig) {
    let mut listener = Listener::bind(&PassiveAddress::parse(listen, Role::Other).unwrap(), config).unwrap();
    let to = match listener.address() {
        PassiveAddress::Tcp(a) => Address::Tcp(*a),
        PassiveAddress::Unix(p) => Address::Unix(p.clone()),
        other => panic!("{other}"),
    };
    assert!(listener.accept().unwrap().is_none());
    let mut a = Stream::connect(&to, config).unwrap();
    wait_for("connection", || a.poll_connect().unwrap().then_some(()));
    let mut b = wait_for("accepted stream", || listener.accept().unwrap());
    a.send(b"hello").unwrap();
    let mut got = Buffer::new(5);
    wait_for("bytes", || {
        b.receive(&mut got, 100).unwrap();
        (got.data() == b"hello").then_some(())
    });
    a.send(b"!").unwrap();
    let full = wait_for("refusal", || b.receive(&mut got, 100).err());
    assert!(matches!(full, StreamError::Full(f) if f.limit == 5));
    assert!(matches!(b.wait(true), Wait::Fd(_, Interest::Read)));
    drop(a);
    got.clear();
    let end = wait_for("end", || b.receive(&mut got, 100).err());
    assert_eq!(end.to_string(), "connection closed by peer");
}

#[test]
fn bytes_travel_over_tcp() {
    exchange("ptcp:0:127.0.0.1", &StreamConfig::default());
    exchange("ptcp:0:[::1]", &StreamConfig::default());
}

#[test]
fn bytes_travel_over_files_also_with_long_names() {
    let dir = tempfile::tempdir().unwrap();
    let config = StreamConfig::default().rundir(dir.path());
    exchange("punix:a.sock", &config);
    let deep = dir.path().join("d".repeat(100)).join("e".repeat(100));
    std::fs::create_dir_all(&deep).unwrap();
    exchange(&format!("punix:{}/s", deep.display()), &config);
    assert_eq!(std::fs::read_dir(&deep).unwrap().count(), 0, "the listener removed its file");
}

#[test]
fn a_stale_file_is_replaced_and_a_live_or_foreign_one_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let config = StreamConfig::default();
    let path = dir.path().join("s");
    let at = PassiveAddress::Unix(path.clone());
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    assert!(path.exists());
    let first = Listener::bind(&at, &config).unwrap();
    assert_eq!(Listener::bind(&at, &config).unwrap_err(), ListenError::InUse(path.clone()));
    std::fs::remove_file(&path).unwrap();
    let second = Listener::bind(&at, &config).unwrap();
    drop(first);
    assert!(path.exists(), "the file of a successor stays");
    drop(second);
    assert!(!path.exists());
    std::fs::write(&path, "data").unwrap();
    let e = Listener::bind(&at, &config).unwrap_err();
    assert_eq!(e.to_string(), format!("{}: exists and is not a socket", path.display()));
    let e = Listener::bind(&PassiveAddress::Unix("/nonexistent/s".into()), &config).unwrap_err();
    assert_eq!(e.to_string(), "/nonexistent/s: binding failed: No such file or directory");
}

#[test]
fn what_cannot_be_reached_says_why() {
    let config = StreamConfig::default();
    let connect = |t: &str| Stream::connect(&Address::parse(t, Role::Other).unwrap(), &config);
    assert_eq!(connect("unix:/nonexistent/s").unwrap_err().to_string(), "No such file or directory");
    let no_tls =
        if cfg!(feature = "tls") { "must be configured to use TLS" } else { "TLS support is not built in" };
    assert!(connect("ssl:127.0.0.1:1").unwrap_err().to_string().ends_with(no_tls));
    let e = Listener::bind(&PassiveAddress::parse("pssl:0", Role::Other).unwrap(), &config).unwrap_err();
    assert!(e.to_string().ends_with(no_tls), "{e}");
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let e = match Stream::connect(&Address::Tcp(free), &config) {
        Err(e) => e,
        Ok(mut s) => wait_for("refusal", || s.poll_connect().err()),
    };
    assert_eq!(e.to_string(), "Connection refused");
}

#[test]
fn a_peer_that_does_not_read_meets_the_limit() {
    let config = StreamConfig::default().send_limit(1 << 16);
    let mut listener =
        Listener::bind(&PassiveAddress::parse("ptcp:0:127.0.0.1", Role::Other).unwrap(), &config).unwrap();
    let PassiveAddress::Tcp(at) = *listener.address() else { panic!() };
    let mut a = Stream::connect(&Address::Tcp(at), &config).unwrap();
    wait_for("connection", || a.poll_connect().unwrap().then_some(()));
    let _b = wait_for("accepted stream", || listener.accept().unwrap());
    let chunk = [0u8; 4096];
    let full = (0..100_000).find_map(|_| a.send(&chunk).err()).unwrap();
    assert!(matches!(full, StreamError::Full(f) if f.limit == 1 << 16), "{full:?}");
    assert!(matches!(a.wait(true), Wait::Fd(_, Interest::Both)));
}

#[test]
fn sleep_ends_at_the_earliest() {
    let start = Instant::now();
    sleep(&[Wait::Never, Wait::At(Duration::from_millis(1020))], Duration::from_secs(1), None).unwrap();
    assert!(start.elapsed() >= Duration::from_millis(20));
    sleep(&[Wait::Ready], Duration::ZERO, None).unwrap();
}
