//! Notifications: what became of each reminder.

use http::StatusCode;
use perennial_domain::TaskId;
use perennial_http_api::{Caller, PageQuery, Problem, Query, Response, answer};
use perennial_store::Store;

use crate::view::NotificationView;

pub(crate) fn list(store: &impl Store, caller: &Caller, query: &Query) -> Result<Response, Problem> {
    let task = query.get("task").and_then(TaskId::parse);
    let page = PageQuery::read(query)?;
    let notifications = store.notifications(&caller.user.id, task, &page.to_store())?;
    let shown = page.show(&notifications, |notification| notification.id.to_string(), NotificationView::new);
    Ok(answer(StatusCode::OK, &shown))
}
