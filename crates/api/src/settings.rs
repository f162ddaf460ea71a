//! A user's own account: who they are, and what they have set.

use http::StatusCode;
use perennial_domain::{SettingsInput, leave_settings, update_settings};
use perennial_http_api::{Caller, Problem, Request, Response, answer, json_value};
use perennial_store::{Store, SystemStore};

use crate::Api;
use crate::api::{Answered, Decision};
use crate::tasks::{MERGE_PATCH, merge, merge_patch, tagged};
use crate::view::MeView;

/// Whom the token speaks for, and what it allows.
pub(crate) fn me(caller: &Caller) -> Response {
    answer(StatusCode::OK, &MeView::new(&caller.user, &caller.scopes))
}

pub(crate) fn get(caller: &Caller) -> Response {
    show(&SettingsInput::from(&caller.user), caller.user.version)
}

pub(crate) fn update<S: Store + SystemStore>(
    api: &mut Api<'_, S>,
    caller: &Caller,
    request: &Request,
) -> Result<Answered, Problem> {
    let patch = merge_patch(json_value(request, &MERGE_PATCH)?, "the settings")?;
    api.write_on(caller, request, S::user, |_, ctx, user| {
        let before = SettingsInput::from(user);
        let input: SettingsInput = merge(&before, &patch)?;
        if input == before {
            return Ok(Decision::nothing(leave_settings(ctx, user), show(&before, user.version)));
        }
        let (commit, user) = update_settings(ctx, user, &input)?;
        Ok(Decision::write(commit, show(&SettingsInput::from(&user), user.version)))
    })
}

fn show(settings: &SettingsInput, version: i64) -> Response {
    tagged(answer(StatusCode::OK, settings), version)
}
