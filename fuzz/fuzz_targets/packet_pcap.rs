//! Capture files of any bytes: records lie within the file, and written again they are read the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ovs_packet::pcap::{RECORD_HEADER_LEN, Reader, StreamReader, Writer};

fuzz_target!(|data: &[u8]| {
    let Ok(reader) = Reader::new(data) else { return };
    let records: Vec<_> = reader.filter_map(Result::ok).collect();
    let total: usize = records.iter().map(|record| record.data.len() + RECORD_HEADER_LEN).sum();
    assert!(total <= data.len());
    let header = *Reader::new(data).expect("as before").header();
    // Cut to nothing that was read, whatever the file promised.
    let mut writer = Writer::with_header(Vec::new(), header.snapshot_len(0)).expect("memory");
    for record in &records {
        writer.write_cut(record.timestamp, record.data, record.original_len as usize).expect("memory");
    }
    let file = writer.into_inner();
    let again: Vec<_> = Reader::new(&file).expect("our own").map(|record| record.expect("our own")).collect();
    assert_eq!(again.len(), records.len());
    for (again, record) in again.iter().zip(&records) {
        assert_eq!((again.data, again.original_len), (record.data, record.original_len));
        // Seconds beyond 2106, from a fraction of more than a second, have no room.
        assert!(
            again.timestamp == record.timestamp || record.timestamp / 1_000_000_000 > u64::from(u32::MAX)
        );
    }
    let mut stream = StreamReader::new(data).expect("as the other reader");
    let (mut count, mut bytes) = (0, Vec::new());
    while let Ok(Some(_)) = stream.read(&mut bytes) {
        count += 1;
    }
    assert_eq!(count, records.len());
});
