//! A virtual machine on the distribution's kernel: for what the kernel of this machine lacks.
//!
//! Its root is this machine's, by virtiofs, under a layer in memory that takes what it writes. It needs no hardware
//! support, and is ready in some seconds without.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use super::{Daemon, skip};

/// What it has of the kernel's modules, each after those that it needs. What cannot be removed is built in.
const MODULES: &[&str] = &[
    "drivers/virtio/virtio_ring",
    "drivers/virtio/virtio",
    "drivers/virtio/virtio_pci_legacy_dev",
    "drivers/virtio/virtio_pci_modern_dev",
    "drivers/virtio/virtio_pci",
    "fs/fuse/fuse",
    "fs/fuse/virtiofs",
    "fs/overlayfs/overlay",
    "drivers/net/veth",
    "drivers/net/tun",
    "net/core/failover",
    "drivers/net/net_failover",
    "drivers/net/virtio_net",
    "net/sched/sch_htb",
    "net/sched/sch_hfsc",
    "net/sched/sch_sfq",
    "net/sched/sch_codel",
    "net/sched/sch_netem",
];
const FOLDERS: &[&str] = &["bin", "modules", "root", "lower", "upper"];
const VIRTIOFSD: [&str; 2] = ["/usr/lib/qemu/virtiofsd", "/usr/libexec/virtiofsd"];
/// What is printed after the script, with its status.
const MARK: &str = "the script ended with";
/// How long it may take from beginning to end.
const LIMIT: Duration = Duration::from_mins(4);

/// The machine's parts.
struct Parts {
    kernel: PathBuf,
    modules: PathBuf,
    busybox: PathBuf,
    qemu: PathBuf,
    virtiofsd: PathBuf,
}

fn parts() -> Result<Parts, String> {
    let unpacked = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/peer/kernel");
    let one_of = |folder: &str, prefix: &str| {
        let entries = std::fs::read_dir(unpacked.join(folder)).ok()?;
        entries
            .flatten()
            .find(|entry| entry.file_name().to_string_lossy().starts_with(prefix))
            .map(|entry| entry.path())
    };
    let missing = || "no kernel for virtual machines is here (cargo xtask peer fetches it)".to_owned();
    let kernel = one_of("boot", "vmlinuz-").ok_or_else(missing)?;
    let modules = one_of("lib/modules", "").ok_or_else(missing)?.join("kernel");
    let busybox = unpacked.join("bin/busybox");
    let installed = |places: &[&str], name: &str| {
        let found = places.iter().map(PathBuf::from).find(|place| place.exists());
        found.ok_or_else(|| format!("{name} is not installed"))
    };
    let qemu = installed(&["/usr/bin/qemu-system-x86_64"], "qemu-system-x86_64")?;
    let virtiofsd = installed(&VIRTIOFSD, "virtiofsd")?;
    Ok(Parts { kernel, modules, busybox, qemu, virtiofsd })
}

/// Starts a machine whose only process runs `script` (of the shell) and which is then turned off; `more` is for QEMU. `None`:
/// the test is skipped, which has been said.
pub fn boot(test: &str, more: &[String], script: &str) -> Option<Vm> {
    let parts = parts().map_err(|why| skip(test, &why)).ok()?;
    let folder = tempfile::Builder::new().prefix("ovst-").tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    std::fs::write(at("script"), script).unwrap();
    std::fs::write(at("begin"), begin(&at("script"))).unwrap();
    std::fs::write(at("initrd"), initrd(&parts, &at("begin"))).unwrap();
    let (socket, memory) = (at("root.sock"), 768);
    let mut root = Command::new(&parts.virtiofsd);
    root.arg(format!("--socket-path={}", socket.display()));
    root.args(["-o", "source=/", "-o", "cache=always", "-o", "sandbox=chroot", "-o", "log_level=err"]);
    let mut root = Daemon::start("virtiofsd", folder.path(), root);
    root.wait_until("its socket", || socket.exists());
    let mut qemu = Command::new(&parts.qemu);
    qemu.args(["-nodefaults", "-no-reboot", "-display", "none", "-monitor", "none", "-serial", "stdio"]);
    qemu.args(["-machine", "q35", "-accel", "tcg,thread=multi", "-cpu", "max", "-smp", "2"]);
    qemu.args(["-m".to_owned(), format!("{memory}M"), "-numa".to_owned(), "node,memdev=mem".to_owned()]);
    qemu.args(["-object".to_owned(), format!("memory-backend-memfd,id=mem,size={memory}M,share=on")]);
    qemu.args(["-chardev".to_owned(), format!("socket,id=root,path={}", socket.display())]);
    qemu.args(["-device", "vhost-user-fs-pci,chardev=root,tag=root", "-initrd"]).arg(at("initrd"));
    qemu.arg("-kernel")
        .arg(&parts.kernel)
        .args(["-append", "console=ttyS0 quiet panic=-1 mitigations=off no_timer_check"])
        .args(more);
    let machine = Daemon::start("qemu", folder.path(), qemu);
    Some(Vm { machine, _root: root, _folder: folder })
}

/// A machine that runs.
pub struct Vm {
    machine: Daemon,
    _root: Daemon,
    _folder: tempfile::TempDir,
}

impl Vm {
    /// What it has printed so far.
    fn printed(&self) -> String {
        self.machine.printed().replace('\r', "")
    }

    /// Waits until it has printed something.
    pub fn wait_for(&mut self, text: &str) {
        let deadline = Instant::now() + LIMIT;
        while !self.printed().contains(text) {
            let ended = self.machine.end(Duration::from_millis(20)).is_some();
            let missing = ended || Instant::now() > deadline;
            assert!(!missing || self.printed().contains(text), "no {text:?} in:\n{}", self.printed());
        }
    }

    /// Waits for its end; gives what it has printed. Fails if its script did.
    pub fn end(mut self) -> String {
        let ended = self.machine.end(LIMIT);
        let printed = self.printed();
        assert!(ended.is_some(), "the machine did not end:\n{printed}");
        assert!(printed.contains(&format!("{MARK} 0\n")), "the machine's script failed:\n{printed}");
        printed
    }
}

/// What the first process does once it has its root.
fn begin(script: &Path) -> String {
    let ci = if std::env::var_os("CI").is_some() { "export CI=true" } else { "" };
    format!(
        "mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev\n\
         mkdir -p /dev/shm /dev/pts /dev/net /dev/hugepages; mount -t tmpfs tmpfs /dev/shm; mount -t tmpfs tmpfs /run\n\
         export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM=dumb {ci}\n\
         ip link set lo up\n\
         sh {}; echo {MARK} $?\n\
         echo o > /proc/sysrq-trigger; sleep 60\n",
        script.display()
    )
}

/// A file system in memory: what it takes to have this machine's root.
fn initrd(parts: &Parts, begin: &Path) -> Vec<u8> {
    let mut archive = Archive::default();
    for folder in FOLDERS {
        archive.add(folder, 0o40755, &[]);
    }
    archive.add("bin/busybox", 0o100_755, &std::fs::read(&parts.busybox).unwrap());
    let mut init = String::from("#!/bin/busybox sh\nb=/bin/busybox\n");
    for module in MODULES {
        let name = module.rsplit('/').next().unwrap();
        let bytes = std::fs::read(parts.modules.join(format!("{module}.ko"))).unwrap();
        archive.add(&format!("modules/{name}.ko"), 0o100_644, &bytes);
        init.extend(["$b insmod /modules/", name, ".ko\n"]);
    }
    init += "$b mount -t virtiofs root /lower\n\
             $b mount -t tmpfs tmpfs /upper\n\
             $b mkdir /upper/files /upper/work\n\
             $b mount -t overlay -o lowerdir=/lower,upperdir=/upper/files,workdir=/upper/work overlay /root\n";
    init.extend(["exec $b switch_root /root /bin/sh ", &begin.to_string_lossy(), "\n"]);
    archive.add("init", 0o100_755, init.as_bytes());
    archive.add("TRAILER!!!", 0, &[]);
    archive.bytes
}

/// An archive as the kernel unpacks it (its `Documentation/driver-api/early-userspace/buffer-format`).
#[derive(Default)]
struct Archive {
    bytes: Vec<u8>,
}

impl Archive {
    fn add(&mut self, name: &str, mode: u32, data: &[u8]) {
        // Inode, mode, owner, group, links, time, size, four numbers of devices, the name's length with its end, no sum.
        let numbers = [0, mode, 0, 0, 1, 0, data.len() as u32, 0, 0, 0, 0, name.len() as u32 + 1, 0];
        self.bytes.extend(b"070701");
        self.bytes.extend(numbers.iter().flat_map(|number| format!("{number:08X}").into_bytes()));
        self.bytes.extend(name.as_bytes());
        self.bytes.push(0);
        self.pad();
        self.bytes.extend(data);
        self.pad();
    }

    fn pad(&mut self) {
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }
}
