//! What `dpctl/…` commands have in common: options, then the datapath's name if it must be told, then the rest.

use super::super::Vswitchd;
use super::super::datapath::Datapath;
use super::datapath::{choose, full_name};

/// The arguments of a command.
pub struct Arguments<'a> {
    /// `-m`.
    pub more: bool,
    /// `-s`.
    pub statistics: bool,
    /// What is no option.
    pub rest: Vec<&'a str>,
}

impl<'a> Arguments<'a> {
    /// Takes the options from the front.
    pub fn of(args: &'a [String]) -> Result<Self, String> {
        let mut taken = Self { more: false, statistics: false, rest: Vec::new() };
        let mut args = args.iter().map(String::as_str).peekable();
        while let Some(option) = args.next_if(|arg| arg.starts_with('-') && arg.len() > 1) {
            match option {
                "-m" | "--more" => taken.more = true,
                "-s" | "--statistics" => taken.statistics = true,
                "--names" | "--no-names" | "--may-create" | "--clear" => {}
                _ => return Err(format!("Unrecognized option {option}")),
            }
        }
        taken.rest = args.collect();
        Ok(taken)
    }

    /// The datapath that the first of at least `from` arguments names, or the first one of fewer, if it is a
    /// datapath's name; else the only one.
    pub fn datapath<'s>(
        &mut self,
        switchd: &'s mut Vswitchd,
        from: usize,
    ) -> Result<&'s mut Datapath, String> {
        let named = self.rest.first().copied().filter(|first| {
            self.rest.len() >= from
                || switchd.datapaths.values().any(|datapath| full_name(datapath) == *first)
        });
        if named.is_some() {
            self.rest.remove(0);
        }
        choose(switchd, named)
    }
}

/// An error as commands print it.
pub fn invalid(program: &str, what: impl std::fmt::Display) -> String {
    format!("{program}: {what} (Invalid argument)")
}

/// A number as `scanf("%u")` of the C library reads it, which is how users' scripts know it: what follows the digits is
/// not looked at, and more than 32 bits are cut off.
pub fn scan(text: &str) -> Option<u32> {
    let text = text.trim_start();
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    let number = match digits[..end].parse::<u64>() {
        Ok(number) => number,
        Err(_) if end == 0 => return None,
        Err(_) => u64::MAX,
    };
    Some(if negative { number.wrapping_neg() as u32 } else { number as u32 })
}

/// A number in decimal, octal or hexadecimal notation, and nothing else, of 32 bits; more are cut off.
pub fn number(text: &str) -> Option<u32> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let magnitude = match digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        Some(hex) => u64::from_str_radix(hex, 16),
        None if digits.len() > 1 && digits.starts_with('0') => u64::from_str_radix(&digits[1..], 8),
        None => digits.parse(),
    };
    let magnitude = magnitude.ok().filter(|_| !digits.contains('+'))?;
    Some(if negative { magnitude.wrapping_neg() as u32 } else { magnitude as u32 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_the_c_library_does() {
        let scanned = ["5", "5x", "-1", "5000000000", "0x10", "x", "", "99999999999999999999999"].map(scan);
        let wanted =
            [Some(5), Some(5), Some(u32::MAX), Some(705_032_704), Some(0), None, None, Some(u32::MAX)];
        assert_eq!(scanned, wanted);
        let read = ["0x10", "010", "9", "-1", "5x", "+5", "", "5000000000"].map(number);
        let wanted = [Some(16), Some(8), Some(9), Some(u32::MAX), None, None, None, Some(705_032_704)];
        assert_eq!(read, wanted);
    }
}
