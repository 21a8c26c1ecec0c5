//! Network namespaces for tests: unique names, one test at a time on the machine, nothing left behind.

use std::fs::File;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, flock};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

/// Namespaces that live as long as this value, under the machine-wide lock.
pub struct Lab {
    prefix: String,
    names: Vec<&'static str>,
    _lock: File,
}

/// Makes namespaces, or says why the test is skipped (which is a failure under CI).
pub fn lab(test: &str, names: &[&'static str]) -> Option<Lab> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    if let Err(why) = possible() {
        eprintln!("SKIPPED {test}: {why}");
        assert!(std::env::var_os("CI").is_none(), "tests may not be skipped under CI");
        return None;
    }
    let lock = File::create(std::env::temp_dir().join("ovs-namespace-tests.lock")).unwrap();
    flock(&lock, FlockOperation::LockExclusive).unwrap();
    let prefix = format!("ovst{}x{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    let mut lab = Lab { prefix, names: Vec::new(), _lock: lock };
    for name in names {
        ip(&format!("netns add {}{name}", lab.prefix));
        lab.names.push(name);
        ip(&format!("-n {}{name} link set lo up", lab.prefix));
    }
    Some(lab)
}

fn possible() -> Result<(), String> {
    if !rustix::process::geteuid().is_root() {
        return Err("needs root".into());
    }
    match Command::new("ip").arg("-V").output() {
        Ok(output) if output.status.success() => Ok(()),
        _ => Err("needs iproute2".into()),
    }
}

/// Runs `ip` and wants it to succeed.
fn ip(arguments: &str) -> String {
    let output = Command::new("ip").args(arguments.split_whitespace()).output().unwrap();
    assert!(output.status.success(), "ip {arguments}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

impl Lab {
    /// Runs `ip` in a namespace.
    pub fn ip(&self, namespace: &str, arguments: &str) -> String {
        ip(&format!("-n {}{namespace} {arguments}", self.prefix))
    }

    /// A veth pair across two namespaces, both ends up.
    pub fn veth(&self, (a, name_a): (&str, &str), (b, name_b): (&str, &str)) {
        let p = &self.prefix;
        ip(&format!("link add {name_a} netns {p}{a} type veth peer name {name_b} netns {p}{b}"));
        self.ip(a, &format!("link set dev {name_a} up"));
        self.ip(b, &format!("link set dev {name_b} up"));
    }

    /// Runs `f` on a thread of its own in a namespace.
    pub fn spawn<R: Send + 'static>(
        &self,
        namespace: &str,
        f: impl FnOnce() -> R + Send + 'static,
    ) -> JoinHandle<R> {
        let path = format!("/run/netns/{}{namespace}", self.prefix);
        std::thread::spawn(move || {
            let file = File::open(path).unwrap();
            move_into_link_name_space(std::os::fd::AsFd::as_fd(&file), Some(LinkNameSpaceType::Network))
                .unwrap();
            f()
        })
    }

    /// Runs `f` in a namespace and gives what it gives.
    pub fn run<R: Send + 'static>(&self, namespace: &str, f: impl FnOnce() -> R + Send + 'static) -> R {
        match self.spawn(namespace, f).join() {
            Ok(result) => result,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        for name in &self.names {
            let _ = Command::new("ip").args(["netns", "del", &format!("{}{name}", self.prefix)]).output();
        }
    }
}

/// Waits until `f` gives something, at most ten seconds.
pub fn wait_for<R>(what: &str, mut f: impl FnMut() -> Option<R>) -> R {
    let until = Instant::now() + Duration::from_secs(10);
    loop {
        if let Some(result) = f() {
            return result;
        }
        assert!(Instant::now() < until, "waited ten seconds for {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
