//! Big-endian numbers at offsets of untrusted bytes.

/// The byte at `at`, if there.
#[inline]
pub(crate) fn u8_at(data: &[u8], at: usize) -> Option<u8> {
    data.get(at).copied()
}

/// The big-endian 16-bit number at `at`, if there.
#[inline]
pub(crate) fn u16_at(data: &[u8], at: usize) -> Option<u16> {
    array_at(data, at).map(u16::from_be_bytes)
}

/// The big-endian 32-bit number at `at`, if there.
#[inline]
pub(crate) fn u32_at(data: &[u8], at: usize) -> Option<u32> {
    array_at(data, at).map(u32::from_be_bytes)
}

/// `N` bytes at `at`, if there.
#[inline]
pub(crate) fn array_at<const N: usize>(data: &[u8], at: usize) -> Option<[u8; N]> {
    data.get(at..)?.first_chunk::<N>().copied()
}

/// Writes `bytes` at `at`; nothing and false if they do not fit.
#[inline]
pub(crate) fn put(data: &mut [u8], at: usize, bytes: &[u8]) -> bool {
    match data.get_mut(at..).and_then(|rest| rest.get_mut(..bytes.len())) {
        Some(place) => {
            place.copy_from_slice(bytes);
            true
        }
        None => false,
    }
}
