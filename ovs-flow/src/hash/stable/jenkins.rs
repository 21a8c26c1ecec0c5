//! Bob Jenkins' lookup3, in the public domain.

/// Rotations of a mixing round.
const MIX: [u32; 6] = [4, 6, 8, 16, 19, 4];
/// Rotations of the last round.
const LAST: [u32; 7] = [14, 11, 25, 16, 4, 14, 24];

/// Three words of twelve bytes, fewer bytes being padded with zeros.
fn words(bytes: &[u8]) -> [u32; 3] {
    let mut padded = [[0; 4]; 3];
    for (to, from) in padded.as_flattened_mut().iter_mut().zip(bytes) {
        *to = *from;
    }
    padded.map(u32::from_le_bytes)
}

/// The hash of bytes: `c` of `hashlittle`, where a last piece of twelve bytes is a round of its own.
pub(super) fn jenkins(bytes: &[u8], basis: u32) -> u32 {
    let start = 0xdead_beef_u32.wrapping_add(bytes.len() as u32).wrapping_add(basis);
    let mut state = [start; 3];
    let chunks = bytes.chunks_exact(12);
    let rest = chunks.remainder();
    for chunk in chunks {
        add(&mut state, words(chunk));
        // a, b and c take turns: each loses its neighbour, takes its rotation, and the neighbour gains the third.
        for (i, by) in MIX.into_iter().enumerate() {
            let (x, before, after) = (i % 3, (i + 2) % 3, (i + 1) % 3);
            state[x] = state[x].wrapping_sub(state[before]) ^ state[before].rotate_left(by);
            state[before] = state[before].wrapping_add(state[after]);
        }
    }
    if !rest.is_empty() {
        add(&mut state, words(rest));
        for (i, by) in LAST.into_iter().enumerate() {
            let (x, before) = ((i + 2) % 3, (i + 1) % 3);
            state[x] = (state[x] ^ state[before]).wrapping_sub(state[before].rotate_left(by));
        }
    }
    state[2]
}

fn add(state: &mut [u32; 3], words: [u32; 3]) {
    for (word, more) in state.iter_mut().zip(words) {
        *word = word.wrapping_add(more);
    }
}

#[cfg(test)]
mod tests {
    use super::jenkins;

    /// Values of the author's own test.
    #[test]
    fn is_lookup3() {
        assert_eq!(jenkins(b"", 0), 0xdead_beef);
        assert_eq!(jenkins(b"", 0xdead_beef), 0xbd5b_7dde);
        assert_eq!(jenkins(b"Four score and seven years ago", 0), 0x1777_0551);
        assert_eq!(jenkins(b"Four score and seven years ago", 1), 0xcd62_8161);
    }
}
