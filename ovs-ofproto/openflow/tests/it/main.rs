//! Integration tests: against `ovs-ofctl`, and by random values.

mod capture;
mod connection;
mod ofctl;
mod print;
mod robust;
mod text;
