//! The switch with one more type of device: `echo`, which receives again whatever it is given to send. Nothing of this
//! workspace knows it; it is registered by its name, and `ovs-vsctl add-port br0 e0 -- set interface e0 type=echo` makes
//! one.
//!
//! `cargo run -p vswitchd --example own_device -- --embedded-db [OPTIONS]`, as the switch itself.

use std::process::ExitCode;
use std::sync::mpsc::{Receiver, Sender, channel};

use ovs_netdev::{
    ConfigError, DeviceConfig, Factory, Netdev, OpenError, Options, RxError, RxQueue, Sent, Status, TxQueue,
    Wait,
};
use ovs_packet::{Batch, Packet, Pool};
use vswitchd::cli::Cli;
use vswitchd::daemon::{Program, fatal};
use vswitchd::switchd::Vswitchd;
use vswitchd::vlog::{VSWITCHD_MODULES, Vlog};

struct EchoFactory;

impl Factory for EchoFactory {
    fn kind(&self) -> &'static str {
        "echo"
    }

    fn open(&self, name: &str, _options: &Options) -> Result<Box<dyn Netdev>, OpenError> {
        let (tx, rx) = channel();
        Ok(Box::new(Echo { name: name.to_owned(), config: DeviceConfig::default(), tx, rx: Some(rx) }))
    }
}

struct Echo {
    name: String,
    config: DeviceConfig,
    tx: Sender<Packet>,
    rx: Option<Receiver<Packet>>,
}

impl Netdev for Echo {
    fn name(&self) -> &str {
        &self.name
    }

    fn kind(&self) -> &'static str {
        "echo"
    }

    fn status(&mut self) -> Status {
        let mut status = Status::default();
        status.mac = self.config.mac.unwrap_or_default();
        status.mtu = self.config.mtu.unwrap_or(1500);
        status.admin_up = true;
        status.link_up = true;
        status
    }

    fn configure(&mut self, config: &DeviceConfig) -> Result<(), ConfigError> {
        self.config.mac = config.mac.or(self.config.mac);
        self.config.mtu = config.mtu.or(self.config.mtu);
        Ok(())
    }

    fn take_rx_queues(&mut self) -> Vec<Box<dyn RxQueue>> {
        self.rx.take().map(|rx| Box::new(EchoRx(rx)) as Box<dyn RxQueue>).into_iter().collect()
    }

    fn tx_queue(&mut self) -> Result<Box<dyn TxQueue>, ConfigError> {
        Ok(Box::new(EchoTx(self.tx.clone())))
    }
}

struct EchoRx(Receiver<Packet>);

impl RxQueue for EchoRx {
    fn receive(&mut self, _pool: &mut Pool, batch: &mut Batch) -> Result<usize, RxError> {
        let before = batch.len();
        while !batch.is_full() {
            let Ok(packet) = self.0.try_recv() else { break };
            // It fits, by the condition above.
            drop(batch.push(packet));
        }
        Ok(batch.len() - before)
    }

    /// What is sent is sent by a worker, which looks here again before it sleeps.
    fn wait(&self) -> Wait<'_> {
        Wait::Never
    }
}

struct EchoTx(Sender<Packet>);

impl TxQueue for EchoTx {
    fn send(&mut self, batch: &mut Batch) -> Sent {
        let mut sent = Sent::default();
        for packet in batch.drain() {
            let bytes = packet.len() as u64;
            match self.0.send(packet) {
                Ok(()) => (sent.packets, sent.bytes) = (sent.packets + 1, sent.bytes + bytes),
                Err(_) => sent.down += 1,
            }
        }
        sent
    }
}

fn main() -> ExitCode {
    let program = Program::from_env("vswitchd");
    let cli = match Cli::parse_args(&program, std::env::args_os()) {
        Ok(cli) => cli,
        Err(code) => return code,
    };
    let vlog = Vlog::new(&program.name, VSWITCHD_MODULES);
    let started = vlog.install().map_err(Into::into).and_then(|()| cli.daemon.start(&program, &vlog));
    let daemon = match started {
        Ok(daemon) => daemon,
        Err(error) => return fatal(&program.name, &error),
    };
    match Vswitchd::new(&program, &cli, &vlog) {
        Ok(mut switch) => {
            switch.register(|| Box::new(EchoFactory));
            switch.run(daemon)
        }
        Err(error) => fatal(&program.name, &error),
    }
}
