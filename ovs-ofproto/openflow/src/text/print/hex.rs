//! Bytes as `hexdump -C` shows them, with a dash in the middle.

use core::fmt::{self, Write};

/// Appends lines of sixteen bytes each.
pub(in crate::text) fn write_hex_dump(bytes: &[u8], out: &mut String) -> fmt::Result {
    for (i, line) in bytes.chunks(16).enumerate() {
        write!(out, "{:08x} ", i * 16)?;
        for at in 0..16 {
            out.write_char(if at == 8 && line.len() > 8 { '-' } else { ' ' })?;
            match line.get(at) {
                Some(byte) => write!(out, "{byte:02x}")?,
                None => out.write_str("  ")?,
            }
        }
        out.write_str(" |")?;
        for at in 0..16 {
            out.write_char(match line.get(at) {
                Some(byte @ 0x20..=0x7e) => char::from(*byte),
                Some(_) => '.',
                None => ' ',
            })?;
        }
        out.write_str("|\n")?;
    }
    Ok(())
}
