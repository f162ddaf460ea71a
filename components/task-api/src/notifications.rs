//! Notifications: what became of each reminder.

use http::StatusCode;
use perennial_domain::TaskId;
use perennial_http_api::{Caller, PageQuery, Problem, Request, Response, answer, query};
use perennial_store::Store;

use crate::view::NotificationView;

pub(crate) fn list(store: &impl Store, caller: &Caller, request: &Request) -> Result<Response, Problem> {
    let query = query(request, &["task", "limit", "cursor"])?;
    let task = match query.iter().find(|(name, _)| name == "task") {
        None => None,
        Some((_, id)) => {
            Some(TaskId::parse(id).ok_or_else(|| Problem::malformed("task must be the id of a task"))?)
        }
    };
    let page = PageQuery::parse(&query)?;
    let notifications = store.notifications(&caller.user.id, task, &page.to_store())?;
    let shown = page.show(&notifications, |notification| notification.id.to_string(), NotificationView::new);
    Ok(answer(StatusCode::OK, &shown))
}
