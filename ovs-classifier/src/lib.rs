//! Packet classification: flow table, exact-match cache, megaflow index, rule classifier and RCU.
