//! `GET /metrics`, on a listener of its own and with nothing beside it.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::sync::Semaphore;

use crate::guard::Guard;
use crate::problem::Problem;
use crate::router::layered;

/// In the text format of Prometheus.
const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

type Render = Arc<dyn Fn() -> Result<String, String> + Send + Sync>;

/// What all requests share.
#[derive(Clone)]
struct Page {
    render: Render,
    /// One renders at a time, whoever asks: the threads on which it may block are those that jobs need.
    one: Arc<Semaphore>,
}

/// `render` may block. `names` are those under which the listener is reached, beside loopback.
pub fn metrics(
    names: &[String],
    render: impl Fn() -> Result<String, String> + Send + Sync + 'static,
) -> Router {
    let routes = Router::new().route("/metrics", get(text));
    let page = Page { render: Arc::new(render), one: Arc::new(Semaphore::new(1)) };
    layered(routes, Guard::new(names)).with_state(page)
}

async fn text(State(Page { render, one }): State<Page>) -> Result<Response, Problem> {
    let turn = one.acquire_owned().await.map_err(|closed| Problem::internal(closed.to_string()))?;
    let rendered = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        render()
    });
    let rendered = rendered.await;
    let text =
        rendered.map_err(|error| error.to_string()).and_then(|text| text).map_err(Problem::internal)?;
    Ok(([(CONTENT_TYPE, TEXT)], text).into_response())
}
