//! The inbox: a business's people read conversations, and speak in the place of Bob.

mod live;
mod query;
mod speak;

use std::collections::HashMap;

use bob_core::conversation::Owner;
use bob_core::id::{AccountId, ConversationId, TenantId};
use bob_core::inbox::InboxEntry;
use http::{Response, StatusCode};

use crate::auth::business;
use crate::body::BobBody;
use crate::dispatch::Call;
use crate::etag::mark_version;
use crate::page::PageQuery;
use crate::problem::Problem;
use crate::wire::chat::MessageView;
use crate::wire::inbox::{ConversationView, TranscriptView};
use crate::wire::{ListView, json};
use query::InboxQuery;

pub(crate) use live::{events, events_of_all};
pub(crate) use query::STATES;
pub(crate) use speak::{close, hand_back, reply, take, typing};

/// `GET /api/customer-portal/conversations?state=&door=&limit=&cursor=`
pub(crate) async fn list(call: Call) -> Result<Response<BobBody>, Problem> {
    let InboxQuery { filter, after, limit } = InboxQuery::read(&call)?;
    let tenant = business(&call).await?.tenant.id;
    let inbox = call.mounted.bob.inbox();
    let page = inbox.list(&tenant, &filter, after, limit).await?;
    let mut names: HashMap<AccountId, String> = HashMap::new();
    let mut items = Vec::with_capacity(page.entries.len());
    for entry in &page.entries {
        let name = match entry.standing.ownership.owner {
            Owner::Person(person) => Some(match names.get(&person) {
                Some(name) => name.clone(),
                None => names.entry(person).or_insert(inbox.name(&tenant, &person).await?).clone(),
            }),
            _ => None,
        };
        items.push(ConversationView::new(entry, name));
    }
    json(StatusCode::OK, &ListView { items, next_cursor: page.next.map(query::cursor) })
}

/// `GET /api/customer-portal/conversations/{conversation}?limit=&cursor=`
///
/// A platform person's reading is audited, where the business sees it.
pub(crate) async fn read(call: Call) -> Result<Response<BobBody>, Problem> {
    let PageQuery { limit, before } = PageQuery::read(call.head.uri.query())?;
    let (tenant, conversation) = named(&call).await?;
    note_reading(&call, &tenant, &conversation).await?;
    let inbox = call.mounted.bob.inbox();
    let entry = inbox.entry(&tenant, &conversation).await?;
    let history = inbox.history(&tenant, &conversation, before, limit).await?;
    let names = inbox.names(&tenant, &history.messages).await?;
    let view = TranscriptView {
        conversation: view(&call, &tenant, &entry).await?,
        items: MessageView::all(&history.messages, &names),
        next_cursor: history.next.map(|next| next.to_string()),
    };
    let mut response = json(StatusCode::OK, &view)?;
    mark_version(response.headers_mut(), entry.standing.ownership.epoch);
    Ok(response)
}

/// The conversation in the path, and the business it is looked for in.
async fn named(call: &Call) -> Result<(TenantId, ConversationId), Problem> {
    let tenant = business(call).await?.tenant.id;
    let conversation = call.param("conversation").parse().map_err(|_| Problem::not_found())?;
    Ok((tenant, conversation))
}

async fn note_reading(call: &Call, tenant: &TenantId, conversation: &ConversationId) -> Result<(), Problem> {
    if call.person()?.is_of_platform() {
        call.mounted.bob.storage().note_reading(&call.deed()?, tenant, conversation).await?;
    }
    Ok(())
}

async fn view(call: &Call, tenant: &TenantId, entry: &InboxEntry) -> Result<ConversationView, Problem> {
    let name = match entry.standing.ownership.owner {
        Owner::Person(person) => Some(call.mounted.bob.inbox().name(tenant, &person).await?),
        _ => None,
    };
    Ok(ConversationView::new(entry, name))
}
