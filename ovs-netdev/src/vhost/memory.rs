//! Memory of the frontend, which may change under us at any time: it is never borrowed, only copied in and out.
//!
//! It may also end: whoever has the file can shorten it. Where the kernel lets us, we seal the file against that. Where it
//! does not (files, huge pages, memory that its maker did not make sealable), the program must have said that it
//! stands an access to what is no more ([`guard_memory`](super::guard_memory)); if it has not, the memory is refused.

use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicU16, Ordering};

use rustix::fs::{SealFlags, fcntl_add_seals, fcntl_get_seals, fstat};

use super::message::{Malformed, Region};
use crate::linux::sys::bus::Listed;
use crate::linux::sys::mapping::Mapping;

/// The regions of a frontend's memory.
#[derive(Debug, Default)]
pub(super) struct Memory {
    regions: Vec<Mapped>,
}

#[derive(Debug)]
struct Mapped {
    region: Region,
    /// In the list of what may fail, unless the file is sealed. It leaves the list before the mapping goes.
    listed: Option<Listed>,
    mapping: Mapping,
}

impl Mapped {
    /// What a descriptor does not have is not mapped: an access behind its end fails.
    fn new(region: Region, fd: &OwnedFd) -> Result<Self, Malformed> {
        let sealed = seal(fd);
        let end = region.offset.checked_add(region.size);
        let ends = [region.guest.checked_add(region.size), region.user.checked_add(region.size), end];
        let stat = fstat(fd).map_err(|_| Malformed::Memory)?;
        let there = stat.st_size as u64;
        let Some(len) = end.filter(|end| region.size > 0 && !ends.contains(&None) && *end <= there) else {
            return Err(Malformed::Memory);
        };
        // Huge pages are mapped and replaced as wholes.
        let len = len.checked_next_multiple_of(stat.st_blksize.max(1) as u64).unwrap_or(len);
        let len = usize::try_from(len).map_err(|_| Malformed::Memory)?;
        let mapping = Mapping::of_fd(fd.as_fd(), 0, len, false).map_err(|_| Malformed::Memory)?;
        let listed = if sealed { None } else { Some(Listed::new(&mapping).ok_or(Malformed::Unsealed)?) };
        Ok(Self { region, listed, mapping })
    }
}

/// Sees to it that a file cannot be shortened any more; whether that is so.
fn seal(fd: &OwnedFd) -> bool {
    fcntl_add_seals(fd, SealFlags::SHRINK).is_ok()
        || fcntl_get_seals(fd).is_ok_and(|seals| seals.contains(SealFlags::SHRINK))
}

/// Bytes within a region: checked once, good as long as the memory is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    region: usize,
    /// From the beginning of the mapping.
    at: usize,
    len: usize,
}

impl Place {
    /// How many bytes it has.
    pub fn len(self) -> usize {
        self.len
    }
}

impl Memory {
    /// Maps regions, each with its descriptor.
    pub fn map(regions: Vec<Region>, fds: &[OwnedFd]) -> Result<Self, Malformed> {
        if regions.len() != fds.len() {
            return Err(Malformed::Memory);
        }
        let regions = regions.into_iter().zip(fds).map(|(region, fd)| Mapped::new(region, fd));
        Ok(Self { regions: regions.collect::<Result<_, _>>()? })
    }

    /// Whether some of it is not there any more.
    pub fn is_lost(&self) -> bool {
        self.regions.iter().any(|mapped| mapped.listed.as_ref().is_some_and(Listed::is_lost))
    }

    /// Bytes at an address as descriptors have it, if all of them are in one region.
    pub fn at_guest(&self, address: u64, len: usize) -> Option<Place> {
        self.find(address, len, |region| region.guest)
    }

    /// Bytes at an address as the addresses of rings have it.
    pub fn at_user(&self, address: u64, len: usize) -> Option<Place> {
        self.find(address, len, |region| region.user)
    }

    fn find(&self, address: u64, len: usize, base: fn(&Region) -> u64) -> Option<Place> {
        for (number, Mapped { region, .. }) in self.regions.iter().enumerate() {
            let Some(from) = address.checked_sub(base(region)).filter(|from| *from < region.size) else {
                continue;
            };
            let fits = len as u64 <= region.size - from;
            return fits.then_some(Place { region: number, at: (region.offset + from) as usize, len });
        }
        None
    }

    /// Whether a place can hold numbers that both sides move.
    pub fn is_even(&self, place: Place) -> bool {
        self.pointer(place, 0, 0).addr().is_multiple_of(2)
    }

    /// Where `len` bytes at `from` of a place are.
    fn pointer(&self, place: Place, from: usize, len: usize) -> *mut u8 {
        let mapping = &self.regions[place.region].mapping;
        let end = from.checked_add(len);
        assert!(end.is_some_and(|end| end <= place.len) && place.at + place.len <= mapping.len());
        // SAFETY: within the mapping, by the assertion.
        unsafe { mapping.base().as_ptr().add(place.at + from) }
    }

    /// Copies from the frontend. No more than the place has.
    pub fn read(&self, place: Place, from: usize, to: &mut [u8]) {
        let source = self.pointer(place, from, to.len());
        // SAFETY: so many bytes are mapped, and `to` is ours alone. The frontend may write while we read: whatever comes
        // out is bytes, and nothing is concluded from reading them twice.
        unsafe { source.copy_to_nonoverlapping(to.as_mut_ptr(), to.len()) }
    }

    /// Copies to the frontend. No more than the place has.
    pub fn write(&self, place: Place, from: usize, bytes: &[u8]) {
        let target = self.pointer(place, from, bytes.len());
        // SAFETY: so many bytes are mapped, writable, and only the frontend has an interest in them.
        unsafe { target.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) }
        #[cfg(test)]
        watch::written();
    }

    /// One of the numbers that both sides move.
    fn number(&self, place: Place, from: usize) -> &AtomicU16 {
        let pointer = self.pointer(place, from, 2);
        assert!(pointer.addr().is_multiple_of(2), "rings are aligned when they are set up");
        // SAFETY: mapped and aligned, lives as long as the memory, and both sides access it as an atomic number.
        unsafe { AtomicU16::from_ptr(pointer.cast()) }
    }

    /// Reads a number, and whatever was written before it.
    pub fn load(&self, place: Place, from: usize) -> u16 {
        u16::from_le(self.number(place, from).load(Ordering::Acquire))
    }

    /// Writes a number, after whatever was written before.
    pub fn store(&self, place: Place, from: usize, number: u16) {
        self.number(place, from).store(number.to_le(), Ordering::Release);
        #[cfg(test)]
        watch::written();
    }
}

/// What tests do after each of a thread's writes.
#[cfg(test)]
pub(super) mod watch {
    use std::cell::RefCell;

    type Watcher = Box<dyn FnMut()>;

    thread_local!(static WATCHER: RefCell<Option<Watcher>> = const { RefCell::new(None) });

    pub(super) fn written() {
        WATCHER.with_borrow_mut(|watcher| watcher.as_mut().map(|watcher| watcher()));
    }

    /// From now on; None: nothing more.
    pub fn set(watcher: Option<Watcher>) {
        WATCHER.set(watcher);
    }
}
