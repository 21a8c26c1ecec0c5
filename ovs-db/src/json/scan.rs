//! Reading JSON text in place, without a tree of values, where its shape is known.
//!
//! A step that finds anything else than it was asked for gives `None`, and the owner takes [`Json::parse`] for the whole
//! text instead, which decides what is wrong, if anything is. What is read here, that reads alike. White space is
//! allowed where JSON has it.

use std::borrow::Cow;

use super::{Json, number, parse};

/// A position in a text.
pub(crate) struct Scanner<'a> {
    text: &'a str,
    pos: usize,
}

impl<'a> Scanner<'a> {
    /// The beginning of `text`, which must be UTF-8.
    pub(crate) fn new(text: &'a [u8]) -> Option<Scanner<'a>> {
        Some(Scanner { text: std::str::from_utf8(text).ok()?, pos: 0 })
    }

    /// The first byte of what comes next.
    pub(crate) fn peek(&mut self) -> Option<u8> {
        loop {
            let byte = *self.text.as_bytes().get(self.pos)?;
            if !matches!(byte, b' ' | b'\t' | b'\n' | b'\r') {
                return Some(byte);
            }
            self.pos += 1;
        }
    }

    /// Nothing comes any more.
    pub(crate) fn end(&mut self) -> Option<()> {
        self.peek().is_none().then_some(())
    }

    /// Takes `wanted`, if it comes next.
    fn eat(&mut self, wanted: u8) -> bool {
        let found = self.peek() == Some(wanted);
        self.pos += usize::from(found);
        found
    }

    /// Takes `wanted`.
    pub(crate) fn byte(&mut self, wanted: u8) -> Option<()> {
        self.eat(wanted).then_some(())
    }

    /// Takes an object; `member` takes the value of each of its members.
    pub(crate) fn object(
        &mut self,
        mut member: impl FnMut(&mut Self, Cow<'a, str>) -> Option<()>,
    ) -> Option<()> {
        self.byte(b'{')?;
        if self.eat(b'}') {
            return Some(());
        }
        loop {
            let name = self.string()?;
            self.byte(b':')?;
            member(self, name)?;
            if self.eat(b'}') {
                return Some(());
            }
            self.byte(b',')?;
        }
    }

    /// Takes an array; `element` takes each of its elements.
    pub(crate) fn array(&mut self, mut element: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.byte(b'[')?;
        if self.eat(b']') {
            return Some(());
        }
        loop {
            element(self)?;
            if self.eat(b']') {
                return Some(());
            }
            self.byte(b',')?;
        }
    }

    /// Takes a string.
    pub(crate) fn string(&mut self) -> Option<Cow<'a, str>> {
        self.byte(b'"')?;
        let rest = &self.text.as_bytes()[self.pos..];
        let clean = rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..=0x1f))?;
        if rest[clean] == b'"' {
            let text = self.text.get(self.pos..self.pos + clean)?;
            self.pos += clean + 1;
            return Some(Cow::Borrowed(text));
        }
        let (text, end) = parse::string_at(self.text, self.pos)?;
        self.pos = end;
        Some(Cow::Owned(text))
    }

    /// Takes a number.
    pub(crate) fn number(&mut self) -> Option<Json> {
        if !matches!(self.peek()?, b'-' | b'0'..=b'9') {
            return None;
        }
        let rest = &self.text.as_bytes()[self.pos..];
        let (value, length) = small(rest).or_else(|| number::parse(rest, self.pos).ok())?;
        self.pos += length;
        Some(value)
    }

    /// Takes `true` or `false`.
    pub(crate) fn bool(&mut self) -> Option<bool> {
        let (word, value) = if self.peek()? == b't' { ("true", true) } else { ("false", false) };
        self.word(word).map(|()| value)
    }

    /// Takes `null`.
    pub(crate) fn null(&mut self) -> Option<()> {
        self.peek()?;
        self.word("null")
    }

    /// Takes a word, which has to end there.
    fn word(&mut self, word: &str) -> Option<()> {
        let rest = self.text.as_bytes()[self.pos..].strip_prefix(word.as_bytes())?;
        if rest.first().is_some_and(u8::is_ascii_alphabetic) {
            return None;
        }
        self.pos += word.len();
        Some(())
    }
}

/// A whole number of few digits at the start of `text`, and its length.
fn small(text: &[u8]) -> Option<(Json, usize)> {
    let negative = text.first() == Some(&b'-');
    let mut at = usize::from(negative);
    let start = at;
    let mut n = 0i64;
    while let Some(digit @ b'0'..=b'9') = text.get(at) {
        if at - start == 18 {
            return None;
        }
        n = n * 10 + i64::from(digit - b'0');
        at += 1;
    }
    let plain = !matches!(text.get(at), Some(b'.' | b'e' | b'E'));
    let good = at > start && (at == start + 1 || text[start] != b'0');
    (plain && good).then_some((Json::Integer(if negative { -n } else { n }), at))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Option<Json> {
        Scanner::new(text.as_bytes())?.number()
    }

    #[test]
    fn numbers_read_as_in_the_tree() {
        for text in [
            "0",
            "-0",
            "7",
            "-7",
            "123456789012345678",
            "1234567890123456789",
            "9223372036854775807",
            "-9223372036854775808",
            "1.0",
            "10e-1",
            "0.5",
            "1e300",
        ] {
            assert_eq!(number(text), text.parse().ok(), "{text}");
        }
        for text in ["", "-", "01", "x", "1.", "1e", "1e999"] {
            assert_eq!(number(text), None, "{text}");
        }
    }

    #[test]
    fn strings_read_as_in_the_tree() {
        for text in [r#""""#, r#""a b""#, r#""\"x\\ \u00e9 \ud83d\ude00\n""#, "\"\u{e9}\""] {
            let mut scanner = Scanner::new(text.as_bytes()).unwrap();
            assert_eq!(Some(Json::String(scanner.string().unwrap().into_owned())), text.parse().ok());
            assert!(scanner.end().is_some());
        }
        for text in ["\"a", "\"a\u{1}\"", r#""\q""#, r#""\u0000""#, r#""\ud83d""#, "a"] {
            assert!(Scanner::new(text.as_bytes()).unwrap().string().is_none(), "{text}");
        }
    }

    #[test]
    fn words_end_where_they_end() {
        assert_eq!(Scanner::new(b" true,").unwrap().bool(), Some(true));
        assert_eq!(Scanner::new(b"false").unwrap().bool(), Some(false));
        assert_eq!(Scanner::new(b"truely").unwrap().bool(), None);
        assert_eq!(Scanner::new(b"nullx").unwrap().null(), None);
    }
}
