//! From names and numbers to fields, in constant time: tables that are made of the rows at compile time.

use super::facts::{Header, NICIRA, NSH, ONF};
use super::rows::Field;
use super::{ALL, FIELDS};

/// No field.
pub(super) const NONE: u8 = u8::MAX;

/// Slots of a table of names: a power of two, at least twice as many as there are names.
const SLOTS: usize = 1024;

/// Names by their hash; a name that finds its slot taken goes to the next free one.
static NAMES: [u8; SLOTS] = {
    let mut table = [NONE; SLOTS];
    let mut i = 0;
    while i < FIELDS {
        table = with(table, ALL[i].name, i);
        if !ALL[i].alias.is_empty() {
            table = with(table, ALL[i].alias, i);
        }
        i += 1;
    }
    table
};

static WIRE_NAMES: [u8; SLOTS] = {
    let mut table = [NONE; SLOTS];
    let mut i = 0;
    while i < FIELDS {
        let mut j = 0;
        while j < ALL[i].headers.len() {
            if let Some(header) = &ALL[i].headers[j] {
                table = with(table, header.name, i);
            }
            j += 1;
        }
        i += 1;
    }
    table
};

/// Classes of headers: four plain ones, then experimenters.
const CLASSES: usize = 8;

/// Fields by class and number.
static HEADERS: [[u8; 128]; CLASSES] = {
    let mut table = [[NONE; 128]; CLASSES];
    let mut i = 0;
    while i < FIELDS {
        let mut j = 0;
        while j < ALL[i].headers.len() {
            if let Some(Header { class, number, experimenter, .. }) = ALL[i].headers[j] {
                let Some(class) = class_index(class, experimenter) else { panic!("a class without a table") };
                assert!(table[class][number as usize] == NONE, "a number twice");
                table[class][number as usize] = i as u8;
            }
            j += 1;
        }
        i += 1;
    }
    table
};

const fn class_index(class: u16, experimenter: u32) -> Option<usize> {
    Some(match (class, experimenter) {
        (0x0000, _) => 0,
        (0x0001, _) => 1,
        (0x8000, _) => 2,
        (0x8001, _) => 3,
        (0x1000, _) => 4,
        (0xffff, NICIRA) => 5,
        (0xffff, NSH) => 6,
        (0xffff, ONF) => 7,
        _ => return None,
    })
}

const fn with(mut table: [u8; SLOTS], name: &str, field: usize) -> [u8; SLOTS] {
    let mut slot = hash(name);
    while table[slot] != NONE {
        slot = (slot + 1) % SLOTS;
    }
    table[slot] = field as u8;
    table
}

/// FNV-1a, folded to a slot. The names are ours, so that nobody can make them collide.
const fn hash(name: &str) -> usize {
    let bytes = name.as_bytes();
    let (mut hash, mut i) = (0x811c_9dc5_u32, 0);
    while i < bytes.len() {
        hash = (hash ^ bytes[i] as u32).wrapping_mul(0x0100_0193);
        i += 1;
    }
    (hash ^ hash >> 16) as usize % SLOTS
}

fn find(table: &[u8; SLOTS], name: &str, is: impl Fn(Field) -> bool) -> Option<Field> {
    let start = hash(name);
    (0..SLOTS).map(|i| table[(start + i) % SLOTS]).take_while(|i| *i != NONE).map(Field).find(|f| is(*f))
}

pub(super) fn by_name(name: &str) -> Option<Field> {
    find(&NAMES, name, |f| f.facts().name == name || (f.facts().alias == name && !name.is_empty()))
}

pub(super) fn by_wire_name(name: &str) -> Option<Field> {
    find(&WIRE_NAMES, name, |f| f.headers().any(|h| h.name == name))
}

pub(super) fn by_header(class: u16, number: u8, experimenter: u32) -> Option<Field> {
    let index = *HEADERS[class_index(class, experimenter)?].get(usize::from(number))?;
    (index != NONE).then_some(Field(index))
}
