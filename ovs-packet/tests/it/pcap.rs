//! Files in both byte orders and resolutions, cut anywhere.

use ovs_packet::pcap::{
    FileHeader, LINKTYPE_ETHERNET, LINKTYPE_RAW, MAX_RECORD, PcapError, ReadError, Reader, StreamReader,
    Writer, record_header,
};
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
    let mut other = [0; 24];
    other[..4].copy_from_slice(&[0x0a, 0x0d, 0x0d, 0x0a]);
    assert_eq!(Reader::new(&other).unwrap_err(), PcapError::Pcapng);
    for big_endian in [false, true] {
        let mut old = FileHeader::ethernet().big_endian(big_endian).to_bytes();
        old[if big_endian { 7 } else { 6 }] = 3;
        assert_eq!(Reader::new(&old).unwrap_err(), PcapError::Version { major: 2, minor: 3 });
    }
    let mut file = FileHeader::ethernet().to_bytes().to_vec();
    file.extend(record_header(0, u32::MAX, 0));
    let results: Vec<_> = Reader::new(&file).unwrap().collect();
    assert_eq!(results, [Err(PcapError::TooLong { offset: 24, len: u32::MAX })]);
}

#[test]
fn records_are_cut_to_the_snapshot_length() {
    let header = FileHeader::ethernet().snapshot_len(4).link_type(LINKTYPE_RAW).nanoseconds(false);
    let mut writer = Writer::with_header(Vec::new(), header).unwrap();
    writer.write(1_999_999_999, b"123456").unwrap();
    writer.write_cut(0, b"12", 1500).unwrap();
    let file = writer.into_inner();
    let mut writer = Writer::append_to(file, header);
    writer.write(0, b"").unwrap();
    let file = writer.into_inner();
    let reader = Reader::new(&file).unwrap();
    assert_eq!((reader.header().link_type, reader.header().snapshot_len), (LINKTYPE_RAW, 4));
    let records: Vec<_> =
        reader.map(|record| record.unwrap()).map(|r| (r.timestamp, r.original_len, r.data)).collect();
    assert_eq!(records, [(1_999_999_000, 6, &b"1234"[..]), (0, 1500, b"12"), (0, 0, b"")]);
    assert_eq!(FileHeader::ethernet().snapshot_len(0).snapshot_len, MAX_RECORD);
}

#[test]
fn check_sequences_are_told() {
    let mut bytes = FileHeader::ethernet().to_bytes();
    bytes[23] = 0x24;
    let header = FileHeader::parse(&bytes).unwrap();
    assert_eq!((header.link_type, header.fcs_len), (LINKTYPE_ETHERNET, 4));
    assert_eq!(header.to_bytes(), bytes);
}

#[test]
fn truncated_streams_say_where() {
    let mut writer = Writer::new(Vec::new()).unwrap();
    writer.write(0, &[1; 60]).unwrap();
    writer.write(0, &[2; 60]).unwrap();
    let file = writer.into_inner();
    for cut in 0..file.len() {
        let expected = match cut {
            0..24 => Some(0),
            24 | 100 => None,
            25..100 => Some(24),
            _ => Some(100),
        };
        let mut data = Vec::new();
        let last = StreamReader::new(&file[..cut]).and_then(|mut reader| {
            while reader.read(&mut data)?.is_some() {}
            Ok(())
        });
        match (last, expected) {
            (Ok(()), None) => {}
            (Err(ReadError::Format(PcapError::Truncated { offset })), Some(at)) => assert_eq!(offset, at),
            other => panic!("{cut}: {other:?}"),
        }
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read(packets in prop::collection::vec((any::<u32>(), prop::collection::vec(any::<u8>(), 0..200)), 0..20), big_endian: bool, nanoseconds: bool, cut in any::<prop::sample::Index>()) {
        let header = FileHeader::ethernet().big_endian(big_endian).nanoseconds(nanoseconds);
        let mut writer = Writer::with_header(Vec::new(), header).unwrap();
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
