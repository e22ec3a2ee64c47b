//! Who a visitor is: by the identity that the page sent along, or else by their token.

use bob_core::act::Principal;
use bob_core::id::{TenantId, VisitorId};
use bob_core::identity::{Judged, Presented, VerifiedIdentity};
use bob_core::limit::Counted;
use bob_core::storage::TenantSnapshot;
use bob_core::visitor::{TrustLevel, VisitorProof};
use http::HeaderMap;

use super::reads;
use crate::dispatch::Call;
use crate::problem::Problem;

const IDENTITY: &str = "x-bob-identity";

/// Who sends a message.
#[derive(Debug, Clone, Copy)]
pub(super) struct Who {
    pub(super) visitor: VisitorProof,
    pub(super) trust: TrustLevel,
}

/// Who reads: somebody who is proven.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reader {
    pub(super) tenant: TenantId,
    pub(super) visitor: VisitorId,
    /// Whether they may be given a token: a verified visitor is proven by their identity alone, and no longer than that.
    pub(super) by_token: bool,
}

impl Who {
    /// The sender of a message. Whether a token's visitor has ended, storage says when the message is stored.
    pub(super) async fn sends(
        call: &Call,
        tenant: &TenantSnapshot,
        token: Option<&str>,
    ) -> Result<Self, Problem> {
        if let Some(identity) = identity(call, tenant)? {
            let visitor = VisitorProof::Proven(visitor_of(call, tenant, &identity).await?);
            return Ok(Self { visitor, trust: TrustLevel::Verified });
        }
        let visitor = named_by(call, &tenant.tenant.id, token);
        let visitor = visitor.map_or_else(|| VisitorProof::New(VisitorId::new()), VisitorProof::Proven);
        Ok(Self { visitor, trust: TrustLevel::Anonymous })
    }
}

impl Reader {
    /// The reader, who must be proven: an id alone never reads anything, and neither does a token whose visitor has ended.
    pub(super) async fn of(
        call: &Call,
        tenant: &TenantSnapshot,
        token: Option<&str>,
    ) -> Result<Self, Problem> {
        let id = tenant.tenant.id;
        if let Some(identity) = identity(call, tenant)? {
            let visitor = visitor_of(call, tenant, &identity).await?;
            return Ok(Self { tenant: id, visitor, by_token: false });
        }
        let visitor = named_by(call, &id, token).ok_or_else(reads::proof_required)?;
        let known = call.mounted.bob.storage().visitor(&id, &visitor).await?;
        if known.is_some_and(|known| known.ended) {
            return Err(reads::proof_required());
        }
        Ok(Self { tenant: id, visitor, by_token: true })
    }
}

impl Reader {
    /// Whether the same proof still holds; asked now and then on behalf of one call, so it is not counted again.
    pub(super) async fn still_holds(
        &self,
        call: &Call,
        tenant: &TenantSnapshot,
        token: Option<&str>,
    ) -> bool {
        let bob = &call.mounted.bob;
        if !self.by_token {
            return bob.identities().holds(tenant, presented(call.headers()));
        }
        let known = bob.storage().visitor(&self.tenant, &self.visitor).await;
        let ended = !known.is_ok_and(|known| known.is_none_or(|known| !known.ended));
        named_by(call, &self.tenant, token) == Some(self.visitor) && !ended
    }
}

/// What the page's identity says, if it holds; a stranger is nobody, unless the business wants to know everybody.
pub(super) fn identity(
    call: &Call,
    tenant: &TenantSnapshot,
) -> Result<Option<Box<VerifiedIdentity>>, Problem> {
    match call.mounted.bob.identities().judge(tenant, presented(call.headers())) {
        Judged::Verified(identity) => Ok(Some(identity)),
        Judged::Required => {
            let detail = "Sign in on this site to use the chat.";
            Err(Problem::unauthorized("identity_required", detail))
        }
        Judged::Refused(_) => {
            // Trying identities out costs as much as sending messages.
            let now = call.mounted.bob.clock().now();
            call.mounted.bob.limits().take(&[Counted::Address(call.address())], now)?;
            Err(invalid())
        }
        _ => Ok(None),
    }
}

/// The identity does not hold; why is for the business, which sees it counted.
pub(super) fn invalid() -> Problem {
    Problem::unauthorized("identity_invalid", "The visitor's identity is not valid, or not any more.")
}

/// Whether the page sent something in the place of an identity.
pub(super) fn has_identity(headers: &HeaderMap) -> bool {
    presented(headers) != Presented::Nothing
}

fn presented(headers: &HeaderMap) -> Presented<'_> {
    let mut values = headers.get_all(IDENTITY).iter();
    match (values.next(), values.next()) {
        (None, _) => Presented::Nothing,
        (Some(value), None) => value.to_str().map_or(Presented::Garbage, Presented::Token),
        (Some(_), Some(_)) => Presented::Garbage,
    }
}

/// The visitor that a proven person is.
pub(super) async fn visitor_of(
    call: &Call,
    tenant: &TenantSnapshot,
    identity: &VerifiedIdentity,
) -> Result<VisitorId, Problem> {
    // Storage records it as the visitor's own deed, once it knows who that is.
    let act = call.act(Principal::Visitor(VisitorId::new()));
    Ok(call.mounted.bob.identities().visitor(&act, &tenant.tenant.id, identity).await?)
}

/// The visitor that a token names.
pub(super) fn named_by(call: &Call, tenant: &TenantId, token: Option<&str>) -> Option<VisitorId> {
    let now = call.mounted.bob.clock().now();
    token.and_then(|token| call.mounted.bob.visitor_tokens().verify(token, *tenant, now).ok())
}
