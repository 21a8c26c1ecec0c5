//! Options of tunnels: fields that are as long as a round's table says.

use ovs_flow::Field;

use super::draw::Draw;

/// What every round's table has beside the options of the round's fields: actions name it.
const ALWAYS: usize = 0;

/// Bytes of an option. Ten in a row have room together with the first one.
pub fn len(n: usize) -> usize {
    match n {
        ALWAYS => 40,
        n if n % 10 == 3 => 124,
        n => [8, 4][n % 2],
    }
}

/// The table of a round.
pub fn table(fields: impl Iterator<Item = Field>) -> String {
    let mut named: Vec<usize> = fields.filter_map(Field::option).chain([ALWAYS]).collect();
    named.sort_unstable();
    named.dedup();
    let maps: Vec<String> =
        named.iter().map(|n| format!("{{class=0xffff,type={n},len={}}}->tun_metadata{n}", len(*n))).collect();
    maps.join(",")
}

/// A value, in hexadecimal digits: short ones, and ones that fill the option.
pub fn value(draw: &mut Draw, n: usize) -> String {
    let digits = if draw.once_in(2) { 2 } else { 2 * len(n) };
    let digit =
        |i: usize, draw: &mut Draw| ["1", "2", "9", "a", "f", "0"][draw.below(if i == 0 { 5 } else { 6 })];
    (0..digits).map(|i| digit(i, draw)).collect()
}

/// A value for a match: all of it, some digits, or that the option is there.
pub fn matched(draw: &mut Draw, field: Field, value: &str) -> String {
    match draw.below(6) {
        0 => field.to_string(),
        1 | 2 => {
            let keep = |i: usize| if i.is_multiple_of(3) { 'f' } else { '0' };
            let masked: String =
                value.chars().enumerate().map(|(i, c)| if i.is_multiple_of(3) { c } else { '0' }).collect();
            format!("{field}=0x{masked}/0x{}", (0..value.len()).map(keep).collect::<String>())
        }
        _ => format!("{field}=0x{value}"),
    }
}

/// Some of its bits, at most `most`.
fn some_bits(draw: &mut Draw, n: usize, most: usize) -> (usize, usize) {
    let all = 8 * len(n);
    let width = 1 + draw.below(all.min(most));
    let start = draw.below(all - width + 1);
    (start, width)
}

/// Something that reads or writes an option.
pub fn action(draw: &mut Draw, n: usize, writes: bool) -> String {
    let (field, wire) = (format!("tun_metadata{n}"), format!("NXM_NX_TUN_METADATA{n}"));
    let range = |start: usize, width: usize| match width {
        1 => format!("[{start}]"),
        _ => format!("[{start}..{}]", start + width - 1),
    };
    let whole = range(0, 8 * len(n));
    match draw.below(7) {
        0 if writes => {
            let (start, width) = some_bits(draw, n, 64);
            format!("load:1->{wire}{}", range(start, width))
        }
        1 if writes => {
            let (start, width) = some_bits(draw, n, 32);
            format!("move:NXM_NX_REG0{}->{wire}{}", range(0, width), range(start, width))
        }
        2 if writes => {
            let digits = value(draw, n);
            let value = matched(draw, Field::tun_metadata(n).expect("an option"), &digits);
            // Presence alone is nothing to write.
            match value.split_once('=') {
                Some((_, value)) => format!("set_field:{value}->{field}"),
                None => format!("set_field:0->{field}"),
            }
        }
        3 if writes => {
            let (start, width) = some_bits(draw, n, 8 * len(ALWAYS));
            format!("move:NXM_NX_TUN_METADATA0{}->{wire}{}", range(0, width), range(start, width))
        }
        _ if writes => format!("set_field:0x{}->{field}", value(draw, n)),
        0 | 1 => {
            let (start, width) = some_bits(draw, n, 32);
            format!("move:{wire}{}->NXM_NX_REG1{}", range(start, width), range(0, width))
        }
        2 | 3 => format!("push:{wire}{whole},set_field:0->{field},pop:{wire}{whole}"),
        4 => {
            let (start, width) = some_bits(draw, n, 64);
            let bits = range(start, width);
            format!("learn(table=4,{wire}{bits},load:{wire}{bits}->OXM_OF_METADATA{})", range(0, width))
        }
        5 => format!("learn(table=4,priority=9,{wire}{whole},output:NXM_OF_IN_PORT[])"),
        _ => {
            let (start, width) = some_bits(draw, n, 128);
            format!("push:{wire}{},pop:NXM_NX_XXREG2{}", range(start, width), range(0, width))
        }
    }
}
