//! What the classifier costs, by kind and number of rules: lookups with and without the mask, changes, loading,
//! memory.
//!
//! `cargo bench -p ovs-classifier --bench classifier [KIND] [RULES]…`, KIND being `acl`, `fw`, `ipc`, `early`, `hostile`
//! or `masks`; RULES up to which number. `early` is `acl` with a priority for each mask, so that what is found first is the
//! result: packets of all rules, and packets of the mask that is looked at first. Lookups a second are medians of five passes over a
//! trace, by the thread's own time: one by one, and in batches of 16 (`ClassifierReader::lookup_batch`). A trace has bursts of equal
//! packets, which a batch looks up once; `no repeats` is the trace without these, in batches, with masks. `plain` is the usual tuple-space search over the same rules (no mask, no versions, no readers), in the
//! same run.
#![expect(clippy::print_stdout, reason = "a benchmark prints")]
#![expect(clippy::expect_used, reason = "a benchmark may fail by panicking")]

#[path = "../random/mod.rs"]
mod random;
mod rules;
mod space;

use std::hint::black_box;
use std::io::{BufRead, BufWriter, Write, stdin};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use ovs_classifier::rcu::Domain;
use ovs_classifier::{ClassifierConfig, ClassifierWriter, Rule, RuleRef, Version};
use ovs_flow::{FlowMask, Match, U16, U32};
use random::Random;
use rules::{Kind, Packet, Spec, trace};
use space::TupleSpace;

/// The switch's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    if let [flag, count] = words.as_slice()
        && flag == "--memory"
    {
        return memory(count.parse().expect("a number"));
    }
    if let [flag, kind, count] = words.as_slice()
        && matches!(
            flag.as_str(),
            "--profile" | "--masked" | "--bare" | "--batch" | "--different" | "--changes"
        )
    {
        return profile(flag, kind, count.parse().expect("a number"));
    }
    if !std::env::args().any(|arg| arg == "--bench") {
        // `cargo test --benches` only tries whether it runs.
        return row(Kind::Acl, 100);
    }
    let most = words.iter().find_map(|word| word.parse().ok()).unwrap_or(1_000_000);
    let wanted = |name: &str| words.iter().all(|word| word.parse::<usize>().is_ok() || word == name);
    println!(
        "{:<5} {:>8} {:>6} {:>12} {:>12} {:>12} {:>12} {:>12} {:>12} {:>10} {:>10} {:>7} {:>7}",
        "kind",
        "rules",
        "masks",
        "one, bare/s",
        "one, mask/s",
        "batch, bare",
        "batch, mask",
        "no repeats",
        "plain/s",
        "changes/s",
        "one by one",
        "load s",
        "B/rule"
    );
    for kind in Kind::ALL.into_iter().filter(|kind| wanted(kind.name())) {
        for count in [1_000, 10_000, 100_000, 1_000_000].into_iter().filter(|count| *count <= most) {
            row(kind, count);
        }
    }
    if wanted("early") {
        early(most);
    }
    if wanted("masks") {
        many_masks();
    }
    if wanted("hostile") {
        hostile(most.min(1_000_000));
    }
}

fn kind_of(name: &str) -> Kind {
    Kind::ALL.into_iter().find(|kind| kind.name() == name).unwrap_or(Kind::Acl)
}

fn row(kind: Kind, count: usize) {
    let mut random = Random(0x5eed ^ count as u64);
    let specs = kind.rules(count, &mut random);
    let packets = trace(&specs, 200_000.min(count * 40), &mut random);
    let mut table = Table::new();
    let load = table.load(specs.iter().copied());
    let plain = plain(&specs, &packets);
    let [bare, masked] = [false, true].map(|masked| table.lookups(&packets, masked));
    let batches = [false, true].map(|masked| table.batches(&packets, masked));
    let different = table.batches(&without_repeats(&packets), true);
    let [bulk, single] = [table.changes(&specs, 64, &mut random), table.changes(&specs, 1, &mut random)];
    println!(
        "{:<5} {:>8} {:>6} {:>12.0} {:>12.0} {:>12.0} {:>12.0} {:>12.0} {:>12.0} {:>10.0} {:>10.0} {:>7.3} {:>7}",
        kind.name(),
        count,
        table.rules.masks(),
        bare,
        masked,
        batches[0],
        batches[1],
        different,
        plain,
        bulk,
        single,
        load.as_secs_f64(),
        measured_memory(&specs),
    );
}

/// A classifier, and what a user of it keeps.
struct Table {
    domain: Domain,
    rules: ClassifierWriter<u32>,
    refs: Vec<RuleRef<u32>>,
    version: Version,
}

impl Table {
    fn new() -> Self {
        let domain = Domain::new();
        let config = ClassifierConfig::default().seed([0x0123_4567_89ab_cdef, 0xfedc_ba98_7654_3210]);
        let rules = ClassifierWriter::new(&domain, config);
        Self { domain, rules, refs: Vec::new(), version: Version(1) }
    }

    /// All rules for one version, from their short form, until readers may use it.
    fn load(&mut self, specs: impl IntoIterator<Item = Spec>) -> Duration {
        let specs = specs.into_iter();
        self.refs.reserve(specs.size_hint().0);
        let start = Clock::start();
        self.rules.defer();
        for (n, spec) in specs.enumerate() {
            let rule = self.insert(n, &spec);
            self.refs.push(rule);
            if n % 4096 == 0 {
                self.domain.reclaim(usize::MAX);
            }
        }
        self.rules.publish();
        let took = start.elapsed();
        self.domain.reclaim(usize::MAX);
        took
    }

    fn insert(&mut self, n: usize, spec: &Spec) -> RuleRef<u32> {
        let done = self.rules.insert(&spec.matching(), spec.priority, n as u32, self.version);
        done.expect("no limit is met").rule
    }

    /// Lookups a second: the median of five passes.
    fn lookups(&self, packets: &[Packet], masked: bool) -> f64 {
        let (lookups, mut reader) = (self.rules.reader(), self.domain.reader());
        let guard = reader.enter();
        let mut key = Packet::template();
        let start = always();
        median(|| {
            let mut sum = 0;
            for packet in packets {
                packet.write(&mut key);
                let rule = if masked {
                    let mut mask = start;
                    let rule = lookups.lookup(self.version, black_box(&key), Some(&mut mask), &guard);
                    black_box(&mask);
                    rule
                } else {
                    lookups.lookup(self.version, black_box(&key), None, &guard)
                };
                sum += rule.map_or(0, |rule| u64::from(*rule.value()));
            }
            black_box(sum);
            packets.len()
        })
    }

    /// The same in batches.
    fn batches(&self, packets: &[Packet], masked: bool) -> f64 {
        const BATCH: usize = 16;
        let (lookups, mut reader) = (self.rules.reader(), self.domain.reader());
        let guard = reader.enter();
        let (mut keys, start) = ([Packet::template(); BATCH], always());
        let (mut masks, mut found) = ([start; BATCH], [None; BATCH]);
        median(|| {
            let mut sum = 0;
            for packets in packets.chunks(BATCH) {
                for (key, packet) in keys.iter_mut().zip(packets) {
                    packet.write(key);
                }
                let keys = black_box(&keys[..packets.len()]);
                if masked {
                    masks.fill(start);
                    lookups.lookup_batch(self.version, keys, Some(&mut masks), &mut found, &guard);
                    black_box(&masks);
                } else {
                    lookups.lookup_batch(self.version, keys, None, &mut found, &guard);
                }
                let found = found.iter().take(packets.len()).flatten();
                sum += found.map(|rule| u64::from(*rule.value())).sum::<u64>();
            }
            black_box(sum);
            packets.len()
        })
    }

    /// Insertions and deletions a second, in a full table: some rules go and come back, so many of each a version,
    /// collected and reclaimed as the switch does it.
    fn changes(&mut self, specs: &[Spec], batch: usize, random: &mut Random) -> f64 {
        let rounds = (20_000 / batch).min(specs.len());
        median(|| {
            for _ in 0..rounds {
                let chosen: Vec<usize> = (0..batch).map(|_| random.below(specs.len())).collect();
                for back in [false, true] {
                    self.version = self.version.next();
                    if batch > 1 {
                        self.rules.defer();
                    }
                    for at in &chosen {
                        if back {
                            self.refs[*at] = self.insert(*at, &specs[*at]);
                        } else {
                            self.rules.remove_at(&self.refs[*at], self.version);
                        }
                    }
                    self.rules.publish();
                    self.rules.gc(self.version);
                    self.domain.reclaim(usize::MAX);
                }
            }
            rounds * batch * 2
        })
    }
}

/// The packets that differ from the one before.
fn without_repeats(packets: &[Packet]) -> Vec<Packet> {
    let mut different = packets.to_vec();
    different.dedup();
    different
}

/// What a translation has looked at before its first lookup.
fn always() -> FlowMask {
    let mut mask = FlowMask::default();
    (mask.fields.in_port, mask.fields.recirc_id) = (u32::MAX, u32::MAX);
    (mask.fields.dl_type, mask.fields.nw_frag) = (U16::new(0xffff), 0xff);
    mask
}

fn median(mut pass: impl FnMut() -> usize) -> f64 {
    let mut rates: Vec<f64> = (0..5)
        .map(|_| {
            let start = Clock::start();
            pass() as f64 / start.elapsed().as_secs_f64()
        })
        .collect();
    rates.sort_by(f64::total_cmp);
    rates[2]
}

/// The time that this thread ran, where the system tells (to some milliseconds), so that other work on the machine
/// takes no part in it beyond its share of the caches; else the time that went by.
struct Clock(Instant, Option<Duration>);

impl Clock {
    fn start() -> Self {
        Self(Instant::now(), Self::ran())
    }

    fn elapsed(&self) -> Duration {
        match (self.1, Self::ran()) {
            (Some(then), Some(now)) if now > then => now.saturating_sub(then),
            _ => self.0.elapsed(),
        }
    }

    fn ran() -> Option<Duration> {
        let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
        text.split(' ').next()?.parse().ok().map(Duration::from_nanos)
    }
}

fn plain(specs: &[Spec], packets: &[Packet]) -> f64 {
    let mut space = TupleSpace::default();
    for spec in specs {
        space.insert(&spec.matching(), spec.priority);
    }
    space.sort();
    let (mut key, mut scratch) = (Packet::template(), Vec::new());
    let some = &packets[..packets.len().min(40_000)];
    median(|| {
        for packet in some {
            packet.write(&mut key);
            black_box(space.lookup(black_box(&key), &mut scratch));
        }
        some.len()
    })
}

/// Lookups and changes only (or lookups of one kind, and more of them), for a profiler:
/// `valgrind --tool=callgrind --toggle-collect='*FUNCTION*'`.
fn profile(flag: &str, kind: &str, count: usize) {
    let mut random = Random(0x5eed ^ count as u64);
    let specs = kind_of(kind).rules(count, &mut random);
    let packets = trace(&specs, if flag == "--profile" { 4_000 } else { 200_000 }, &mut random);
    let mut table = Table::new();
    let load = table.load(specs.iter().copied());
    println!("{} masks, loaded in {:.3} s", table.rules.masks(), load.as_secs_f64());
    if flag == "--changes" {
        let rates = [64, 1].map(|batch| table.changes(&specs, batch, &mut random));
        println!("{:.0} changes a second, {:.0} one by one", rates[0], rates[1]);
        return;
    }
    if flag == "--profile" {
        black_box([table.lookups(&packets, false), table.lookups(&packets, true)]);
        black_box(table.changes(&specs, 64, &mut random));
        return;
    }
    let rate = match flag {
        "--batch" => table.batches(&packets, true),
        "--different" => table.batches(&without_repeats(&packets), true),
        _ => table.lookups(&packets, flag == "--masked"),
    };
    println!("{rate:.0} lookups a second");
}

/// Memory a rule, beyond the rule itself (its words, priority, versions and value, in one allocation), measured in
/// a process that does nothing else: it gets the rules one by one, as making them leaves memory that others would use.
fn measured_memory(specs: &[Spec]) -> String {
    let program = std::env::current_exe().expect("this program");
    let mut command = Command::new(program);
    command.args(["--memory", &specs.len().to_string()]);
    // What is freed goes back to the system at once, and none of it comes by 2 MB, so that what is resident is in use.
    command.envs([("MIMALLOC_PURGE_DELAY", "0"), ("MIMALLOC_ALLOW_THP", "0")]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("this program runs");
    let mut lines = BufWriter::new(child.stdin.take().expect("a pipe"));
    for spec in specs {
        writeln!(lines, "{spec}").expect("it reads");
    }
    drop(lines);
    let output = child.wait_with_output().expect("it ends");
    String::from_utf8_lossy(&output.stdout).trim().into()
}

fn memory(count: usize) {
    let mut table = Table::new();
    table.refs = Vec::with_capacity(count);
    let mut lines = stdin().lock().lines().map(|line| line.expect("text"));
    let first = lines.next().expect("a rule").parse().expect("a rule");
    let before = resident();
    table.load(std::iter::once(first).chain(lines.map(|line| line.parse().expect("a rule"))));
    // The benchmark's own references came on top.
    let used = resident().saturating_sub(before).saturating_sub(count * size_of::<RuleRef<u32>>());
    let own = size_of::<Rule<u32>>() + 2 * size_of::<usize>();
    println!("{}", (used / count).saturating_sub(own));
}

fn resident() -> usize {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: usize = text.split(' ').nth(1).and_then(|pages| pages.parse().ok()).unwrap_or(0);
    pages * 4096
}

/// Rules among which the first that is found is the result.
fn early(most: usize) {
    println!(
        "\n{:>8} {:>6} {:>12} {:>12} {:>12} {:>12}   a priority for each mask; packets of all and of the first",
        "rules", "masks", "lookups/s", "with mask/s", "lookups/s", "with mask/s"
    );
    for count in [1_000, 10_000, 100_000, 1_000_000].into_iter().filter(|count| *count <= most) {
        let mut random = Random(0x5eed ^ count as u64);
        let mut specs = Kind::Acl.rules(count, &mut random);
        let first = rules::one_priority_a_mask(&mut specs);
        let mut table = Table::new();
        table.load(specs.iter().copied());
        let [all, some] = [&specs[..], &specs[..first]].map(|specs| {
            let packets = trace(specs, 200_000.min(count * 40), &mut random);
            [table.lookups(&packets, false), table.lookups(&packets, true)]
        });
        println!(
            "{count:>8} {:>6} {:>12.0} {:>12.0} {:>12.0} {:>12.0}",
            table.rules.masks(),
            all[0],
            all[1],
            some[0],
            some[1]
        );
    }
}

/// Hundreds of masks of different addresses, one rule each, and packets of the last one's kind.
fn many_masks() {
    println!(
        "\n{:>6} {:>12} {:>12} {:>12}   masks of addresses, all of one priority",
        "masks", "lookups/s", "with mask/s", "plain/s"
    );
    for count in [1usize, 8, 64, 256, 1024] {
        let mut random = Random(77);
        let mut table = Table::new();
        let mut space = TupleSpace::default();
        let mut packets = Vec::new();
        for n in 0..count {
            let (src, dst) = (1 + n % 32, 1 + n / 32 % 32);
            let (a, b) = (random.next() as u32, random.next() as u32);
            let mut mask = FlowMask::default();
            mask.fields.dl_type = U16::new(0xffff);
            mask.fields.nw_src = U32::new(u32::MAX << (32 - src));
            mask.fields.nw_dst = U32::new(u32::MAX << (32 - dst));
            let mut key = Packet::template();
            (key.nw_src, key.nw_dst) = (U32::new(a), U32::new(b));
            let matching = Match::new(&key, mask);
            table.rules.insert(&matching, 1, n as u32, Version(1)).expect("no limit is met");
            space.insert(&matching, 1);
            packets.push(Packet { addresses: (a, b), ports: (1, 2), proto: 6 });
        }
        space.sort();
        let packets: Vec<Packet> = (0..20_000).map(|_| packets[random.below(count)]).collect();
        let (mut key, mut scratch) = (Packet::template(), Vec::new());
        let plain = median(|| {
            for packet in &packets {
                packet.write(&mut key);
                black_box(space.lookup(black_box(&key), &mut scratch));
            }
            packets.len()
        });
        let [bare, masked] = [table.lookups(&packets, false), table.lookups(&packets, true)];
        println!("{count:>6} {bare:>12.0} {masked:>12.0} {plain:>12.0}");
    }
}

/// Rules with keys in patterns that collide in tables whose hash is linear or not keyed, against random ones.
fn hostile(count: usize) {
    type Pattern = (&'static str, fn(u32) -> (u32, u32));
    let patterns: [Pattern; 5] = [
        ("random", |n| (n.wrapping_mul(0x9e37_79b1) ^ 0x5bd1_e995, n.wrapping_mul(0x85eb_ca6b) ^ n >> 7)),
        ("equal sums", |n| (n, !n)),
        ("equal xors", |n| (n, n ^ 0xdead_beef)),
        ("high bits", |n| (n << 12, n.rotate_left(12))),
        ("one differs", |n| (n.reverse_bits(), 0)),
    ];
    println!(
        "\n{:<12} {:>12} {:>12} {:>12}   {count} rules of one mask",
        "keys", "inserts/s", "lookups/s", "with mask/s"
    );
    for (name, pattern) in patterns {
        let mut mask = FlowMask::default();
        mask.fields.dl_type = U16::new(0xffff);
        (mask.fields.nw_src, mask.fields.nw_dst) = (U32::new(u32::MAX), U32::new(u32::MAX));
        let mut table = Table::new();
        let mut packets: Vec<Packet> =
            (0..count as u32).map(|n| Packet { addresses: pattern(n), ports: (1, 2), proto: 6 }).collect();
        let start = Clock::start();
        table.rules.defer();
        let mut key = Packet::template();
        for (n, packet) in packets.iter().enumerate() {
            packet.write(&mut key);
            table.rules.insert(&Match::new(&key, mask), 1, n as u32, Version(1)).expect("no limit is met");
        }
        table.rules.publish();
        let inserts = count as f64 / start.elapsed().as_secs_f64();
        // In an order that memory does not favour.
        let mut random = Random(5);
        for at in (1..packets.len()).rev() {
            packets.swap(at, random.below(at + 1));
        }
        packets.truncate(200_000);
        let [bare, masked] = [table.lookups(&packets, false), table.lookups(&packets, true)];
        println!("{name:<12} {inserts:>12.0} {bare:>12.0} {masked:>12.0}");
    }
}
