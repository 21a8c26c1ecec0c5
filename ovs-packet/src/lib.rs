//! Packet buffers and batches, wire views of every protocol, checksums and pcap files.
