//! commit, abort, comment, assert.

use crate::error::{DbError, ErrorTag};
use crate::json::Json;

use super::super::members::Members;
use super::{State, Stop};

/// `{"op":"commit","durable":BOOL}`
pub(super) fn commit(state: &mut State<'_, '_, '_>, mut members: Members<'_>) -> Result<Json, Stop> {
    let Some(Json::Bool(durable)) = members.take("durable") else {
        return Err(members.wrong("durable", "a boolean").into());
    };
    members.finish()?;
    state.durable |= *durable;
    Ok(empty())
}

/// `{"op":"abort"}`
pub(super) fn abort(members: Members<'_>) -> Result<Json, Stop> {
    members.finish()?;
    Err(DbError::new(ErrorTag::Aborted, "the transaction asked for it").into())
}

/// `{"op":"comment","comment":TEXT}`
pub(super) fn comment(state: &mut State<'_, '_, '_>, mut members: Members<'_>) -> Result<Json, Stop> {
    let text = members.need_str("comment")?;
    members.finish()?;
    if !state.comment.is_empty() {
        state.comment.push('\n');
    }
    state.comment.push_str(text);
    Ok(empty())
}

/// `{"op":"assert","lock":ID}`
pub(super) fn assert(state: &mut State<'_, '_, '_>, mut members: Members<'_>) -> Result<Json, Stop> {
    let lock = members.need_str("lock")?;
    members.finish()?;
    if (state.context.holds_lock)(lock) {
        return Ok(empty());
    }
    let what = format!("this session does not hold the lock \"{lock}\"");
    Err(DbError::new(ErrorTag::NotOwner, what).into())
}

fn empty() -> Json {
    Json::object::<&str>([])
}
