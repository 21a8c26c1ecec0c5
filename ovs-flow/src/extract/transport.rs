//! Transport headers.

use super::Frame;
use super::network::Ip;
use super::words;
use crate::FragKind;
use crate::field::numbers::{ip, nd};

impl Frame<'_> {
    #[inline(always)]
    pub(super) fn transport(mut self, header: &Ip, payload: &[u8]) {
        let Ip { label, frag, tos, ttl, proto } = *header;
        self.words.join(words::LABEL_IP, label, [frag, tos, ttl, proto]);
        if frag & FragKind::LATER.bits() != 0 {
            return self.done();
        }
        match proto {
            ip::TCP => {
                if let Some([s0, s1, d0, d1, _, _, _, _, _, _, _, _, f0, f1, ..]) =
                    payload.first_chunk::<20>()
                {
                    let len = usize::from(f0 >> 4) * 4;
                    if (20..=payload.len()).contains(&len) {
                        self.words.join(words::ARP_FLAGS, [0; 4], [f0 & 0x0f, *f1, 0, 0]);
                        self.ports([*s0, *s1, *d0, *d1]);
                    }
                }
            }
            ip::UDP => {
                if let Some([s0, s1, d0, d1, ..]) = payload.first_chunk::<8>() {
                    self.ports([*s0, *s1, *d0, *d1]);
                }
            }
            ip::SCTP => {
                if let Some([s0, s1, d0, d1, ..]) = payload.first_chunk::<12>() {
                    self.ports([*s0, *s1, *d0, *d1]);
                }
            }
            ip::ICMP => {
                if let Some([kind, code, ..]) = payload.first_chunk::<8>() {
                    self.ports([0, *kind, 0, *code]);
                }
            }
            ip::IGMP => {
                if let Some([kind, code, _, _, group @ ..]) = payload.first_chunk::<8>() {
                    self.ports([0, *kind, 0, *code]);
                    self.words.join(words::IGMP_ND, *group, [0; 4]);
                }
            }
            ip::ICMPV6 => return self.icmpv6(payload),
            _ => {}
        }
        self.done();
    }

    #[inline(always)]
    fn ports(&mut self, ports: [u8; 4]) {
        let mut ct = [0; 4];
        if self.ct.orig_proto != 0 {
            ct[..2].copy_from_slice(&self.ct.orig_ports[0].to_be_bytes());
            ct[2..].copy_from_slice(&self.ct.orig_ports[1].to_be_bytes());
        }
        self.words.join(words::PORTS, ports, ct);
    }

    #[inline(always)]
    fn icmpv6(mut self, payload: &[u8]) {
        let Some((header, rest)) = payload.split_first_chunk::<8>() else { return self.done() };
        let [kind, code, _, _, reserved @ ..] = *header;
        let mut found = Nd::default();
        if code == 0 && matches!(u16::from(kind), nd::SOLICIT | nd::ADVERT) {
            found = neighbour(rest, reserved);
        }
        if let Some(target) = found.target {
            self.words.wide(words::ND_TARGET, target);
            let [sll @ .., s5] = found.lla[0];
            let [t0, t1, t2, t3, t4, t5] = found.lla[1];
            let [s0, s1, s2, s3, s4] = sll;
            self.words.eight(words::ARP_ADDRS, [s0, s1, s2, s3, s4, s5, t0, t1]);
            self.words.join(words::ARP_FLAGS, [t2, t3, t4, t5], [0; 4]);
        }
        self.ports([0, kind, 0, code]);
        self.words.join(words::IGMP_ND, [0; 4], found.reserved);
        self.words.join(words::ND_OPTION, [found.option, 0, 0, 0], [0; 4]);
        self.done();
    }
}

/// What a neighbour solicitation or advertisement says.
#[derive(Default)]
struct Nd<'a> {
    reserved: [u8; 4],
    target: Option<&'a [u8; 16]>,
    /// Link-layer addresses of source and target.
    lla: [[u8; 6]; 2],
    option: u8,
}

/// RFC 4861 §4.3, §4.4. An address given twice makes all of it void.
fn neighbour(rest: &[u8], reserved: [u8; 4]) -> Nd<'_> {
    let mut found = Nd { reserved, ..Nd::default() };
    let Some((target, mut options)) = rest.split_first_chunk::<16>() else { return found };
    found.target = Some(target);
    while let Some(&[kind, units, ref address @ ..]) = options.first_chunk::<8>() {
        let len = usize::from(units) * 8;
        if len == 0 || len > options.len() {
            break;
        }
        if matches!(kind, 1 | 2) && units == 1 {
            let slot = &mut found.lla[usize::from(kind) - 1];
            if *slot != [0; 6] {
                return Nd { reserved, option: found.option, ..Nd::default() };
            }
            *slot = *address;
            if found.option == 0 {
                found.option = kind;
            }
        }
        options = &options[len..];
    }
    found
}
