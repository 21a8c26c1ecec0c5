//! The program beside the distribution's: the same commands on the same files, each reading what the other wrote.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail on the spot")]

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const OURS: &str = env!("CARGO_BIN_EXE_ovsdb-tool");

/// The distribution's program. Without it the test is skipped with a line on standard error, and fails where `CI` is set.
fn theirs(test: &str) -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/peer/usr/bin");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::iter::once(root)
        .chain(std::env::split_paths(&path).filter(|dir| !dir.ends_with("debug")))
        .map(|dir| dir.join("ovsdb-tool"))
        .find(|file| file.is_file());
    if found.is_none() {
        assert!(std::env::var_os("CI").is_none(), "{test}: ovsdb-tool is not installed");
        // The test harness keeps what the macros print; this line must be seen.
        let _ = writeln!(std::io::stderr(), "SKIPPED {test}: ovsdb-tool is not installed");
    }
    found
}

fn schema() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../ovs-db/schema/vswitch.ovsschema");
    path.to_str().unwrap().to_owned()
}

/// A directory in which both programs work.
struct Both {
    dir: tempfile::TempDir,
    theirs: PathBuf,
}

impl Both {
    fn new(test: &str) -> Option<Both> {
        Some(Both { theirs: theirs(test)?, dir: tempfile::tempdir().unwrap() })
    }

    fn run(&self, program: &Path, args: &[&str]) -> Output {
        let mut command = Command::new(program);
        command.args(args).current_dir(self.dir.path()).env("OVS_DBDIR", self.dir.path());
        command.output().unwrap()
    }

    fn ours(&self, args: &[&str]) -> Output {
        self.run(Path::new(OURS), args)
    }

    /// Runs both, and checks that they say the same, but for identities, dates and the program's version.
    #[track_caller]
    fn same(&self, args: &[&str]) -> String {
        let (ours, theirs) = (self.ours(args), self.run(&self.theirs, args));
        let (ours, theirs) = (printed(&ours), printed(&theirs));
        assert_eq!(ours, theirs, "{args:?}");
        ours
    }
}

/// Text, errors and exit status, with what differs from run to run replaced. The lines of a record come in any order in
/// the distribution's program: they are sorted.
fn printed(output: &Output) -> String {
    let text = String::from_utf8([&output.stdout[..], &output.stderr[..]].concat()).unwrap();
    let mut lines: Vec<String> = text.lines().map(normal).collect();
    if text.starts_with("record 0:") {
        let at = |line: &str| line.starts_with("record ");
        let starts: Vec<usize> = (0..lines.len()).filter(|i| at(&lines[*i])).chain([lines.len()]).collect();
        for pair in starts.windows(2) {
            lines[pair[0] + 1..pair[1]].sort();
        }
    }
    format!("{}\nexit {:?}", lines.join("\n"), output.status.code())
}

fn normal(line: &str) -> String {
    let line = line.replace("3.1.0", "VERSION").replace("3.7.1", "VERSION");
    let is_uuid = |word: &str| word.parse::<ovs_db::value::Uuid>().is_ok();
    let mut out = String::new();
    let mut rest = line.as_str();
    while let Some(c) = rest.chars().next() {
        if rest.get(..36).is_some_and(is_uuid) {
            out.push_str("UUID");
            rest = &rest[36..];
        } else {
            out.push(c);
            rest = &rest[c.len_utf8()..];
        }
    }
    // record 1: 2026-11-21 14:45:16.952 …
    match out.strip_prefix("record ").and_then(|r| r.split_once(": 2")) {
        Some((number, rest)) => format!("record {number}: DATE{}", rest.get(22..).unwrap_or_default()),
        None => out,
    }
}

const INSERT: &str = r#"["Open_vSwitch",
  {"op":"insert","table":"Bridge","uuid-name":"b","row":{"name":"br0","external_ids":["map",[["a b","x,y"],["u","é"]]],
     "flood_vlans":["set",[3,4]],"protocols":"OpenFlow10","datapath_type":"","fail_mode":"secure"}},
  {"op":"insert","table":"Open_vSwitch","row":{"bridges":["named-uuid","b"],"cur_cfg":7}},
  {"op":"comment","comment":"made for a test"}]"#;

const CHANGES: &[&str] = &[
    r#"["Open_vSwitch",{"op":"update","table":"Bridge","where":[["name","==","br0"]],"row":{"flood_vlans":["set",[4,5]],"fail_mode":["set",[]]}}]"#,
    r#"["Open_vSwitch",{"op":"mutate","table":"Bridge","where":[],"mutations":[["external_ids","delete",["set",["u"]]],["external_ids","insert",["map",[["n","1"]]]]]}]"#,
    r#"["Open_vSwitch",{"op":"insert","table":"Manager","uuid-name":"m","row":{"target":"ptcp:6640"}},{"op":"mutate","table":"Open_vSwitch","where":[],"mutations":[["manager_options","insert",["named-uuid","m"]]]}]"#,
    r#"["Open_vSwitch",{"op":"update","table":"Open_vSwitch","where":[],"row":{"bridges":["set",[]]}}]"#,
];

#[test]
fn files_go_both_ways_and_commands_say_the_same() {
    let Some(both) = Both::new("files_go_both_ways_and_commands_say_the_same") else { return };
    let schema = schema();
    for (first, second, db) in [
        (Path::new(OURS), both.theirs.as_path(), "ours.db"),
        (both.theirs.as_path(), Path::new(OURS), "theirs.db"),
    ] {
        assert!(both.run(first, &["create", db, &schema]).status.success());
        for (i, text) in std::iter::once(&INSERT).chain(CHANGES).enumerate() {
            let program = if i % 2 == 0 { second } else { first };
            let output = both.run(program, &["transact", db, text]);
            assert!(output.status.success(), "{output:?}");
            assert!(!String::from_utf8_lossy(&output.stdout).contains("error"), "{output:?}");
        }
        let text = both.same(&["show-log", db]);
        assert!(text.contains("record 1: DATE \"made for a test\""), "{text}");
        both.same(&["show-log", "-m", db]);
        let text = both.same(&["-mm", "show-log", db]);
        assert!(
            text.contains("external_ids={\"a b\"=\"x,y\", u=\"é\"}") && text.contains("    delete row"),
            "{text}"
        );
        let select =
            r#"["Open_vSwitch",{"op":"select","table":"Manager","where":[],"columns":["target","_uuid"]}]"#;
        both.same(&["query", db, select]);
        for command in
            ["db-name", "db-version", "db-cksum", "db-is-clustered", "db-is-standalone", "db-cid", "db-sid"]
        {
            both.same(&[command, db]);
        }
        both.same(&["needs-conversion", db, &schema]);
        for (program, to) in [(first, "first"), (second, "second")] {
            let to = format!("{to}-{db}");
            assert!(both.run(program, &["compact", db, &to]).status.success());
            both.same(&["-mm", "show-log", &to]);
        }
    }
    let rows = |db: &str| both.same(&["-mm", "show-log", db]).replace(db, "DB");
    assert_eq!(rows("first-ours.db"), rows("second-ours.db"));
}

#[test]
fn conversions_agree() {
    let Some(both) = Both::new("conversions_agree") else { return };
    let schema = schema();
    let text = std::fs::read_to_string(&schema).unwrap();
    let other = both.dir.path().join("other.ovsschema");
    let changed = text.replacen("\"version\": \"8", "\"version\": \"9", 1).replacen(
        "\"flood_vlans\"",
        "\"flooded\"",
        1,
    );
    assert_ne!(text, changed);
    std::fs::write(&other, changed).unwrap();
    let other = other.to_str().unwrap();
    assert!(both.ours(&["create", "db", &schema]).status.success());
    assert!(both.ours(&["transact", "db", INSERT]).status.success());
    assert_eq!(both.same(&["needs-conversion", "db", other]), "yes\nexit Some(0)");
    assert!(both.ours(&["convert", "db", other, "ours"]).status.success());
    assert!(both.run(&both.theirs, &["convert", "db", other, "theirs"]).status.success());
    assert_eq!(both.same(&["-mm", "show-log", "ours"]), both.same(&["-mm", "show-log", "theirs"]));
    assert!(both.ours(&["convert", "db", other]).status.success());
    assert_eq!(both.same(&["needs-conversion", "db", other]), "no\nexit Some(0)");
    assert_eq!(both.same(&["-mm", "show-log", "db"]), both.same(&["-mm", "show-log", "theirs"]));
    let bytes = std::fs::metadata(both.dir.path().join("db")).unwrap().len();
    assert!(both.ours(&["compact", "db"]).status.success());
    assert_eq!(std::fs::metadata(both.dir.path().join("db")).unwrap().len(), bytes);
}

#[test]
fn schemas_versions_and_refusals_agree() {
    let Some(both) = Both::new("schemas_versions_and_refusals_agree") else { return };
    let schema = schema();
    for command in ["schema-name", "schema-version", "schema-cksum"] {
        both.same(&[command, &schema]);
    }
    for operator in ["<", "<=", "==", "!=", ">=", ">"] {
        for (a, b) in [("1.2.3", "1.2.3"), ("1.2.3", "1.10.0"), ("2.0.0", "1.10.0")] {
            both.same(&["compare-versions", a, operator, b]);
        }
    }
    assert!(both.ours(&["create", "db", &schema]).status.success());
    both.same(&["create", "db", &schema]);
    for args in [
        &["bogus"][..],
        &[],
        &["query", "nothing", "[]"],
        &["query", "db", "[\"Open_vSwitch\"]"],
        &["query", "db", "[\"X\"]"],
        &["query", "db", "{}"],
        &[
            "query",
            "db",
            r#"["Open_vSwitch",{"op":"wait","table":"Bridge","where":[],"columns":["name"],"rows":[{"name":"x"}],"until":"==","timeout":10}]"#,
        ],
        &["db-version", "nothing"],
        &["list-commands"],
    ] {
        both.same(args);
    }
    // The database is as it was after all that.
    assert_eq!(both.same(&["show-log", "db"]).lines().count(), 3);
}

#[test]
fn clusters_are_recognised_and_refused_by_name() {
    let Some(both) = Both::new("clusters_are_recognised_and_refused_by_name") else { return };
    let made = both.run(&both.theirs, &["create-cluster", "db", &schema(), "unix:/nowhere"]);
    assert!(made.status.success());
    for command in ["db-name", "db-cid", "db-sid", "db-local-address", "db-is-clustered", "db-is-standalone"]
    {
        // The identities are compared as they are.
        let outputs = [both.ours(&[command, "db"]), both.run(&both.theirs, &[command, "db"])];
        assert_eq!(outputs[0].stdout, outputs[1].stdout, "{command}");
        assert_eq!(outputs[0].status, outputs[1].status, "{command}");
    }
    both.same(&["query", "db", "[\"Open_vSwitch\"]"]);
    both.same(&["db-version", "db"]);
    both.same(&["compact", "db"]);
    for args in [
        &["create-cluster", "x", "y", "tcp:1.2.3.4:5"][..],
        &["join-cluster", "x", "y", "tcp:1.2.3.4:5", "tcp:1.2.3.5:5"],
        &["check-cluster", "db"],
        &["cluster-to-standalone", "x", "db"],
    ] {
        let text = printed(&both.ours(args));
        let expected = format!(
            "ovsdb-tool: {}: clusters are not supported; use the distribution's ovsdb-tool\nexit Some(1)",
            args[0]
        );
        assert_eq!(text, expected);
    }
}

/// Whatever is in a file, each command ends with a result or an error.
#[test]
fn hostile_files_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let run = |args: &[&str]| {
        let output = Command::new(OURS).args(args).current_dir(dir.path()).output().unwrap();
        assert!(output.status.code().is_some_and(|code| code <= 2), "{args:?}: {output:?}");
        output
    };
    assert!(run(&["create", "db", &schema()]).status.success());
    assert!(run(&["transact", "db", INSERT]).status.success());
    let good = std::fs::read(dir.path().join("db")).unwrap();
    let step = good.len() / 7;
    for n in 0..12 {
        let mut bytes = good.clone();
        match n {
            0 => bytes.clear(),
            1 => bytes = b"OVSDB CLUSTER 99999999999999999999 x\n{}".to_vec(),
            2 => bytes = b"OVSDB CLUSTER 2 x\n[]".to_vec(),
            3 => {
                bytes =
                    b"OVSDB JSON 18446744073709551615 0000000000000000000000000000000000000000\n".to_vec();
            }
            4 => bytes = vec![0xff; 4096],
            n if n % 2 == 0 => bytes[(n - 5) * step] ^= 1,
            n => bytes.truncate((n - 5) * step),
        }
        std::fs::write(dir.path().join("bad"), bytes).unwrap();
        for command in ["db-name", "db-cid", "db-is-clustered", "show-log", "needs-conversion", "compact"] {
            run(&["-mm", command, "bad"]);
        }
        run(&["query", "bad", "[\"Open_vSwitch\"]"]);
        run(&["needs-conversion", "db", "bad"]);
    }
}
