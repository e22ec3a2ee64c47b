//! From a request to its route, and from whatever happened there to an answer.

use std::future::Future;
use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bob_core::account::Person;
use bob_core::act::{Act, Principal, Via};
use bob_core::limit::AddressBucket;
use bytes::Bytes;
use futures_util::FutureExt as _;
use http::header::{CACHE_CONTROL, HeaderName, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use http::request::Parts;
use http::{HeaderMap, Method, Response};
use sync_wrapper::SyncWrapper;
use tracing::Instrument as _;
use uuid::Uuid;

use crate::auth::{self, SignedIn};
use crate::body::{BobBody, RequestBody};
use crate::client::{ClientAddr, client_address};
use crate::cors::{self, AllowedOrigin};
use crate::door::widget::{self, WidgetCaller};
use crate::problem::Problem;
use crate::request::{MAX_BODY, read_body};
use crate::route::{Access, Route, is_fenced};
use crate::same_origin;
use crate::service::Mounted;
use crate::standing;

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// One request on its way to its route's answer.
pub(crate) struct Call {
    pub(crate) mounted: Arc<Mounted>,
    pub(crate) head: Parts,
    body: SyncWrapper<RequestBody>,
    pub(crate) path: &'static str,
    /// Who may call the route, as its row of the table says.
    pub(crate) access: Access,
    via: Via,
    pub(crate) params: Vec<(String, String)>,
    pub(crate) request_id: String,
    pub(crate) caller: Caller,
}

/// Who calls, as the route's access found.
pub(crate) enum Caller {
    /// Nobody was asked.
    Anyone,
    /// A page with a widget key.
    Widget(Box<WidgetCaller>),
    /// Somebody who signed in, to Bob or to the host.
    Person(Box<SignedIn>),
}

impl Call {
    pub(crate) fn headers(&self) -> &HeaderMap {
        &self.head.headers
    }

    /// Reads the body, once; a second time it is empty.
    pub(crate) async fn read_body(&mut self) -> Result<Bytes, Problem> {
        self.read_body_within(MAX_BODY).await
    }

    /// As [`read_body`](Self::read_body), where a body may have up to `most` bytes.
    pub(crate) async fn read_body_within(&mut self, most: usize) -> Result<Bytes, Problem> {
        let body = std::mem::replace(&mut self.body, SyncWrapper::new(RequestBody::default()));
        read_body(&self.head.headers, body.into_inner(), most).await
    }

    /// A part of the path, decoded.
    pub(crate) fn param(&self, name: &str) -> &str {
        self.params.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    /// The caller's address, as far as it is known.
    pub(crate) fn client(&self) -> Option<IpAddr> {
        client_address(&self.head.extensions, &self.head.headers, &self.mounted.mount.trusted_proxies)
    }

    /// The caller's address, for limits.
    pub(crate) fn address(&self) -> AddressBucket {
        self.client().into()
    }

    /// A deed of `principal`, now and through this route. Visitors' addresses are not kept.
    pub(crate) fn act(&self, principal: Principal) -> Act {
        let address = match principal {
            Principal::Account(_) | Principal::Host(_) => self.client(),
            _ => None,
        };
        let act = self.mounted.bob.act(principal, self.request_id.clone()).through(self.via, address);
        match &self.caller {
            Caller::Person(person) if person.is_of_platform() => act.by_platform(),
            _ => act,
        }
    }

    /// A deed of the person who signed in; only on routes that ask for one.
    pub(crate) fn deed(&self) -> Result<Act, Problem> {
        Ok(self.act(self.person()?.principal()))
    }

    /// Who signed in, to Bob or to the host; only on routes that ask for somebody.
    pub(crate) fn person(&self) -> Result<&SignedIn, Problem> {
        match &self.caller {
            Caller::Person(person) => Ok(person),
            _ => Err(Problem::sign_in_required()),
        }
    }

    /// The person who signed in to Bob itself, where a call is about their own account.
    pub(crate) fn own_person(&self) -> Result<&Person, Problem> {
        self.person()?.own().ok_or_else(|| {
            let detail = "This is about accounts of Bob's own, and the host signed you in.";
            Problem::forbidden("own_sign_in_required", detail)
        })
    }
}

/// Answers one request, whatever happens.
pub(crate) async fn answer(mounted: Arc<Mounted>, head: Parts, body: RequestBody) -> Response<BobBody> {
    let request_id = Uuid::now_v7().to_string();
    warn_once_without_address(&head);
    let fenced = is_fenced(head.uri.path());
    let is_head = head.method == Method::HEAD;
    let span = tracing::info_span!("request", id = %request_id);
    let routing = route(mounted, head, body, request_id.clone()).instrument(span);
    let mut response =
        unless_panic(&request_id, routing).await.unwrap_or_else(|problem| problem.into_response(&request_id));
    if is_head {
        *response.body_mut() = BobBody::default();
    }
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(&request_id) {
        headers.insert(X_REQUEST_ID, id);
    }
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    if fenced {
        cors::vary(headers);
    }
    response
}

/// A panic becomes a problem: one request's bug is nobody else's.
async fn unless_panic<T>(request_id: &str, work: impl Future<Output = T>) -> Result<T, Problem> {
    AssertUnwindSafe(work).catch_unwind().await.map_err(|_| {
        tracing::error!(%request_id, "a request panicked");
        Problem::internal()
    })
}

async fn route(
    mounted: Arc<Mounted>,
    head: Parts,
    body: RequestBody,
    request_id: String,
) -> Response<BobBody> {
    let Some(found) = mounted.routes.find(head.uri.path()) else {
        return Problem::not_found().into_response(&request_id);
    };
    let (routes, params) = (found.routes.to_vec(), found.params);
    let path = routes.first().map_or("", |route| route.path);
    if head.method == Method::OPTIONS && is_fenced(head.uri.path()) {
        let tenant = params.iter().find(|(name, _)| name == "tenant").map(|(_, value)| value.as_str());
        let preflight = widget::preflight(&mounted, &head.headers, tenant).await;
        return preflight.unwrap_or_else(|problem| problem.into_response(&request_id));
    }
    let access = routes.first().map_or(Access::WidgetKey, |route| route.access);
    let mut call = Call {
        mounted,
        head,
        body: SyncWrapper::new(body),
        path,
        access,
        via: Via::System,
        params,
        request_id: request_id.clone(),
        caller: Caller::Anyone,
    };
    // The widget door tells nobody but its own pages which addresses and methods it has.
    if access == Access::WidgetKey {
        match widget::caller(&call).await {
            Ok(caller) => call.caller = Caller::Widget(Box::new(caller)),
            Err(problem) => return problem.into_response(&request_id),
        }
    }
    let origin = match &call.caller {
        Caller::Widget(caller) => caller.origin.clone(),
        _ => None,
    };
    let answered = match pick(&routes, &call.head.method) {
        // Caught here too, since a page may read this door's errors, whatever they are.
        Ok(route) => unless_panic(&request_id, admitted(route, call)).await.and_then(|answered| answered),
        Err(problem) => Err(problem),
    };
    let mut response = answered.unwrap_or_else(|problem| problem.into_response(&request_id));
    if let Some(origin) = origin {
        AllowedOrigin::mark(&origin, response.headers_mut());
    }
    response
}

/// The route of a method; `HEAD` is answered as `GET`.
fn pick(routes: &[&'static Route], method: &Method) -> Result<&'static Route, Problem> {
    if routes.is_empty() {
        return Err(Problem::not_found());
    }
    let wanted = if method == Method::HEAD { &Method::GET } else { method };
    routes.iter().find(|route| route.method == *wanted).copied().ok_or_else(|| {
        let mut allow: Vec<&str> = routes.iter().map(|route| route.method.as_str()).collect();
        if allow.contains(&"GET") {
            allow.push("HEAD");
        }
        Problem::method_not_allowed(&allow.join(", "))
    })
}

/// Lets in whom the route's access lets in, and answers.
async fn admitted(route: &'static Route, mut call: Call) -> Result<Response<BobBody>, Problem> {
    (call.via, call.access) = (route.via(), route.access);
    match route.access {
        Access::Open | Access::WidgetKey => {}
        Access::OwnOrigin => {
            same_origin::require(&call.mounted.mount, call.headers(), "cross_origin_refused")?;
        }
        Access::SignedIn => call.caller = Caller::Person(Box::new(auth::authenticate(&call).await?)),
        Access::Holds(permission) => {
            call.caller = Caller::Person(Box::new(auth::holder(&call, permission).await?));
        }
        Access::HoldsOnPlatform(permission) => {
            call.caller = Caller::Person(Box::new(auth::platform_holder(&call, permission).await?));
        }
    }
    standing::require(&call, route).await?;
    (route.answer)(call).await
}

fn warn_once_without_address(head: &Parts) {
    static WARNED: AtomicBool = AtomicBool::new(false);
    if head.extensions.get::<ClientAddr>().is_none() && !WARNED.swap(true, Ordering::Relaxed) {
        tracing::warn!("requests carry no ClientAddr: all callers share one limit");
    }
}
