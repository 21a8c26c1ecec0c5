//! Address translation: which addresses a connection gets, and how packets get them.

mod choose;
mod rewrite;

pub(super) use self::rewrite::translate;
