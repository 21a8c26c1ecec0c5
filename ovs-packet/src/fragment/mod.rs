//! IPv4 and IPv6 fragments: cutting packets, and putting them together again.
//!
//! Both directions are state machines without a clock: `now` is an argument (since any fixed origin), packets go in, and
//! what becomes of them comes out as values.
//!
//! ```text
//!              ┌─ NotAFragment(packet)            the packet as it came; also an IPv6 "atomic" fragment
//!  accept ─────┼─ Held                            kept until its siblings come, or its time is over
//!  (packet)    ├─ Whole(packet, pieces) ─ … ─▶ fragment(packet, Cut::Pieces) ─▶ the fragments again as they came
//!              └─ Refused(packet, why)            counted by name
//!  expire(now) ──▶ held packets whose time is over
//! ```
//!
//! # What is believed
//!
//! Fragments lie. The rules are the strict ones of RFC 8200 section 4.5 for both versions: a fragment that overlaps
//! another condemns its whole datagram, and what comes of it later is refused too, until its time is over. (RFC 791
//! would let later bytes win in IPv4; that is how filters are deceived, see RFC 1858 and RFC 3128, and hosts of today do
//! the same as here.) An exact copy of a fragment is refused alone. Explicit congestion notification follows RFC 3168
//! section 5.3.
//!
//! # What it costs
//!
//! A [`Reassembler`] allocates what its limits name when it is made, but for the nodes of two ordered maps with at
//! most one entry a datagram. (Ordered maps, for their cost does not depend on what addresses a hostile sender picks.) It
//! holds frames of the packets' homes, at most as many as its limits say, and a share of them from each port.
//!
//! ```
//! use core::time::Duration;
//! use ovs_packet::fragment::{Accepted, Cut, Origin, Reassembler, ReassemblerConfig, fragment};
//! use ovs_packet::{Pool, PoolConfig, build};
//!
//! let mut pool = Pool::new(PoolConfig::default());
//! let frame = build::frame("eth / ipv4 / udp 1 > 2 / 3000").unwrap();
//! let mut parts = Vec::new();
//! fragment(pool.packet_from(&frame).unwrap(), Cut::Mtu(1500), 0, &mut pool, &mut |part| parts.push(part))?;
//! assert_eq!(parts.len(), 3);
//!
//! let mut reassembler = Reassembler::new(ReassemblerConfig::default());
//! let mut whole = None;
//! for part in parts {
//!     match reassembler.accept(Origin::default(), part, Duration::ZERO, &mut pool) {
//!         Accepted::Held => {}
//!         Accepted::Whole(packet, pieces) => whole = Some((packet, pieces)),
//!         other => panic!("{other:?}"),
//!     }
//! }
//! let (packet, pieces) = whole.unwrap();
//! assert_eq!((packet.data(), pieces.sizes()), (&frame[..], &[1480, 1480, 48][..]));
//! # Ok::<(), ovs_packet::fragment::FragmentError>(())
//! ```

mod config;
mod cut;
mod datagram;
mod header;
mod pieces;
mod reassembler;
mod stats;
mod whole;

pub use config::ReassemblerConfig;
pub use cut::{Cut, FragmentError, fragment};
pub use datagram::DatagramView;
pub use pieces::{MAX_PIECES, Pieces};
pub use reassembler::{Accepted, Origin, Reassembler};
pub use stats::{Family, FamilyStats, Refusal};
