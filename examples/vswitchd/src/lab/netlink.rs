//! The few rtnetlink requests of the lab: make a veth pair across namespaces, set addresses, bring up.
//!
//! Messages are `nlmsghdr` (16 bytes: length, type, flags, sequence, port, native order), a fixed header of the
//! family, and attributes (length, type, payload, padded to 4 bytes); see rtnetlink(7).

use std::io;
use std::net::Ipv4Addr;
use std::os::fd::OwnedFd;

use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketType};

use super::{LabError, system};

const RTM_NEWLINK: u16 = 16;
const RTM_NEWADDR: u16 = 20;
const NLM_F_REQUEST_ACK: u16 = 0x0001 | 0x0004;
const NLM_F_CREATE_EXCL: u16 = 0x0400 | 0x0200;
const NLMSG_ERROR: u16 = 2;
const IFLA_IFNAME: u16 = 3;
const IFLA_LINKINFO: u16 = 18;
const IFLA_NET_NS_PID: u16 = 19;
const IFLA_INFO_KIND: u16 = 1;
const IFLA_INFO_DATA: u16 = 2;
const VETH_INFO_PEER: u16 = 1;
const IFA_ADDRESS: u16 = 1;
const IFA_LOCAL: u16 = 2;
const IFF_UP: u32 = 1;
/// Bytes of `struct ifinfomsg`.
const IFINFOMSG: usize = 16;

/// A route socket of the namespace that the process is in.
pub struct Netlink {
    socket: OwnedFd,
    sequence: u32,
}

impl Netlink {
    /// Opens one.
    pub fn open() -> Result<Self, LabError> {
        // NETLINK_ROUTE is protocol 0, which is what no protocol means.
        let opened = rustix::net::socket(AddressFamily::NETLINK, SocketType::RAW, None);
        let socket = opened.map_err(|e| system("opening a netlink socket")(e.into()))?;
        Ok(Self { socket, sequence: 0 })
    }

    /// Makes a veth pair: `here` in this namespace, up, and `there` in the namespace of process `pid`.
    pub fn veth_into(&mut self, here: &str, there: &str, pid: u32) -> Result<(), LabError> {
        let mut peer = vec![0; IFINFOMSG];
        attribute(&mut peer, IFLA_IFNAME, &nul_terminated(there));
        attribute(&mut peer, IFLA_NET_NS_PID, &pid.to_ne_bytes());
        let mut data = Vec::new();
        attribute(&mut data, VETH_INFO_PEER, &peer);
        let mut info = Vec::new();
        attribute(&mut info, IFLA_INFO_KIND, b"veth");
        attribute(&mut info, IFLA_INFO_DATA, &data);
        let mut body = link_header(0, IFF_UP);
        attribute(&mut body, IFLA_IFNAME, &nul_terminated(here));
        attribute(&mut body, IFLA_LINKINFO, &info);
        let made = self.request(RTM_NEWLINK, NLM_F_CREATE_EXCL, &body);
        made.map_err(system(format!("making the device pair {here}")))
    }

    /// Brings the loopback device up.
    pub fn loopback_up(&mut self) -> Result<(), LabError> {
        self.request(RTM_NEWLINK, 0, &link_header(1, IFF_UP)).map_err(system("bringing lo up"))
    }

    /// Gives device `name` an address with a 24-bit prefix and brings it up.
    pub fn configure(&mut self, name: &str, address: Ipv4Addr) -> Result<(), LabError> {
        let index = rustix::net::netdevice::name_to_index(&self.socket, name)
            .map_err(|e| system(format!("finding {name}"))(e.into()))?;
        // struct ifaddrmsg: family, prefix length, flags, scope, index.
        let mut body = vec![2, 24, 0, 0];
        body.extend_from_slice(&index.to_ne_bytes());
        attribute(&mut body, IFA_LOCAL, &address.octets());
        attribute(&mut body, IFA_ADDRESS, &address.octets());
        self.request(RTM_NEWADDR, NLM_F_CREATE_EXCL, &body)
            .and_then(|()| self.request(RTM_NEWLINK, 0, &link_header(index, IFF_UP)))
            .map_err(system(format!("configuring {name}")))
    }

    /// Sends one request and waits for its acknowledgement.
    fn request(&mut self, kind: u16, flags: u16, body: &[u8]) -> io::Result<()> {
        self.sequence += 1;
        let mut message = Vec::with_capacity(16 + body.len());
        message.extend_from_slice(&(16 + body.len() as u32).to_ne_bytes());
        message.extend_from_slice(&kind.to_ne_bytes());
        message.extend_from_slice(&(NLM_F_REQUEST_ACK | flags).to_ne_bytes());
        message.extend_from_slice(&self.sequence.to_ne_bytes());
        message.extend_from_slice(&[0; 4]);
        message.extend_from_slice(body);
        rustix::net::send(&self.socket, &message, SendFlags::empty())?;
        let mut reply = [0_u8; 4096];
        let (_, length) = rustix::net::recv(&self.socket, &mut reply[..], RecvFlags::empty())?;
        acknowledged(&reply[..length.min(reply.len())])
    }
}

/// Reads an acknowledgement: `nlmsghdr`, then an error number, zero for success.
fn acknowledged(reply: &[u8]) -> io::Result<()> {
    let bad = || io::Error::new(io::ErrorKind::InvalidData, "unexpected answer from the kernel");
    let kind = reply.get(4..6).and_then(|b| b.try_into().ok()).map(u16::from_ne_bytes).ok_or_else(bad)?;
    let code = reply.get(16..20).and_then(|b| b.try_into().ok()).map(i32::from_ne_bytes).ok_or_else(bad)?;
    match (kind, code) {
        (NLMSG_ERROR, 0) => Ok(()),
        (NLMSG_ERROR, code) => Err(io::Error::from_raw_os_error(code.wrapping_neg())),
        _ => Err(bad()),
    }
}

/// `struct ifinfomsg` that sets `flags` on device `index` (0 for a new one).
fn link_header(index: u32, flags: u32) -> Vec<u8> {
    let mut header = vec![0; 4];
    header.extend_from_slice(&index.to_ne_bytes());
    header.extend_from_slice(&flags.to_ne_bytes());
    header.extend_from_slice(&flags.to_ne_bytes());
    header
}

fn attribute(to: &mut Vec<u8>, kind: u16, payload: &[u8]) {
    to.extend_from_slice(&(4 + payload.len() as u16).to_ne_bytes());
    to.extend_from_slice(&kind.to_ne_bytes());
    to.extend_from_slice(payload);
    to.resize(to.len().next_multiple_of(4), 0);
}

fn nul_terminated(name: &str) -> Vec<u8> {
    let mut bytes = name.as_bytes().to_vec();
    bytes.push(0);
    bytes
}
