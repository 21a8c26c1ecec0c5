//! Flow keys, masks and matches: field registry, extraction, text and stable hashes.
