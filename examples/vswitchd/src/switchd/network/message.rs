//! Messages of netlink(7): a header (length, type, flags, sequence, port), a fixed header of the family, attributes.

use std::net::IpAddr;

const HEADER: usize = 16;

/// A request for all of a kind, of every family: the longest of the fixed headers, which the kernel takes for any.
pub fn request(kind: u16) -> Vec<u8> {
    let mut bytes = vec![0; HEADER + 16];
    let len = bytes.len() as u32;
    bytes[..4].copy_from_slice(&len.to_ne_bytes());
    bytes[4..6].copy_from_slice(&kind.to_ne_bytes());
    bytes[6..8].copy_from_slice(&((libc::NLM_F_REQUEST | libc::NLM_F_DUMP) as u16).to_ne_bytes());
    bytes
}

/// One message.
pub struct Message<'a> {
    /// Its type.
    pub kind: u16,
    /// What follows the header.
    pub body: &'a [u8],
}

/// The messages of a datagram; ends at the first malformed one.
pub struct Messages<'a>(pub &'a [u8]);

impl<'a> Iterator for Messages<'a> {
    type Item = Message<'a>;

    fn next(&mut self) -> Option<Message<'a>> {
        let len = u32_at(self.0, 0)? as usize;
        let kind = u16_at(self.0, 4)?;
        let body = self.0.get(HEADER..len)?;
        self.0 = self.0.get(len.next_multiple_of(4)..).unwrap_or(&[]);
        Some(Message { kind, body })
    }
}

/// Attributes, to be asked by their number; ends at the first malformed one.
#[derive(Clone, Copy)]
pub struct Attributes<'a>(&'a [u8]);

impl<'a> Attributes<'a> {
    /// Those behind a fixed header of so many bytes.
    pub fn after(body: &'a [u8], fixed: usize) -> Self {
        Self(body.get(fixed..).unwrap_or_default())
    }

    /// The value of an attribute.
    pub fn get(self, wanted: u16) -> Option<&'a [u8]> {
        let mut rest = self.0;
        while let (Some(len), Some(kind)) = (u16_at(rest, 0), u16_at(rest, 2)) {
            let value = rest.get(4..usize::from(len))?;
            // The upper bits say how the value is coded.
            if kind & 0x3fff == wanted {
                return Some(value);
            }
            rest = rest.get(usize::from(len).next_multiple_of(4)..)?;
        }
        None
    }

    /// A number.
    pub fn number(self, wanted: u16) -> Option<u32> {
        u32_at(self.get(wanted)?, 0)
    }

    /// An address, of the family that its length tells.
    pub fn address(self, wanted: u16) -> Option<IpAddr> {
        let value = self.get(wanted)?;
        let v4 = <[u8; 4]>::try_from(value).ok().map(IpAddr::from);
        v4.or_else(|| <[u8; 16]>::try_from(value).ok().map(IpAddr::from))
    }

    /// A text that ends with a zero.
    pub fn text(self, wanted: u16) -> Option<String> {
        let value = self.get(wanted)?;
        let end = value.iter().position(|byte| *byte == 0).unwrap_or(value.len());
        String::from_utf8(value[..end].to_vec()).ok()
    }
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().map(|bytes| u16::from_ne_bytes(*bytes))
}

/// A number in the machine's order.
pub fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|bytes| u32::from_ne_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lying_lengths_end_the_walk() {
        let mut message = request(18);
        message.extend([8, 0, 3, 0, b'l', b'o', 0, 0, 200, 0, 9, 0]);
        let len = message.len() as u32;
        message[..4].copy_from_slice(&len.to_ne_bytes());
        let read = Messages(&message).next().unwrap();
        let attributes = Attributes::after(read.body, 16);
        assert_eq!((read.kind, attributes.text(3).as_deref(), attributes.get(9)), (18, Some("lo"), None));
        message[0] = 255;
        assert!(Messages(&message).next().is_none());
    }
}
