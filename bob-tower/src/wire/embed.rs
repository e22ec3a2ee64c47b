//! The embed on the wire.

use serde::Serialize;
use utoipa::ToSchema;

/// What a customer pastes into their pages.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WidgetCodeView {
    /// The whole line.
    pub(crate) html: String,
    /// The script it names.
    pub(crate) script_url: String,
}
