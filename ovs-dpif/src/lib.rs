//! Datapaths behind one trait: a naive one as oracle, a fast one in user space.
