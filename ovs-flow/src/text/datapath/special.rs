//! Parsing the attributes that are more than a list of values.

use super::attrs::{self, Attr};
use super::options::Options;
use super::parse::{KeyProblem, Parsed, Parser};
use crate::text::DpPortNames;
use crate::text::flags::{CT_STATE, Flags, TCP_FLAGS, TUN_FLAGS};
use crate::{TUN_METADATA_BYTES, TunnelFlags, VLAN_CFI};

impl Parser<'_> {
    pub(super) fn in_port(&mut self, ports: &impl DpPortNames) -> Parsed {
        let start = self.at;
        let text = self.until(b",)");
        if let Some(port) = ports.number(text) {
            self.key.in_port = port.0;
            self.mask.fields.in_port = u32::MAX;
            return Ok(());
        }
        self.at = start;
        let (value, mask) = self.number(4)?;
        self.key.in_port = value as u32;
        self.mask.fields.in_port = mask as u32;
        Ok(())
    }

    fn flags(&mut self, flags: &Flags) -> Parsed<(u32, u32)> {
        let start = self.at;
        match flags.parse(self.until(b")")) {
            Ok(pair) => Ok(pair),
            Err(_) => self.fail_at(start, "flags"),
        }
    }

    pub(super) fn ct_state(&mut self) -> Parsed {
        let (value, mask) = self.flags(&CT_STATE)?;
        self.key.ct_state = value as u8;
        self.mask.fields.ct_state = mask as u8;
        Ok(())
    }

    pub(super) fn tcp_flags(&mut self) -> Parsed {
        let (value, mask) = self.flags(&TCP_FLAGS)?;
        self.key.tcp_flags.set(value as u16);
        self.mask.fields.tcp_flags.set(mask as u16);
        Ok(())
    }

    /// Labels follow each other: each `label=` after the first begins the next one.
    pub(super) fn mpls(&mut self) -> Parsed {
        let mut labels = attrs::LABELS.iter();
        let mut current: Option<&Attr> = None;
        while !self.rest().starts_with(')') {
            let start = self.at;
            let name = self.until(b"=),");
            if name == "label" || current.is_none() {
                current = labels.next();
            }
            let Some(member) = current.and_then(|a| a.members.iter().find(|m| m.name == name)) else {
                return self.fail_at(start, "label, tc, ttl or bos of at most three labels");
            };
            self.expect("=")?;
            self.member(member)?;
            if !self.eat(",") {
                break;
            }
        }
        Ok(())
    }

    pub(super) fn vlan(&mut self, depth: usize) -> Parsed {
        let (mut tci, mut mask) = (VLAN_CFI, 0);
        while !self.rest().starts_with(')') {
            let start = self.at;
            let (shift, bits) = match self.until(b"=),") {
                "vid" => (0, 0xfff),
                "pcp" => (13, 7),
                "cfi" => (12, 1),
                _ => return self.fail_at(start, "vid, pcp or cfi"),
            };
            self.expect("=")?;
            let (value, value_mask) = self.number(8)?;
            if value & !bits != 0 {
                return self.fail_at(start, "a smaller number");
            }
            let (bits, value) = (bits as u16, value as u16);
            tci = tci & !(bits << shift) | value << shift;
            mask |= (value_mask as u16 & bits) << shift;
            if !self.eat(",") {
                break;
            }
        }
        // Who looks at a tag's bits looks at whether it is there.
        mask |= if mask == 0 { 0 } else { VLAN_CFI };
        if tci & VLAN_CFI == 0 && tci != 0 {
            self.problem = self.problem.or(Some(KeyProblem::Cfi(tci)));
        }
        self.key.vlans[depth].tci.set(tci);
        self.mask.fields.vlans[depth].tci.set(mask);
        Ok(())
    }

    /// Members in any order, and the options of tunnels of some type.
    pub(super) fn tunnel(&mut self) -> Parsed {
        let mut ttl = false;
        while !self.rest().starts_with(')') {
            if self.eat("flags(") {
                self.tunnel_flags()?;
            } else if self.eat("vxlan(gbp(") {
                self.in_order(attrs::GBP.members)?;
                self.expect("))")?;
            } else if self.eat("gtpu(") {
                self.in_order(attrs::GTPU.members)?;
                self.expect(")")?;
            } else if self.eat("erspan(") {
                self.erspan()?;
            } else if self.eat("geneve(") {
                self.geneve()?;
            } else {
                ttl |= self.tunnel_member()?;
            }
            if !self.eat(",") {
                break;
            }
        }
        if !ttl {
            self.problem = self.problem.or(Some(KeyProblem::TunnelTtl));
        }
        Ok(())
    }

    /// Whether it was the TTL.
    fn tunnel_member(&mut self) -> Parsed<bool> {
        let start = self.at;
        let name = self.until(b"=),");
        let Some(member) = attrs::TUNNEL.members.iter().find(|m| m.name == name) else {
            return self.fail_at(start, "a member of the tunnel");
        };
        self.expect("=")?;
        self.member(member)?;
        if name == "tun_id" {
            self.key.tunnel.flags |= TunnelFlags::KEY.bits();
            self.mask.fields.tunnel.flags |= TunnelFlags::KEY.bits();
        }
        Ok(name == "ttl")
    }

    /// Whether there is a key, `tun_id` alone says.
    fn tunnel_flags(&mut self) -> Parsed {
        let (value, mask) =
            if self.rest().starts_with(')') { (0, TUN_FLAGS.all()) } else { self.flags(&TUN_FLAGS)? };
        self.expect(")")?;
        let flags = !TunnelFlags::KEY.bits();
        self.key.tunnel.flags |= value as u16 & flags;
        self.mask.fields.tunnel.flags |= mask as u16 & flags;
        Ok(())
    }

    fn erspan(&mut self) -> Parsed {
        let start = self.at;
        self.in_order(attrs::ERSPAN_VERSION.members)?;
        let members = match self.key.tunnel.erspan_ver {
            1 => attrs::ERSPAN1.members,
            2 => attrs::ERSPAN2.members,
            _ => return self.fail_at(start, "ver=1 or ver=2"),
        };
        if self.eat(",") {
            self.in_order(members)?;
        }
        self.expect(")")
    }

    /// `{class=0x102,type=0x80,len=4,0xa/0xf}` again and again.
    fn geneve(&mut self) -> Parsed {
        let mut key = Raw::new();
        let mut mask = Raw::new();
        while self.eat("{") {
            self.option(&mut key, &mut mask)?;
            self.expect("}")?;
        }
        self.expect(")")?;
        debug_assert_eq!(Options::new(key.filled()).map(|(_, o)| o.len()).sum::<usize>(), key.len);
        self.key.tunnel.set_options(key.filled());
        let fields = &mut self.mask.fields.tunnel;
        fields.set_options(mask.filled());
        fields.metadata_present = u64::MAX;
        Ok(())
    }

    fn option(&mut self, key: &mut Raw, mask: &mut Raw) -> Parsed {
        let mut numbers = [(0, u128::MAX); 3];
        for (name, number) in ["class=", "type=", "len="].into_iter().zip(&mut numbers) {
            if self.eat(name) {
                *number = self.number(8)?;
                self.eat(",");
            }
        }
        let [class, kind, (len, _)] = numbers;
        let start = self.at;
        if len % 4 != 0 || len > 124 {
            return self.fail_at(start, "a length of 0 to 124 that is a multiple of 4");
        }
        let len = len as usize;
        let (class_mask, kind_mask) = (class.1 as u16, kind.1 as u8);
        let header = |class: u16, kind: u8, units: u8| [(class >> 8) as u8, class as u8, kind, units];
        let data = if self.rest().starts_with('}') { None } else { Some(self.data(len)?) };
        let (value, bits) = data.unwrap_or(([0; 124], [0xff; 124]));
        let fits = key.push(header(class.0 as u16, kind.0 as u8, (len / 4) as u8), &value[124 - len..])
            && mask.push(header(class_mask, kind_mask, 0xff), &bits[124 - len..]);
        if fits { Ok(()) } else { self.fail_at(start, "at most 252 bytes of options") }
    }

    /// A hexadecimal number of at most `len` bytes, perhaps with a mask; both right-aligned.
    fn data(&mut self, len: usize) -> Parsed<([u8; 124], [u8; 124])> {
        let start = self.at;
        let text = self.until(b",)}");
        let (value, mask) = text.split_once('/').map_or((text, None), |(value, mask)| (value, Some(mask)));
        let mask = mask.map_or(Some([0xff; 124]), |mask| hexadecimal(mask, len));
        match hexadecimal(value, len).zip(mask) {
            Some(pair) => Ok(pair),
            None => self.fail_at(start, "a hexadecimal number of the option's length"),
        }
    }
}

/// Digits, perhaps behind `0x`, of at most `len` bytes.
fn hexadecimal(text: &str, len: usize) -> Option<[u8; 124]> {
    let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")).unwrap_or(text);
    let mut bytes = [0; 124];
    if digits.is_empty() || digits.len() > 2 * len {
        return None;
    }
    for (i, c) in digits.chars().rev().enumerate() {
        let digit = c.to_digit(16)? as u8;
        bytes[123 - i / 2] |= digit << (4 * (i % 2));
    }
    Some(bytes)
}

/// Options being put one behind the other.
struct Raw {
    bytes: [u8; TUN_METADATA_BYTES],
    len: usize,
}

impl Raw {
    fn new() -> Self {
        Self { bytes: [0; TUN_METADATA_BYTES], len: 0 }
    }

    fn filled(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    /// Whether there was room.
    fn push(&mut self, header: [u8; 4], data: &[u8]) -> bool {
        let Some(room) = self.bytes.get_mut(self.len..self.len + 4 + data.len()) else { return false };
        let (first, rest) = room.split_at_mut(4);
        first.copy_from_slice(&header);
        rest.copy_from_slice(data);
        self.len += 4 + data.len();
        true
    }
}
