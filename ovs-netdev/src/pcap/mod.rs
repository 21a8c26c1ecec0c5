//! `pcap`: a device that receives what one file has and writes what is sent to another.
//!
//! Options: `rxq_pcap`, the file to receive from; `tx_pcap`, the file to write (made, or emptied). Each may be left
//! out. Packets come with their recorded time in their facts, as fast as they are asked for; those that are sent
//! are recorded with the time in their facts, or 0 without one: this module reads no clock.
//!
//! ```
//! use ovs_netdev::ovs_packet::{Batch, Packet};
//! use ovs_netdev::{Factory, Options, pcap::PcapFactory};
//!
//! let file = std::env::temp_dir().join(format!("example-{}.pcap", std::process::id()));
//! let options = Options::from([("tx_pcap".to_owned(), file.to_string_lossy().into_owned())]);
//! let mut device = PcapFactory.open("p1", &options)?;
//! let mut batch = Batch::new();
//! batch.push(Packet::detached(&[0; 60])?).unwrap();
//! let mut queue = device.tx_queue()?;
//! assert_eq!(queue.send(&mut batch).packets, 1);
//! queue.flush();
//! assert_eq!(std::fs::metadata(&file)?.len(), 24 + 16 + 60);
//! # std::fs::remove_file(&file)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod device;
mod queue;

pub use device::{PcapDevice, PcapFactory};
