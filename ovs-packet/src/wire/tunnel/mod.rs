//! Headers of tunnels and service chains.

pub(super) mod erspan;
pub(super) mod geneve;
pub(super) mod gre;
pub(super) mod gtpu;
pub(super) mod lisp;
pub(super) mod nsh;
pub(super) mod vxlan;
