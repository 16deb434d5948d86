//! All routes, and what they share.

use std::sync::Arc;

use admission::Admission;
use axum::Router;
use axum::extract::FromRef;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{get, post};
use model::HostPolicy;
use supervise::Supervisor;
use tower_http::catch_panic::CatchPanicLayer;

use crate::capabilities::{Capabilities, capabilities};
use crate::config::Config;
use crate::edge::{edge, method_not_allowed, not_found, panicked};
use crate::guard::{Guard, guard};
use crate::health::{healthz, readyz, version};
use crate::jobs;
use crate::json::Intake;
use crate::policies;
use crate::records::{Bounds, Records};
use crate::runner::{Drain, Runner};

/// What handlers work with. Most take only the part they need.
#[derive(Clone, Debug)]
pub(crate) struct App {
    pub(crate) supervisor: Supervisor,
    pub(crate) admission: Admission,
    pub(crate) policy: Arc<HostPolicy>,
    pub(crate) runner: Runner,
    pub(crate) records: Records,
    pub(crate) policies_required: bool,
    capabilities: Arc<Capabilities>,
    intake: Intake,
}

/// The routes, and what to wait for before the supervisor goes away.
pub fn router(supervisor: Supervisor, admission: Admission, config: Config) -> (Router, Drain) {
    let guard = Guard::new(&config.allowed_hosts);
    let (running, queued) = (config.max_running, config.max_queued);
    let app = App::new(supervisor, admission, config);
    let drain = app.runner.drain(running, queued);
    let routes = Router::new()
        .route("/jobs", post(jobs::create::create))
        .route("/jobs/{id}", get(jobs::get::get))
        .route("/jobs/{id}/artifacts/{*path}", get(jobs::artifacts::download))
        .route("/jobs/{id}/cancel", post(jobs::cancel::cancel))
        .route("/capabilities", get(capabilities))
        .route("/policies", get(policies::list))
        .route("/policies/reload", post(policies::reload))
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .route("/version", get(version));
    (layered(routes, guard).with_state(app), drain)
}

/// The way in, from the last line to the first.
pub(crate) fn layered<S: Clone + Send + Sync + 'static>(routes: Router<S>, allowed: Guard) -> Router<S> {
    routes
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(from_fn_with_state(allowed, guard))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn(edge))
}

impl App {
    fn new(supervisor: Supervisor, admission: Admission, config: Config) -> Self {
        let records = Records::new(Bounds {
            running: config.max_running,
            finished: config.max_finished,
            bytes: config.max_finished_bytes,
        });
        let sink = records.clone();
        admission.on_additions(move |id, additions| sink.amend(id, additions));
        let profiles = supervisor.profiles().names();
        let policy = HostPolicy { defaults: config.defaults, caps: config.caps, profiles };
        Self {
            runner: Runner::new(records.clone(), config.max_running, config.max_queued),
            records,
            capabilities: Arc::new(Capabilities::new(supervisor.host().clone(), &policy)),
            policy: Arc::new(policy),
            intake: Intake::new(config.max_body_bytes, config.body_timeout, config.max_pending_bytes),
            policies_required: config.policies_required,
            supervisor,
            admission,
        }
    }
}

impl FromRef<App> for Records {
    fn from_ref(app: &App) -> Self {
        app.records.clone()
    }
}

impl FromRef<App> for Arc<Capabilities> {
    fn from_ref(app: &App) -> Self {
        Self::clone(&app.capabilities)
    }
}

impl FromRef<App> for Supervisor {
    fn from_ref(app: &App) -> Self {
        app.supervisor.clone()
    }
}

impl FromRef<App> for Admission {
    fn from_ref(app: &App) -> Self {
        app.admission.clone()
    }
}

impl FromRef<App> for Intake {
    fn from_ref(app: &App) -> Self {
        app.intake.clone()
    }
}
