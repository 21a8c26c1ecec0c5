//! Pointers that are replaced under readers.

use alloc::boxed::Box;
use alloc::sync::Arc;
use core::marker::PhantomData;
use core::{fmt, ptr};

use super::sync::{AtomicPtr, Ordering};
use super::{Domain, Guard};
use crate::arch::prefetch_address;

/// A value that readers see as it was at some moment, and writers replace as a whole.
pub struct Cell<T: Send + Sync + 'static> {
    domain: Domain,
    link: Link<T>,
}

impl<T: Send + Sync + 'static> Cell<T> {
    /// A cell for readers of `domain`.
    pub fn new(domain: &Domain, value: Arc<T>) -> Self {
        Self { domain: domain.clone(), link: Link::new(Some(value)) }
    }

    /// The present value.
    ///
    /// # Panics
    /// If the guard belongs to another domain.
    #[inline]
    pub fn load<'g>(&'g self, guard: &'g Guard<'_>) -> &'g T {
        assert!(guard.is_of(&self.domain), "a guard of another domain");
        match self.link.load(guard) {
            Some(value) => value,
            None => unreachable!("a cell is never empty"),
        }
    }

    /// A reference to the present value that outlives the guard.
    ///
    /// # Panics
    /// If the guard belongs to another domain.
    pub fn load_arc(&self, guard: &Guard<'_>) -> Arc<T> {
        assert!(guard.is_of(&self.domain), "a guard of another domain");
        match self.link.load_arc(guard) {
            Some(value) => value,
            None => unreachable!("a cell is never empty"),
        }
    }

    /// Makes `value` the present one and retires the one before.
    pub fn replace(&self, value: Arc<T>) {
        self.link.replace(Some(value), &self.domain);
    }
}

impl<T: Send + Sync + 'static> fmt::Debug for Cell<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cell").finish_non_exhaustive()
    }
}

/// The pointer in a shared structure from one part to the next: one reference to an [`Arc`], or none.
///
/// # Invariant of this crate
///
/// All links of one structure are used with one domain: the structure checks the guard that its caller
/// brings against that domain once, on entry, and passes that guard (or one of its own reader) and that
/// domain on. The links themselves do not check again, so that a step along one stays a plain load.
pub(crate) struct Link<T> {
    target: AtomicPtr<T>,
    owns: PhantomData<Arc<T>>,
}

impl<T> Link<T> {
    /// A link to `target`.
    pub(crate) fn new(target: Option<Arc<T>>) -> Self {
        Self { target: AtomicPtr::new(raw(target)), owns: PhantomData }
    }

    /// What it points to.
    #[inline]
    pub(crate) fn load<'g>(&'g self, _guard: &'g Guard<'_>) -> Option<&'g T> {
        let target = self.target.load(Ordering::Acquire);
        // SAFETY: a target that is not null came from an `Arc` whose reference this link owns. `replace`
        // gives that reference to the domain, which keeps it while the guard is held; `&'g self` keeps
        // the link from being dropped.
        unsafe { target.as_ref() }
    }

    /// Begins to fetch what it points to.
    #[inline]
    pub(crate) fn fetch(&self) {
        prefetch_address(self.target.load(Ordering::Relaxed));
    }

    /// A reference of its own to what it points to.
    pub(crate) fn load_arc(&self, guard: &Guard<'_>) -> Option<Arc<T>> {
        let target = ptr::from_ref(self.load(guard)?);
        // SAFETY: the pointer came from `Arc::into_raw`, and the reference that the link or the domain
        // holds outlives the guard, so the count is at least one here.
        unsafe {
            Arc::increment_strong_count(target);
            Some(Arc::from_raw(target))
        }
    }

    /// Whether it points nowhere.
    #[inline]
    pub(crate) fn is_none(&self) -> bool {
        self.target.load(Ordering::Relaxed).is_null()
    }

    /// Takes the reference out of a link that is not shared any more, or not yet.
    pub(crate) fn take(&mut self) -> Option<Arc<T>> {
        let target = self.target.swap(ptr::null_mut(), Ordering::AcqRel);
        // SAFETY: `&mut self`: no reader is at this link; if not null it is `Arc::into_raw`'s, and the
        // reference is now ours alone.
        (!target.is_null()).then(|| unsafe { Arc::from_raw(target) })
    }
}

impl<T: Send + Sync + 'static> Link<T> {
    /// Points it elsewhere and retires the reference that it held.
    pub(crate) fn replace(&self, target: Option<Arc<T>>, domain: &Domain) {
        let old = self.target.swap(raw(target), Ordering::AcqRel);
        if !old.is_null() {
            // SAFETY: made by `Arc::into_raw`, and the swap gave this call the link's reference.
            domain.retire_arc(unsafe { Arc::from_raw(old) });
        }
    }
}

fn raw<T>(target: Option<Arc<T>>) -> *mut T {
    target.map_or(ptr::null_mut(), |target| Arc::into_raw(target).cast_mut())
}

impl<T> Default for Link<T> {
    fn default() -> Self {
        Self::new(None)
    }
}

impl<T> Drop for Link<T> {
    fn drop(&mut self) {
        drop(self.take());
    }
}

/// A pointer that is set once and stays until its owner goes: shared references to its target need no guard.
pub(crate) struct Once<T> {
    target: AtomicPtr<T>,
    owns: PhantomData<Arc<T>>,
}

impl<T> Once<T> {
    /// Not set yet.
    pub(crate) fn new() -> Self {
        Self { target: AtomicPtr::new(ptr::null_mut()), owns: PhantomData }
    }

    /// The target, if it is set.
    #[inline]
    pub(crate) fn get(&self) -> Option<&T> {
        // SAFETY: once not null, the pointer is `Box::into_raw`'s, and only `drop` and `get_mut` (both with
        // `&mut self`) take the target away or lend it out exclusively.
        unsafe { self.target.load(Ordering::Acquire).as_ref() }
    }

    /// The target, for its owner.
    pub(crate) fn get_mut(&mut self) -> Option<&mut T> {
        // SAFETY: as in `get`; `&mut self` makes this the only reference.
        unsafe { self.target.load(Ordering::Acquire).as_mut() }
    }

    /// The target, made by `make` if it is not set. Of several threads that make one at once, one is kept.
    pub(crate) fn get_or_make(&self, make: impl FnOnce() -> T) -> &T {
        if let Some(target) = self.get() {
            return target;
        }
        let fresh = Box::into_raw(Box::new(make()));
        let set = self.target.compare_exchange(ptr::null_mut(), fresh, Ordering::AcqRel, Ordering::Acquire);
        let target = match set {
            Ok(_) => fresh,
            Err(other) => {
                // SAFETY: made above and not published.
                drop(unsafe { Box::from_raw(fresh) });
                other
            }
        };
        // SAFETY: set and not null, as in `get`.
        unsafe { &*target }
    }

    /// Takes the target back.
    pub(crate) fn take(&mut self) -> Option<Box<T>> {
        let target = self.target.swap(ptr::null_mut(), Ordering::AcqRel);
        // SAFETY: `&mut self`: nobody refers to the target, and it was made by `Box::into_raw`.
        (!target.is_null()).then(|| unsafe { Box::from_raw(target) })
    }
}

impl<T> Drop for Once<T> {
    fn drop(&mut self) {
        drop(self.take());
    }
}
