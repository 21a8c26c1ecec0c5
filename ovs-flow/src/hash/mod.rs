//! Hashes of keys.
//!
//! [`HashKey`] is for tables: keyed and nonlinear, so that who does not know the key cannot make keys collide. Its values
//! are the same on every machine, but they are nobody's business outside of a table.
//!
//! The [`stable`] ones decide what users see (which bucket, which bond member), are documented and never change.

mod keyed;
pub mod stable;

pub use keyed::HashKey;
