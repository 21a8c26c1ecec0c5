//! From `tracing` events to log lines.

use std::fmt::{self, Write as _};

use tracing::field::{Field, Visit};
use tracing::subscriber::Interest;
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer};

use super::level::Level;
use super::limit::Limit;
use super::state::Vlog;

/// How many messages a limited place in the code may log at once.
const DEFAULT_BURST: u64 = 5;

/// Writes `tracing` events to a [`Vlog`].
pub struct VlogLayer(pub(super) Vlog);

impl<S: Subscriber> Layer<S> for VlogLayer {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if self.is_wanted(metadata) { Interest::always() } else { Interest::never() }
    }

    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        self.is_wanted(metadata)
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let metadata = event.metadata();
        let level = if fields.emer { Level::Emer } else { level_of(metadata) };
        let vlog = &self.0;
        let mut state = vlog.state();
        let module = metadata.target();
        let wanted = vlog.wanted(&state, module, level);
        if !wanted.contains(&true) {
            return;
        }
        if let Some(rate) = fields.rate
            && state.limited[vlog.module_index(module)]
        {
            let now = vlog.0.start.elapsed();
            // One place in the code has one metadata, at one address for the life of the process.
            let place = std::ptr::from_ref(metadata).addr();
            let burst = fields.burst.unwrap_or(DEFAULT_BURST);
            let limit = state.limits.entry(place).or_insert_with(|| Limit::new(rate, burst, now));
            match limit.pass(now) {
                Err(()) => return,
                Ok(Some(dropped)) => vlog.write(&mut state, wanted, module, level, &dropped.to_string()),
                Ok(None) => {}
            }
        }
        vlog.write(&mut state, wanted, module, level, &fields.text);
    }
}

impl VlogLayer {
    fn is_wanted(&self, metadata: &Metadata<'_>) -> bool {
        // Only at EMER is an event more severe than its metadata says, which is known once it happens.
        let level = if metadata.fields().field("emer").is_some() { Level::Emer } else { level_of(metadata) };
        metadata.is_event() && self.0.wanted(&self.0.state(), metadata.target(), level).contains(&true)
    }
}

fn level_of(metadata: &Metadata<'_>) -> Level {
    match *metadata.level() {
        tracing::Level::ERROR => Level::Err,
        tracing::Level::WARN => Level::Warn,
        tracing::Level::INFO => Level::Info,
        _ => Level::Dbg,
    }
}

/// The message, with other fields behind it, and the fields that mean something here.
#[derive(Default)]
struct Fields {
    text: String,
    emer: bool,
    rate: Option<u64>,
    burst: Option<u64>,
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Writing to a String cannot fail.
        let _ = match field.name() {
            // The message always comes first.
            "message" => write!(self.text, "{value:?}"),
            name => write!(self.text, ", {name}={value:?}"),
        };
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        if field.name() == "emer" {
            self.emer = value;
        } else {
            self.record_debug(field, &value);
        }
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        match field.name() {
            "rl" => self.rate = Some(value),
            "burst" => self.burst = Some(value),
            _ => self.record_debug(field, &value),
        }
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        match u64::try_from(value) {
            Ok(value) => self.record_u64(field, value),
            Err(_) => self.record_debug(field, &value),
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }
}
