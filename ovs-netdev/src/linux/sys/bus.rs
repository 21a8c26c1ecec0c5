//! What becomes of an access to mapped memory behind the end of its file.
//!
//! The kernel ends a process that touches a page which its file has no more. Where somebody else may shorten a file at any
//! time, no check helps. So a program installs a handler for SIGBUS: memory that is listed here and fails is replaced, as a
//! whole, by zeros that belong to nobody, the access goes on with these, and whoever maps the memory finds out by
//! [`Listed::is_lost`]. Any other SIGBUS does what it did before.
//!
//! A handler of signals is the process's, and so is the list that it goes through.

use std::io;
use std::mem::MaybeUninit;
use std::ptr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::check;
use super::mapping::Mapping;

/// Mappings that can be listed at a time.
const PLACES: usize = 1024;

struct Place {
    taken: AtomicBool,
    /// Where the mapping begins and ends; it does not while these are 0.
    begin: AtomicUsize,
    end: AtomicUsize,
    lost: AtomicBool,
}

static LIST: [Place; PLACES] = [const {
    Place {
        taken: AtomicBool::new(false),
        begin: AtomicUsize::new(0),
        end: AtomicUsize::new(0),
        lost: AtomicBool::new(false),
    }
}; PLACES];

/// What was done on SIGBUS before; set as soon as the handler is installed.
static BEFORE: OnceLock<libc::sigaction> = OnceLock::new();

/// A mapping that is listed as long as this lives, which must be no longer than the mapping.
#[derive(Debug)]
pub(crate) struct Listed(usize);

impl Listed {
    /// Lists a mapping; `None` without a handler, or if too many are listed.
    pub fn new(mapping: &Mapping) -> Option<Self> {
        BEFORE.get()?;
        let free = |place: &Place| !place.taken.swap(true, Ordering::AcqRel);
        let number = LIST.iter().position(free)?;
        let (place, begin) = (&LIST[number], mapping.base().as_ptr().expose_provenance());
        place.lost.store(false, Ordering::Relaxed);
        place.end.store(begin + mapping.len(), Ordering::Relaxed);
        place.begin.store(begin, Ordering::Release);
        Some(Self(number))
    }

    /// Whether an access has failed, and the memory is not the file's any more.
    pub fn is_lost(&self) -> bool {
        LIST[self.0].lost.load(Ordering::Acquire)
    }
}

impl Drop for Listed {
    fn drop(&mut self) {
        let place = &LIST[self.0];
        place.begin.store(0, Ordering::Relaxed);
        place.end.store(0, Ordering::Release);
        place.taken.store(false, Ordering::Release);
    }
}

/// Installs the handler, once in a process.
pub(crate) fn install() -> io::Result<()> {
    if BEFORE.get().is_some() {
        return Ok(());
    }
    let mut before = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: asking alone; the kernel fills the structure.
    check(unsafe { libc::sigaction(libc::SIGBUS, ptr::null(), before.as_mut_ptr()) })?;
    // SAFETY: filled in above.
    BEFORE.get_or_init(|| unsafe { before.assume_init() });
    // SAFETY: all zeros is a valid value of this structure of numbers and an optional pointer.
    let mut action = unsafe { MaybeUninit::<libc::sigaction>::zeroed().assume_init() };
    let handler: extern "C" fn(libc::c_int, *mut libc::siginfo_t, *mut libc::c_void) = on_bus_error;
    action.sa_sigaction = handler as libc::sighandler_t;
    action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK | libc::SA_NODEFER;
    // SAFETY: the handler does only what a handler may: atomic operations, mmap, sigaction, and what was installed before.
    check(unsafe { libc::sigaction(libc::SIGBUS, &raw const action, ptr::null_mut()) })?;
    Ok(())
}

extern "C" fn on_bus_error(signal: libc::c_int, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    // SAFETY: with SA_SIGINFO the kernel passes both; a SIGBUS for an access has the address.
    let (code, address) = unsafe { ((*info).si_code, (*info).si_addr().addr()) };
    if code == libc::BUS_ADRERR && LIST.iter().any(|place| replace(place, address)) {
        return;
    }
    pass_on(signal, info, context);
}

/// Replaces a listed mapping by zeros, if the address is in it.
fn replace(place: &Place, address: usize) -> bool {
    let (begin, end) = (place.begin.load(Ordering::Acquire), place.end.load(Ordering::Acquire));
    if begin == 0 || !(begin..end).contains(&address) {
        return false;
    }
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED | libc::MAP_NORESERVE;
    let protection = libc::PROT_READ | libc::PROT_WRITE;
    // SAFETY: errno is the thread's own, and must be found again as it was by what is interrupted here.
    let errno = unsafe { libc::__errno_location() };
    // SAFETY: as above.
    let kept = unsafe { *errno };
    let at = ptr::with_exposed_provenance_mut(begin);
    // SAFETY: all of a mapping that lives as long as it is listed; whoever has it copies bytes and nothing else, so that other
    // bytes are as good.
    let got = unsafe { libc::mmap(at, end - begin, protection, flags, -1, 0) };
    // SAFETY: as above.
    unsafe { *errno = kept };
    if got == libc::MAP_FAILED {
        return false;
    }
    place.lost.store(true, Ordering::Release);
    true
}

/// Does what was done before: the handler of that time, or the end of the process.
fn pass_on(signal: libc::c_int, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    let Some(before) = BEFORE.get() else { return };
    match before.sa_sigaction {
        libc::SIG_DFL | libc::SIG_IGN => {
            // SAFETY: puts back what the kernel gave. The access is made again, and ends the process.
            unsafe { libc::sigaction(signal, &raw const *before, ptr::null_mut()) };
        }
        handler if before.sa_flags & libc::SA_SIGINFO != 0 => {
            // SAFETY: installed with this flag, so it is a function of these arguments.
            let handler: extern "C" fn(libc::c_int, *mut libc::siginfo_t, *mut libc::c_void) =
                unsafe { std::mem::transmute(handler) };
            handler(signal, info, context);
        }
        handler => {
            // SAFETY: installed without the flag, so it is a function of the signal's number.
            let handler: extern "C" fn(libc::c_int) = unsafe { std::mem::transmute(handler) };
            handler(signal);
        }
    }
}
