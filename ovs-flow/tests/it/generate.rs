//! Packets that reach every parser of the extraction, deterministic from a seed.

/// A small generator of random numbers (xorshift), enough for test data.
pub struct Rng(pub u64);

impl Rng {
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub fn below(&mut self, n: usize) -> usize {
        (self.next() >> 16) as usize % n
    }

    pub fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }

    pub fn chance(&mut self, one_in: usize) -> bool {
        self.below(one_in) == 0
    }

    pub fn bytes(&mut self, n: usize) -> Vec<u8> {
        (0..n).map(|_| self.next() as u8).collect()
    }
}

/// A packet that is mostly well-formed.
pub fn packet(rng: &mut Rng) -> Vec<u8> {
    let mut p = rng.bytes(12);
    for _ in 0..rng.pick(&[0, 0, 0, 1, 1, 2, 3]) {
        p.extend(rng.pick(&[[0x81, 0x00], [0x88, 0xa8]]));
        p.extend(rng.bytes(2));
    }
    let kind =
        rng.pick(&[0x0800_u16, 0x0800, 0x86dd, 0x86dd, 0x0806, 0x8035, 0x8847, 0x8848, 0x894f, 0x1234]);
    if rng.chance(12) {
        let snap = rng.pick(&[[0xaa, 0xaa, 3, 0, 0, 0], [0xaa, 0xaa, 3, 0, 0, 1], [0x42, 0x42, 3, 0, 0, 0]]);
        p.extend([0, 60]);
        p.extend(snap);
    }
    p.extend(kind.to_be_bytes());
    let body = match kind {
        0x0800 => ipv4(rng),
        0x86dd => ipv6(rng),
        0x0806 | 0x8035 => arp(rng),
        0x8847 | 0x8848 => mpls(rng),
        0x894f => nsh(rng),
        _ => rng.bytes(20),
    };
    p.extend(body);
    if rng.chance(8) {
        let padding = rng.pick(&[1, 6, 40, 300]);
        p.extend(rng.bytes(padding));
    }
    p
}

fn transport(rng: &mut Rng, proto: u8) -> Vec<u8> {
    match proto {
        58 if rng.chance(2) => {
            let mut p = vec![rng.pick(&[135, 136]), rng.pick(&[0, 0, 0, 1])];
            p.extend(rng.bytes(2 + 4 + 16));
            for _ in 0..rng.below(4) {
                let units = rng.pick(&[1, 1, 1, 2, 0]);
                p.extend([rng.pick(&[1, 2, 2, 3]), units]);
                p.extend(rng.bytes(usize::from(units) * 8));
                p.truncate(p.len().saturating_sub(2));
            }
            p
        }
        6 => rng.bytes(24),
        _ => {
            let n = rng.pick(&[8, 12, 20]);
            rng.bytes(n)
        }
    }
}

fn ipv4(rng: &mut Rng) -> Vec<u8> {
    let proto = rng.pick(&[6, 6, 17, 17, 1, 2, 132, 58, 47]);
    let options = rng.pick(&[0, 0, 0, 4, 8]);
    let payload = transport(rng, proto);
    let total = 20 + options + payload.len();
    let mut p = vec![0x45 + (options / 4) as u8, rng.next() as u8];
    p.extend((total as u16).to_be_bytes());
    p.extend(rng.bytes(2));
    p.extend(rng.pick(&[[0x00, 0], [0x40, 0], [0x20, 0], [0x20, 5], [0x00, 5]]));
    p.extend([rng.next() as u8, proto]);
    p.extend(rng.bytes(10 + options));
    p.extend(payload);
    p
}

fn ipv6(rng: &mut Rng) -> Vec<u8> {
    let mut next = rng.pick(&[6, 17, 58, 58, 58, 1, 132, 59]);
    let mut payload = transport(rng, next);
    for _ in 0..rng.pick(&[0, 0, 0, 1, 2]) {
        let kind = rng.pick(&[0, 43, 60, 51, 44]);
        let units = rng.pick(&[0, 0, 1]);
        let mut header = vec![next, units];
        match kind {
            44 => {
                header.extend(rng.pick(&[[0_u8, 0], [0, 1], [0, 9], [0, 8], [0, 2]]));
                header.extend(rng.bytes(4));
            }
            51 => {
                let len = (usize::from(units) + 2) * 4 - 2;
                header.extend(rng.bytes(len));
            }
            _ => {
                let len = (usize::from(units) + 1) * 8 - 2;
                header.extend(rng.bytes(len));
            }
        }
        header.extend(payload);
        payload = header;
        next = kind;
    }
    let mut p = vec![0x60 | (rng.next() & 0xf) as u8];
    p.extend(rng.bytes(3));
    p.extend((payload.len() as u16).to_be_bytes());
    p.extend([next, rng.next() as u8]);
    p.extend(rng.bytes(32));
    p.extend(payload);
    p
}

fn arp(rng: &mut Rng) -> Vec<u8> {
    let mut p = vec![0, 1, 8, 0, 6, 4];
    p.extend(rng.pick(&[[0, 1], [0, 2], [1, 2], [0, 200]]));
    p.extend(rng.bytes(20));
    p
}

fn mpls(rng: &mut Rng) -> Vec<u8> {
    let mut p = Vec::new();
    let labels = rng.pick(&[1, 1, 2, 3, 4]);
    for i in 0..labels {
        p.extend(rng.bytes(2));
        p.push(rng.next() as u8 & 0xfe | u8::from(i + 1 == labels));
        p.extend(rng.bytes(1));
    }
    p.extend(rng.bytes(20));
    p
}

fn nsh(rng: &mut Rng) -> Vec<u8> {
    let (mdtype, len) = rng.pick(&[(1, 6), (1, 6), (2, 2), (2, 4), (1, 2), (3, 6)]);
    let mut p = vec![rng.next() as u8 & 0x3f, (rng.next() as u8) & 0xc0 | len, mdtype, 3];
    p.extend(rng.bytes(4 + 16));
    p.extend(rng.bytes(8));
    p
}

/// Damages a packet: cut off, or a byte changed.
pub fn damage(rng: &mut Rng, packet: &mut Vec<u8>) {
    if rng.chance(2) {
        packet.truncate(rng.below(packet.len()) + 1);
    } else {
        let (i, bit) = (12 + rng.below(packet.len() - 12), rng.below(8));
        packet[i] ^= 1 << bit;
    }
}

/// A packet of the most common kinds: at most one tag, no options, TCP or UDP; now and then with a field of zero.
pub fn plain_packet(rng: &mut Rng) -> Vec<u8> {
    let mut p = rng.bytes(12);
    if rng.chance(6) {
        p[..8].fill(0);
    }
    if rng.chance(2) {
        p.extend([0x81, 0]);
        p.extend(rng.bytes(2));
    }
    let proto = rng.pick(&[6, 17]);
    let mut l4 = rng.bytes(if proto == 6 { 20 } else { 8 });
    if proto == 6 {
        l4[12] = 0x50;
    }
    if rng.chance(8) {
        l4[..4].fill(0);
    }
    let payload = rng.below(20);
    l4.extend(rng.bytes(payload));
    if rng.chance(2) {
        p.extend([8, 0, 0x45, rng.next() as u8]);
        p.extend((l4.len() as u16 + 20).to_be_bytes());
        p.extend([0, 0, rng.pick(&[0, 0x40]), 0, rng.next() as u8, proto, 0, 0]);
        let addrs = if rng.chance(8) { vec![0; 8] } else { rng.bytes(8) };
        p.extend(addrs);
    } else {
        p.extend([0x86, 0xdd, 0x60, rng.next() as u8, 0, 7]);
        p.extend((l4.len() as u16).to_be_bytes());
        p.extend([proto, 64]);
        let mut addrs = rng.bytes(32);
        if rng.chance(6) {
            addrs[16..24].fill(0);
        }
        p.extend(addrs);
    }
    p.extend(l4);
    let padding = rng.pick(&[0, 0, 0, 5]);
    p.extend(rng.bytes(padding));
    p
}

/// Makes a length, or what decides where the next header is, say something else.
pub fn lie(rng: &mut Rng, packet: &mut [u8]) {
    let v6 = packet.get(12..14) == Some(&[0x86, 0xdd]);
    let places: &[usize] = if v6 {
        &[14, 18, 19, 20, 54, 55, 56, 60, 66, 79, 87]
    } else {
        &[14, 16, 17, 20, 21, 23, 34, 35, 46]
    };
    let at = rng.pick(places);
    let small = rng.next() as u8 & 0x7f;
    let value = rng.pick(&[0, 1, 2, 5, 8, 0x45, 0x4f, 0x50, 0x60, 0xff, small]);
    if let Some(byte) = packet.get_mut(at) {
        *byte = value;
    }
    // An IPv6 jumbogram: no length, and an option that has it.
    if v6 && rng.chance(6) && packet.len() > 70 {
        packet[18..21].copy_from_slice(&[0, 0, 0]);
        packet[54..62].copy_from_slice(&[17, 0, 0xc2, 4, 0, 1, 0, 0]);
    }
}
