//! DPDK's part of the configuration: `other_config:dpdk-*` of the root row.
//!
//! DPDK is started once, when `dpdk-init` first says so, and runs until the process ends. A switch that was built
//! without it says so in the log and in `Open_vSwitch.dpdk_version`.

use ovs_netdev::Registry;

use super::rows::Row;

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
