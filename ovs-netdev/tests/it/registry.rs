//! What a user is told when a device cannot be opened.

use ovs_netdev::{Options, Registry, register_native};

fn error(kind: &str, name: &str, options: &[(&str, &str)]) -> String {
    let mut registry = Registry::new();
    register_native(&mut registry);
    let options: Options =
        options.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    registry.open(kind, name, &options).err().expect("it cannot be opened").to_string()
}

#[test]
fn errors_say_what_is_wrong() {
    assert_eq!(error("ether", "p1", &[]), "could not create interface p1: unknown type ether");
    let missing = error("pcap", "p1", &[("rxq_pcap", "/nonexistent/file")]);
    assert_eq!(missing, "p1: option rxq_pcap: /nonexistent/file: No such file or directory (os error 2)");
}

#[cfg(target_os = "linux")]
#[test]
fn errors_of_the_system() {
    assert_eq!(error("system", "nonesuch0", &[]), "could not open network device nonesuch0 (No such device)");
    let long = "longer than 15 bytes";
    for kind in ["system", "tap", "internal"] {
        let text = error(kind, "a-name-of-16-byt", &[]);
        assert_eq!(text, format!("could not open network device a-name-of-16-byt (invalid name: {long})"));
        assert!(error(kind, "", &[]).contains("empty"));
        assert!(error(kind, "a/b", &[]).contains("invalid name"));
    }
}
