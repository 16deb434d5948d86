//! `GET /metrics`, on a listener of its own and with nothing beside it.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::guard::Guard;
use crate::problem::Problem;
use crate::router::layered;

/// In the text format of Prometheus.
const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

type Render = Arc<dyn Fn() -> Result<String, String> + Send + Sync>;

/// `render` may block. `names` are those under which the listener is reached, beside loopback.
pub fn metrics(
    names: &[String],
    render: impl Fn() -> Result<String, String> + Send + Sync + 'static,
) -> Router {
    let routes = Router::new().route("/metrics", get(text));
    layered(routes, Guard::new(names)).with_state(Arc::new(render) as Render)
}

async fn text(State(render): State<Render>) -> Result<Response, Problem> {
    let rendered = tokio::task::spawn_blocking(move || render()).await;
    let text =
        rendered.map_err(|error| error.to_string()).and_then(|text| text).map_err(Problem::internal)?;
    Ok(([(CONTENT_TYPE, TEXT)], text).into_response())
}
