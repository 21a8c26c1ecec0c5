//! How values of columns are read and written.

use std::collections::BTreeMap;

use super::Ref;
use crate::value::{Atom, Datum, Real, Uuid};

/// What stands for one atom.
pub trait Element: Sized + Default {
    /// Reads an atom; `None` if it is of another type.
    fn from_atom(atom: &Atom) -> Option<Self>;
    /// The atom.
    fn into_atom(self) -> Atom;
}

impl Element for i64 {
    fn from_atom(atom: &Atom) -> Option<Self> {
        atom.as_integer()
    }
    fn into_atom(self) -> Atom {
        self.into()
    }
}

/// NaN and the infinities, which OVSDB does not have, are written as zero.
impl Element for f64 {
    fn from_atom(atom: &Atom) -> Option<Self> {
        atom.as_real()
    }
    fn into_atom(self) -> Atom {
        Real::new(self).unwrap_or_default().into()
    }
}

impl Element for bool {
    fn from_atom(atom: &Atom) -> Option<Self> {
        atom.as_bool()
    }
    fn into_atom(self) -> Atom {
        self.into()
    }
}

impl Element for String {
    fn from_atom(atom: &Atom) -> Option<Self> {
        atom.as_str().map(str::to_owned)
    }
    fn into_atom(self) -> Atom {
        self.into()
    }
}

impl Element for Uuid {
    fn from_atom(atom: &Atom) -> Option<Self> {
        atom.as_uuid()
    }
    fn into_atom(self) -> Atom {
        self.into()
    }
}

impl<T> Element for Ref<T> {
    fn from_atom(atom: &Atom) -> Option<Self> {
        atom.as_uuid().map(Ref::new)
    }
    fn into_atom(self) -> Atom {
        self.uuid().into()
    }
}

/// What stands for the whole value of a column: an [`Element`] for just one atom, an `Option` for at most one, a `Vec`
/// for a set, a `BTreeMap` (or a `Vec` of pairs) for a map.
pub trait Value: Sized + Default {
    /// Reads a value; `None` if it is of another type.
    fn from_datum(datum: &Datum) -> Option<Self>;
    /// The value.
    fn to_datum(self) -> Datum;
}

impl<E: Element> Value for E {
    fn from_datum(datum: &Datum) -> Option<Self> {
        datum.single().and_then(E::from_atom)
    }
    fn to_datum(self) -> Datum {
        Datum::scalar(self.into_atom())
    }
}

impl<E: Element> Value for Option<E> {
    fn from_datum(datum: &Datum) -> Option<Self> {
        Some(datum.single().and_then(E::from_atom))
    }
    fn to_datum(self) -> Datum {
        Datum::set(self.map(E::into_atom))
    }
}

impl<E: Element> Value for Vec<E> {
    fn from_datum(datum: &Datum) -> Option<Self> {
        datum.keys().map(E::from_atom).collect()
    }
    fn to_datum(self) -> Datum {
        Datum::set(self.into_iter().map(E::into_atom))
    }
}

impl<K: Element + Ord, V: Element> Value for BTreeMap<K, V> {
    fn from_datum(datum: &Datum) -> Option<Self> {
        datum.pairs().map(|(k, v)| Some((K::from_atom(k)?, V::from_atom(v)?))).collect()
    }
    fn to_datum(self) -> Datum {
        Datum::map(self.into_iter().map(|(k, v)| (k.into_atom(), v.into_atom())))
    }
}

/// For maps whose keys are reals.
impl<K: Element, V: Element> Value for Vec<(K, V)> {
    fn from_datum(datum: &Datum) -> Option<Self> {
        datum.pairs().map(|(k, v)| Some((K::from_atom(k)?, V::from_atom(v)?))).collect()
    }
    fn to_datum(self) -> Datum {
        Datum::map(self.into_iter().map(|(k, v)| (k.into_atom(), v.into_atom())))
    }
}

/// What can be given for a value of a column that is read as `V`: a `V`, and handier things.
pub trait IntoValue<V> {
    /// The value.
    fn into_datum(self) -> Datum;
}

impl<V: Value> IntoValue<V> for V {
    fn into_datum(self) -> Datum {
        self.to_datum()
    }
}

impl<E: Element> IntoValue<Option<E>> for E {
    fn into_datum(self) -> Datum {
        self.to_datum()
    }
}

impl IntoValue<String> for &str {
    fn into_datum(self) -> Datum {
        self.into()
    }
}

impl IntoValue<Option<String>> for &str {
    fn into_datum(self) -> Datum {
        self.into()
    }
}

impl IntoValue<Option<String>> for Option<&str> {
    fn into_datum(self) -> Datum {
        Datum::set(self)
    }
}

impl<E: Element, const N: usize> IntoValue<Vec<E>> for [E; N] {
    fn into_datum(self) -> Datum {
        Vec::from(self).to_datum()
    }
}

impl<const N: usize> IntoValue<Vec<String>> for [&str; N] {
    fn into_datum(self) -> Datum {
        Datum::set(self)
    }
}

impl<K: Element + Ord, V: Element, const N: usize> IntoValue<BTreeMap<K, V>> for [(K, V); N] {
    fn into_datum(self) -> Datum {
        BTreeMap::from(self).to_datum()
    }
}

impl<const N: usize> IntoValue<BTreeMap<String, String>> for [(&str, &str); N] {
    fn into_datum(self) -> Datum {
        Datum::map(self)
    }
}
