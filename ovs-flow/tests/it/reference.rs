//! `docs/fields.md`, the reference of all fields, is made of the registry; `UPDATE_DOCS=1` writes it anew.

use std::fmt::Write as _;
use std::path::Path;

use ovs_flow::Field;
use ovs_flow::field::{Facts, Header, Masking};

const HEAD: &str = "\
# Match fields

Made of the registry of `ovs-flow` (`ovs_flow::field`) by its test `reference`; `UPDATE_DOCS=1` writes it anew. The facts are
those of `ovs-fields(7)` of Open vSwitch 3.1, compared with its tools, and the registers that came with 3.7.

- *bits*: bits that a value can have, and in parentheses the bytes on the wire where they are more.
- *mask*: whether a match may have any mask (else all bits or none).
- *rw*: whether actions may write the field.
- *numbers*: class:number of NXM, OXM and experimenter headers (`exp:` with the experimenter's identifier), then the
  version of OpenFlow that has it as standard and the first version of Open vSwitch.
- `¹`: no public text names the number that Open vSwitch 3.7 gives these registers; ours is provisional, and may change.
- A tunnel option has four bytes here, at a place of its own; in Open vSwitch its TLV table says where it lies and how
  long it is.

| field | bits | mask | rw | prerequisites | format | 1.0 | 1.1 | numbers |
|---|---|---|---|---|---|---|---|---|
";

fn page() -> String {
    let mut page = String::from(HEAD);
    for field in Field::all() {
        let f = field.facts();
        let yes = |b: bool| if b { "yes" } else { "no" };
        let headers: Vec<_> = field.headers().map(number).collect();
        let numbers = if headers.is_empty() { "none".into() } else { headers.join("<br>") };
        let masking = yes(f.masking == Masking::Bitwise);
        writeln!(
            page,
            "| {} | {} | {masking} | {} | {} | {} | {} | {} | {numbers} |",
            names(f),
            bits(field),
            yes(f.writable),
            f.prereq.name(),
            f.format.name(),
            yes(f.of10),
            yes(f.of11),
        )
        .expect("text");
    }
    page
}

fn names(f: &Facts) -> String {
    if f.alias.is_empty() { format!("`{}`", f.name) } else { format!("`{}`, `{}`", f.name, f.alias) }
}

fn bits(field: Field) -> String {
    let (bits, bytes) = (usize::from(field.bit_width()), usize::from(field.facts().size));
    if field.option().is_some() {
        return format!("{bits} at most");
    }
    if bits == bytes * 8 { bits.to_string() } else { format!("{bits} ({bytes})") }
}

fn number(h: &Header) -> String {
    let class = match h.class {
        0xffff => format!("exp:{:#010x}", h.experimenter),
        class => format!("{class:#06x}"),
    };
    let mark = if h.provisional { "¹" } else { "" };
    format!("`{}` {class}:{}{mark} ({}, {}.{})", h.name, h.number, h.since.name(), h.ovs.0, h.ovs.1)
}

#[test]
fn the_reference_is_the_registry() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/fields.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, page()).expect("docs/fields.md");
    }
    let written = std::fs::read_to_string(&path).expect("docs/fields.md");
    assert!(written == page(), "docs/fields.md is not the registry: run this test with UPDATE_DOCS=1");
}
