//! The OpenFlow switch: bridges, tables, translation, upcalls, revalidation, learning.
