//! Descriptions to layers.

use alloc::vec::Vec;

use super::{BuildError, Layer, MAX_LAYERS, options, syntax, value};
use crate::wire::Protocol;

/// The layers of a description.
pub(super) fn layers(description: &str) -> Result<Vec<Layer>, BuildError> {
    let mut at = 0;
    let mut layers = Vec::new();
    for text in description.split(" / ") {
        let part = Part { description, text, at };
        if layers.len() == MAX_LAYERS {
            return Err(BuildError::TooMany { column: part.column(text) });
        }
        layers.push(part.layer()?);
        at += text.len() + " / ".len();
    }
    Ok(layers)
}

/// The text of one layer, and where in the description it begins.
struct Part<'a> {
    description: &'a str,
    text: &'a str,
    at: usize,
}

impl<'a> Part<'a> {
    /// The column of a piece of the text.
    fn column(&self, piece: &str) -> usize {
        let within = (piece.as_ptr() as usize).wrapping_sub(self.text.as_ptr() as usize);
        let before = self.description.get(..self.at + within).unwrap_or_default();
        before.chars().count() + 1
    }

    fn layer(&self) -> Result<Layer, BuildError> {
        let mut words = self.text.split_whitespace();
        let name = words.next().unwrap_or(self.text);
        if let Some(payload) = self.payload(name) {
            return payload;
        }
        let unknown = || BuildError::UnknownLayer { column: self.column(name) };
        let mut layer = syntax::named(name).ok_or_else(unknown)?;
        let protocol = layer.protocol();
        let mut plain = protocol.map_or(&[][..], syntax::words).iter();
        for word in words.filter(|word| *word != ">") {
            let unknown = || BuildError::UnknownWord { column: self.column(word), protocol };
            let (field, text) = match word.split_once('=') {
                Some(pair) => pair,
                None => (*plain.next().ok_or_else(unknown)?, word),
            };
            self.set(&mut layer, protocol, field, word, text)?;
        }
        Ok(layer)
    }

    /// Sets what `key` names: an option, or a field by its name or alias.
    fn set(
        &self,
        layer: &mut Layer,
        protocol: Option<Protocol>,
        key: &str,
        word: &'a str,
        text: &'a str,
    ) -> Result<(), BuildError> {
        let bad = |expected| BuildError::BadValue { column: self.column(text), expected };
        if let Some(result) = options::option(layer, key, text) {
            return result.map_err(bad);
        }
        let field = protocol.and_then(|protocol| syntax::field(protocol, key));
        let field = field.ok_or_else(|| BuildError::UnknownWord { column: self.column(word), protocol })?;
        value::set(layer, field, text).map_err(bad)
    }

    /// A layer that is payload.
    fn payload(&self, name: &str) -> Option<Result<Layer, BuildError>> {
        let rest = self.text.trim_start().strip_prefix(name).unwrap_or_default();
        let rest = rest.strip_prefix(' ').unwrap_or(rest);
        Some(match name {
            "payload" => Ok(Layer::payload(rest.as_bytes())),
            "hex" => {
                let digits: &str = rest.trim();
                let bad = |expected| BuildError::BadValue { column: self.column(digits), expected };
                value::hex(digits).map(|bytes| Layer::payload(&bytes)).map_err(bad)
            }
            _ if name.starts_with(|first: char| first.is_ascii_digit()) => {
                let most = u64::from(u16::MAX);
                let bad = |expected| BuildError::BadValue { column: self.column(name), expected };
                if let Some(word) = rest.split_whitespace().next() {
                    return Some(Err(BuildError::UnknownWord { column: self.column(word), protocol: None }));
                }
                value::number_up_to(name, most).map_err(bad).map(|len| {
                    let bytes: Vec<u8> = (0..len).map(|i| i as u8).collect();
                    Layer::payload(&bytes)
                })
            }
            _ => return None,
        })
    }
}
