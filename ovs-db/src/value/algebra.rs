//! Set algebra on data: what conditions, mutations and differences are made of.

use std::cmp::Ordering;

use super::atom::Atom;
use super::datum::{Datum, Elements};

impl Datum {
    /// True if every element (for maps: every pair, with its value) of `other` is in `self`.
    pub fn includes(&self, other: &Datum) -> bool {
        match (self.elements(), other.elements()) {
            (Elements::Set(_), Elements::Set(wanted)) => wanted.iter().all(|atom| self.contains(atom)),
            (Elements::Map(_), Elements::Map(wanted)) => wanted.iter().all(|(k, v)| self.get(k) == Some(v)),
            _ => other.is_empty(),
        }
    }

    /// True if no element (for maps: no pair) of `other` is in `self`.
    pub fn excludes(&self, other: &Datum) -> bool {
        match (self.elements(), other.elements()) {
            (Elements::Set(_), Elements::Set(unwanted)) => !unwanted.iter().any(|atom| self.contains(atom)),
            (Elements::Map(_), Elements::Map(unwanted)) => {
                !unwanted.iter().any(|(k, v)| self.get(k) == Some(v))
            }
            _ => true,
        }
    }

    /// Adds the elements of `other`; a key that a map already has keeps its value.
    pub fn union(&self, other: &Datum) -> Datum {
        match (self.elements(), other.elements()) {
            (Elements::Set(a), Elements::Set(b)) => Datum::from_atoms(merge(a, b, Ord::cmp)),
            (Elements::Map(a), Elements::Map(b)) => Datum::from_pairs(merge(a, b, |x, y| x.0.cmp(&y.0))),
            _ => self.clone(),
        }
    }

    /// Removes elements: from a set those in `other`; from a map the pairs that `other` (a map) has
    /// alike, or the keys that `other` (a set) names.
    pub fn subtract(&self, other: &Datum) -> Datum {
        match (self.elements(), other.elements()) {
            (Elements::Set(atoms), _) => {
                Datum::from_atoms(atoms.iter().filter(|a| !other.contains(a)).cloned().collect())
            }
            (Elements::Map(pairs), Elements::Set(_)) => {
                Datum::from_pairs(pairs.iter().filter(|(k, _)| !other.contains(k)).cloned().collect())
            }
            (Elements::Map(pairs), Elements::Map(_)) => {
                let keep = |(k, v): &&(Atom, Atom)| other.get(k) != Some(v);
                Datum::from_pairs(pairs.iter().filter(keep).cloned().collect())
            }
        }
    }

    /// Keeps the elements (for maps: the pairs, chosen by key and value) that `keep` wants.
    pub fn filtered(&self, mut keep: impl FnMut(&Atom, Option<&Atom>) -> bool) -> Datum {
        match self.elements() {
            Elements::Set(atoms) => {
                Datum::from_atoms(atoms.iter().filter(|a| keep(a, None)).cloned().collect())
            }
            Elements::Map(pairs) => {
                let pairs = pairs.iter().filter(|(k, v)| keep(k, Some(v)));
                Datum::from_pairs(pairs.cloned().collect())
            }
        }
    }

    /// What [`Datum::apply_diff`] needs to make `new` out of `self`: the elements in just one of two sets;
    /// of two maps the pairs removed (with the old value), added and changed (with the new value).
    ///
    /// For columns that hold at most one element, differences are not used: the new value itself is sent.
    pub fn diff(&self, new: &Datum) -> Datum {
        match (self.elements(), new.elements()) {
            (Elements::Set(old), Elements::Set(new)) => {
                Datum::from_atoms(either(old, new, Ord::cmp, |_, _| None))
            }
            (Elements::Map(old), Elements::Map(new)) => {
                let by_key = |x: &(Atom, Atom), y: &(Atom, Atom)| x.0.cmp(&y.0);
                let changed = |x: &(Atom, Atom), y: &(Atom, Atom)| (x.1 != y.1).then(|| y.clone());
                Datum::from_pairs(either(old, new, by_key, changed))
            }
            _ => new.clone(),
        }
    }

    /// Undoes [`Datum::diff`]: `old.apply_diff(&old.diff(&new)) == new`.
    pub fn apply_diff(&self, diff: &Datum) -> Datum {
        // A difference of differences is the same operation: what is in both goes, except that a map's
        // changed value replaces the old one.
        self.diff(diff)
    }
}

/// The sorted union; of equal elements the one of `a` stays.
fn merge<T: Clone>(a: &[T], b: &[T], order: impl Fn(&T, &T) -> Ordering) -> Vec<T> {
    let mut out = Vec::with_capacity(a.len() + b.len());
    let (mut i, mut j) = (0, 0);
    while i < a.len() && j < b.len() {
        let next = order(&a[i], &b[j]);
        out.push(if next == Ordering::Greater { b[j].clone() } else { a[i].clone() });
        i += usize::from(next != Ordering::Greater);
        j += usize::from(next != Ordering::Less);
    }
    out.extend_from_slice(&a[i..]);
    out.extend_from_slice(&b[j..]);
    out
}

/// The elements in just one of `a` and `b`, and of equal elements what `both` makes of them.
fn either<T: Clone>(
    a: &[T],
    b: &[T],
    order: impl Fn(&T, &T) -> Ordering,
    both: impl Fn(&T, &T) -> Option<T>,
) -> Vec<T> {
    let mut out = Vec::new();
    let (mut i, mut j) = (0, 0);
    while i < a.len() && j < b.len() {
        match order(&a[i], &b[j]) {
            Ordering::Less => out.push(a[i].clone()),
            Ordering::Greater => out.push(b[j].clone()),
            Ordering::Equal => out.extend(both(&a[i], &b[j])),
        }
        let next = order(&a[i], &b[j]);
        i += usize::from(next != Ordering::Greater);
        j += usize::from(next != Ordering::Less);
    }
    out.extend_from_slice(&a[i..]);
    out.extend_from_slice(&b[j..]);
    out
}
