//! The values of OVSDB (RFC 7047 section 5.1): atoms, and sets and maps of atoms.
//!
//! Everything here is canonical: sets and maps are sorted and without duplicates, reals are never NaN or
//! negative zero. Equal values are therefore equal structures, in any process, and ordering is total.

mod algebra;
mod atom;
mod datum;
mod text;
mod uuid;

#[cfg(test)]
mod tests;

pub use atom::{Atom, Real};
pub use datum::{Datum, NoNames, UuidNames};
pub use uuid::{Uuid, UuidParseError, UuidSource};
