//! Why a text is refused.

use ovs_flow::field::{SubfieldError, ValueError};

use ovs_flow::text::MatchError;

/// Why a text is no list of actions or no flow.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseError {
    /// The match is wrong.
    #[error(transparent)]
    Match(#[from] MatchError),
    /// No action has this name.
    #[error("unknown action {0}")]
    UnknownAction(String),
    /// What an action or key was given is not what it takes.
    #[error("{name}: '{text}' is not {expected}")]
    Argument {
        /// The action or key.
        name: String,
        /// What was given.
        text: String,
        /// What it takes.
        expected: &'static str,
    },
    /// A value that the field cannot have.
    #[error("{name}: {source}")]
    Value {
        /// The action.
        name: String,
        /// What is wrong.
        source: ValueError,
    },
    /// Bits that no field has.
    #[error("{name}: {source}")]
    Subfield {
        /// The action.
        name: String,
        /// What is wrong.
        source: SubfieldError,
    },
    /// Actions may not write this field.
    #[error("{name}: field {field} is read-only")]
    ReadOnly {
        /// The action.
        name: String,
        /// The field.
        field: String,
    },
    /// `drop` means that there are no actions.
    #[error("\"drop\" must not be accompanied by any other action or instruction")]
    DropNotAlone,
    /// A flow without `actions=`.
    #[error("must specify an action")]
    NoActions,
    /// Actions where none may be: a deletion has none.
    #[error("actions must not be given for a deletion")]
    ActionsOfDeletion,
    /// A parenthesis that is not closed.
    #[error("{name}: missing closing parenthesis")]
    Unclosed {
        /// The action.
        name: String,
    },
    /// An action inside of itself.
    #[error("{0} may not be nested")]
    Nested(&'static str),
    /// Actions in actions in actions …, deeper than anybody writes.
    #[error("{0} is nested too deeply")]
    TooDeep(&'static str),
    /// An action in a place where it has none, with the error that a switch would answer.
    #[error("actions are invalid: {0}")]
    Misplaced(crate::OfError),
    /// A group without `type=`.
    #[error("must specify a type")]
    NoGroupType,
    /// A group without `group_id=`.
    #[error("must specify a group_id")]
    NoGroupId,
    /// A weight that nothing looks at.
    #[error("Only select groups can have bucket weights.")]
    WeightOutsideSelect,
    /// A meter without `meter=`.
    #[error("must specify 'meter'")]
    NoMeter,
    /// A meter whose rates have no unit.
    #[error("meter must specify either 'kbps' or 'pktps'")]
    NoMeterUnit,
    /// A meter without rates.
    #[error("must specify bands")]
    NoBands,
    /// A burst in a meter that has none.
    #[error("band may have 'burst_size' only when 'burst' flag is set")]
    BurstWithoutFlag,
    /// A line of a file.
    #[error("line {line}: {source}")]
    Line {
        /// Which, from 1.
        line: usize,
        /// What is wrong with it.
        source: Box<ParseError>,
    },
}
