//! How a datagram was cut.

/// Fragments that a datagram may have at most.
pub const MAX_PIECES: usize = 64;

/// The sizes of a datagram's fragments, in order, and its identification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pieces {
    sizes: [u16; MAX_PIECES],
    count: u8,
    id: u32,
}

impl Pieces {
    /// No pieces yet, of a datagram with this identification (16 bits in IPv4, 32 in IPv6).
    pub fn new(id: u32) -> Self {
        Self { sizes: [0; MAX_PIECES], count: 0, id }
    }

    /// Adds a fragment with so many bytes of payload; false if there are [`MAX_PIECES`].
    pub fn push(&mut self, size: u16) -> bool {
        let place = self.sizes.get_mut(usize::from(self.count));
        self.count += u8::from(place.is_some());
        place.map(|place| *place = size).is_some()
    }

    /// Payload bytes of each fragment (behind the IPv4 header, or behind the fragment header).
    pub fn sizes(&self) -> &[u16] {
        &self.sizes[..usize::from(self.count)]
    }

    /// The identification that the fragments shared.
    pub fn id(&self) -> u32 {
        self.id
    }

    /// The largest size.
    pub fn largest(&self) -> u16 {
        self.sizes().iter().copied().max().unwrap_or(0)
    }
}
