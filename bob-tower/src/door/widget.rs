//! The widget door: visitors on customers' sites, behind a key and the origins on its list.

use std::collections::BTreeMap;
use std::sync::Arc;

use bob_core::act::Principal;
use bob_core::answer::Phrases;
use bob_core::conversation::Door;
use bob_core::directory::FencedKey;
use bob_core::id::{TenantId, WidgetKeyId};
use bob_core::knowledge::Audience;
use bob_core::origin::{CorsDecision, Origin};
use bob_core::storage::TenantSnapshot;
use bob_core::tenant::TenantRef;
use bob_core::widget_key::PublishableKey;
use http::header::{HeaderMap, HeaderValue, ORIGIN};
use http::{Method, Response, StatusCode};

use super::send::{self, Found};
use super::who::{Reader, Who};
use super::{claim, reads};
use crate::body::BobBody;
use crate::cors::{self, AllowedOrigin};
use crate::dispatch::{Call, Caller};
use crate::mount::GenericPreflight;
use crate::problem::Problem;
use crate::request::{parse_json, query_field, require_json, single};
use crate::service::Mounted;
use crate::wire::chat::{ChatRequest, ConfigView};
use crate::wire::claim::ClaimRequest;
use crate::wire::json;

/// A page that called with a key whose list it is on.
pub(crate) struct WidgetCaller {
    pub(crate) tenant: Arc<TenantSnapshot>,
    pub(crate) key: WidgetKeyId,
    /// The key as it was sent, which a repetition must send too.
    text: String,
    /// What is echoed; `None` when no origin was sent.
    pub(crate) origin: Option<AllowedOrigin>,
}

/// Answers a preflight: by the tenant of its path, or without one by the index of all.
pub(crate) async fn preflight(
    mounted: &Mounted,
    headers: &HeaderMap,
    tenant: Option<&str>,
) -> Result<Response<BobBody>, Problem> {
    let Some(tenant) = tenant else {
        return match mounted.mount.generic_preflight {
            GenericPreflight::Index => {
                let live = mounted.bob.directory().live_origins().await?;
                cors::preflight(headers, |origin| live.decide(origin))
            }
            GenericPreflight::Off => Err(cors::refused()),
        };
    };
    let id: TenantId = tenant.parse().map_err(|_| cors::refused())?;
    let fence = mounted.bob.directory().fence(&id).await?.ok_or_else(cors::refused)?;
    let now = mounted.bob.clock().now();
    cors::preflight(headers, |origin| fence.decide(origin, now))
}

/// Checks key and origin together, before anything else of the request is read.
pub(crate) async fn caller(call: &Call) -> Result<WidgetCaller, Problem> {
    let unknown =
        || Problem::unauthorized("unknown_widget_key", "This widget key is not known, or was revoked.");
    let text = single(call.headers(), "x-widget-key")?.ok_or_else(unknown)?;
    let key: PublishableKey = text.parse().map_err(|_| unknown())?;
    let in_path = call.params.iter().find(|(name, _)| name == "tenant");
    if in_path.is_some_and(|(_, tenant)| tenant.parse() != Ok(key.tenant())) {
        return Err(unknown());
    }
    let fence = call.mounted.bob.directory().fence(&key.tenant()).await?.ok_or_else(unknown)?;
    let live = fence.live_key(&key, call.mounted.bob.clock().now()).ok_or_else(unknown)?;
    let origin = allowed_origin(call, live)?;
    Ok(WidgetCaller { key: live.key.id, text: text.to_owned(), origin, tenant: Arc::clone(fence.snapshot()) })
}

fn allowed_origin(call: &Call, key: FencedKey<'_>) -> Result<Option<AllowedOrigin>, Problem> {
    let allows = |origin: &Origin| key.decide(Some(origin)) == CorsDecision::Echo;
    if let Some(text) = single(call.headers(), ORIGIN.as_str())? {
        text.parse::<Origin>().ok().filter(allows).ok_or_else(cors::refused)?;
        let echo = HeaderValue::from_str(text).map_err(|_| cors::refused())?;
        return Ok(Some(AllowedOrigin(echo)));
    }
    // Browsers leave Origin out of same-origin reads and say so in a header that pages cannot write.
    let reads = call.head.method == Method::GET || call.head.method == Method::HEAD;
    let same_origin = single(call.headers(), "sec-fetch-site")? == Some("same-origin");
    if reads && same_origin && call.mounted.mount.own_origins.iter().any(allows) {
        return Ok(None);
    }
    let detail = "This address is called by web pages, whose browsers send Origin.";
    Err(Problem::forbidden("origin_required", detail))
}

impl Call {
    fn widget(&self) -> Result<&WidgetCaller, Problem> {
        match &self.caller {
            Caller::Widget(caller) => Ok(caller),
            _ => Err(Problem::internal()),
        }
    }
}

/// `POST /api/widget/chat` and `POST /api/widget/{tenant}/chat`
pub(crate) async fn chat(mut call: Call) -> Result<Response<BobBody>, Problem> {
    require_json(call.headers())?;
    let caller = call.widget()?;
    let (tenant, key, text) = (Arc::clone(&caller.tenant), caller.key, caller.text.clone());
    let origin =
        caller.origin.as_ref().and_then(|origin| origin.0.to_str().ok()).unwrap_or_default().to_owned();
    let who = Who::sends(&call, &tenant, token(&call)?).await?;
    let found = Found {
        tenant,
        door: Door::Widget,
        visitor: who.visitor,
        trust: who.trust,
        audience: Audience::Public,
        principal: Principal::Visitor(who.visitor.visitor()),
        widget_key: Some(key),
        repeats: vec![text, origin],
    };
    let taken = send::take(&call, &found)?;
    let body = call.read_body().await?;
    let request: ChatRequest = parse_json(&body)?;
    let own = |named: &str| match named.parse() {
        Ok(TenantRef::Id(id)) => id == found.tenant.tenant.id,
        Ok(TenantRef::Slug(slug)) => slug == found.tenant.tenant.slug,
        Err(_) => false,
    };
    if request.business_id.as_deref().is_some_and(|named| !own(named)) {
        let detail = "This widget key is not known, or was revoked.";
        return Err(Problem::unauthorized("unknown_widget_key", detail));
    }
    let (response, _) = send::answer(&call, found, &request, &body, taken).await?;
    Ok(response)
}

/// `GET /api/widget/{tenant}/config`
pub(crate) async fn config(call: Call) -> Result<Response<BobBody>, Problem> {
    let snapshot = &call.widget()?.tenant;
    let languages = &snapshot.tenant.languages;
    let said = |phrase: fn(&Phrases) -> &'static str| -> BTreeMap<&str, &str> {
        languages
            .iter()
            .map(|language| (language.as_str(), phrase(Phrases::for_language(*language))))
            .collect()
    };
    let mut greeting = said(|phrases| phrases.greeting);
    greeting
        .extend(snapshot.widget.greeting.iter().map(|(language, text)| (language.as_str(), text.as_str())));
    let view = ConfigView {
        tenant_id: snapshot.tenant.id.to_string(),
        name: &snapshot.tenant.name,
        persona: &snapshot.persona.name,
        languages: languages.iter().map(|language| language.as_str()).collect(),
        greeting,
        disclosure: said(|phrases| phrases.disclosure),
        look: (&snapshot.widget).into(),
    };
    json(StatusCode::OK, &view)
}

/// `GET /api/widget/{tenant}/history?session_id=&cursor=`
pub(crate) async fn history(call: Call) -> Result<Response<BobBody>, Problem> {
    let reader = reader(&call).await?;
    let session = query_field(call.head.uri.query(), "session_id")?.unwrap_or_default();
    reads::history(&call, Door::Widget, reader, &session).await
}

/// `GET /api/widget/{tenant}/turns/{turn}/events`
pub(crate) async fn turn_events(call: Call) -> Result<Response<BobBody>, Problem> {
    let reader = reader(&call).await?;
    reads::turn_events(&call, Door::Widget, reader).await
}

/// `GET /api/widget/{tenant}/conversations?limit=&cursor=`
pub(crate) async fn conversations(call: Call) -> Result<Response<BobBody>, Problem> {
    let reader = reader(&call).await?;
    reads::conversations(&call, reader).await
}

/// `POST /api/widget/{tenant}/claim`
pub(crate) async fn claim(mut call: Call) -> Result<Response<BobBody>, Problem> {
    require_json(call.headers())?;
    send::peek(&call)?;
    let body = call.read_body().await?;
    let request: ClaimRequest = parse_json(&body)?;
    let tenant = Arc::clone(&call.widget()?.tenant);
    Ok(claim::answer(&call, &tenant, token(&call)?, &request).await?.response)
}

/// `GET /api/widget/{tenant}/events?session_id=`
pub(crate) async fn events(call: Call) -> Result<Response<BobBody>, Problem> {
    let reader = reader(&call).await?;
    let call = Arc::new(call);
    let asked = Arc::clone(&call);
    let still = move || {
        let call = Arc::clone(&asked);
        async move { still_reads(&call, reader).await }
    };
    reads::events(&call, Door::Widget, reader, still).await
}

/// Whether page and reader still are who they were.
async fn still_reads(call: &Call, reader: Reader) -> bool {
    let Ok(page) = caller(call).await else { return false };
    let Ok(token) = token(call) else { return false };
    reader.still_holds(call, &page.tenant, token).await
}

async fn reader(call: &Call) -> Result<Reader, Problem> {
    Reader::of(call, &call.widget()?.tenant, token(call)?).await
}

/// The visitor's token; this door knows no cookies.
fn token(call: &Call) -> Result<Option<&str>, Problem> {
    single(call.headers(), "x-bob-visitor")
}
