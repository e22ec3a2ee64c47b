//! Claiming: a visitor who signed in says whether what was said before, in the same browser, is theirs.

use bob_core::act::Principal;
use bob_core::clock::{earlier, later};
use bob_core::identity::{IDENTITY_FRESH, IDENTITY_SKEW, VerifiedIdentity};
use bob_core::limit::Counted;
use bob_core::storage::{StorageErrorKind, TenantSnapshot};
use bob_core::visitor::{CLAIM_WITHIN, Claim, Claimed};
use http::{Response, StatusCode};

use super::reads;
use super::who::{has_identity, identity, invalid, named_by, visitor_of};
use crate::body::BobBody;
use crate::dispatch::Call;
use crate::problem::Problem;
use crate::wire::claim::{ClaimRequest, ClaimView, Wish};
use crate::wire::json;

/// What became of the call, and whether the anonymous visitor has ended with it.
pub(super) struct Answered {
    pub(super) response: Response<BobBody>,
    pub(super) ended: bool,
}

/// Previews, accepts or declines, by the anonymous token and a fresh identity in one call.
pub(super) async fn answer(
    call: &Call,
    tenant: &TenantSnapshot,
    token: Option<&str>,
    request: &ClaimRequest,
) -> Result<Answered, Problem> {
    let (bob, id) = (&call.mounted.bob, tenant.tenant.id);
    let now = bob.clock().now();
    bob.limits().take(&[Counted::Address(call.address()), Counted::Tenant(id)], now)?;
    let wish = request.wish()?;
    let identity = fresh_identity(call, tenant)?;
    let anonymous = named_by(call, &id, token).ok_or_else(reads::proof_required)?;
    let identified = visitor_of(call, tenant, &identity).await?;
    let since = earlier(now, CLAIM_WITHIN);
    if wish == Wish::Preview {
        let claimable = bob.storage().claimable(&id, &anonymous, &identified, since).await?;
        let response = json(StatusCode::OK, &ClaimView::offered(&claimable))?;
        return Ok(Answered { response, ended: false });
    }
    let remembered = later(identity.issued_at, IDENTITY_FRESH).max(identity.expires_at);
    let claim = Claim {
        anonymous,
        identified,
        proof: identity.token_id.clone().unwrap_or_default(),
        proof_until: later(remembered, IDENTITY_SKEW),
        accept: wish == Wish::Accept,
        since,
    };
    let act = call.act(Principal::Visitor(identified));
    let claimed = bob.storage().claim_visitor(&act, &id, claim).await;
    let claimed = claimed.map_err(|error| match error.kind() {
        // A token of a visitor who was forgotten names nobody.
        StorageErrorKind::NotFound => reads::proof_required(),
        _ => error.into(),
    })?;
    let ended = matches!(claimed, Claimed::Merged { .. });
    Ok(Answered { response: json(StatusCode::OK, &ClaimView::try_from(claimed)?)?, ended })
}

/// A claim needs an identity that holds, was made just now, and has a name of its own.
fn fresh_identity(call: &Call, tenant: &TenantSnapshot) -> Result<Box<VerifiedIdentity>, Problem> {
    let Some(identity) = identity(call, tenant)? else {
        return Err(if has_identity(call.headers()) {
            invalid()
        } else {
            Problem::unauthorized("identity_required", "Claiming needs the visitor's identity.")
        });
    };
    if identity.is_fresh(call.mounted.bob.clock().now()) {
        return Ok(identity);
    }
    let detail = "Claiming needs an identity with a jti that was made within the last five minutes.";
    Err(Problem::unauthorized("identity_stale", detail))
}

impl TryFrom<Claimed> for ClaimView {
    type Error = Problem;

    fn try_from(claimed: Claimed) -> Result<Self, Problem> {
        let conflict = |code, detail: &str| Err(Problem::new(StatusCode::CONFLICT, code, detail));
        match claimed {
            Claimed::Merged { messages, sessions } => Ok(Self::merged(messages, &sessions)),
            Claimed::Declined => Ok(Self::declined()),
            Claimed::ProofUsed => conflict(
                "identity_replayed",
                "This identity's jti has claimed something before. Make a new one.",
            ),
            Claimed::AlreadyClaimed => {
                conflict("already_claimed", "These conversations have been claimed before.")
            }
            Claimed::AlreadyIdentified => {
                conflict("already_identified", "These conversations belong to somebody who is known.")
            }
            Claimed::Busy(turn) => {
                let detail = "A message of these conversations is still being answered.";
                Err(Problem::new(StatusCode::CONFLICT, "conversation_busy", detail)
                    .about(turn)
                    .retry_after(std::time::Duration::from_secs(2)))
            }
            Claimed::TooLarge => conflict(
                "claim_too_large",
                "At most 50 conversations with 2,000 messages are claimed at once.",
            ),
            _ => Err(Problem::internal()),
        }
    }
}
