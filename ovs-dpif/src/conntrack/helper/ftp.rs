//! Announcements of the file transfer protocol: `PORT` and the answer 227 (RFC 959), `EPRT` and the answer 229 (RFC 2428).

use std::net::{IpAddr, Ipv4Addr};
use std::ops::Range;

use super::lines::LONGEST;

/// How an announcement is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// `192,0,2,1,4,1`
    Six,
    /// `|1|192.0.2.1|1025|`, with this byte between.
    Extended(u8),
    /// `|||1025|`, with this byte between.
    PortAlone(u8),
}

/// Where a connection is awaited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Announced {
    /// Which bytes of the payload say so.
    pub at: Range<usize>,
    pub form: Form,
    /// Whose port; the sender's if it does not say.
    pub address: Option<IpAddr>,
    pub port: u16,
}

/// Reads a line of a client's or a server's, without its end.
pub(super) fn read(line: &[u8], by_server: bool) -> Option<Announced> {
    let line = line.get(..line.len().min(LONGEST))?;
    if by_server {
        match line.first_chunk::<4>()? {
            b"227 " => {
                // What stands before the numbers is free text.
                let digit = line.iter().skip(4).position(u8::is_ascii_digit)? + 4;
                six(line, digit)
            }
            b"229 " => {
                let open = line.iter().position(|byte| *byte == b'(')? + 1;
                extended(line, open)
            }
            _ => None,
        }
    } else {
        let (word, _) = line.split_at_checked(5)?;
        let rest = line.iter().skip(5).take_while(|byte| **byte == b' ').count() + 5;
        if word.eq_ignore_ascii_case(b"PORT ") {
            six(line, rest)
        } else if word.eq_ignore_ascii_case(b"EPRT ") {
            extended(line, rest)
        } else {
            None
        }
    }
}

/// Six numbers of a byte each.
fn six(line: &[u8], start: usize) -> Option<Announced> {
    let (mut numbers, mut at) = ([0; 6], start);
    for (n, number) in numbers.iter_mut().enumerate() {
        if n > 0 {
            at = (line.get(at) == Some(&b',')).then_some(at + 1)?;
        }
        let digits = line.get(at..)?.iter().take(4).take_while(|byte| byte.is_ascii_digit()).count();
        *number = std::str::from_utf8(&line[at..at + digits]).ok()?.parse::<u8>().ok()?;
        at += digits;
    }
    let [a, b, c, d, high, low] = numbers;
    let address = Some(IpAddr::V4(Ipv4Addr::new(a, b, c, d)));
    Some(Announced { at: start..at, form: Form::Six, address, port: u16::from_be_bytes([high, low]) })
}

/// Protocol, address and port between bytes of the sender's choice.
fn extended(line: &[u8], start: usize) -> Option<Announced> {
    let between =
        *line.get(start).filter(|byte| (33..=126).contains(*byte) && !byte.is_ascii_alphanumeric())?;
    let mut parts = line[start + 1..].split(|byte| *byte == between);
    let (family, address, port) = (parts.next()?, parts.next()?, parts.next()?);
    // There is one more part, or else the last byte is missing.
    parts.next()?;
    let at = start..start + 4 + family.len() + address.len() + port.len();
    let port = std::str::from_utf8(port).ok()?;
    let port: u16 = port.bytes().all(|byte| byte.is_ascii_digit()).then_some(port)?.parse().ok()?;
    if family.is_empty() && address.is_empty() {
        return Some(Announced { at, form: Form::PortAlone(between), address: None, port });
    }
    let address: IpAddr = std::str::from_utf8(address).ok()?.parse().ok()?;
    let right = if address.is_ipv6() { b"2" } else { b"1" };
    (family == right).then_some(Announced { at, form: Form::Extended(between), address: Some(address), port })
}

impl Form {
    /// The announcement of another place.
    pub fn write(self, host: IpAddr, port: u16) -> String {
        match (self, host) {
            (Self::Six, IpAddr::V4(host)) => {
                let ([a, b, c, d], [high, low]) = (host.octets(), port.to_be_bytes());
                format!("{a},{b},{c},{d},{high},{low}")
            }
            (Self::PortAlone(b), _) => {
                let b = char::from(b);
                format!("{b}{b}{b}{port}{b}")
            }
            (Self::Extended(b), host) => {
                let (b, family) = (char::from(b), if host.is_ipv6() { 2 } else { 1 });
                format!("{b}{family}{b}{host}{b}{port}{b}")
            }
            // Six numbers name no address of version 6.
            (Self::Six, IpAddr::V6(_)) => String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn told(line: &str, by_server: bool) -> Option<(&str, Option<String>, u16)> {
        let read = read(line.trim_end().as_bytes(), by_server)?;
        Some((&line[read.at.clone()], read.address.map(|address| address.to_string()), read.port))
    }

    #[test]
    fn reads_what_clients_and_servers_write() {
        let v4 = || Some("192.0.2.1".to_owned());
        assert_eq!(told("PORT 192,0,2,1,4,1\r\n", false), Some(("192,0,2,1,4,1", v4(), 1025)));
        assert_eq!(told("port  192,0,2,1,4,1\n", false), Some(("192,0,2,1,4,1", v4(), 1025)));
        let line = "227 Entering Passive Mode (192,0,2,1,4,1).\r\n";
        assert_eq!(told(line, true), Some(("192,0,2,1,4,1", v4(), 1025)));
        assert_eq!(told("EPRT |1|192.0.2.1|1025|\r\n", false), Some(("|1|192.0.2.1|1025|", v4(), 1025)));
        let v6 = Some("2001:db8::1".to_owned());
        assert_eq!(told("eprt !2!2001:db8::1!99!\r\n", false), Some(("!2!2001:db8::1!99!", v6, 99)));
        let line = "229 Entering Extended Passive Mode (|||6446|)\r\n";
        assert_eq!(told(line, true), Some(("|||6446|", None, 6446)));
    }

    #[test]
    fn believes_no_half_line() {
        for line in [
            "PORT 192,0,2,1,4\r\n",
            "PORT 192,0,2,256,4,1\r\n",
            "PORT 192,0,2,1,4,\r\n",
            "EPRT |2|192.0.2.1|1025|\r\n",
            "EPRT |1|192.0.2.1|1025\r\n",
            "EPRT |1|192.0.2.1|70000|\r\n",
            "EPRT |1|192.0.2.1|+5|\r\n",
            "XPORT 192,0,2,1,4,1\r\n",
            "",
        ] {
            assert_eq!(told(line, false), None, "{line:?}");
        }
        assert_eq!(told("PORT 192,0,2,1,4,1\r\n", true), None);
        assert_eq!(told("229 Entering (|||6446\r\n", true), None);
    }

    proptest! {
        #[test]
        fn writes_what_it_reads(host in any::<IpAddr>(), port in any::<u16>(), kind in 0..3) {
            let form = match kind { 0 if host.is_ipv4() => Form::Six, 1 => Form::PortAlone(b'|'), _ => Form::Extended(b'|') };
            let text = form.write(host, port);
            let (head, tail, by_server) = match form {
                Form::Six => ("PORT ", "\r\n", false),
                Form::PortAlone(_) => ("229 x (", ")\r\n", true),
                Form::Extended(_) => ("EPRT ", "\r\n", false),
            };
            let line = format!("{head}{text}{tail}");
            let back = read(line.as_bytes(), by_server).unwrap();
            prop_assert_eq!((back.form, back.port, &line[back.at.clone()]), (form, port, text.as_str()));
            let named = if matches!(form, Form::PortAlone(_)) { None } else { Some(host) };
            prop_assert_eq!(back.address, named);
        }

        #[test]
        fn reads_anything(bytes in prop::collection::vec(any::<u8>(), 0..80), by_server in any::<bool>()) {
            for head in [&b""[..], b"PORT ", b"EPRT ", b"227 ", b"229 ("] {
                let line = [head, &bytes, b"\r\n"].concat();
                if let Some(read) = read(&line, by_server) {
                    prop_assert!(read.at.end <= line.len());
                }
            }
        }
    }
}
