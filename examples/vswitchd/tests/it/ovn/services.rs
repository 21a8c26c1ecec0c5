//! What OVN answers itself, out of packets that the switch hands to its controller.

use super::Tenant;
use crate::harness::exclusive;

#[test]
fn machines_get_addresses_by_dhcp() {
    let _lock = exclusive();
    let Some(Tenant { cloud, machines: [p1, ..] }) = Tenant::start("machines_get_addresses_by_dhcp") else {
        return;
    };
    cloud.north(
        r#"
        --id=@d create DHCP_Options cidr=10.0.0.0/24 'options="server_id"="10.0.0.1" "server_mac"="00:00:00:00:ff:01" "lease_time"="3600" "router"="10.0.0.1"' -- set logical_switch_port p1 dhcpv4_options=@d
        --wait=hv sync
        "#,
    );
    let output = cloud.try_on(&p1, "/usr/bin/python3", &["-c", include_str!("dhcp.py"), "eth0"]);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(
        String::from_utf8_lossy(&output.stdout).trim(),
        "10.0.0.11 10.0.0.1 255.255.255.0 3600",
        "{errors}{}",
        cloud.logs()
    );
}

#[test]
fn names_are_answered() {
    let _lock = exclusive();
    let Some(Tenant { cloud, machines: [p1, ..] }) = Tenant::start("names_are_answered") else { return };
    cloud.north(
        r#"
        --id=@n create DNS 'records="second.test"="10.0.0.12"' -- add logical_switch sw0 dns_records @n
        --wait=hv sync
        "#,
    );
    // The server of the address does not matter: the packet is answered on its way.
    let output = cloud.try_on(&p1, "python3", &["-c", include_str!("dns.py"), "10.0.0.1", "second.test"]);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "10.0.0.12", "{errors}{}", cloud.logs());
}

#[test]
fn logs_of_access_lists_are_metered() {
    let _lock = exclusive();
    let Some(Tenant { cloud, machines: [p1, p2, ..] }) = Tenant::start("logs_of_access_lists_are_metered")
    else {
        return;
    };
    cloud.reaches(&p1, "10.0.0.12");
    cloud.north(
        r#"
        meter-add slow drop 5 pktps 0
        --log --severity=info --name=fast acl-add sw0 to-lport 1000 'outport == "p2" && icmp4' drop
        --log --severity=info --name=pinged --meter=slow acl-add sw0 to-lport 1000 'outport == "p1" && icmp4' drop
        --wait=hv sync
        "#,
    );
    // A hundred packets in a second: all are told of where nothing limits it, and few where a meter does.
    let flood = |from, to: &str| {
        cloud.try_on(from, "ping", &["-c", "100", "-i", "0.01", "-W", "1", to]);
    };
    flood(&p1, "10.0.0.12");
    flood(&p2, "10.0.0.11");
    let told = |name: &str| {
        let needle = format!("name=\"{name}\"");
        let logs = [0, 1].map(|chassis| cloud.controller_log(chassis));
        logs.iter().flat_map(|log| log.lines()).filter(|line| line.contains(&needle)).count()
    };
    cloud.world(1).wait_for("every packet to be told of", |_| (told("fast") >= 100).then_some(()));
    let metered = told("pinged");
    assert!((1..=30).contains(&metered), "{metered} of a hundred packets in a second, at five a second");
}
