//! Quick add: a task in one line of English.

use http::StatusCode;
use perennial_domain::{QuickInput, quick_task};
use perennial_http_api::{Caller, IdempotencyKey, Problem, Request, answer, json};
use perennial_store::{Store, SystemStore};

use crate::Api;
use crate::api::{Answered, Decision};
use crate::tasks::made;
use crate::view::QuickView;

pub(crate) fn add<S: Store + SystemStore>(
    api: &mut Api<'_, S>,
    caller: &Caller,
    request: &Request,
) -> Result<Answered, Problem> {
    let input: QuickInput = json(request, &["application/json"])?;
    if input.dry_run {
        // Nothing is stored, under a key neither; but one that is none is refused as ever.
        IdempotencyKey::parse(request)?;
        let (reading, ..) = quick_task(&mut api.context(caller, request, caller.user.zone), &input)?;
        return Ok(Answered::read(answer(StatusCode::OK, &QuickView::new(&reading, None))));
    }
    api.write(caller, request, |_, ctx| {
        let (reading, commit, task, first) = quick_task(ctx, &input)?;
        let shown = QuickView::new(&reading, Some((&task, &first)));
        Ok(Decision::write(commit, made(answer(StatusCode::CREATED, &shown), &task)))
    })
}
