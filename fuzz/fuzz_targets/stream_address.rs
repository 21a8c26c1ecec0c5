//! Addresses: any text is read or refused, and what is read reads back as itself. The first byte chooses the role.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ovs_stream::{Remote, Role};

fuzz_target!(|data: &[u8]| {
    let Some((&first, text)) = data.split_first() else { return };
    let role = [Role::Ovsdb, Role::OpenFlow, Role::Other][usize::from(first) % 3];
    let Ok(text) = std::str::from_utf8(text) else { return };
    if let Ok(remote) = Remote::parse(text, role) {
        assert_eq!(Remote::parse(&remote.to_string(), Role::Other).as_ref(), Ok(&remote));
    }
});
