//! Threads that poll datapath workers.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use ovs_dpif::{Budget, Core, Next, RxLoad, Waker, Worker, WorkerId};

use super::clock::Clock;
use super::sleep::Sleeper;
use super::waker::Wakeup;

/// Turns in a row without work after which a worker sleeps: a packet that is about to come is met awake.
const IDLE_TURNS: u32 = 4;

/// What a worker's thread has done with its time, as it counts that.
#[derive(Debug, Default)]
pub struct Times {
    busy: Sum,
    idle: Sum,
    slept: Sum,
}

/// How often something was, and how long.
#[derive(Debug, Default)]
struct Sum {
    count: AtomicU64,
    nanos: AtomicU64,
}

impl Sum {
    /// Only the worker's thread does this.
    fn add(&self, time: Duration) {
        let more = |sum: &AtomicU64, more| sum.store(sum.load(Ordering::Relaxed) + more, Ordering::Relaxed);
        more(&self.count, 1);
        more(&self.nanos, time.as_nanos() as u64);
    }

    fn read(&self) -> Spent {
        let time = Duration::from_nanos(self.nanos.load(Ordering::Relaxed));
        Spent { turns: self.count.load(Ordering::Relaxed), time }
    }
}

/// Turns of one kind, and the time that they took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    /// How many turns.
    pub turns: u64,
    /// How long they took together.
    pub time: Duration,
}

impl Spent {
    /// What has come since it was `before`.
    pub fn since(self, before: Self) -> Self {
        let (turns, time) = (self.turns.saturating_sub(before.turns), self.time.saturating_sub(before.time));
        Self { turns, time }
    }
}

impl Times {
    /// Turns that found work.
    pub fn busy(&self) -> Spent {
        self.busy.read()
    }

    /// Turns that looked for work in vain.
    pub fn idle(&self) -> Spent {
        self.idle.read()
    }

    /// Sleeps of a thread that polls, between turns.
    pub fn slept(&self) -> Spent {
        self.slept.read()
    }
}

/// A worker on a thread of its own. Dropping it ends the thread.
#[derive(Debug)]
pub struct WorkerThread {
    id: WorkerId,
    core: Option<Core>,
    began: Duration,
    times: Arc<Times>,
    /// The longest sleep of a thread that polls, in microseconds.
    max_sleep: Arc<AtomicU64>,
    /// When it was looked at, and how long it had worked by then; the oldest first.
    samples: VecDeque<(Duration, Duration)>,
    stop: Arc<AtomicBool>,
    wakeup: Arc<Wakeup>,
    thread: Option<JoinHandle<()>>,
}

impl WorkerThread {
    /// Starts a thread that polls `worker` and sleeps when it has nothing to do; `wakeup` is the one that the
    /// datapath wakes this worker by. With a `core` it runs there and nowhere else.
    pub fn start(
        worker: Worker,
        core: Option<Core>,
        wakeup: Arc<Wakeup>,
        clock: Clock,
    ) -> std::io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let (times, max_sleep) = (Arc::new(Times::default()), Arc::new(AtomicU64::new(0)));
        let (stopped, waking) = (Arc::clone(&stop), Arc::clone(&wakeup));
        let (timed, rest) = (Arc::clone(&times), Rest::new(Arc::clone(&max_sleep)));
        let (id, began) = (worker.id(), clock.now());
        let name = core
            .map_or_else(|| format!("worker{}", id.0), |core| format!("pmd-c{:02}/id:{}", core.number, id.0));
        let thread = std::thread::Builder::new().name(name).spawn(move || {
            if let Some(core) = core {
                pin(core.number);
            }
            run(worker, &waking, &clock, &stopped, &timed, rest);
        })?;
        Ok(Self {
            id,
            core,
            began,
            times,
            max_sleep,
            samples: VecDeque::new(),
            stop,
            wakeup,
            thread: Some(thread),
        })
    }

    /// Its worker.
    pub fn id(&self) -> WorkerId {
        self.id
    }

    /// The core that it is bound to; `None` for the main worker.
    pub fn core(&self) -> Option<Core> {
        self.core
    }

    /// When it began.
    pub fn began(&self) -> Duration {
        self.began
    }

    /// Sets how long it may sleep at a time while it polls, in microseconds.
    pub fn set_max_sleep(&self, micros: u64) {
        self.max_sleep.store(micros, Ordering::Relaxed);
    }

    /// Whether its worker has come to its end.
    pub fn is_finished(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Notes how long it has worked by now, once an interval.
    pub fn sample(&mut self, now: Duration) {
        if self.samples.back().is_none_or(|(at, _)| now >= *at + RxLoad::INTERVAL) {
            if self.samples.len() > RxLoad::INTERVALS {
                self.samples.pop_front();
            }
            self.samples.push_back((now, self.times.busy().time));
        }
    }

    /// The part of its time that it has worked in the last whole intervals of this window, in percent.
    pub fn busy_percent(&self, window: Duration) -> Option<u64> {
        let count = window.as_secs().div_ceil(RxLoad::INTERVAL.as_secs()) as usize;
        let first = self.samples.get(self.samples.len().saturating_sub(count + 1))?;
        let last = self.samples.back().filter(|last| last.0 > first.0)?;
        let busy = last.1.saturating_sub(first.1).as_secs_f64();
        Some((100.0 * busy / last.0.saturating_sub(first.0).as_secs_f64()) as u64)
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

/// The sleep of a thread that polls: the longer it gets little, the longer, up to a limit that others set.
struct Rest {
    most: Arc<AtomicU64>,
    /// Microseconds of the next sleep.
    next: u64,
    /// Whether the system was asked to wake this thread in time.
    exact: bool,
}

impl Rest {
    /// Packets in a turn from which on a thread is too busy to sleep: half a batch.
    const BUSY: usize = 16;

    fn new(most: Arc<AtomicU64>) -> Self {
        Self { most, next: 0, exact: false }
    }

    /// Sleeps after a turn that brought so many packets, if that is wanted. Whether it did.
    fn take(&mut self, packets: usize) -> bool {
        let most = self.most.load(Ordering::Relaxed);
        if packets >= Self::BUSY || most == 0 {
            self.next = 0;
            return false;
        }
        self.next = (self.next + 1).min(most);
        if !std::mem::replace(&mut self.exact, true) {
            // Sleeps of ordinary threads are rounded up to fifty microseconds. If this is refused, so are these.
            let _ = rustix::thread::set_current_timer_slack(std::num::NonZeroU64::new(1));
        }
        std::thread::sleep(Duration::from_micros(self.next));
        true
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

fn run(mut worker: Worker, wakeup: &Wakeup, clock: &Clock, stop: &AtomicBool, times: &Times, mut rest: Rest) {
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
        let turn = if progress.is_idle() { &times.idle } else { &times.busy };
        turn.add(now.saturating_sub(began));
        began = now;
        idle = if progress.is_idle() { idle + 1 } else { 0 };
        if worker.is_polling() {
            if rest.take(progress.packets) {
                began = clock.now();
                times.slept.add(began.saturating_sub(now));
            }
            continue;
        }
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
        sleeper.until(now + Duration::from_secs(1));
        sleeper.sleep(now, Duration::ZERO);
        began = clock.now();
    }
}
