#![doc = include_str!("../README.md")]
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod compose;
mod consistency;
pub mod extract;
pub mod field;
pub mod hash;
mod key;
mod mask;
mod metadata;
mod options;
mod packet_mask;
mod port;
mod sparse;
pub mod text;
mod wide;

pub use compose::{PAYLOAD, compose, compose_around};
pub use extract::{Glance, Rekey, extract, extract_bytes, extract_limited};
pub use field::{Field, Subfield};
pub use key::{
    CtState, FlowKey, FragKind, MAX_MPLS, MAX_VLANS, NshKey, REGISTERS, STAGE_ENDS, TUN_METADATA_BYTES,
    TunnelFlags, TunnelKey, VLAN_CFI, VlanTag, WORDS,
};
pub use mask::{FlowMask, Match};
pub use metadata::{CtMetadata, Metadata};
pub use options::{MAX_OPTION, NoRoom, OPTIONS, OptionMatch, OptionPlaces, PlaceError};
pub use ovs_packet;
pub use ovs_packet::LayerOffsets;
pub use port::{DpPort, OfPort, TableId, Ufid, VlanId};
pub use sparse::{SparseKey, WordMap};
pub use wide::Wide;
pub use zerocopy::network_endian::{U16, U32, U64};
