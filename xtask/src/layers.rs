//! The layers of the design, checked: who may depend on whom, and where `unsafe` may stand.

use std::collections::BTreeSet;
use std::fs;

use crate::run::{root, rust_files};

/// Each library, its folder, and the libraries that its arrows reach.
const LAYERS: &[(&str, &str, &[&str])] = &[
    ("ovs-packet", "ovs-packet", &[]),
    ("ovs-flow", "ovs-flow", &["ovs-packet"]),
    ("ovs-classifier", "ovs-classifier", &["ovs-flow", "ovs-packet"]),
    ("ovs-netdev", "ovs-netdev", &["ovs-packet"]),
    ("ovs-dpif", "ovs-dpif", &["ovs-netdev", "ovs-classifier", "ovs-flow", "ovs-packet"]),
    ("ovs-stream", "ovs-db/stream", &[]),
    ("ovs-db", "ovs-db", &["ovs-stream"]),
    ("ovs-openflow", "ovs-ofproto/openflow", &["ovs-flow", "ovs-packet", "ovs-stream"]),
    (
        "ovs-ofproto",
        "ovs-ofproto",
        &["ovs-openflow", "ovs-dpif", "ovs-netdev", "ovs-classifier", "ovs-flow", "ovs-packet", "ovs-stream"],
    ),
];

/// Checks both and names every breach.
pub fn check() -> Result<(), String> {
    let mut breaches = Vec::new();
    for (name, folder, allowed) in LAYERS {
        let manifest = root().join(folder).join("Cargo.toml");
        let text = fs::read_to_string(&manifest).map_err(|e| format!("{}: {e}", manifest.display()))?;
        for used in own_dependencies(&text) {
            if !allowed.contains(&used.as_str()) {
                breaches.push(format!("{name} depends on {used}, which its layer does not reach"));
            }
        }
    }
    breaches.extend(stray_unsafe()?);
    if breaches.is_empty() {
        println!("layers: {} crates, no breach", LAYERS.len());
        return Ok(());
    }
    Err(breaches.join("\n"))
}

/// Our own crates among the normal dependencies of a manifest (development ones are free).
fn own_dependencies(manifest: &str) -> BTreeSet<String> {
    let mut normal = false;
    let mut found = BTreeSet::new();
    for line in manifest.lines().map(str::trim) {
        if line.starts_with('[') {
            normal = line.ends_with("dependencies]") && !line.contains("dev-dependencies");
        } else if normal && line.starts_with("ovs-") {
            let end = line.find(['.', '=', ' ']).unwrap_or(line.len());
            found.insert(line[..end].to_owned());
        }
    }
    found
}

/// Files with an unsafe block, function or implementation that `ci/unsafe.txt` does not list.
fn stray_unsafe() -> Result<Vec<String>, String> {
    let list = root().join("ci/unsafe.txt");
    let listed = fs::read_to_string(&list).map_err(|e| format!("{}: {e}", list.display()))?;
    let listed: BTreeSet<&str> = listed
        .lines()
        .map(|l| l.split('#').next().unwrap_or_default().trim())
        .filter(|l| !l.is_empty())
        .collect();
    let mut stray = Vec::new();
    for file in
        rust_files().iter().filter(|f| !is_test(f) && !f.starts_with("xtask/") && !f.starts_with("ci/"))
    {
        let text = fs::read_to_string(root().join(file)).map_err(|e| format!("{file}: {e}"))?;
        let code = text.lines().map(|l| l.split("//").next().unwrap_or_default());
        let unsafe_words = ["unsafe {", "unsafe fn", "unsafe impl", "unsafe extern", "unsafe trait"];
        if code.into_iter().any(|l| unsafe_words.iter().any(|w| l.contains(w)))
            && !listed.contains(file.as_str())
        {
            stray.push(format!("{file} has unsafe code and is not listed in ci/unsafe.txt"));
        }
    }
    Ok(stray)
}

/// Tests, benches, examples and fuzz targets are outside of the rules for what users link.
pub fn is_test(file: &str) -> bool {
    ["/tests/", "/benches/", "/examples/", "fuzz/"].iter().any(|part| file.contains(part))
        && !file.starts_with("examples/vswitchd/src")
        && !file.starts_with("examples/ovsdb-server/src")
        || file.ends_with("tests.rs")
}
