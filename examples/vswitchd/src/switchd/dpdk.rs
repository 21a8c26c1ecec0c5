//! DPDK's part of the configuration: `other_config:dpdk-*` and `pmd-cpu-mask` of the root row.
//!
//! DPDK is started once, when `dpdk-init` first says so, and runs until the process ends. A switch that was built
//! without it says so in the log and in `Open_vSwitch.dpdk_version`.

use ovs_netdev::Registry;

use super::rows::Row;

/// Cores that a mask can name.
const CORES: usize = 1024;

/// See the module's head. Clones are the same.
#[derive(Clone, Debug, Default)]
pub struct Dpdk {
    #[cfg(feature = "dpdk")]
    factory: ovs_netdev::dpdk::DpdkFactory,
    /// Whether a start was tried: it is not tried again.
    tried: std::sync::Arc<std::sync::atomic::AtomicBool>,
}

impl Dpdk {
    /// Adds the device types that DPDK drives.
    #[cfg_attr(
        not(feature = "dpdk"),
        expect(clippy::unused_self, unused_variables, reason = "nothing to add")
    )]
    pub fn register(&self, registry: &mut Registry) {
        #[cfg(feature = "dpdk")]
        registry.register(Box::new(self.factory.clone()));
    }

    /// Whether it runs.
    #[cfg_attr(not(feature = "dpdk"), expect(clippy::unused_self, reason = "it never does"))]
    pub fn runs(&self) -> bool {
        #[cfg(feature = "dpdk")]
        return self.factory.eal().is_some();
        #[cfg(not(feature = "dpdk"))]
        return false;
    }

    /// What runs; `none` if it is not built in.
    #[cfg_attr(not(feature = "dpdk"), expect(clippy::unused_self, reason = "none runs"))]
    pub fn version(&self) -> String {
        #[cfg(feature = "dpdk")]
        if let Some(eal) = self.factory.eal() {
            return eal.version();
        }
        "none".to_owned()
    }

    /// Starts it if the root row asks for that and it was not tried before.
    pub fn start(&self, root: &Row<'_>) {
        let wanted = matches!(root.key("other_config", "dpdk-init"), Some("true" | "try"));
        if !wanted || self.tried.swap(true, std::sync::atomic::Ordering::Relaxed) {
            return;
        }
        self.start_now(root);
    }

    #[cfg(not(feature = "dpdk"))]
    #[expect(clippy::unused_self, reason = "nothing to start")]
    fn start_now(&self, _root: &Row<'_>) {
        tracing::error!(target: "dpdk", "DPDK not supported in this copy of the switch: build it with `--features dpdk`");
    }

    #[cfg(feature = "dpdk")]
    fn start_now(&self, root: &Row<'_>) {
        let args = arguments(|key| root.key("other_config", key));
        tracing::info!(target: "dpdk", "EAL ARGS: ovs-vswitchd {}", args.join(" "));
        match ovs_netdev::dpdk::Eal::init(&args, log) {
            Ok(eal) => {
                tracing::info!(target: "dpdk", "DPDK Enabled - initialized ({})", eal.version());
                self.factory.start(eal);
            }
            Err(error) => tracing::error!(target: "dpdk", "{error}"),
        }
    }

    /// The cores of threads that poll; none while DPDK does not run. Without `pmd-cpu-mask`, the last core.
    pub fn cores(&self, root: Option<&Row<'_>>) -> Vec<usize> {
        if !self.runs() {
            return Vec::new();
        }
        let asked = root.and_then(|root| root.key("other_config", "pmd-cpu-mask")).and_then(cores_of);
        asked.unwrap_or_else(|| {
            let count = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
            vec![count - 1]
        })
    }
}

/// DPDK's command line. What `dpdk-extra` says for itself is left to it.
#[cfg(feature = "dpdk")]
fn arguments<'a>(config: impl Fn(&str) -> Option<&'a str>) -> Vec<String> {
    let mut args: Vec<String> =
        config("dpdk-extra").unwrap_or_default().split_whitespace().map(str::to_owned).collect();
    let has = |args: &[String], names: &[&str]| args.iter().any(|arg| names.contains(&arg.as_str()));
    if !has(&args, &["-c", "-l", "--lcores"]) {
        // One core for the environment itself; it starts no work there.
        let mask = config("dpdk-lcore-mask").unwrap_or("0x1");
        args.extend(["-c".to_owned(), mask.to_owned()]);
    }
    if let Some(memory) = config("dpdk-socket-mem").filter(|_| !has(&args, &["--socket-mem", "-m"])) {
        args.extend(["--socket-mem".to_owned(), memory.to_owned()]);
    }
    // Huge pages without files: nothing is left behind, and two switches on one machine do not meet.
    if !has(&args, &["--in-memory", "--no-huge", "--file-prefix", "--huge-dir", "--proc-type"]) {
        args.push("--in-memory".to_owned());
    }
    args
}

#[cfg(feature = "dpdk")]
fn log(level: ovs_netdev::dpdk::LogLevel, line: &str) {
    use ovs_netdev::dpdk::LogLevel;
    match level {
        LogLevel::Emergency | LogLevel::Error => tracing::error!(target: "dpdk", "{line}"),
        LogLevel::Warning => tracing::warn!(target: "dpdk", "{line}"),
        LogLevel::Info => tracing::info!(target: "dpdk", "{line}"),
        LogLevel::Debug => tracing::debug!(target: "dpdk", "{line}"),
    }
}

/// The cores of a hexadecimal mask, with or without `0x`; `None` if it is not one, or names none.
fn cores_of(mask: &str) -> Option<Vec<usize>> {
    let digits = mask.strip_prefix("0x").or_else(|| mask.strip_prefix("0X")).unwrap_or(mask);
    let mut cores = Vec::new();
    for (index, digit) in digits.chars().rev().enumerate() {
        let digit = digit.to_digit(16)?;
        cores.extend((0..4).filter(|bit| digit >> bit & 1 == 1).map(|bit| index * 4 + bit));
    }
    cores.retain(|core| *core < CORES);
    (!cores.is_empty()).then_some(cores)
}

#[cfg(test)]
mod tests {
    use super::cores_of;

    #[test]
    fn masks_name_cores() {
        assert_eq!(cores_of("0x2"), Some(vec![1]));
        assert_eq!(cores_of("C1"), Some(vec![0, 6, 7]));
        assert_eq!(cores_of("0"), None);
        assert_eq!(cores_of("0xg"), None);
        assert_eq!(cores_of(""), None);
    }
}
