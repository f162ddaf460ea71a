//! An answer that is a stream of Server-Sent Events, and who listens at its other end.

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use http::response::Parts;
use http_body_util::BodyExt;
use http_body_util::combinators::BoxBody;
use rmcp::model::SubscriptionFilter;
use tokio::runtime::Runtime;
use tokio::sync::mpsc;

use crate::Server;
use crate::protocol::Service;
use crate::relay::Question;

/// Something that a listener may want to read again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// `notifications/tools/list_changed`
    Tools,
    /// `notifications/prompts/list_changed`
    Prompts,
    /// `notifications/resources/list_changed`
    Resources,
    /// `notifications/resources/updated`, of this address.
    Resource(String),
}

/// What comes next of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Bytes to send: events, or a comment that keeps the connection open.
    Frame(Bytes),
    /// Nothing for now.
    Quiet,
    /// It is over.
    Over,
}

/// A stream whose head is known.
pub struct Stream {
    pub(crate) head: Parts,
    pub(crate) runtime: Runtime,
    // It holds a sender of questions: without one the channel would be closed.
    pub(crate) _service: Service,
    pub(crate) questions: mpsc::UnboundedReceiver<Question>,
    pub(crate) body: BoxBody<Bytes, Infallible>,
    pub(crate) listener: Option<(SubscriptionFilter, mpsc::UnboundedSender<Change>)>,
}

impl Stream {
    /// The head of the answer.
    pub fn head(&self) -> &Parts {
        &self.head
    }

    /// What a listener listens for; `None` where the stream is of something else, or is being closed.
    pub fn listens_for(&self) -> Option<&SubscriptionFilter> {
        self.listener.as_ref().map(|(filter, _)| filter)
    }

    /// Tells the listener of a change. What they do not listen for goes by.
    pub fn tell(&self, change: Change) {
        if let Some((_, changes)) = &self.listener {
            let _ = changes.send(change);
        }
    }

    /// Lets the listener know that there will be no more: the end comes as a frame.
    pub fn close(&mut self) {
        self.listener = None;
    }

    /// What comes next, if it does within `patience`: so long nothing else of this guest runs. The server answers what is asked
    /// meanwhile.
    pub async fn next(&mut self, patience: Duration, server: &mut impl Server) -> Next {
        loop {
            let (body, questions) = (&mut self.body, &mut self.questions);
            let step = async {
                tokio::select! {
                    biased;
                    Some(question) = questions.recv() => Err(question),
                    frame = body.frame() => Ok(frame),
                }
            };
            let step = self.runtime.block_on(async { tokio::time::timeout(patience, step).await });
            match step {
                Err(_) => return Next::Quiet,
                Ok(Err(question)) => {
                    if let Some(listener) = question.put_to(server).await {
                        self.listener = Some(listener);
                    }
                }
                Ok(Ok(None)) => return Next::Over,
                Ok(Ok(Some(Ok(frame)))) => {
                    if let Ok(bytes) = frame.into_data() {
                        return Next::Frame(bytes);
                    }
                }
                Ok(Ok(Some(Err(never)))) => match never {},
            }
        }
    }
}
