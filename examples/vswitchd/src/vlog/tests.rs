use tracing::subscriber::with_default;
use tracing_subscriber::layer::SubscriberExt as _;

use super::*;

/// With subscribers of single threads, a change of levels in one thread can silence another for a moment (a process has
/// one subscriber for all threads, where that cannot happen); so these tests run one after the other.
static ONE_AT_A_TIME: std::sync::Mutex<()> = std::sync::Mutex::new(());

fn alone() -> std::sync::MutexGuard<'static, ()> {
    ONE_AT_A_TIME.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// A log into a file with the given pattern, quiet elsewhere.
fn log_to_file(pattern: &str) -> (Vlog, tempfile::TempDir, std::path::PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.log");
    let vlog = Vlog::new("demo", VSWITCHD_MODULES);
    vlog.set("syslog:off").unwrap();
    vlog.set("console:off").unwrap();
    vlog.set(&format!("PATTERN:file:{pattern}")).unwrap();
    vlog.open_file(&path).unwrap();
    vlog.set_subprogram("");
    (vlog, dir, path)
}

fn lines(path: &std::path::Path) -> Vec<String> {
    std::fs::read_to_string(path).unwrap().lines().map(String::from).collect()
}

#[test]
fn levels_by_module_and_destination() {
    let _alone = alone();
    let (vlog, _dir, path) = log_to_file("%N|%c|%p|%m");
    with_default(tracing_subscriber::registry().with(vlog.layer()), || {
        tracing::debug!(target: "bridge", "not shown");
        vlog.set("bridge:file:dbg").unwrap();
        tracing::debug!(target: "bridge", port = 3, name = "p0", "shown");
        tracing::warn!(target: "vconn", "warned");
        vlog.set("file:off").unwrap();
        tracing::error!(target: "vconn", "silent");
        vlog.set("vconn:file:emer").unwrap();
        tracing::error!(target: "vconn", emer = true, "the end");
    });
    let text = std::fs::read_to_string(&path).unwrap();
    let expected = format!(
        "1|vlog|INFO|opened log file {}\n2|bridge|DBG|shown, port=3, name=p0\n3|vconn|WARN|warned\n4|vconn|EMER|the end\n",
        path.display()
    );
    assert_eq!(text, expected);
}

#[test]
fn the_default_line_of_a_file() {
    let _alone = alone();
    let (vlog, _dir, path) = log_to_file("%D{%Y-%m-%dT%H:%M:%S.###Z}|%05N|%c|%p|%m");
    vlog.log("unixctl", Level::Warn, "x");
    let line = lines(&path).pop().unwrap();
    let (time, rest) = line.split_at(24);
    assert!(time.ends_with('Z') && time.as_bytes()[10] == b'T' && time.as_bytes()[19] == b'.', "{line}");
    assert_eq!(rest, "|00002|unixctl|WARN|x");
}

#[test]
fn patterns_pad_and_name_threads() {
    let _alone = alone();
    let (vlog, _dir, path) = log_to_file("[%6p][%-6p][%03N][%B][%A][%t%T]%%%c%n%m");
    std::thread::Builder::new()
        .name("handler1".into())
        .spawn(move || vlog.log("bridge", Level::Err, "m"))
        .unwrap()
        .join()
        .unwrap();
    let all = lines(&path);
    assert_eq!(all[all.len() - 2..], ["[   ERR][ERR   ][002][27][demo][handler1(handler1)]%bridge", "m"]);
}

#[test]
fn wrong_specifications_say_what_users_know() {
    let _alone = alone();
    let vlog = Vlog::new("demo", VSWITCHD_MODULES);
    for (spec, error) in [
        ("foo", "no destination, level, or module \"foo\""),
        ("bridge:file:dbg:foo", "no destination, level, or module \"foo\""),
        ("console,file", "cannot specify multiple destinations"),
        ("info warn", "cannot specify multiple levels"),
        ("bridge vconn", "cannot specify multiple modules"),
        ("PATTERN:x", "unknown destination \"x\""),
        ("FACILITY:foo", "invalid facility"),
    ] {
        assert_eq!(vlog.set(spec).unwrap_err().to_string(), error, "{spec}");
    }
    let e = vlog.option("foo").unwrap_err();
    assert_eq!(e.to_string(), "processing \"foo\": no destination, level, or module \"foo\"");
    vlog.set("PATTERN:any:%m").unwrap();
    vlog.set("ANY:Console:WARN").unwrap();
    vlog.set("FACILITY:local7").unwrap();
}

#[test]
fn listings_look_as_known() {
    let _alone = alone();
    let vlog = Vlog::new("demo", VSWITCHD_MODULES);
    vlog.set("console:off").unwrap();
    vlog.command(VlogCommand::DisableRateLimit, &["bond".into()]).unwrap();
    let list = vlog.command(VlogCommand::List, &[]).unwrap();
    let head: Vec<_> = list.lines().take(5).collect();
    assert_eq!(
        head,
        [
            "                 console    syslog    file",
            "                 -------    ------    ------",
            "backtrace          OFF       INFO       INFO",
            "bfd                OFF       INFO       INFO",
            "bond               OFF       INFO       INFO    (rate limiting disabled)",
        ]
    );
    assert!(list.contains("\ndpif_lookup_autovalidator   OFF       INFO       INFO\n"));
    assert_eq!(
        vlog.command(VlogCommand::ListPattern, &[]).unwrap(),
        "         prefix                            format\n         \
         ------                            ------\n\
         SYSLOG   <%B> %D{%h %e %T} %E %A:          ovs|%05N|%c%T|%p|%m\n\
         CONSOLE  none                              %D{%Y-%m-%dT%H:%M:%SZ}|%05N|%c%T|%p|%m\n\
         FILE     none                              %D{%Y-%m-%dT%H:%M:%S.###Z}|%05N|%c%T|%p|%m\n"
    );
    assert_eq!(vlog.command(VlogCommand::EnableRateLimit, &["foo".into()]), Err("unknown module".into()));
    assert!(vlog.command(VlogCommand::Reopen, &[]).is_err());
}

#[test]
fn a_place_that_floods_is_limited_unless_that_is_switched_off() {
    let _alone = alone();
    let (vlog, _dir, path) = log_to_file("%m");
    let flood = || {
        for n in 0..20 {
            tracing::warn!(target: "dpif", rl = 1, "flood {n}");
        }
    };
    with_default(tracing_subscriber::registry().with(vlog.layer()), || {
        flood();
        assert_eq!(lines(&path).len(), 1 + 5);
        vlog.command(VlogCommand::DisableRateLimit, &["dpif".into()]).unwrap();
        flood();
    });
    assert_eq!(lines(&path).len(), 1 + 5 + 20);
}

#[test]
fn a_rotated_file_is_left() {
    let _alone = alone();
    let (vlog, dir, path) = log_to_file("%m");
    vlog.log("bridge", Level::Info, "first");
    std::fs::rename(&path, dir.path().join("old")).unwrap();
    vlog.command(VlogCommand::Reopen, &[]).unwrap();
    vlog.log("bridge", Level::Info, "second");
    vlog.command(VlogCommand::Close, &[]).unwrap();
    vlog.log("bridge", Level::Info, "nowhere");
    assert_eq!(lines(&dir.path().join("old"))[1..], ["first", "closing log file"]);
    assert_eq!(lines(&path)[1..], ["second"]);
}
