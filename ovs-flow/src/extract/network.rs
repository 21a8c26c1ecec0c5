//! Network headers.

use super::Frame;
use super::words;
use crate::FragKind;
use crate::field::numbers::eth;

/// What the transport parse needs to know of the network header.
pub(super) struct Ip {
    /// Flow label (network order), fragment kind, type of service, time to live, protocol.
    pub(super) label: [u8; 4],
    pub(super) frag: u8,
    pub(super) tos: u8,
    pub(super) ttl: u8,
    pub(super) proto: u8,
}

impl<'a> Frame<'a> {
    #[inline(always)]
    pub(super) fn network(self, dl_type: u16, rest: &'a [u8]) {
        match dl_type {
            eth::IPV4 => self.ipv4(rest),
            eth::IPV6 => self.ipv6(rest),
            eth::ARP | eth::RARP => self.arp(rest),
            eth::NSH => self.nsh(rest),
            _ => self.done(),
        }
    }

    #[inline(always)]
    fn ipv4(mut self, rest: &'a [u8]) {
        let Some(header) = rest.first_chunk::<20>() else { return self.done() };
        let [version_len, tos, len0, len1, _, _, frag0, frag1, ttl, proto, _, _, addrs @ ..] = *header;
        let header_len = usize::from(version_len & 0xf) * 4;
        let total = usize::from(u16::from_be_bytes([len0, len1]));
        if header_len < 20 || header_len > total || total > rest.len() || rest.len() - total > 0xffff {
            return self.done();
        }
        let Some(payload) = rest.get(header_len..total) else { return self.done() };
        let frag = u16::from_be_bytes([frag0, frag1]);
        let frag = match (frag & 0x1fff, frag & 0x2000) {
            (0, 0) => 0,
            (0, _) => FragKind::ANY.bits(),
            _ => FragKind::ANY.bits() | FragKind::LATER.bits(),
        };
        self.words.eight(words::NW_ADDRS, addrs);
        if self.ct.orig_proto != 0 && !self.ct.orig_ipv6 {
            let [[s0, s1, s2, s3, ..], [d0, d1, d2, d3, ..]] = self.ct.orig_addr;
            self.words.eight(words::CT_NW_ADDRS, [s0, s1, s2, s3, d0, d1, d2, d3]);
        }
        let end = rest.len() - header_len;
        self.layers.l4 = u16::try_from(self.data.len() - end).unwrap_or(ovs_packet::ABSENT);
        self.transport(&Ip { label: [0; 4], frag, tos, ttl, proto }, payload);
    }

    #[inline(always)]
    fn ipv6(mut self, rest: &'a [u8]) {
        let Some((header, after)) = rest.split_first_chunk::<40>() else { return self.done() };
        let payload_len = usize::from(u16::from_be_bytes([header[4], header[5]]));
        let Some(mut payload) = after.get(..payload_len) else { return self.done() };
        if after.len() - payload_len > 0xffff {
            return self.done();
        }
        let [v0, v1, v2, v3, _, _, next, ttl, addrs @ ..] = header;
        let (src, dst) = addrs.split_at(16);
        if let (Ok(src), Ok(dst)) = (src.try_into(), dst.try_into()) {
            self.words.wide(words::IPV6_SRC, src);
            self.words.wide(words::IPV6_DST, dst);
        }
        if self.ct.orig_proto != 0 && self.ct.orig_ipv6 {
            self.words.wide(words::CT_IPV6_SRC, &self.ct.orig_addr[0]);
            self.words.wide(words::CT_IPV6_DST, &self.ct.orig_addr[1]);
        }
        let tos = v0 << 4 | v1 >> 4;
        let mut ip = Ip { label: [0, v1 & 0x0f, *v2, *v3], frag: 0, tos, ttl: *ttl, proto: *next };
        if extensions(&mut ip, &mut payload).is_none() {
            return self.done();
        }
        self.layers.l4 = self.offset(after).saturating_add((payload_len - payload.len()) as u16);
        self.transport(&ip, payload);
    }

    #[inline(always)]
    fn arp(mut self, rest: &[u8]) {
        let Some(header) = rest.first_chunk::<28>() else { return self.done() };
        let [0, 1, 8, 0, 6, 4, op0, op, sha @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _] = *header else {
            return self.done();
        };
        let [spa0, spa1, spa2, spa3, tha0, tha1, tha2, tha3, tha4, tha5, tpa0, tpa1, tpa2, tpa3] =
            header[14..].try_into().unwrap_or([0; 14]);
        self.words.eight(words::NW_ADDRS, [spa0, spa1, spa2, spa3, tpa0, tpa1, tpa2, tpa3]);
        // Only operations of eight bits can be matched on.
        self.words.join(words::LABEL_IP, [0; 4], [0, 0, 0, if op0 == 0 { op } else { 0 }]);
        let [sha0, sha1, sha2, sha3, sha4, sha5] = sha;
        self.words.eight(words::ARP_ADDRS, [sha0, sha1, sha2, sha3, sha4, sha5, tha0, tha1]);
        self.words.join(words::ARP_FLAGS, [tha2, tha3, tha4, tha5], [0; 4]);
        self.done();
    }

    /// RFC 8300: base header, service path header, context headers of metadata type 1. A length that is too short
    /// for the first two ends the parse only of types 1 and 2.
    #[inline(always)]
    fn nsh(mut self, rest: &[u8]) {
        let Some((base, after)) = rest.split_first_chunk::<8>() else { return self.done() };
        let [b0, b1, mdtype, np, path @ ..] = *base;
        let length = usize::from(b1 & 0x3f) * 4;
        if b0 >> 6 != 0 || rest.len() < length {
            return self.done();
        }
        let mut context = [[0; 8]; 2];
        match mdtype {
            1 if length == 24 => {
                for (to, from) in context.iter_mut().zip(after.as_chunks::<8>().0) {
                    *to = *from;
                }
            }
            1 => return self.done(),
            2 if length < 8 => return self.done(),
            _ => {}
        }
        let flags = b0 >> 4 & 3;
        let ttl = (b0 & 0xf) << 2 | b1 >> 6;
        self.words.join(words::NSH, [flags, ttl, mdtype, np], path);
        self.words.eight(words::NSH + 1, context[0]);
        self.words.eight(words::NSH + 2, context[1]);
        self.done();
    }
}

/// Passes extension headers, up to the first later fragment; `None` if one is cut off.
fn extensions(ip: &mut Ip, payload: &mut &[u8]) -> Option<()> {
    loop {
        let len = match ip.proto {
            // Hop-by-hop options, routing, destination options.
            0 | 43 | 60 => (usize::from(payload.first_chunk::<8>()?[1]) + 1) * 8,
            // Authentication.
            51 => (usize::from(payload.first_chunk::<8>()?[1]) + 2) * 4,
            // Fragment.
            44 => 8,
            _ => return Some(()),
        };
        let header = *payload.first_chunk::<8>()?;
        *payload = payload.get(len..)?;
        if ip.proto == 44 && header[2..4] != [0, 0] {
            ip.frag = FragKind::ANY.bits();
            if u16::from_be_bytes([header[2], header[3]]) & 0xfff8 != 0 {
                ip.frag |= FragKind::LATER.bits();
                return Some(());
            }
        }
        ip.proto = header[0];
    }
}
