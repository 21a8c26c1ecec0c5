//! Memory of the frontend, which may change under us at any time: it is never borrowed, only copied in and out.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicU16, Ordering};

use super::message::Region;
use crate::linux::sys::mapping::Mapping;

/// The regions of a frontend's memory.
#[derive(Debug, Default)]
pub(super) struct Memory {
    regions: Vec<(Region, Mapping)>,
}

/// Bytes within a region: checked once, good as long as the memory is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    region: usize,
    /// From the beginning of the mapping.
    at: usize,
    len: usize,
}

impl Memory {
    /// Maps regions, each with its descriptor. What a descriptor does not have is not mapped: an access behind its end
    /// would end the process.
    pub fn map(regions: Vec<Region>, fds: Vec<OwnedFd>) -> io::Result<Self> {
        if regions.len() != fds.len() {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let mut mapped = Vec::new();
        for (region, fd) in regions.into_iter().zip(fds) {
            let end = region.offset.checked_add(region.size);
            let ends = [region.guest.checked_add(region.size), region.user.checked_add(region.size), end];
            let there = rustix::fs::fstat(&fd)?.st_size as u64;
            match end.and_then(|end| usize::try_from(end).ok()) {
                Some(len) if region.size > 0 && !ends.contains(&None) && len as u64 <= there => {
                    mapped.push((region, Mapping::of_fd(fd.as_fd(), 0, len, false)?));
                }
                _ => return Err(io::ErrorKind::InvalidInput.into()),
            }
        }
        Ok(Self { regions: mapped })
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
        for (number, (region, _)) in self.regions.iter().enumerate() {
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
        let mapping = &self.regions[place.region].1;
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
    }
}
