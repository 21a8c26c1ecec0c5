//! The pcap device: what one writes, another receives.

use ovs_netdev::ovs_packet::{BATCH_MAX, Batch, Packet, Pool, PoolConfig};
use ovs_netdev::{Factory, Netdev, Options, RxError, Wait, pcap::PcapFactory};

fn open(option: &str, path: &std::path::Path) -> Box<dyn Netdev> {
    let options = Options::from([(option.to_owned(), path.to_string_lossy().into_owned())]);
    PcapFactory.open("p1", &options).unwrap()
}

fn write(path: &std::path::Path, lengths: impl Iterator<Item = usize>) {
    let mut device = open("tx_pcap", path);
    let mut queue = device.tx_queue().unwrap();
    let mut batch = Batch::new();
    for (i, length) in lengths.enumerate() {
        let mut packet = Packet::detached(&vec![i as u8; length]).unwrap();
        packet.facts_mut().timestamp = Some(i as u64 * 1000);
        batch.push(packet).unwrap();
        if batch.is_full() {
            queue.send(&mut batch);
        }
    }
    queue.send(&mut batch);
    queue.flush();
}

#[test]
fn packets_come_back_as_they_were_written() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.pcap");
    write(&path, 14..14 + 100);
    let mut device = open("rxq_pcap", &path);
    let mut queue = device.take_rx_queues().remove(0);
    assert!(device.take_rx_queues().is_empty());
    let (mut pool, mut batch) = (Pool::new(PoolConfig::default()), Batch::new());
    let mut seen = 0;
    while matches!(queue.wait(), Wait::Ready) {
        queue.receive(&mut pool, &mut batch).unwrap();
        for packet in batch.drain() {
            assert_eq!(packet.data(), vec![seen as u8; 14 + seen]);
            assert_eq!(packet.facts().timestamp, Some(seen as u64 * 1000));
            seen += 1;
        }
    }
    assert_eq!((seen, device.statistics().rx_packets), (100, Some(100)));
}

#[test]
fn a_pool_at_its_limit_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.pcap");
    write(&path, std::iter::repeat_n(60, 50));
    let mut device = open("rxq_pcap", &path);
    let mut queue = device.take_rx_queues().remove(0);
    let mut pool = Pool::new(PoolConfig::default().small_limit(3));
    let (mut batch, mut seen) = (Batch::new(), 0);
    while !matches!(queue.wait(), Wait::Never) {
        assert!(queue.receive(&mut pool, &mut batch).unwrap() <= 3);
        for packet in batch.drain() {
            assert_eq!(packet.data()[0], seen);
            seen += 1;
        }
    }
    assert_eq!(seen, 50);
    assert_eq!(BATCH_MAX, 32);
}

#[test]
fn a_torn_file_is_told_once() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.pcap");
    write(&path, std::iter::repeat_n(60, 2));
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(&path, &bytes[..bytes.len() - 1]).unwrap();
    let mut device = open("rxq_pcap", &path);
    let mut queue = device.take_rx_queues().remove(0);
    let (mut pool, mut batch) = (Pool::new(PoolConfig::default()), Batch::new());
    let error = queue.receive(&mut pool, &mut batch).unwrap_err();
    assert!(
        matches!(&error, RxError::System(_)) && error.to_string().contains("truncated at offset 100"),
        "{error}"
    );
    assert_eq!(batch.len(), 1, "what came before the tear is there");
    assert!(matches!(queue.wait(), Wait::Never));
}
