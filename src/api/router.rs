//! All routes, and what they share.

use std::sync::Arc;

use admission::Admission;
use axum::Router;
use axum::extract::FromRef;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{get, post};
use image::Images;
use journal::{Journal, Unfinished};
use model::HostPolicy;
use schedule::Queue;
use supervise::Supervisor;
use tower_http::catch_panic::CatchPanicLayer;

use crate::blobs;
use crate::callbacks::Callbacks;
use crate::caller::{Callers, authenticate};
use crate::capabilities::{Capabilities, capabilities};
use crate::config::Config;
use crate::docs::docs;
use crate::edge::{edge, method_not_allowed, not_found, panicked};
use crate::guard::{Guard, guard};
use crate::health::{healthz, readyz, version};
use crate::idempotency::InFlight;
use crate::images::{self, Places};
use crate::jobs;
use crate::json::Intake;
use crate::openapi::openapi;
use crate::policies;
use crate::runner::{Drain, Runner};
use crate::store::Store;
use crate::telemetry::{Figures, Telemetry, measured};
use crate::usage::usage;
use crate::volumes;

/// The stages that a job goes through, made by whoever starts the server.
#[derive(Debug)]
pub struct Stages {
    pub supervisor: Supervisor,
    pub admission: Admission,
    pub journal: Journal,
    pub queue: Queue,
    pub callers: Callers,
    pub images: Images,
    pub telemetry: Telemetry,
}

/// What handlers work with. Most take only the part they need.
#[derive(Clone, Debug)]
pub(crate) struct App {
    pub(crate) supervisor: Supervisor,
    pub(crate) admission: Admission,
    pub(crate) policy: Arc<HostPolicy>,
    pub(crate) runner: Runner,
    pub(crate) store: Store,
    pub(crate) images: Images,
    pub(crate) places: Places,
    pub(crate) idempotency: InFlight,
    pub(crate) policies_required: bool,
    pub(crate) config: Arc<Config>,
    capabilities: Arc<Capabilities>,
    intake: Intake,
}

/// A server that has not begun to answer.
#[derive(Debug)]
pub struct Service {
    app: App,
    callers: Callers,
    guard: Guard,
}

impl Service {
    pub fn new(stages: Stages, config: Config) -> Self {
        let guard = Guard::new(&config.allowed_hosts);
        let callers = stages.callers.clone();
        let app = App::new(stages, config);
        Self { app, callers, guard }
    }

    /// Takes up what an earlier server left.
    pub async fn recover(&self, unfinished: Vec<Unfinished>) {
        self.app.runner.recover(&self.app.admission, unfinished).await;
    }

    /// Lets go of what is kept for no longer, now and then. Never ends.
    pub fn housekeeping(&self) -> impl Future<Output = ()> + use<> {
        crate::store::housekeeping(self.app.store.clone())
    }

    /// What to wait for before the supervisor goes away.
    pub fn drain(&self) -> Drain {
        self.app.runner.drain()
    }

    pub fn router(self) -> Router {
        let routes = Router::new()
            .route("/jobs", post(jobs::create::create).get(jobs::list::list))
            .route("/jobs/{id}", get(jobs::get::get).delete(jobs::order::delete))
            .route("/jobs/{id}/artifacts/{*path}", get(jobs::artifacts::download))
            .route("/jobs/{id}/commit", post(jobs::commit::commit))
            .route("/jobs/{id}/cancel", post(jobs::order::cancel))
            .route("/jobs/{id}/events", get(jobs::events::events))
            .route("/jobs/{id}/pause", post(jobs::order::pause))
            .route("/jobs/{id}/resume", post(jobs::order::resume))
            .route("/jobs/{id}/steps/{step}/{stream}", get(jobs::output::output))
            .route("/blobs", post(blobs::upload))
            .route("/blobs/{digest}", get(blobs::download))
            .route("/images", get(images::list))
            .route("/images/export", get(images::export::export))
            .route("/images/gc", post(images::gc))
            .route("/images/import", post(images::import::import))
            .route("/images/pull", post(images::pull::pull))
            .route("/images/push", post(images::push::push))
            .route("/images/{*reference}", get(images::inspect).delete(images::remove))
            .route("/volumes", get(volumes::list).post(volumes::create))
            .route("/volumes/{name}", get(volumes::inspect).delete(volumes::remove))
            .route("/capabilities", get(capabilities))
            .route("/policies", get(policies::list))
            .route("/policies/reload", post(policies::reload))
            .route("/usage", get(usage))
            .route("/healthz", get(healthz))
            .route("/readyz", get(readyz))
            .route("/version", get(version))
            .route("/openapi.json", get(openapi))
            .route("/docs", get(docs));
        let routes = routes.layer(from_fn_with_state(self.callers, authenticate));
        let telemetry = self.app.runner.telemetry.clone();
        let routes = layered(routes, self.guard).with_state(self.app);
        if telemetry.has_metrics() { routes.layer(from_fn_with_state(telemetry, measured)) } else { routes }
    }
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
    fn new(stages: Stages, config: Config) -> Self {
        let Stages { supervisor, admission, journal, queue, callers: _, images, telemetry } = stages;
        let store = Store::new(journal.clone());
        let sink = store.clone();
        admission.on_additions(move |id, additions| sink.note(id, additions));
        let profiles = supervisor.profiles().names();
        let policy = HostPolicy { defaults: config.defaults.clone(), caps: config.caps.clone(), profiles };
        telemetry.watch(Figures {
            queue: Queue::clone(&queue),
            supervisor: supervisor.clone(),
            journal: journal.clone(),
            images: images.clone(),
        });
        let callbacks = Callbacks::start(journal, &config.callback_allow);
        Self {
            runner: Runner::new(
                store.clone(),
                queue,
                supervisor.clone(),
                images.clone(),
                callbacks,
                telemetry,
            ),
            store,
            places: Places::new(images.clone()),
            images,
            idempotency: InFlight::default(),
            capabilities: Arc::new(Capabilities::new(supervisor.host().clone(), &policy)),
            policy: Arc::new(policy),
            intake: Intake::new(config.max_body_bytes, config.body_timeout, config.max_pending_bytes),
            policies_required: config.policies_required,
            config: Arc::new(config),
            supervisor,
            admission,
        }
    }
}

impl FromRef<App> for Store {
    fn from_ref(app: &App) -> Self {
        app.store.clone()
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
