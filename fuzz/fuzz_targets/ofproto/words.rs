//! Rules, groups and packets as texts, chosen by an input's bytes.

/// An input; behind its end there are zeros.
pub struct Words<'a>(std::slice::Iter<'a, u8>);

const MATCHES: [&str; 40] = [
    "",
    "",
    "in_port=1",
    "in_port=2",
    "ip",
    "tcp",
    "udp",
    "sctp",
    "icmp",
    "icmp6",
    "ipv6",
    "tcp6",
    "arp",
    "mpls",
    "dl_src=50:54:00:00:00:01",
    "dl_dst=01:00:00:00:00:00/01:00:00:00:00:00",
    "dl_vlan=5",
    "vlan_tci=0",
    "vlan_tci=0x1000/0x1000",
    "ip,nw_src=10.0.0.0/8",
    "ip,nw_dst=10.0.0.2",
    "ip,nw_tos=32",
    "ip,nw_ttl=64",
    "ip,nw_frag=later",
    "tcp,tp_dst=80",
    "tcp,tp_dst=0x50/0xfff0",
    "tcp,tcp_flags=+syn-ack",
    "udp,tp_src=53",
    "ipv6,ipv6_src=fe80::/64",
    "ipv6,ipv6_label=5",
    "icmp6,icmp_type=135,icmp_code=0,nd_target=fe80::1",
    "arp,arp_spa=10.0.0.0/8",
    "mpls,mpls_label=17",
    "mpls,mpls_bos=1",
    "reg0=1",
    "reg0=0/1",
    "metadata=1",
    "pkt_mark=1/1",
    "ct_state=+trk",
    "conj_id=1",
];

const ACTIONS: [&str; 92] = [
    "output:1",
    "output:2",
    "output:3",
    "in_port",
    "normal",
    "flood",
    "all",
    "local",
    "output:NXM_NX_REG0[0..15]",
    "output(port=2,max_len=100)",
    "resubmit(,0)",
    "resubmit(,1)",
    "resubmit(,2)",
    "resubmit(,3)",
    "resubmit(2,1)",
    "resubmit(,1,ct)",
    "group:1",
    "group:2",
    "group:3",
    "group:4",
    "controller",
    "controller(id=3,reason=no_match)",
    "controller(userdata=01,pause)",
    "load:1->NXM_NX_REG0[]",
    "load:2->NXM_NX_REG0[0..3]",
    "load:5->NXM_NX_REG1[]",
    "set_field:50:54:00:00:00:77->eth_src",
    "set_field:50:54:00:00:00:00/ff:ff:00:00:00:00->eth_dst",
    "mod_nw_src:1.2.3.4",
    "mod_nw_dst:1.2.3.5",
    "mod_nw_tos:32",
    "mod_nw_ttl:9",
    "mod_tp_src:99",
    "mod_tp_dst:98",
    "set_field:8080->tcp_dst",
    "set_field:fe80::77->ipv6_src",
    "set_field:5->ipv6_label",
    "set_field:2->arp_op",
    "set_field:3->icmp_type",
    "set_field:fe80::99->nd_target",
    "set_field:1/1->pkt_mark",
    "move:NXM_OF_ETH_SRC[]->NXM_OF_ETH_DST[]",
    "move:NXM_OF_IP_SRC[]->NXM_OF_IP_DST[]",
    "move:NXM_OF_IP_SRC[0..15]->NXM_NX_REG1[16..31]",
    "move:NXM_OF_IN_PORT[]->NXM_NX_REG0[0..15]",
    "move:NXM_NX_REG0[0..11]->NXM_OF_VLAN_TCI[0..11]",
    "move:NXM_OF_TCP_DST[]->NXM_OF_TCP_SRC[]",
    "move:NXM_NX_PKT_MARK[0..15]->NXM_NX_REG2[0..15]",
    "push:NXM_OF_IP_DST[]",
    "push:NXM_NX_REG0[]",
    "pop:NXM_NX_REG1[]",
    "pop:NXM_OF_IP_SRC[]",
    "push_vlan:0x8100",
    "push_vlan:0x88a8",
    "strip_vlan",
    "mod_vlan_vid:7",
    "mod_vlan_pcp:3",
    "push_mpls:0x8847",
    "pop_mpls:0x0800",
    "pop_mpls:0x8847",
    "dec_mpls_ttl",
    "set_mpls_label:77",
    "set_mpls_ttl:3",
    "dec_ttl",
    "dec_ttl(1,2)",
    "set_queue:3",
    "pop_queue",
    "enqueue:2:5",
    "set_tunnel:5",
    "note:01.02",
    "exit",
    "sample(probability=100,collector_set_id=1)",
    "check_pkt_larger(100)->NXM_NX_REG0[0]",
    "multipath(symmetric_l4,7,hrw,5,0,NXM_NX_REG0[0..15])",
    "multipath(symmetric_l3l4+udp,7,iter_hash,5,0,NXM_NX_REG2[])",
    "multipath(nw_src,7,modulo_n,3,0,NXM_NX_REG0[])",
    "bundle(symmetric_l4,1,hrw,ofport,members:1,2,3)",
    "bundle_load(eth_src,1,active_backup,ofport,NXM_NX_REG0[0..15],members:9,2)",
    "learn(table=3,NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[],output:NXM_OF_IN_PORT[])",
    "learn(table=3,limit=2,result_dst=NXM_NX_REG0[2],cookie=9,NXM_OF_ETH_SRC[])",
    "fin_timeout(idle_timeout=5)",
    "ct(commit)",
    "ct(table=1)",
    "ct(commit,table=2,zone=NXM_NX_REG0[0..15],nat(src=10.0.0.9),exec(set_field:5->ct_mark))",
    "ct_clear",
    "clone(mod_nw_ttl:3,output:2)",
    "clone(resubmit(,1),push_vlan:0x8100,output:1)",
    "encap(nsh(md_type=1))",
    "decap()",
    "dec_nsh_ttl",
    "encap(mpls)",
    "conjunction(1,1/2)",
];

const PACKETS: [&str; 12] = [
    "dl_src=50:54:00:00:00:01,tcp,nw_src=10.0.0.1,nw_dst=10.0.0.2,nw_ttl=64,tcp_src=5,tcp_dst=80,tcp_flags=0x2",
    "dl_vlan=5,dl_vlan_pcp=2,udp,nw_src=10.0.0.1,nw_dst=9.0.0.2,nw_ttl=1,udp_src=53,udp_dst=80",
    "icmp,nw_src=10.0.0.1,nw_dst=10.0.0.2,nw_ttl=2,icmp_type=8,icmp_code=0",
    "sctp,nw_ttl=9,nw_tos=32,sctp_src=1,sctp_dst=2",
    "tcp6,ipv6_src=fe80::1,ipv6_dst=fe80::2,nw_ttl=64,ipv6_label=5,tcp_dst=80",
    "icmp6,nw_ttl=255,icmpv6_type=135,icmpv6_code=0,nd_target=fe80::1,nd_sll=50:54:00:00:00:01",
    "arp,arp_op=1,arp_spa=10.0.0.1,arp_tpa=10.0.0.2",
    "mpls,mpls_label=17,mpls_ttl=64,mpls_bos=1",
    "mpls,mpls_label=18,mpls_ttl=1,mpls_bos=0",
    "dl_vlan=10,dl_type=0x1234",
    "ip,nw_proto=0,nw_ttl=5",
    "udp,nw_frag=later,nw_ttl=7",
];

impl<'a> Words<'a> {
    pub fn new(data: &'a [u8]) -> Self {
        Self(data.iter())
    }

    pub fn byte(&mut self) -> u8 {
        self.0.next().copied().unwrap_or(0)
    }

    /// 0 to `n` - 1.
    pub fn below(&mut self, n: usize) -> usize {
        usize::from(self.byte()) % n.max(1)
    }

    fn of<'b>(&mut self, words: &[&'b str]) -> &'b str {
        words.get(self.below(words.len())).copied().unwrap_or_default()
    }

    pub fn packet(&mut self) -> &'static str {
        self.of(&PACKETS)
    }

    fn list(&mut self, most: usize) -> String {
        let list: Vec<&str> = (0..=self.below(most)).map(|_| self.of(&ACTIONS)).collect();
        list.join(",")
    }

    /// A rule of one of four tables.
    pub fn flow(&mut self) -> String {
        let (table, priority, matched) = (self.below(4), self.below(8), self.of(&MATCHES));
        let mut list = self.list(8);
        match self.below(8) {
            0 => list += ",write_actions(push_vlan:0x8100,dec_ttl,output:2)",
            1 => list += ",clear_actions,goto_table:3",
            2 => list = format!("meter:1,{list}"),
            _ => {}
        }
        format!("table={table},priority={priority},{matched},actions={list}")
    }

    /// A group that may name itself and others.
    pub fn group(&mut self, id: usize) -> String {
        let kind = self.of(&[
            "all",
            "select",
            "indirect",
            "ff",
            "select,selection_method=hash,fields(ip_src,tcp_dst)",
        ]);
        let watch = if kind == "ff" { "watch_port:1," } else { "" };
        let buckets: Vec<String> = (0..if kind == "indirect" { 1 } else { 1 + self.below(3) })
            .map(|_| format!("bucket={watch}actions={}", self.list(4)))
            .collect();
        format!("group_id={id},type={kind},{}", buckets.join(","))
    }
}
