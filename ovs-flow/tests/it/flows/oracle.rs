//! What `ovs-ofctl` makes of flow texts: many in one process.

use std::path::Path;

use crate::peer;

/// What became of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Not understood: the message.
    Refused(String),
    /// Encoded, but its reader refuses the message: the error's name.
    Inconsistent(String),
    /// The normalised flow, and its entries as NXM.
    Flow(String, String),
}

/// What `parse-flows` says of each text; those in `suspect` are expected to be refused, and are asked for one by one.
pub fn judge(ofctl: &Path, texts: &[String], suspect: impl Fn(usize) -> bool) -> Vec<Outcome> {
    let mut outcomes = vec![None; texts.len()];
    let (alone, together): (Vec<_>, Vec<_>) = (0..texts.len()).partition(|i| suspect(*i));
    for batch in together.chunks(500) {
        judge_batch(ofctl, texts, batch.to_vec(), &mut outcomes);
    }
    for i in alone {
        judge_batch(ofctl, texts, vec![i], &mut outcomes);
    }
    outcomes.into_iter().map(|o| o.expect("every text is judged")).collect()
}

/// The tool stops at the first text that it refuses: that one is noted and left out, and the rest asked for again.
fn judge_batch(ofctl: &Path, texts: &[String], mut batch: Vec<usize>, outcomes: &mut [Option<Outcome>]) {
    while !batch.is_empty() {
        let input: String = batch.iter().map(|i| format!("{},actions=drop\n", texts[*i])).collect();
        let plain = peer::run(ofctl, &["-F", "NXM+table_id", "parse-flows", "-"], &input);
        let fatal = plain.lines().find_map(|l| l.strip_prefix("ovs-ofctl: "));
        if let Some(message) = fatal {
            let (line, message) = place(message);
            outcomes[batch[line - 1]] = Some(Outcome::Refused(message.into()));
            batch.remove(line - 1);
            continue;
        }
        let detailed = peer::run(ofctl, &["-mmm", "-F", "NXM+table_id", "parse-flows", "-"], &input);
        let (plain, detailed) = (flows(&plain), flows(&detailed));
        assert_eq!((plain.len(), detailed.len()), (batch.len(), batch.len()), "{input}");
        for ((i, plain), detailed) in batch.iter().zip(plain).zip(detailed) {
            outcomes[*i] = Some(match plain {
                Ok(flow) => Outcome::Flow(flow, detailed.unwrap_or_default()),
                Err(error) => Outcome::Inconsistent(error),
            });
        }
        return;
    }
}

/// `-:3: zz: bad syntax …` taken apart.
fn place(message: &str) -> (usize, &str) {
    let mut parts = message.splitn(3, ':');
    let (_, line, rest) = (parts.next(), parts.next(), parts.next());
    match (line.and_then(|l| l.parse().ok()), rest) {
        (Some(line), Some(rest)) => (line, rest.trim_start()),
        _ => panic!("not refused for a line: {message}"),
    }
}

fn flows(output: &str) -> Vec<Result<String, String>> {
    let flow = |line: &str| {
        let (_, rest) = line.strip_prefix("NXT_FLOW_MOD")?.split_once(": ")?;
        if let Some(error) = rest.strip_prefix("***decode error: ") {
            return Some(Err(error.trim_end_matches('*').to_owned()));
        }
        let flow = rest.strip_prefix("ADD ")?.trim_start_matches("table:255").trim_start();
        let flow = flow.split_once("actions=").map_or(flow, |(m, _)| m).trim_end().trim_end_matches(',');
        Some(Ok(flow.replace("<any>", "")))
    };
    output.lines().filter_map(flow).collect()
}
