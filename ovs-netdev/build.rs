//! Builds the shim over DPDK, when that feature is on.

fn main() {
    println!("cargo::rerun-if-changed=src/dpdk/shim.c");
    #[cfg(feature = "dpdk")]
    dpdk();
}

/// Compiles the shim with the flags that the installed DPDK asks for, and links DPDK's libraries.
#[cfg(feature = "dpdk")]
fn dpdk() {
    let library =
        match pkg_config::Config::new().atleast_version("22.11").cargo_metadata(false).probe("libdpdk") {
            Ok(library) => library,
            Err(error) => {
                panic!("the feature `dpdk` needs DPDK 22.11 or later (Debian: libdpdk-dev): {error}")
            }
        };
    let mut build = cc::Build::new();
    build.file("src/dpdk/shim.c").warnings(true).flag("-std=gnu11").flag("-O3");
    // pkg-config's crate keeps paths and definitions only; inline functions need the other flags too.
    build.flag("-include").flag("rte_config.h").flag("-march=corei7").flag("-Wno-unused-parameter");
    for path in &library.include_paths {
        build.flag(format!("-isystem{}", path.display()));
    }
    build.compile("ovs_dpdk_shim");
    for path in &library.link_paths {
        println!("cargo::rustc-link-search=native={}", path.display());
    }
    // The shim calls these; drivers are found and loaded by the environment when it starts.
    for name in
        ["rte_ethdev", "rte_mbuf", "rte_mempool", "rte_mempool_ring", "rte_eal", "rte_kvargs", "rte_ring"]
    {
        println!("cargo::rustc-link-lib=dylib={name}");
    }
}
