//! What people hear as it happens.

use std::sync::Arc;

use bob_core::account::Permission;
use http::Response;

use super::{named, note_reading};
use crate::auth::{business, holder};
use crate::body::BobBody;
use crate::dispatch::Call;
use crate::live;
use crate::problem::Problem;

/// `GET /api/customer-portal/conversations/events`: what happens in all of a business's conversations.
pub(crate) async fn events_of_all(call: Call) -> Result<Response<BobBody>, Problem> {
    let after = live::heard_of_all(&call)?;
    let tenant = business(&call).await?.tenant.id;
    let guard = call.mounted.bob.limits().open_stream(call.address())?;
    let events = call.mounted.bob.inbox().follow_all(tenant, after);
    Ok(live::inbox(events, guard, still_reads(Arc::new(call))))
}

/// `GET /api/customer-portal/conversations/{conversation}/events`: what happens in one of them, word for word.
pub(crate) async fn events(call: Call) -> Result<Response<BobBody>, Problem> {
    let heard = live::heard(&call)?;
    let (tenant, conversation) = named(&call).await?;
    note_reading(&call, &tenant, &conversation).await?;
    let inbox = call.mounted.bob.inbox();
    inbox.entry(&tenant, &conversation).await?;
    let guard = call.mounted.bob.limits().open_stream(call.address())?;
    let events = inbox.follow(tenant, conversation, heard);
    Ok(live::conversation(events, guard, still_reads(Arc::new(call))))
}

/// Whether the person still is signed in, and may read the same business's conversations.
fn still_reads(
    call: Arc<Call>,
) -> impl Fn() -> futures_util::future::BoxFuture<'static, bool> + Send + Sync + 'static {
    move || {
        let call = Arc::clone(&call);
        Box::pin(async move {
            let Ok(known) = call.person() else { return false };
            let now = holder(&call, Permission::ConversationRead).await;
            now.is_ok_and(|now| (now.account, now.tenant) == (known.account, known.tenant))
        })
    }
}
