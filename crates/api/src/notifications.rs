//! Notifications: what became of each reminder, and of what else channels take.

use http::StatusCode;
use perennial_domain::{ChannelId, TaskId};
use perennial_http_api::{Caller, PageQuery, Problem, Query, Response, answer};
use perennial_store::{Store, Told};

use crate::view::NotificationView;

pub(crate) fn list(store: &impl Store, caller: &Caller, query: &Query) -> Result<Response, Problem> {
    let task = query.get("task").and_then(TaskId::parse);
    let told = Told { task, channel: query.get("channel").map(ChannelId::new) };
    let page = PageQuery::of_ids(query)?;
    let notifications = store.notifications_among(&caller.user.id, &told, &page.to_store())?;
    let shown = page.show(&notifications, |notification| notification.id.to_string(), NotificationView::new);
    Ok(answer(StatusCode::OK, &shown))
}
