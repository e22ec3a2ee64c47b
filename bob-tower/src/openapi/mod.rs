//! The API's own description (OpenAPI 3.1), made from the route table and the types on the wire.
//!
//! What follows from a route's access and path is said once, in [`rules`]; what only the route knows stands in its row of
//! the table, as [`Says`]. So no route is without a description, and none is described that is not there.

mod rules;
mod says;

use std::collections::BTreeMap;

use http::Response;
use http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, HeaderValue};
use utoipa::openapi::path::{HttpMethod, PathItem, PathsBuilder};
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{
    ComponentsBuilder, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder, ServerBuilder,
};
use utoipa::{PartialSchema as _, ToSchema as _};

use crate::body::BobBody;
use crate::dispatch::Call;
use crate::etag::tagged;
use crate::problem::{FieldError, Problem, ProblemView};
use crate::route::{Area, ROUTES, Route};

pub(crate) use says::{Says, moment, one_of, says, text, uuid, yes_or_no};

/// `GET /openapi.json`
pub(crate) async fn document(call: Call) -> Result<Response<BobBody>, Problem> {
    let mut response =
        tagged(call.headers(), openapi_json(&call.mounted.areas).into_bytes(), "application/json")?;
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=300"));
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    Ok(response)
}

/// The description of some areas as JSON text; it is the same wherever they are mounted.
///
/// # Panics
///
/// Never: what is described can be written as JSON.
#[must_use]
pub fn openapi_json(areas: &[Area]) -> String {
    let mut text = describe(areas).to_pretty_json().expect("a description is plain JSON");
    text.push('\n');
    text
}

fn describe(areas: &[Area]) -> OpenApi {
    let routes = || ROUTES.iter().filter(|route| areas.contains(&route.area));
    let mut schemas = vec![
        (ProblemView::name().into_owned(), ProblemView::schema()),
        (FieldError::name().into_owned(), FieldError::schema()),
    ];
    // In one item a path, with the methods that it takes.
    let mut items: BTreeMap<&str, PathItem> = BTreeMap::new();
    for route in routes() {
        let operation = rules::operation(route, &mut schemas);
        let item = PathItem::new(method(route), operation);
        items.entry(route.path).or_default().merge_operations(item);
    }
    let paths = items.into_iter().fold(PathsBuilder::new(), |paths, (path, item)| paths.path(path, item));
    let components = schemas
        .into_iter()
        .fold(ComponentsBuilder::new(), |components, (name, schema)| components.schema(name, schema));
    let info = InfoBuilder::new()
        .title("Bob")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some("A governed AI front office. Outcomes, codes and event names are open sets."))
        .license(Some(LicenseBuilder::new().name("MIT OR Apache-2.0").build()));
    let tags = Area::ALL.iter().filter(|area| areas.contains(area));
    let tags = tags.map(|area| TagBuilder::new().name(rules::tag(*area)).build());
    OpenApiBuilder::new()
        .info(info.build())
        // Relative to where the document itself is found.
        .servers(Some([ServerBuilder::new().url("./").build()]))
        .paths(paths.build())
        .components(Some(rules::security_schemes(components).build()))
        .tags(Some(tags))
        .build()
}

fn method(route: &Route) -> HttpMethod {
    match route.method.as_str() {
        "POST" => HttpMethod::Post,
        "PUT" => HttpMethod::Put,
        "PATCH" => HttpMethod::Patch,
        "DELETE" => HttpMethod::Delete,
        _ => HttpMethod::Get,
    }
}

#[cfg(test)]
mod tests;
