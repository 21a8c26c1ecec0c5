use proptest::prelude::*;

use super::*;

#[track_caller]
fn active(text: &str) -> Address {
    Address::parse(text, Role::Ovsdb).unwrap()
}

#[test]
fn reads_what_the_manual_describes() {
    for (text, shown) in [
        ("tcp:127.0.0.1:1234", "tcp:127.0.0.1:1234"),
        ("tcp:127.0.0.1", "tcp:127.0.0.1:6640"),
        ("tcp:localhost:99", "tcp:127.0.0.1:99"),
        ("tcp:[::1]", "tcp:[::1]:6640"),
        ("ssl:[fe80::1%3]:7", "ssl:[fe80::1%3]:7"),
        ("unix:/run/a b", "unix:/run/a b"),
        ("unix:db.sock", "unix:db.sock"),
    ] {
        assert_eq!(active(text).to_string(), shown);
        assert_eq!(active(shown), active(text));
    }
    for (text, shown) in [
        ("ptcp:", "ptcp:6653"),
        ("ptcp:0", "ptcp:0"),
        ("ptcp::127.0.0.1", "ptcp:6653:127.0.0.1"),
        ("ptcp:7:[::]", "ptcp:7:[::]"),
        ("pssl:7:[fe80::1%3]", "pssl:7:[fe80::1%3]"),
        ("punix:x.mgmt", "punix:x.mgmt"),
    ] {
        let a = PassiveAddress::parse(text, Role::OpenFlow).unwrap();
        assert_eq!(a.to_string(), shown);
        assert_eq!(PassiveAddress::parse(shown, Role::OpenFlow).unwrap(), a);
    }
}

#[test]
fn refuses_with_the_reason() {
    let t = |s: &str| s.to_string();
    for (text, error) in [
        ("foo:bar", AddressError::UnknownMethod(t("foo:bar"))),
        ("", AddressError::UnknownMethod(t(""))),
        ("ptcp:1", AddressError::NotActive(t("ptcp:1"))),
        ("unix:", AddressError::MissingFile(t("unix:"))),
        ("tcp:", AddressError::MissingHost(t("tcp:"))),
        ("tcp::1", AddressError::MissingHost(t("tcp::1"))),
        ("tcp:a.example:1", AddressError::HostName(t("tcp:a.example:1"))),
        ("tcp:::1", AddressError::BareIpv6(t("tcp:::1"))),
        ("tcp:[::1", AddressError::BadBrackets(t("tcp:[::1"))),
        ("tcp:[::1]x", AddressError::BadBrackets(t("tcp:[::1]x"))),
        ("tcp:[1.2.3.4]:1", AddressError::BadBrackets(t("tcp:[1.2.3.4]:1"))),
        ("tcp:[fe80::1%eth0]:1", AddressError::BadScope(t("tcp:[fe80::1%eth0]:1"))),
        ("tcp:1.2.3.4:0", AddressError::BadPort(t("tcp:1.2.3.4:0"))),
        ("tcp:1.2.3.4:+1", AddressError::BadPort(t("tcp:1.2.3.4:+1"))),
        ("tcp:1.2.3.4:65536", AddressError::BadPort(t("tcp:1.2.3.4:65536"))),
    ] {
        assert_eq!(Address::parse(text, Role::Ovsdb), Err(error), "{text}");
    }
    let e = Address::parse("tcp:1.2.3.4", Role::Other).unwrap_err();
    assert_eq!(e.to_string(), "\"tcp:1.2.3.4\": the port is missing");
    assert!(matches!(PassiveAddress::parse("tcp:1.2.3.4", Role::Other), Err(AddressError::NotPassive(_))));
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused_and_what_is_read_reads_back(
        method in prop::sample::select(&METHODS[..]), rest in "[\\[\\]:.0-9a-f%]{0,24}|\\PC{0,12}"
    ) {
        if let Ok(remote) = Remote::parse(&format!("{method}:{rest}"), Role::Ovsdb) {
            prop_assert_eq!(Remote::parse(&remote.to_string(), Role::Other).unwrap(), remote);
        }
    }
}
