//! The reader. It keeps its own stack, so nesting costs heap that is linear in the input, not call frames.

use super::error::{JsonError, JsonErrorKind as Kind};
use super::{Json, MAX_DEPTH, Object, number};

/// A container that is still open.
enum Open {
    Array(Vec<Json>),
    /// Members so far, and the name of the one whose value comes next.
    Object(Object, String),
}

/// Reads the one value that `text` must hold.
pub(super) fn parse(text: &[u8]) -> Result<Json, JsonError> {
    let mut reader = Reader { text, valid: std::str::from_utf8(text).ok(), pos: 0, stack: Vec::new() };
    let value = reader.document()?;
    reader.skip_space();
    if reader.pos < text.len() {
        return Err(Kind::TrailingGarbage.at(reader.pos));
    }
    Ok(value)
}

/// Reads the rest of a string of `text` whose opening quote stands before `pos`; gives it and where it ends.
pub(super) fn string_at(text: &str, pos: usize) -> Option<(String, usize)> {
    let mut reader = Reader { text: text.as_bytes(), valid: Some(text), pos, stack: Vec::new() };
    let string = reader.string().ok()?;
    Some((string, reader.pos))
}

struct Reader<'a> {
    text: &'a [u8],
    /// The same, if all of it is UTF-8: then no part has to be looked at again.
    valid: Option<&'a str>,
    pos: usize,
    stack: Vec<Open>,
}

impl Reader<'_> {
    fn document(&mut self) -> Result<Json, JsonError> {
        loop {
            let Some(mut value) = self.value()? else { continue };
            // Put the value where it belongs, and close every container that ends behind it.
            loop {
                let Some(open) = self.stack.last_mut() else { return Ok(value) };
                match open {
                    Open::Array(elements) => elements.push(value),
                    Open::Object(members, name) => {
                        members.insert(std::mem::take(name), value);
                    }
                }
                let is_array = matches!(open, Open::Array(_));
                self.skip_space();
                match (self.next_byte()?, is_array) {
                    (b',', true) => break,
                    (b',', false) => {
                        self.member_name()?;
                        break;
                    }
                    (b']', true) | (b'}', false) => value = self.close(),
                    (other, _) => return Err(Kind::UnexpectedByte(other).at(self.pos - 1)),
                }
            }
        }
    }

    /// Reads a scalar or an empty container; opens any other container and gives `None`.
    fn value(&mut self) -> Result<Option<Json>, JsonError> {
        self.skip_space();
        let start = self.pos;
        match self.next_byte()? {
            b'[' => {
                self.open(Open::Array(Vec::new()))?;
                Ok(self.closes_with(b']').then(|| self.close()))
            }
            b'{' => {
                self.open(Open::Object(Object::new(), String::new()))?;
                if self.closes_with(b'}') {
                    return Ok(Some(self.close()));
                }
                self.member_name()?;
                Ok(None)
            }
            b'"' => Ok(Some(Json::String(self.string()?))),
            b'-' | b'0'..=b'9' => {
                let (value, length) = number::parse(&self.text[start..], start)?;
                self.pos = start + length;
                Ok(Some(value))
            }
            b'a'..=b'z' => self.keyword(start).map(Some),
            other => Err(Kind::UnexpectedByte(other).at(start)),
        }
    }

    fn open(&mut self, container: Open) -> Result<(), JsonError> {
        if self.stack.len() == MAX_DEPTH {
            return Err(Kind::TooDeep.at(self.pos - 1));
        }
        self.stack.push(container);
        Ok(())
    }

    fn close(&mut self) -> Json {
        match self.stack.pop() {
            Some(Open::Array(elements)) => Json::Array(elements),
            Some(Open::Object(members, _)) => Json::Object(members),
            None => Json::Null,
        }
    }

    fn closes_with(&mut self, end: u8) -> bool {
        self.skip_space();
        let closes = self.text.get(self.pos) == Some(&end);
        self.pos += usize::from(closes);
        closes
    }

    /// Reads `"name" :` into the innermost object.
    fn member_name(&mut self) -> Result<(), JsonError> {
        self.skip_space();
        match self.next_byte()? {
            b'"' => {}
            other => return Err(Kind::UnexpectedByte(other).at(self.pos - 1)),
        }
        let name = self.string()?;
        self.skip_space();
        match self.next_byte()? {
            b':' => {}
            other => return Err(Kind::UnexpectedByte(other).at(self.pos - 1)),
        }
        if let Some(Open::Object(_, pending)) = self.stack.last_mut() {
            *pending = name;
        }
        Ok(())
    }

    fn keyword(&mut self, start: usize) -> Result<Json, JsonError> {
        let word = self.text[start..].iter().take_while(|b| b.is_ascii_alphabetic()).count();
        self.pos = start + word;
        match &self.text[start..self.pos] {
            b"null" => Ok(Json::Null),
            b"true" => Ok(Json::Bool(true)),
            b"false" => Ok(Json::Bool(false)),
            _ => Err(Kind::BadKeyword.at(start)),
        }
    }

    /// Reads the rest of a string whose opening quote has been read.
    fn string(&mut self) -> Result<String, JsonError> {
        let mut out = String::new();
        loop {
            let start = self.pos;
            let clean =
                self.text[start..].iter().take_while(|b| !matches!(b, b'"' | b'\\' | 0..=0x1f)).count();
            let end = start + clean;
            let part = match self.valid.and_then(|valid| valid.get(start..end)) {
                Some(part) => part,
                None => std::str::from_utf8(&self.text[start..end])
                    .map_err(|e| Kind::BadUtf8.at(start + e.valid_up_to()))?,
            };
            out.push_str(part);
            self.pos += clean;
            match self.next_byte()? {
                b'"' => return Ok(out),
                b'\\' => out.push(self.escape()?),
                other => return Err(Kind::ControlCharacter(other).at(self.pos - 1)),
            }
        }
    }

    /// Reads what follows a backslash.
    fn escape(&mut self) -> Result<char, JsonError> {
        let start = self.pos - 1;
        Ok(match self.next_byte()? {
            b'"' => '"',
            b'\\' => '\\',
            b'/' => '/',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => return self.unicode(start),
            _ => return Err(Kind::BadEscape.at(start)),
        })
    }

    fn unicode(&mut self, start: usize) -> Result<char, JsonError> {
        let first = self.hex4(start)?;
        let code = match first {
            0 => return Err(Kind::NullCharacter.at(start)),
            0xd800..=0xdbff => {
                if self.text.get(self.pos..self.pos + 2) != Some(b"\\u") {
                    return Err(Kind::LoneSurrogate.at(start));
                }
                self.pos += 2;
                let second = self.hex4(start)?;
                if !(0xdc00..=0xdfff).contains(&second) {
                    return Err(Kind::LoneSurrogate.at(start));
                }
                0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00)
            }
            other => other,
        };
        // What char::from_u32 refuses here is a second half that came first.
        char::from_u32(code).ok_or(Kind::LoneSurrogate.at(start))
    }

    fn hex4(&mut self, start: usize) -> Result<u32, JsonError> {
        let mut code = 0;
        for _ in 0..4 {
            let digit = (self.next_byte()? as char).to_digit(16).ok_or(Kind::BadEscape.at(start))?;
            code = code << 4 | digit;
        }
        Ok(code)
    }

    fn next_byte(&mut self) -> Result<u8, JsonError> {
        let byte = *self.text.get(self.pos).ok_or(Kind::UnexpectedEnd.at(self.text.len()))?;
        self.pos += 1;
        Ok(byte)
    }

    fn skip_space(&mut self) {
        let rest = &self.text[self.pos..];
        self.pos += rest.iter().take_while(|b| matches!(b, b' ' | b'\t' | b'\n' | b'\r')).count();
    }
}
