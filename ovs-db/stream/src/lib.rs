//! Stream addresses of the Open vSwitch world, streams, back-off and inactivity probes.
