//! Rules and packets for each field of the registry in turn: a match on it, and an action that reads or writes it.

use ovs_flow::field::{Masking, Prereq};
use ovs_flow::text::NoNames;
use ovs_flow::{Field, FlowKey};
use ovs_openflow::{Action, FlowMod};

use super::draw::Draw;
use super::options;

/// Why no rule can have a field in this comparison.
fn left_out(field: Field) -> Option<&'static str> {
    let name = field.name();
    let number = |prefix: &str| name.strip_prefix(prefix).and_then(|n| n.parse::<u32>().ok());
    let newer = number("reg").is_some_and(|n| n > 15)
        || number("xreg").is_some_and(|n| n > 7)
        || number("xxreg").is_some_and(|n| n > 3);
    if newer {
        Some("3.1 has 16 registers")
    } else if field.headers().next().is_none() {
        Some("no OpenFlow message can name it")
    } else if [Field::RECIRC_ID, Field::DP_HASH].contains(&field) {
        Some("both refuse rules that match it")
    } else if field == Field::ND_OPTIONS_TYPE {
        Some("3.1 keeps it in the half of 16 bits that it does not read, and prints the other with its mask")
    } else if name.starts_with("nd_") {
        Some(
            "the original looks at neighbour discovery a stage before it looks at ICMP types: its masks are wider",
        )
    } else {
        None
    }
}

/// The fields of the registry that rules have.
pub fn fields() -> Vec<Field> {
    Field::all().filter(|field| left_out(*field).is_none()).collect()
}

/// Mark and label of a connection are written inside of `ct` alone, which is compared in conntrack.rs.
fn is_writable(field: Field) -> bool {
    field.facts().writable && ![Field::CT_MARK, Field::CT_LABEL].contains(&field)
}

/// A field and a value that a rule matches and a packet has.
pub struct Theme {
    pub field: Field,
    value: u128,
    /// The number of an option, and its value's digits.
    option: Option<(usize, String)>,
}

impl Theme {
    pub fn new(draw: &mut Draw, field: Field) -> Self {
        let option = field.option().map(|n| (n, options::value(draw, n)));
        Self { field, value: value(draw, field), option }
    }

    /// The match of a rule.
    pub fn matching(&self, draw: &mut Draw) -> String {
        if let Some((_, digits)) = &self.option {
            return options::matched(draw, self.field, digits);
        }
        let Self { field, value, .. } = *self;
        let full = field.full();
        let partly = field.facts().masking == Masking::Bitwise && draw.once_in(2) && takes_masks(field);
        let mask = if partly { full & 0x5f } else { full };
        let text = field.text(value & mask, mask, &NoNames);
        joined(before(field, true), format!("{field}={text}"))
    }

    /// The packet's key.
    pub fn key(&self, port: usize) -> String {
        let in_port =
            if self.field.name().starts_with("in_port") { String::new() } else { format!("in_port={port},") };
        in_port + &self.headers()
    }

    fn headers(&self) -> String {
        if let Some((n, digits)) = &self.option {
            // Every other one came through a tunnel.
            let tunnel = if n % 2 == 0 { "" } else { "tun_src=1.2.3.4,tun_dst=5.6.7.8," };
            return format!("{tunnel}{}=0x{digits}", self.field);
        }
        let text = match self.field {
            Field::CT_STATE => "trk|new".into(),
            // Packets without an Ethernet header come by tunnels, and are compared there.
            Field::PACKET_TYPE => "(0,0)".into(),
            field => field.text(self.value, field.full(), &NoNames).to_string(),
        };
        joined(before(self.field, false), format!("{}={text}", self.field))
    }

    /// A list that reads or writes the field.
    pub fn list(&self, draw: &mut Draw, writes: bool) -> String {
        let Self { field, ref option, .. } = *self;
        let after = ["output:2", "output:2,resubmit(,3)", "resubmit(,2)", "output:1,output:3"];
        if let Some((n, _)) = option {
            return format!("{},{}", options::action(draw, *n, writes), draw.of(&after));
        }
        let wire = field.headers().next().map_or("", |header| header.name);
        let width = field.bit_width();
        let (new, full) = (value(draw, field), field.full());
        let writes = writes && is_writable(field);
        let part = field != Field::NSH_SPI;
        let used = match draw.below(5) {
            0 if writes && width <= 64 && part => {
                format!("load:{:#x}->{wire}[]", new & ((1 << width) - 1))
            }
            1 if writes && width > 1 && part => format!("load:1->{wire}[0]"),
            2 if writes && width <= 32 => format!("move:NXM_NX_REG0[0..{}]->{wire}[]", width - 1),
            // The standard's action does not write it.
            _ if writes && field == Field::IN_PORT_OXM => format!("load:3->{wire}[]"),
            _ if writes => format!("set_field:{}->{field}", field.text(new, full, &NoNames)),
            _ if width <= 32 => format!("move:{wire}[]->NXM_NX_REG1[0..{}]", width - 1),
            _ => format!("push:{wire}[],pop:NXM_NX_REG1[]"),
        };
        format!("{used},{}", draw.of(&after))
    }
}

fn joined(before: &str, text: String) -> String {
    if before.is_empty() { text } else { format!("{before},{text}") }
}

/// The original's client sends the value as the mask of these.
fn takes_masks(field: Field) -> bool {
    let missent = ["tun_erspan_ver", "tun_erspan_dir", "tun_erspan_hwid"].contains(&field.name());
    !missent && ![Field::NSH_MDTYPE, Field::NSH_NP].contains(&field)
}

fn value(draw: &mut Draw, field: Field) -> u128 {
    match field {
        Field::PACKET_TYPE => 0x1_0800,
        Field::IN_PORT | Field::IN_PORT_OXM => 1 + draw.below(4) as u128,
        Field::ETH_TYPE => [0x0800, 0x1234][draw.below(2)],
        Field::CT_STATE => 0x21,
        Field::VLAN_TCI | Field::VLAN_VID => 0x1000 | draw.below(4) as u128,
        Field::IP_TOS => 4 * draw.below(4) as u128,
        Field::IP_PROTO => [6, 17, 99][draw.below(3)],
        Field::IP_FRAG | Field::NSH_MDTYPE | Field::ACTSET_OUTPUT => 1,
        Field::ND_OPTIONS_TYPE => 1 + draw.below(2) as u128,
        Field::CT_NW_PROTO => 6,
        field => [1, 2, 3, 0x29][draw.below(4)] & field.full(),
    }
}

/// What has to stand before a field in a match, or in a packet's key.
fn before(field: Field, rule: bool) -> &'static str {
    let name = field.name();
    let state = if rule { "ct_state=+trk+new,ip" } else { "ct_state=trk|new,ip" };
    let state6 = if rule { "ct_state=+trk+new,ipv6" } else { "ct_state=trk|new,ipv6" };
    let tuple = if rule { "ct_state=+trk+new,ip,ct_nw_proto=6" } else { "ct_state=trk|new,ip,ct_nw_proto=6" };
    match field.facts().prereq {
        Prereq::Arp => "arp",
        Prereq::VlanVid if !rule => "dl_vlan=5",
        Prereq::VlanVid => "vlan_tci=0x1000/0x1000",
        Prereq::Ipv6 => "ipv6",
        Prereq::Ip if name == "nw_ttl" => "ipv6",
        Prereq::Ipv4 | Prereq::Ip => "ip",
        Prereq::Mpls => "mpls",
        // With other kinds of metadata the original prints context headers that it does not write.
        Prereq::Nsh if !rule && field != Field::NSH_MDTYPE => "dl_type=0x894f,nsh_mdtype=1",
        Prereq::Nsh => "dl_type=0x894f",
        Prereq::Ct if name.starts_with("ct_ipv6") => state6,
        Prereq::Ct if name.starts_with("ct_tp") => tuple,
        Prereq::Ct => state,
        Prereq::Tcp => "tcp",
        Prereq::Udp => "udp",
        Prereq::Sctp => "sctp",
        Prereq::Icmpv4 => "icmp",
        Prereq::Icmpv6 => "icmp6",
        Prereq::NdSolicit => "icmp6,icmpv6_type=135,icmpv6_code=0",
        Prereq::Nd | Prereq::NdAdvert => "icmp6,icmpv6_type=136,icmpv6_code=0",
        _ => "",
    }
}

/// What the rules of a run have had.
#[derive(Default)]
pub struct Coverage {
    matched: FlowKey,
    /// Options that were matched on, bit by bit.
    options: u64,
    written: Vec<Field>,
    actions: String,
}

/// Actions that rules have elsewhere, and why not here.
const ELSEWHERE: [(&str, &str); 3] = [
    ("Ct", "compared with the tracker's states, in conntrack.rs"),
    ("CtClear", "compared with the tracker's states, in conntrack.rs"),
    ("Nat", "compared with the tracker's states, in conntrack.rs"),
];

/// All actions and instructions, by the names of their variants.
const ACTIONS: &str = "Output OutputReg OutputTruncated Bundle Controller Enqueue Group SetQueue PopQueue SetField SetOption Mod \
    Move SetVlanVid SetVlanPcp PopVlan PushVlan PushMpls PopMpls SetMplsLabel SetMplsTc SetMplsTtl DecMplsTtl DecTtl \
    SetTunnel Resubmit Ct CtClear Nat Learn Clone Conjunction Multipath Sample Encap Decap DecNshTtl CheckPktLarger \
    DeleteField StackPush StackPop Note Exit FinTimeout Meter ClearActions WriteActions WriteMetadata GotoTable";

impl Coverage {
    /// Takes a rule in.
    pub fn add(&mut self, flow: &FlowMod) {
        for option in flow.matching.options() {
            self.options |= 1 << option.index;
        }
        for (all, bits) in self.matched.words_mut().iter_mut().zip(flow.matching.mask.words()) {
            *all |= bits;
        }
        self.add_list(&flow.actions);
    }

    fn add_list(&mut self, list: &[Action]) {
        for action in list {
            let name: String =
                format!("{action:?}").chars().take_while(char::is_ascii_alphanumeric).collect();
            if !self.had(&name) {
                self.actions.push_str(&name);
                self.actions.push(' ');
            }
            let field = match action {
                Action::SetField(set) => Some(set.field),
                Action::SetOption(set) => Some(set.field),
                Action::Move { dst, .. } | Action::StackPop(dst) => Some(dst.field()),
                Action::Clone(inner) | Action::WriteActions(inner) => {
                    self.add_list(inner);
                    None
                }
                _ => None,
            };
            self.written.extend(field.filter(|field| !self.written.contains(field)));
        }
    }

    fn had(&self, name: &str) -> bool {
        self.actions.split(' ').any(|had| had == name)
    }

    /// Says what there was, and what was left out and why; returns what is missing without a reason.
    pub fn missing(&self) -> Option<String> {
        for (field, why) in Field::all().filter_map(|field| Some((field, left_out(field)?))) {
            eprintln!("left out: {field}: {why}");
        }
        for (action, why) in ELSEWHERE {
            eprintln!("left out: {action}: {why}");
        }
        let actions: Vec<&str> = ACTIONS.split_whitespace().collect();
        let missing = actions
            .iter()
            .filter(|name| !self.had(name) && ELSEWHERE.iter().all(|(other, _)| other != *name));
        let missing: Vec<_> = missing.collect();
        let matched = |field: &Field| match field.option() {
            Some(n) => self.options >> n & 1 != 0,
            None => field.get(&self.matched) != 0,
        };
        let fields = fields();
        let unmatched: Vec<_> = fields.iter().filter(|field| !matched(field)).collect();
        let writable = fields.iter().filter(|field| is_writable(**field));
        let unwritten: Vec<_> = writable.clone().filter(|field| !self.written.contains(field)).collect();
        eprintln!(
            "{} of {} actions, {} of {} fields matched, {} of {} fields written",
            actions.len() - missing.len(),
            actions.len(),
            fields.len() - unmatched.len(),
            fields.len(),
            writable.clone().count() - unwritten.len(),
            writable.count()
        );
        let none = missing.is_empty() && unmatched.is_empty() && unwritten.is_empty();
        (!none).then(|| {
            format!("not in any rule: {missing:?}, matches on {unmatched:?}, writes of {unwritten:?}")
        })
    }
}
