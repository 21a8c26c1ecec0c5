//! Walks over a text, piece by piece.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::ParseActionsError;
use crate::{Bits, Masked};

pub(super) type Parsed<T> = Result<T, ParseActionsError>;

/// Reads the value of a member whose name is given; `false` if there is no such member.
type Member<'m, 'a> = dyn FnMut(&mut Scanner<'a>, &str) -> Parsed<bool> + 'm;

pub(super) struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scanner<'a> {
    pub fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// Bytes walked over.
    pub fn at(&self) -> usize {
        self.at
    }

    pub fn expected(&self, what: &'static str) -> ParseActionsError {
        ParseActionsError::Expected { at: self.at, what }
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    pub fn is_at_end(&self) -> bool {
        self.rest().is_empty()
    }

    /// Whether `what` comes next.
    pub fn sees(&self, what: &str) -> bool {
        self.rest().starts_with(what)
    }

    /// Walks over `what` if it comes next.
    pub fn eat(&mut self, what: &str) -> bool {
        let seen = self.sees(what);
        if seen {
            self.at += what.len();
        }
        seen
    }

    /// Walks over `what`, which must come next; `name` is what an error calls it.
    pub fn expect(&mut self, what: &str, name: &'static str) -> Parsed<()> {
        if self.eat(what) { Ok(()) } else { Err(self.expected(name)) }
    }

    /// Walks over a closing parenthesis.
    pub fn close(&mut self) -> Parsed<()> {
        self.expect(")", "a closing parenthesis")
    }

    /// What stands up to the next delimiter; may be empty.
    fn peek(&self) -> &'a str {
        let rest = self.rest();
        let end = rest.find([',', '(', ')', '=', '/', '%', '|']);
        rest.get(..end.unwrap_or(rest.len())).unwrap_or_default()
    }

    /// Walks over what stands up to the next delimiter.
    pub fn word(&mut self) -> &'a str {
        let word = self.peek();
        self.at += word.len();
        word
    }

    pub fn word_is(&self, word: &str) -> bool {
        self.peek() == word
    }

    /// A number up to `most`, decimal, or hexadecimal behind `0x`.
    pub fn number(&mut self, most: u64) -> Parsed<u64> {
        let word = self.peek();
        let number = match word.strip_prefix("0x") {
            Some(digits) => u64::from_str_radix(digits, 16),
            None => word.parse(),
        };
        match number {
            Ok(number) if number <= most && !word.contains('+') => {
                self.at += word.len();
                Ok(number)
            }
            _ => Err(self.expected("a number in range")),
        }
    }

    /// A percentage, 0 to 100.
    pub fn percent(&mut self) -> Parsed<f64> {
        match self.peek().parse() {
            Ok(percent) if (0.0..=100.0).contains(&percent) => {
                self.word();
                Ok(percent)
            }
            _ => Err(self.expected("a percentage")),
        }
    }

    /// An Ethernet address.
    pub fn eth(&mut self) -> Parsed<[u8; 6]> {
        let word = self.peek();
        let mut address = [0; 6];
        let mut bytes = word.split(':');
        for byte in &mut address {
            let digits = bytes.next().filter(|d| (1..=2).contains(&d.len()) && !d.starts_with('+'));
            let value = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
            *byte = value.ok_or_else(|| self.expected("an Ethernet address"))?;
        }
        if bytes.next().is_some() {
            return Err(self.expected("an Ethernet address"));
        }
        self.at += word.len();
        Ok(address)
    }

    pub fn v4(&mut self) -> Parsed<[u8; 4]> {
        let address: Ipv4Addr = self.peek().parse().map_err(|_| self.expected("an IPv4 address"))?;
        self.word();
        Ok(address.octets())
    }

    pub fn v6(&mut self) -> Parsed<[u8; 16]> {
        let address: Ipv6Addr = self.peek().parse().map_err(|_| self.expected("an IPv6 address"))?;
        self.word();
        Ok(address.octets())
    }

    /// A value, and a mask behind a slash if it is not full.
    pub fn masked<T: Bits>(&mut self, mut read: impl FnMut(&mut Self) -> Parsed<T>) -> Parsed<Masked<T>> {
        let value = read(self)?;
        if self.eat("/") { Ok(Masked::new(value, read(self)?)) } else { Ok(Masked::exact(value)) }
    }

    pub fn masked_u8(&mut self) -> Parsed<Masked<u8>> {
        self.masked(|scan| scan.number(0xff).map(|n| n as u8))
    }

    pub fn masked_u16(&mut self) -> Parsed<Masked<u16>> {
        self.masked(|scan| scan.number(0xffff).map(|n| n as u16))
    }

    pub fn masked_u32(&mut self) -> Parsed<Masked<u32>> {
        self.masked(|scan| scan.number(u32::MAX.into()).map(|n| n as u32))
    }

    /// Members `name=value` with commas between them, up to a closing parenthesis, which is left.
    pub fn members(&mut self, member: &mut Member<'_, 'a>) -> Parsed<()> {
        while !self.sees(")") {
            let at = self.at;
            let name = self.word();
            // Flags have parentheses of their own.
            if !self.sees("(") {
                self.expect("=", "an equals sign")?;
            }
            if !member(self, name)? {
                return Err(ParseActionsError::Unknown { at, name: name.to_owned() });
            }
            if !self.eat(",") && !self.sees(")") {
                return Err(self.expected("a comma or a closing parenthesis"));
            }
        }
        Ok(())
    }
}
