//! Threads that poll datapath workers.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use ovs_dpif::{Budget, Next, Waker, Worker};

use super::clock::Clock;
use super::sleep::Sleeper;
use super::waker::Wakeup;

/// Turns in a row without work after which a worker sleeps: a packet that is about to come is met awake.
const IDLE_TURNS: u32 = 4;

/// A worker on a thread of its own. Dropping it ends the thread.
#[derive(Debug)]
pub struct WorkerThread {
    stop: Arc<AtomicBool>,
    wakeup: Arc<Wakeup>,
    thread: Option<JoinHandle<()>>,
}

impl WorkerThread {
    /// Starts a thread that polls `worker` and sleeps when it has nothing to do; `wakeup` is the one that the
    /// datapath wakes this worker by.
    pub fn start(worker: Worker, wakeup: Arc<Wakeup>, clock: Clock) -> std::io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let (stopped, waking) = (Arc::clone(&stop), Arc::clone(&wakeup));
        let name = format!("worker{}", worker.id().0);
        let thread =
            std::thread::Builder::new().name(name).spawn(move || run(worker, &waking, &clock, &stopped))?;
        Ok(Self { stop, wakeup, thread: Some(thread) })
    }
}

impl Drop for WorkerThread {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        self.wakeup.wake();
        if let Some(thread) = self.thread.take() {
            // A worker that panicked has been reported by its own thread.
            let _ = thread.join();
        }
    }
}

fn run(mut worker: Worker, wakeup: &Wakeup, clock: &Clock, stop: &AtomicBool) {
    let mut sleeper = Sleeper::default();
    let mut idle = 0;
    while !stop.load(Ordering::Acquire) {
        wakeup.reset();
        let progress = worker.poll(clock.now(), Budget::default());
        if progress.next == Next::Closed {
            return;
        }
        idle = if progress.is_idle() { idle + 1 } else { 0 };
        if idle < IDLE_TURNS {
            continue;
        }
        sleeper.clear();
        sleeper.readable(wakeup);
        worker.waits(&mut |wait| sleeper.netdev(wait));
        if let Next::At(at) = progress.next {
            sleeper.until(at);
        }
        // A device that cannot be waited for, or that never says so, is looked at now and then.
        let now = clock.now();
        sleeper.until(now + Duration::from_secs(1));
        sleeper.sleep(now, Duration::ZERO);
    }
}
