#![doc = "A switch inside a program: two ports of the program's own, no thread and no clock, polled by hand."]
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use ovs_dpif::ovs_flow::DpPort;
use ovs_dpif::ovs_flow::text::{NoNames, parse_dp_flow};
use ovs_dpif::ovs_netdev::{ConfigError, Netdev, RxError, RxQueue, Sent, TxQueue, Wait};
use ovs_dpif::ovs_packet::{Batch, Pool};
use ovs_dpif::{Action, Budget, Dpif, FlowPut, Op, PortRequest, PutMode, UserspaceConfig, UserspaceDatapath};

/// A port that is a pair of channels.
struct Wire(&'static str, Option<Receiver<Vec<u8>>>, Sender<Vec<u8>>);
struct Rx(Receiver<Vec<u8>>);
struct Tx(Sender<Vec<u8>>);

impl Netdev for Wire {
    fn name(&self) -> &str {
        self.0
    }
    fn kind(&self) -> &'static str {
        "wire"
    }
    fn take_rx_queues(&mut self) -> Vec<Box<dyn RxQueue>> {
        self.1.take().map(|from| Box::new(Rx(from)) as Box<dyn RxQueue>).into_iter().collect()
    }
    fn tx_queue(&mut self) -> Result<Box<dyn TxQueue>, ConfigError> {
        Ok(Box::new(Tx(self.2.clone())))
    }
}

impl RxQueue for Rx {
    fn receive(&mut self, pool: &mut Pool, batch: &mut Batch) -> Result<usize, RxError> {
        while !batch.is_full()
            && let Ok(frame) = self.0.try_recv()
            && let Some(packet) = pool.packet_from(&frame)
            && batch.push(packet).is_ok()
        {}
        Ok(batch.len())
    }
    fn wait(&self) -> Wait<'_> {
        Wait::Ready
    }
}

impl TxQueue for Tx {
    fn send(&mut self, batch: &mut Batch) -> Sent {
        let sent = Sent { packets: batch.len() as u64, ..Sent::default() };
        batch.drain().for_each(|packet| drop(self.0.send(packet.data().to_vec())));
        sent
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut datapath = UserspaceDatapath::new(UserspaceConfig::default());
    let mut worker = datapath.add_worker(None);
    let ((far_a, a), (far_b, b), (out, seen)) = (channel(), channel(), channel());
    for (number, port) in (1..).zip([Wire("a", Some(a), out.clone()), Wire("b", Some(b), out)]) {
        datapath.add_port(PortRequest { device: Box::new(port), number: Some(DpPort(number)) })?;
    }
    for (from, to) in [(1, 2), (2, 1)] {
        let (key, mask) = parse_dp_flow(&format!("in_port({from}),eth_type(0x1234)"), &NoNames)?;
        let actions = [Action::Output(DpPort(to))].into();
        let (key, mask) = (Box::new(key), Box::new(mask));
        let put = FlowPut { ufid: None, key, mask, actions, mode: PutMode::Create, worker: None };
        datapath.submit(Op::FlowPut(put))?;
    }
    far_a.send([&[0; 12][..], &[0x12, 0x34], b"from a to b"].concat())?;
    far_b.send([&[0; 12][..], &[0x12, 0x34], b"from b to a"].concat())?;
    while !worker.poll(Duration::ZERO, Budget::default()).is_idle() {}
    for frame in seen.try_iter() {
        println!("{}", String::from_utf8_lossy(&frame[14..]));
    }
    Ok(())
}
