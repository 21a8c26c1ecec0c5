//! Packets from any text: no panic, and what is built can be walked through again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ovs_packet::build::{BuildError, Builder};
use ovs_packet::wire::walk;

fuzz_target!(|text: &str| {
    let columns = text.chars().count() + 1;
    let builder: Builder = match text.parse() {
        Ok(builder) => builder,
        Err(
            BuildError::UnknownLayer { column }
            | BuildError::UnknownWord { column, .. }
            | BuildError::BadValue { column, .. },
        ) => {
            assert!((1..=columns).contains(&column), "column {column} of {text:?}");
            return;
        }
        Err(_) => return,
    };
    let Ok(frame) = builder.build() else { return };
    let Some(first) = builder.layers().first().and_then(|layer| layer.protocol()) else { return };
    let _ = walk(first, &frame).count();
    // The same description makes the same bytes.
    assert_eq!(builder.build().as_ref(), Ok(&frame));
});
