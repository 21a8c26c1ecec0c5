//! What two switches print for the same command, compared.

use super::World;

/// A difference that is right, and why: lines in which `ours` or `peer` contains the text are left out.
#[derive(Clone, Copy, Debug)]
pub struct Difference {
    /// What such a line contains.
    pub line: &'static str,
    /// Why the two may differ there.
    pub because: &'static str,
}

/// Runs a tool on both and fails if they differ in exit code or in a line that `allowed` does not name.
pub fn compare(ours: &World, peer: &World, tool: &str, args: &[&str], allowed: &[Difference]) {
    let results = [ours, peer].map(|world| {
        let (code, out, err) = if tool == "ovs-appctl" { world.appctl(args) } else { world.run(tool, args) };
        let folder = world.folder().display().to_string();
        let [out, err] = [out, err].map(|text| normal(&text.replace(&folder, "FOLDER"), allowed));
        (code, out, err)
    });
    let [ours, peer] = results;
    let reasons: Vec<&str> = allowed.iter().map(|difference| difference.because).collect();
    assert_eq!(
        ours,
        peer,
        "{tool} {} (left: ours, right: the distribution's; allowed: {reasons:?})",
        args.join(" ")
    );
}

/// The lines that count, sorted, with what differs from run to run replaced.
fn normal(text: &str, allowed: &[Difference]) -> Vec<String> {
    let counted = text.lines().filter(|l| !allowed.iter().any(|a| l.contains(a.line)));
    let mut lines: Vec<String> = counted.map(replace).collect();
    // Rows come in the order of their UUIDs, flows in that of a hash table: no two runs agree.
    lines.sort();
    lines
}

/// Replaces UUIDs, durations, log time stamps and other words that no two runs share.
fn replace(line: &str) -> String {
    let mut words = Vec::new();
    for word in line.split(' ') {
        let core = word.trim_end_matches([',', ';', ']', '}', '"']).trim_start_matches(['[', '{', '"']);
        let hyphens = core.matches('-').count();
        if core.len() == 36 && hyphens == 4 {
            words.push(word.replace(core, "UUID"));
        } else if let Some((name, _)) =
            core.split_once('=').filter(|(name, _)| ["duration", "idle_age"].contains(name))
        {
            words.push(format!("{name}=T,"));
        } else if core.len() > 20 && core.ends_with('Z') || core.contains("Z|") {
            words.push("LOG".to_owned());
        } else {
            words.push(word.to_owned());
        }
    }
    words.join(" ")
}
