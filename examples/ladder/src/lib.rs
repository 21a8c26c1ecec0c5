//! One small program a file, from the smallest to the whole: see the crate's `examples` folder.
