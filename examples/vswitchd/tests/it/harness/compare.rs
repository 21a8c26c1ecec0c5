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

/// Commands that print their lines in no order that both can have, and why. Of all others the order counts, too.
const UNORDERED: &[(&str, &str)] = &[
    ("ovs-vsctl show", "rows come in the order of their UUIDs, which no two databases share"),
    ("list ", "rows come in the order of their UUIDs, which no two databases share"),
    (
        "dump-group",
        "groups come in the order of a hash table in the original, in that of their numbers in ours",
    ),
    (
        "dump-meter",
        "meters come in the order of a hash table in the original, in that of their numbers in ours",
    ),
    (
        "meter-stats",
        "meters come in the order of a hash table in the original, in that of their numbers in ours",
    ),
    ("dump-conntrack", "connections come in the order of a hash table in both"),
    (
        "ipf-get-status",
        "datagrams come in the order of a hash table in the original, in that of their age in ours",
    ),
    (
        "dump-flows",
        "the original groups the flows of a table by mask, the group with the highest priority first, and shows each group \
         in the order in which its flows came or were last changed; ours come in the order in which they came. Megaflows \
         come in that of a hash table in both",
    ),
];

/// Runs a tool on both and fails if they differ in exit code or in a line that `allowed` does not name.
pub fn compare(ours: &World, peer: &World, tool: &str, args: &[&str], allowed: &[Difference]) {
    let line = format!("{tool} {}", args.join(" "));
    let any_order = UNORDERED.iter().any(|(command, _)| line.contains(command));
    let results = [ours, peer].map(|world| {
        let (code, out, err) = if tool == "ovs-appctl" { world.appctl(args) } else { world.run(tool, args) };
        let folder = world.folder().display().to_string();
        // Ours has a name of its own, which errors begin with.
        let named = |text: &str| match text.strip_prefix("vswitchd: ") {
            Some(rest) => format!("ovs-vswitchd: {rest}"),
            None => text.to_owned(),
        };
        let [out, err] = [named(&out), named(&err)]
            .map(|text| normal(&text.replace(&folder, "FOLDER"), allowed, any_order));
        (code, out, err)
    });
    let [ours, peer] = results;
    let reasons: Vec<&str> = allowed.iter().map(|difference| difference.because).collect();
    assert_eq!(ours, peer, "{line} (left: ours, right: the distribution's; allowed: {reasons:?})");
}

/// The lines that count, sorted if their order does not, with what differs from run to run replaced.
fn normal(text: &str, allowed: &[Difference], any_order: bool) -> Vec<String> {
    let text = without_numbers(text);
    let counted = text.lines().filter(|l| !allowed.iter().any(|a| l.contains(a.line)));
    let mut lines: Vec<String> = counted.map(replace).collect();
    if any_order {
        lines.sort();
    }
    lines
}

/// A text without the numbers of frozen states, which count what was traced before.
pub fn without_numbers(text: &str) -> String {
    let mut text = text.to_owned();
    for head in ["recirc(0x", "recirc_id=0x", ",recirc_id="] {
        let mut parts = text.split(head);
        let first = parts.next().unwrap_or_default().to_owned();
        text = parts
            .fold(first, |out, part| out + head + part.trim_start_matches(|c: char| c.is_ascii_hexdigit()));
    }
    text
}

/// The hash that a megaflow matches on, without the bits outside of its mask: the original shows them, ours have none.
fn under_mask(line: &str) -> String {
    const HEAD: &str = "dp_hash(0x";
    let number = |text: &str| u32::from_str_radix(text, 16).ok();
    let masked = line.split_once(HEAD).and_then(|(before, rest)| {
        let (both, after) = rest.split_once(')')?;
        let (value, mask) = both.split_once("/0x")?;
        Some(format!("{before}{HEAD}{:x}/0x{mask}){after}", number(value)? & number(mask)?))
    });
    masked.unwrap_or_else(|| line.to_owned())
}

/// Replaces UUIDs, durations, log time stamps and other words that no two runs share.
fn replace(line: &str) -> String {
    let mut words = Vec::new();
    for word in under_mask(line).split(' ') {
        let core = word.trim_end_matches([',', ';', ']', '}', '"']).trim_start_matches(['[', '{', '"']);
        let hyphens = core.matches('-').count();
        let value = core.split_once('=').map_or(core, |(_, value)| value);
        if value.len() == 36 && hyphens == 4 {
            words.push(word.replace(value, "UUID"));
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
