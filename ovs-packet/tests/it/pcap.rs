//! Files in both byte orders and resolutions, cut anywhere.

use ovs_packet::pcap::{FileHeader, PcapError, Reader, StreamReader, Writer, record_header};
use proptest::prelude::*;

#[test]
fn all_four_kinds_are_read() {
    for (big_endian, nanoseconds) in [(false, false), (false, true), (true, false), (true, true)] {
        let header = FileHeader { big_endian, nanoseconds, ..FileHeader::ethernet() };
        let mut file = header.to_bytes().to_vec();
        let fields = [7u32, 5, 2, 60];
        for field in fields {
            file.extend(if big_endian { field.to_be_bytes() } else { field.to_le_bytes() });
        }
        file.extend([0xaa, 0xbb]);
        let mut reader = Reader::new(&file).unwrap();
        assert_eq!(reader.header(), &header);
        let record = reader.next().unwrap().unwrap();
        assert_eq!(record.timestamp, 7_000_000_000 + if nanoseconds { 5 } else { 5000 });
        assert_eq!((record.data, record.original_len), (&[0xaa, 0xbb][..], 60));
        assert!(reader.next().is_none());
    }
}

#[test]
fn nonsense_is_named() {
    assert_eq!(Reader::new(b"short").unwrap_err(), PcapError::Truncated { offset: 0 });
    assert_eq!(Reader::new(&[0x7f; 24]).unwrap_err(), PcapError::Magic { magic: 0x7f7f_7f7f });
    let mut file = FileHeader::ethernet().to_bytes().to_vec();
    file.extend(record_header(0, u32::MAX, 0));
    let results: Vec<_> = Reader::new(&file).unwrap().collect();
    assert_eq!(results, [Err(PcapError::TooLong { offset: 24, len: u32::MAX })]);
}

proptest! {
    #[test]
    fn what_is_written_is_read(packets in prop::collection::vec((any::<u32>(), prop::collection::vec(any::<u8>(), 0..200)), 0..20), cut in any::<prop::sample::Index>()) {
        let mut writer = Writer::new(Vec::new()).unwrap();
        for (time, data) in &packets {
            writer.write(u64::from(*time) * 1000, data).unwrap();
        }
        let file = writer.into_inner();
        let read: Vec<_> = Reader::new(&file).unwrap().map(|r| r.unwrap()).map(|r| (r.timestamp, r.data.to_vec())).collect();
        let wrote: Vec<_> = packets.iter().map(|(t, d)| (u64::from(*t) * 1000, d.clone())).collect();
        prop_assert_eq!(&read, &wrote);

        let mut stream = StreamReader::new(&file[..]).unwrap();
        let (mut data, mut read) = (Vec::new(), Vec::new());
        while let Some(header) = stream.read(&mut data).unwrap() {
            read.push((header.timestamp, data.clone()));
        }
        prop_assert_eq!(&read, &wrote);

        // A file cut anywhere gives a prefix, and at most one error at its end.
        let cut = cut.index(file.len() + 1);
        if let Ok(reader) = Reader::new(&file[..cut]) {
            let results: Vec<_> = reader.collect();
            let good = results.iter().take_while(|r| r.is_ok()).count();
            prop_assert!(results.len() - good <= 1);
        }
    }
}
