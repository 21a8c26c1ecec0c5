//! Threads that poll datapath workers.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use ovs_dpif::{Budget, Next, Waker, Worker, WorkerId};

use super::clock::Clock;
use super::sleep::Sleeper;
use super::waker::Wakeup;

/// Turns in a row without work after which a worker sleeps: a packet that is about to come is met awake.
const IDLE_TURNS: u32 = 4;

/// How long a worker's thread has worked, and how long it has looked for work in vain. Sleep is neither.
#[derive(Debug, Default)]
pub struct Times {
    busy: AtomicU64,
    idle: AtomicU64,
}

impl Times {
    /// Adds to one of them; only the worker's thread does.
    fn add(&self, busy: bool, time: Duration) {
        let sum = if busy { &self.busy } else { &self.idle };
        sum.store(sum.load(Ordering::Relaxed) + time.as_nanos() as u64, Ordering::Relaxed);
    }

    /// Both, since the thread began.
    pub fn read(&self) -> (Duration, Duration) {
        let read = |sum: &AtomicU64| Duration::from_nanos(sum.load(Ordering::Relaxed));
        (read(&self.busy), read(&self.idle))
    }
}

/// A worker on a thread of its own. Dropping it ends the thread.
#[derive(Debug)]
pub struct WorkerThread {
    id: WorkerId,
    core: Option<usize>,
    times: Arc<Times>,
    stop: Arc<AtomicBool>,
    wakeup: Arc<Wakeup>,
    thread: Option<JoinHandle<()>>,
}

impl WorkerThread {
    /// Starts a thread that polls `worker` and sleeps when it has nothing to do; `wakeup` is the one that the
    /// datapath wakes this worker by. With a `core` it runs there and nowhere else.
    pub fn start(
        worker: Worker,
        core: Option<usize>,
        wakeup: Arc<Wakeup>,
        clock: Clock,
    ) -> std::io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let times = Arc::new(Times::default());
        let (stopped, waking, timed) = (Arc::clone(&stop), Arc::clone(&wakeup), Arc::clone(&times));
        let id = worker.id();
        let name =
            core.map_or_else(|| format!("worker{}", id.0), |core| format!("pmd-c{core:02}/id:{}", id.0));
        let thread = std::thread::Builder::new().name(name).spawn(move || {
            if let Some(core) = core {
                pin(core);
            }
            run(worker, &waking, &clock, &stopped, &timed);
        })?;
        Ok(Self { id, core, times, stop, wakeup, thread: Some(thread) })
    }

    /// Its worker.
    pub fn id(&self) -> WorkerId {
        self.id
    }

    /// The core that it is bound to; `None` for the main worker.
    pub fn core(&self) -> Option<usize> {
        self.core
    }

    /// What it has spent its time with.
    pub fn times(&self) -> &Times {
        &self.times
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

/// Binds this thread to a core. Where that is refused it runs where it may, which is slower and not wrong.
fn pin(core: usize) {
    let mut set = rustix::thread::CpuSet::new();
    if core < rustix::thread::CpuSet::MAX_CPU {
        set.set(core);
    }
    if let Err(error) = rustix::thread::sched_setaffinity(None, &set) {
        tracing::warn!(target: "dpif_netdev", "core {core}: thread not bound to it ({error})");
    }
}

fn run(mut worker: Worker, wakeup: &Wakeup, clock: &Clock, stop: &AtomicBool, times: &Times) {
    let mut sleeper = Sleeper::default();
    let mut idle = 0;
    let mut began = clock.now();
    while !stop.load(Ordering::Acquire) {
        wakeup.reset();
        let progress = worker.poll(began, Budget::default());
        if progress.next == Next::Closed {
            return;
        }
        let now = clock.now();
        times.add(!progress.is_idle(), now.saturating_sub(began));
        began = now;
        idle = if progress.is_idle() { idle + 1 } else { 0 };
        if idle < IDLE_TURNS || worker.is_polling() {
            continue;
        }
        sleeper.clear();
        sleeper.readable(wakeup);
        worker.waits(&mut |wait| sleeper.netdev(wait));
        if let Next::At(at) = progress.next {
            sleeper.until(at);
        }
        // A device that cannot be waited for, or that never says so, is looked at now and then.
        sleeper.until(now + Duration::from_secs(1));
        sleeper.sleep(now, Duration::ZERO);
        began = clock.now();
    }
}
