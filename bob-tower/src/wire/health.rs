//! Health on the wire.

use bob_core::Health;
use serde::Serialize;
use utoipa::ToSchema;

/// How Bob is; no secrets.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HealthView {
    live: bool,
    pub(crate) ready: bool,
    version: &'static str,
    storage: StorageView,
    model: ModelView,
    workers: Vec<WorkerView>,
}

#[derive(Debug, Serialize, ToSchema)]
struct StorageView {
    kind: &'static str,
    works: bool,
    /// What whoever runs this should change about the database.
    warnings: Vec<&'static str>,
}

#[derive(Debug, Serialize, ToSchema)]
struct ModelView {
    name: String,
}

#[derive(Debug, Serialize, ToSchema)]
struct WorkerView {
    name: &'static str,
    last_beat: Option<String>,
}

impl From<Health> for HealthView {
    fn from(health: Health) -> Self {
        Self {
            live: true,
            ready: health.running.is_ok() && health.storage_works,
            version: env!("CARGO_PKG_VERSION"),
            storage: StorageView {
                kind: health.storage,
                works: health.storage_works,
                warnings: health.warnings,
            },
            model: ModelView { name: health.model.unwrap_or_else(|| "grounded".to_owned()) },
            workers: health
                .workers
                .into_iter()
                .map(|(name, beat)| WorkerView { name, last_beat: beat.map(|at| at.to_string()) })
                .collect(),
        }
    }
}
