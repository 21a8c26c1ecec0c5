//! The program, driven by the distribution's tools.

mod faults;
mod support;
mod tools;
