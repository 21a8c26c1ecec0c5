//! Connection tracking, compared with the distribution's Open vSwitch and with itself.

mod batches;
mod cut;
mod generate;
mod helped;
mod helpers;
mod ours;
mod peer;
mod pipelines;
mod properties;
mod random;
mod stress;
