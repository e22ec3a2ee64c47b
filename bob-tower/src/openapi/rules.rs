//! What follows from a route's row in the table: who may call it, what its path names, how it refuses.

use std::collections::BTreeMap;

use http::Method;
use utoipa::ToSchema as _;
use utoipa::openapi::path::{Operation, OperationBuilder, Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::request_body::{RequestBody, RequestBodyBuilder};
use utoipa::openapi::schema::Object;
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme,
};
use utoipa::openapi::{
    ComponentsBuilder, Content as MediaContent, Ref, RefOr, Required, Response, ResponseBuilder, Schema,
};

use super::says::{Content, Says, Schemas, text, uuid};
use crate::problem::ProblemView;
use crate::route::{Access, Area, Route};

const BEARER: &str = "bearer";
const COOKIE: &str = "session";
const WIDGET_KEY: &str = "widget_key";

/// What an area is called.
pub(super) fn tag(area: Area) -> &'static str {
    match area {
        Area::Operations => "Operations",
        Area::Chat => "Chat",
        Area::Widget => "Widget",
        Area::Account => "Account",
        Area::Portal => "Portal",
        Area::Control => "Control",
    }
}

/// How callers prove who they are.
pub(super) fn security_schemes(components: ComponentsBuilder) -> ComponentsBuilder {
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build();
    let cookie = ApiKeyValue::with_description(
        "bob_session",
        "The session cookie; methods that change something need X-CSRF-Token too. Its name has the prefix __Host- over \
         https, and a suffix where Bob is mounted below a path.",
    );
    components
        .security_scheme(BEARER, SecurityScheme::Http(bearer))
        .security_scheme(COOKIE, SecurityScheme::ApiKey(ApiKey::Cookie(cookie)))
        .security_scheme(WIDGET_KEY, SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::new("X-Widget-Key"))))
}

/// A route's operation; the types in its bodies are added to `schemas`.
pub(super) fn operation(route: &Route, schemas: &mut Schemas) -> Operation {
    let says = (route.says)();
    let mut operation = OperationBuilder::new()
        .tag(tag(route.area))
        .operation_id(Some(operation_id(route)))
        .summary(Some(says.summary));
    if let Access::Holds(permission) | Access::HoldsOnPlatform(permission) = route.access {
        let whose = match route.access {
            Access::HoldsOnPlatform(_) => " on the platform",
            _ => "",
        };
        operation = operation.description(Some(format!("Needs the permission `{permission}`{whose}.")));
    }
    for requirement in security(route) {
        operation = operation.security(requirement);
    }
    for parameter in path_parameters(route).chain(says.parameters.iter().cloned()) {
        operation = operation.parameter(parameter);
    }
    operation = operation.request_body(body(&says, schemas));
    for (status, response) in responses(route, &says, schemas) {
        operation = operation.response(status.to_string(), response);
    }
    operation.build()
}

/// `get_api_tenants_tenant_usage` for `GET /api/tenants/{tenant}/usage`.
fn operation_id(route: &Route) -> String {
    let path = route.path.trim_start_matches('/');
    let plain: String = path.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    let parts: Vec<&str> = plain.split('_').filter(|part| !part.is_empty()).collect();
    format!("{}_{}", route.method.as_str().to_ascii_lowercase(), parts.join("_"))
}

fn security(route: &Route) -> Vec<SecurityRequirement> {
    let needs = |scheme: &str| SecurityRequirement::new(scheme, Vec::<String>::new());
    match route.access {
        Access::Open | Access::OwnOrigin => Vec::new(),
        Access::WidgetKey => vec![needs(WIDGET_KEY)],
        Access::SignedIn | Access::Holds(_) | Access::HoldsOnPlatform(_) => {
            vec![needs(BEARER), needs(COOKIE)]
        }
    }
}

fn path_parameters(route: &Route) -> impl Iterator<Item = Parameter> {
    let names = route.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    names.map(move |name| {
        let (kind, description) = path_part(name, route.path);
        ParameterBuilder::new()
            .name(name)
            .parameter_in(ParameterIn::Path)
            .required(Required::True)
            .description(Some(description))
            .schema(Some(Schema::Object(kind)))
            .build()
    })
}

fn path_part(name: &str, path: &str) -> (Object, &'static str) {
    match name {
        "tenant" if path.contains("/widget/") => (uuid(), "The business."),
        "tenant" => (text(), "The business, by UUID or slug."),
        "session" => (text(), "The visitor's name for the conversation."),
        "file" => (text(), "The name that the content has."),
        "n" => (text(), "The number of the version."),
        _ => (uuid(), "Its identifier."),
    }
}

fn body(says: &Says, schemas: &mut Schemas) -> Option<RequestBody> {
    if says.takes.is_empty() {
        return None;
    }
    let required = if says.body_is_optional { Required::False } else { Required::True };
    let mut body = RequestBodyBuilder::new().required(Some(required));
    for taken in &says.takes {
        if let Some((media_type, content)) = media(*taken, schemas) {
            body = body.content(media_type, content);
        }
    }
    Some(body.build())
}

fn media(content: Content, schemas: &mut Schemas) -> Option<(&'static str, MediaContent)> {
    match content {
        Content::Empty => None,
        Content::Json(typed) => {
            (typed.collect)(schemas);
            let schema = RefOr::<Schema>::Ref(Ref::from_schema_name((typed.name)()));
            Some(("application/json", MediaContent::new(Some(schema))))
        }
        Content::Object => {
            Some(("application/json", MediaContent::new(Some(Schema::Object(Object::default())))))
        }
        Content::Text(media_type) => Some((media_type, MediaContent::new(Some(Schema::Object(text()))))),
    }
}

fn responses(route: &Route, says: &Says, schemas: &mut Schemas) -> BTreeMap<u16, Response> {
    let mut responses = BTreeMap::new();
    for answer in &says.answers {
        let mut response = ResponseBuilder::new().description(reason(answer.status));
        for content in &answer.contents {
            if let Some((media_type, content)) = media(*content, schemas) {
                response = response.content(media_type, content);
            }
        }
        responses.insert(answer.status, response.build());
    }
    let mut codes: BTreeMap<u16, Vec<&str>> = BTreeMap::new();
    for (status, code) in refusals(route, says) {
        let known = codes.entry(status).or_default();
        for code in code.split(", ").filter(|code| !code.is_empty()) {
            if !known.contains(&code) {
                known.push(code);
            }
        }
    }
    for (status, codes) in codes {
        let codes: Vec<String> = codes.iter().map(|code| format!("`{code}`")).collect();
        responses.insert(status, problem(codes.join(", ")));
    }
    responses
}

fn problem(codes: String) -> Response {
    let schema = RefOr::<Schema>::Ref(Ref::from_schema_name(ProblemView::name()));
    ResponseBuilder::new()
        .description(codes)
        .content("application/problem+json", MediaContent::new(Some(schema)))
        .build()
}

/// How a call may be refused: by its access, its path, its body, and as the route says.
fn refusals(route: &Route, says: &Says) -> Vec<(u16, &'static str)> {
    let changes = route.method != Method::GET;
    let mut refusals = match route.access {
        Access::Open => Vec::new(),
        Access::OwnOrigin => vec![(400, "invalid_header, duplicate_header"), (403, "cross_origin_refused")],
        Access::WidgetKey => vec![
            (400, "invalid_header, duplicate_header"),
            (401, "unknown_widget_key"),
            (403, "origin_required, origin_not_allowed"),
        ],
        Access::SignedIn => vec![(401, "unauthorized")],
        Access::Holds(_) | Access::HoldsOnPlatform(_) => {
            vec![(401, "unauthorized"), (403, "permission_denied")]
        }
    };
    if !matches!(route.access, Access::Open | Access::OwnOrigin | Access::WidgetKey) {
        refusals.push((400, "invalid_header, duplicate_header"));
        if changes {
            refusals.push((403, "csrf_failed, tenant_suspended"));
        }
    }
    if route.path.contains('{') {
        refusals.push((404, "not_found"));
    }
    if matches!(route.area, Area::Chat) {
        refusals.push((404, "unknown_business"));
        refusals.push((422, "tenant_required"));
    }
    if !says.takes.is_empty() {
        refusals.extend([
            (400, "malformed_json, body_broke_off"),
            (408, "request_timeout"),
            (413, "payload_too_large"),
            (415, "unsupported_media_type"),
            (422, "validation_failed, unknown_field"),
        ]);
    }
    if route.access != Access::Open || route.area == Area::Operations {
        refusals.push((503, "storage_unavailable"));
    }
    refusals.extend(says.refuses.iter().map(|refuses| (refuses.status, refuses.codes)));
    refusals
}

fn reason(status: u16) -> &'static str {
    http::StatusCode::from_u16(status)
        .ok()
        .and_then(|status| status.canonical_reason())
        .unwrap_or("An answer")
}
