//! A pcap device over a file of any bytes, with a small pool: packets or errors, and an end.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ovs_netdev::ovs_packet::{Batch, Pool, PoolConfig};
use ovs_netdev::{Factory, Options, Wait, pcap::PcapFactory};

fuzz_target!(|data: &[u8]| {
    let path = std::env::temp_dir().join(format!("netdev-pcap-fuzz-{}", std::process::id()));
    if std::fs::write(&path, data).is_err() {
        return;
    }
    let options = Options::from([("rxq_pcap".to_owned(), path.to_string_lossy().into_owned())]);
    let device = PcapFactory.open("p1", &options);
    let _ = std::fs::remove_file(&path);
    let Ok(mut device) = device else { return };
    let Some(mut queue) = device.take_rx_queues().pop() else { return };
    let mut pool = Pool::new(PoolConfig::default().small_limit(3).large_limit(1));
    let mut batch = Batch::new();
    let mut bytes = 0;
    while matches!(queue.wait(), Wait::Ready) {
        let _ = queue.receive(&mut pool, &mut batch);
        bytes += batch.drain().map(|packet| packet.len()).sum::<usize>();
    }
    assert!(bytes <= data.len());
});
