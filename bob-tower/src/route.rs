//! The route table: every address, who may call it, which file answers, and what it says of itself.

use std::future::Future;
use std::pin::Pin;

use bob_core::account::Permission;
use bob_core::act::Via;
use bob_core::conversation::Door;
use http::{Method, Response};
use matchit::Router;

use crate::body::BobBody;
use crate::dispatch::Call;
use crate::door::{public, signed_in, widget};
use crate::openapi::{self, Says, moment, one_of, says, text, uuid, yes_or_no};
use crate::problem::Problem;
use crate::wire::audit::AuditRowView;
use crate::wire::chat::{
    ChatRequest, ConfigView, HistoryView, MessageView, ReplyView, SessionRequest, SessionView,
};
use crate::wire::claim::{ClaimRequest, ClaimView, OwnConversationView};
use crate::wire::credits::{CreditsRequest, EntryView, LedgerView, UsageView};
use crate::wire::embed::WidgetCodeView;
use crate::wire::health::HealthView;
use crate::wire::identity::{
    IdentitySecretRequest, NewIdentitySecretView, VisitorIdentityRequest, VisitorIdentityView,
};
use crate::wire::inbox::{ConversationView, ReplyRequest, SpeakerRequest, TranscriptView};
use crate::wire::knowledge::{
    ImportView, ItemEntryView, ItemView, KnowledgeRequest, PolicyRequest, PolicyView, RejectRequest,
    ReleaseView,
};
use crate::wire::password::{ForgotRequest, InvitationRequest, PasswordRequest, ResetRequest};
use crate::wire::people::{AccountRequest, InviteRequest, InvitedView, MemberRequest, MemberView};
use crate::wire::personas::{PersonaRequest, PersonaVersionView, PersonaView, PreviewView};
use crate::wire::pricebook::PricebookView;
use crate::wire::sign_in::{
    CustomerLoginRequest, EndedView, IssuedView, JwksView, LoginRequest, MeView, OwnSignInView,
    RefreshRequest,
};
use crate::wire::tenants::{
    ChecklistView, OnboardedView, OnboardingRequest, SuspendRequest, TenantPatchRequest, TenantRequest,
    TenantView,
};
use crate::wire::widget::{
    ChangeKeyRequest, KeyView, NewKeyRequest, RotateRequest, RotatedView, SettingsRequest, SettingsView,
};
use crate::{
    account_page, audit, auth, credits, embed, health, inbox, knowledge, onboarding, people, personas,
    portal, pricebook, tenants, visitor_identity, widget_keys, widget_settings,
};

/// A part of Bob that can be mounted by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Area {
    /// What everybody may know: health, public keys, prices.
    Operations,
    /// The public and the signed-in door.
    Chat,
    /// The widget door and the embed.
    Widget,
    /// Sign-in, and who is signed in.
    Account,
    /// What a business's people manage.
    Portal,
    /// What platform people manage.
    Control,
}

impl Area {
    /// All of them.
    pub const ALL: &'static [Self] =
        &[Self::Operations, Self::Chat, Self::Widget, Self::Account, Self::Portal, Self::Control];
}

/// Who may call a route; decided before anything else of the request is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// Everybody, from everywhere.
    Open,
    /// No pages of other origins.
    OwnOrigin,
    /// Pages on the list of the widget key they send.
    WidgetKey,
    /// People who signed in.
    SignedIn,
    /// People who signed in and hold a permission.
    Holds(Permission),
    /// People of the platform who hold a permission, whatever a business's people hold.
    HoldsOnPlatform(Permission),
}

pub(crate) type Answering = Pin<Box<dyn Future<Output = Result<Response<BobBody>, Problem>> + Send>>;

/// One method of one address.
pub(crate) struct Route {
    pub(crate) method: Method,
    pub(crate) path: &'static str,
    pub(crate) area: Area,
    pub(crate) access: Access,
    pub(crate) answer: fn(Call) -> Answering,
    /// What the API's description tells of it.
    pub(crate) says: fn() -> Says,
}

impl Route {
    /// Through what the deeds of its callers come in.
    pub(crate) fn via(&self) -> Via {
        match self.area {
            Area::Operations => Via::System,
            Area::Widget => Via::Door(Door::Widget),
            Area::Chat if self.access == Access::OwnOrigin => Via::Door(Door::Public),
            Area::Chat => Via::Door(Door::SignedIn),
            Area::Account => Via::Account,
            Area::Portal => Via::Portal,
            Area::Control => Via::Control,
        }
    }
}

macro_rules! routes {
    ($($area:ident $access:expr => { $($method:ident $path:literal $answer:path => $says:expr,)* })*) => {
        /// The whole table.
        pub(crate) static ROUTES: &[Route] = &[$($(
            Route {
                method: Method::$method,
                path: $path,
                area: Area::$area,
                access: $access,
                answer: |call| Box::pin($answer(call)),
                says: || $says,
            },
        )*)*];
    };
}

/// Where a version of a text may stand.
const STATUSES: &[&str] = &["draft", "review", "approved", "published", "retired"];

routes! {
    Operations Access::Open => {
        GET "/api/health" health::health
            => says("How Bob is, and when each of its workers last did its work.")
                .answers::<HealthView>(200).answers::<HealthView>(503),
        GET "/.well-known/jwks.json" auth::jwks
            => says("The public keys that check access tokens (RFC 7517).").answers::<JwksView>(200),
        GET "/api/pricebook" pricebook::published
            => says("The published pricebook.").answers::<PricebookView<'_>>(200).answers_nothing(304),
        GET "/openapi.json" openapi::document
            => says("This description.").answers_object(200).answers_nothing(304),
    }
    Chat Access::OwnOrigin => {
        POST "/api/chat" public::chat
            => says("Says something as a visitor of the host's own pages.")
                .takes::<ChatRequest>().answers::<ReplyView<'_>>(200).or_events().once().of_turns(),
        GET "/api/chat/history" public::history
            => says("Reads the visitor's own conversation, the latest messages first page by page.")
                .query("session_id", text(), "The visitor's name for the conversation.").of_visitor()
                .query("business_id", text(), "The business, where the host serves several.")
                .in_pages().answers::<HistoryView<'_>>(200),
        GET "/api/chat/events" public::events
            => says("Hears what happens in the visitor's own conversation: who speaks, and what people say.")
                .query("session_id", text(), "The visitor's name for the conversation.")
                .query("business_id", text(), "The business, where the host serves several.")
                .of_visitor().resumes().or_events().refuses(429, "rate_limited"),
        GET "/api/chat/turns/{turn}/events" public::turn_events
            => says("Hears the visitor's own turn again, from where they left off.")
                .query("business_id", text(), "The business, where the host serves several.")
                .of_visitor().resumes().or_events().refuses(429, "rate_limited"),
        GET "/api/chat/conversations" public::conversations
            => says("Lists the visitor's own conversations, the one that began last first.")
                .query("business_id", text(), "The business, where the host serves several.")
                .of_visitor().lists::<OwnConversationView>(),
        POST "/api/chat/claim" public::claim
            => says("Says whether what was said before signing in is the visitor's, or asks what there is.")
                .query("business_id", text(), "The business, where the host serves several.")
                .takes::<ClaimRequest>().answers::<ClaimView>(200).of_claim(),
    }
    Chat Access::Holds(Permission::ChatManage) => {
        POST "/api/chat/session" signed_in::session
            => says("Begins, or names, a conversation of the person who signed in.")
                .takes::<SessionRequest>().optionally().answers::<SessionView>(201),
        POST "/api/chat/message" signed_in::message
            => says("Says something as the person who signed in.")
                .takes::<ChatRequest>().answers::<ReplyView<'_>>(200).or_events().once().of_turns(),
        GET "/api/chat/history/{session}" signed_in::history
            => says("Reads the person's own conversation, the latest messages first page by page.")
                .of_business().in_pages().answers::<HistoryView<'_>>(200).refuses(422, "validation_failed"),
        GET "/api/chat/message/turns/{turn}/events" signed_in::turn_events
            => says("Hears the person's own turn again, from where they left off.")
                .of_business().resumes().or_events().refuses(429, "rate_limited"),
    }
    Widget Access::WidgetKey => {
        POST "/api/widget/chat" widget::chat
            => says("Says something as a visitor of a customer's page; the key names the business.")
                .takes::<ChatRequest>().answers::<ReplyView<'_>>(200).or_events().once().of_turns(),
        POST "/api/widget/{tenant}/chat" widget::chat
            => says("Says something as a visitor of a customer's page.")
                .takes::<ChatRequest>().answers::<ReplyView<'_>>(200).or_events().once().of_turns(),
        GET "/api/widget/{tenant}/config" widget::config
            => says("What a widget needs to greet a visitor.").answers::<ConfigView<'_>>(200),
        GET "/api/widget/{tenant}/history" widget::history
            => says("Reads the visitor's own conversation, the latest messages first page by page.")
                .query("session_id", text(), "The visitor's name for the conversation.").of_visitor()
                .in_pages().answers::<HistoryView<'_>>(200),
        GET "/api/widget/{tenant}/events" widget::events
            => says("Hears what happens in the visitor's own conversation: who speaks, and what people say.")
                .query("session_id", text(), "The visitor's name for the conversation.")
                .of_visitor().resumes().or_events().refuses(429, "rate_limited"),
        GET "/api/widget/{tenant}/turns/{turn}/events" widget::turn_events
            => says("Hears the visitor's own turn again, from where they left off.")
                .of_visitor().resumes().or_events().refuses(429, "rate_limited"),
        GET "/api/widget/{tenant}/conversations" widget::conversations
            => says("Lists the visitor's own conversations, the one that began last first.")
                .of_visitor().lists::<OwnConversationView>(),
        POST "/api/widget/{tenant}/claim" widget::claim
            => says("Says whether what was said before signing in is the visitor's, or asks what there is.")
                .takes::<ClaimRequest>().answers::<ClaimView>(200).of_claim(),
    }
    Widget Access::Open => {
        GET "/widget/loader.js" embed::loader
            => says("The older form of the embed.").answers_text(200, "text/javascript").answers_nothing(304),
        GET "/widget/m/{file}" embed::module
            => says("The widget itself, under the name that its content gives it.")
                .answers_text(200, "text/javascript").answers_nothing(304),
        GET "/widget/{tenant}/widget.js" embed::boot
            => says("The script that a customer's page loads.")
                .answers_text(200, "text/javascript").answers_nothing(304).refuses(503, "storage_unavailable"),
    }
    Account Access::OwnOrigin => {
        POST "/api/auth/login" auth::platform_login
            => says("Signs a platform person in.")
                .takes::<LoginRequest>().answers::<IssuedView<'_>>(200).of_sign_in(),
        POST "/api/customers/auth/login" auth::tenant_login
            => says("Signs a person of a business in.").takes::<CustomerLoginRequest>()
                .answers::<IssuedView<'_>>(200).of_sign_in().refuses(409, "choose_business"),
        POST "/api/customer/auth/login" auth::tenant_login
            => says("Signs a person of a business in; another name of the same call.")
                .takes::<CustomerLoginRequest>()
                .answers::<IssuedView<'_>>(200).of_sign_in().refuses(409, "choose_business"),
        POST "/api/auth/refresh" auth::refresh
            => says("Uses up a refresh token for the next access and refresh token.")
                .takes::<RefreshRequest>().answers::<IssuedView<'_>>(200).refuses(401, "unauthorized"),
        POST "/api/auth/forgot" auth::forgot
            => says("Mails a link to choose another password, if somebody has that address; which is not told.")
                .takes::<ForgotRequest>().answers_nothing(202).refuses(429, "too_many_attempts")
                .refuses(503, "not_started, shutting_down"),
        POST "/api/auth/invitation" auth::accept
            => says("Sets a first password with the token of an invitation.").takes::<InvitationRequest>()
                .answers_nothing(204).refuses(422, "link_invalid").refuses(503, "busy"),
        POST "/api/auth/reset" auth::reset
            => says("Sets another password with the token of a reset link, and ends all sign-ins of the person.")
                .takes::<ResetRequest>().answers_nothing(204).refuses(422, "link_invalid").refuses(503, "busy"),
    }
    Account Access::Open => {
        GET "/account/set-password" account_page::set_password
            => says("The page that one-time links lead to; the token stands behind the # of its address.")
                .answers_text(200, "text/html").answers_nothing(304),
    }
    Account Access::SignedIn => {
        POST "/api/auth/logout" auth::logout
            => says("Ends the sign-in with every token of it.").answers_nothing(204),
        POST "/api/auth/password" auth::change_password
            => says("Sets another password, ends all sign-ins of the person and begins a new one.")
                .takes::<PasswordRequest>().answers::<IssuedView<'_>>(200)
                .refuses(403, "current_password_wrong").refuses(429, "too_many_attempts").refuses(503, "busy"),
        GET "/api/auth/me" auth::me => says("Who is signed in.").answers::<MeView<'_>>(200),
        GET "/api/auth/sessions" auth::own_sign_ins
            => says("One's own sign-ins that hold, the latest first.").lists::<OwnSignInView>(),
        DELETE "/api/auth/sessions/{sign_in}" auth::end_own
            => says("Ends one of one's own sign-ins with every token of it.").answers_nothing(204),
        POST "/api/auth/sessions/end-others" auth::end_others
            => says("Ends all of one's own sign-ins but the one that asks.").answers::<EndedView>(200),
    }
    Portal Access::Holds(Permission::UserManage) => {
        GET "/api/users" people::list
            => says("The people of the business, the longest known first.").of_business().lists::<MemberView>(),
        POST "/api/users" people::invite
            => says("Invites somebody to the business, or lets somebody join who is known already.").of_business()
                .takes::<InviteRequest>().answers::<InvitedView>(201).refuses(409, "already_member, seat_limit"),
        GET "/api/users/{id}" people::one
            => says("One of the people of the business.").of_business().answers::<MemberView>(200),
        PATCH "/api/users/{id}" people::change
            => says("Changes what somebody is in the business, or shuts them out of it.").of_business().if_match()
                .takes::<MemberRequest>().answers::<MemberView>(200).refuses(409, "last_owner"),
        DELETE "/api/users/{id}" people::remove
            => says("Takes somebody out of the business and ends their sign-ins to it.").of_business().if_match()
                .answers_nothing(204).refuses(409, "last_owner"),
        POST "/api/users/{id}/invite" people::invite_again
            => says("Sends somebody a new invitation, which ends the earlier one.").of_business()
                .answers::<InvitedView>(200).refuses(409, "not_invited"),
    }
    Control Access::HoldsOnPlatform(Permission::UserManage) => {
        GET "/api/platform/users" people::platform_list
            => says("The people of the platform, the longest known first.").lists::<MemberView>(),
        POST "/api/platform/users" people::platform_invite
            => says("Invites somebody to the platform, or lets somebody join who is known already.")
                .takes::<InviteRequest>().answers::<InvitedView>(201).refuses(409, "already_member"),
        GET "/api/platform/users/{id}" people::platform_one
            => says("One of the people of the platform.").answers::<MemberView>(200),
        PATCH "/api/platform/users/{id}" people::platform_change
            => says("Changes what somebody is on the platform, or shuts their whole account out.").if_match()
                .takes::<MemberRequest>().answers::<MemberView>(200).refuses(409, "last_owner"),
        DELETE "/api/platform/users/{id}" people::platform_remove
            => says("Takes somebody out of the platform and ends their sign-ins to it.").if_match()
                .answers_nothing(204).refuses(409, "last_owner"),
        POST "/api/platform/users/{id}/invite" people::platform_invite_again
            => says("Sends somebody a new invitation, which ends the earlier one.")
                .answers::<InvitedView>(200).refuses(409, "not_invited"),
        PATCH "/api/platform/accounts/{id}" people::disable
            => says("Shuts a person out of everything they belong to, or lets them in again.")
                .takes::<AccountRequest>().answers_nothing(204).refuses(409, "last_owner"),
    }
    Portal Access::Holds(Permission::WidgetManage) => {
        GET "/api/customer-portal/widget-code" embed::widget_code
            => says("The line that a customer pastes into their pages.")
                .of_business().answers::<WidgetCodeView>(200).refuses(409, "no_embed_key"),
        GET "/api/customer-portal/widget-keys" widget_keys::list
            => says("The keys of a business, the latest first, ended ones too.")
                .of_business().lists::<KeyView<'_>>(),
        POST "/api/customer-portal/widget-keys" widget_keys::add
            => says("Makes a key for pages of these origins.")
                .of_business().takes::<NewKeyRequest>().answers::<KeyView<'_>>(201).refuses(409, "key_limit"),
        PATCH "/api/customer-portal/widget-keys/{id}" widget_keys::change
            => says("Changes what is named about a key.").of_business().if_match()
                .takes::<ChangeKeyRequest>().answers::<KeyView<'_>>(200).refuses(409, "key_ended, conflict"),
        DELETE "/api/customer-portal/widget-keys/{id}" widget_keys::revoke
            => says("Ends a key now.").of_business().answers_nothing(204),
        POST "/api/customer-portal/widget-keys/{id}/rotate" widget_keys::rotate
            => says("Makes a key with the same settings, and ends the old one after the overlap.")
                .of_business().if_match().takes::<RotateRequest>().answers::<RotatedView<'_>>(201)
                .refuses(409, "key_ended, key_limit, conflict"),
        GET "/api/customer-portal/widget-settings" widget_settings::read
            => says("How the widget looks, and what it says first.")
                .of_business().answers::<SettingsView<'_>>(200),
        PUT "/api/customer-portal/widget-settings" widget_settings::set
            => says("Sets how the widget looks; what is left out is as usual.").of_business().if_match()
                .takes::<SettingsRequest>().answers::<SettingsView<'_>>(200),
        GET "/api/customer-portal/visitor-identity" visitor_identity::read
            => says("How the business's visitors prove who they are, and what this node saw of it.")
                .of_business().answers::<VisitorIdentityView>(200),
        PUT "/api/customer-portal/visitor-identity" visitor_identity::decide
            => says("Decides how visitors prove who they are; the secrets stay.")
                .of_business().takes::<VisitorIdentityRequest>().answers::<VisitorIdentityView>(200).if_match(),
        POST "/api/customer-portal/visitor-identity/secrets" visitor_identity::add_secret
            => says("Adds a secret to sign identities with; one that Bob makes is shown in this answer only.")
                .of_business().takes::<IdentitySecretRequest>().optionally()
                .answers::<NewIdentitySecretView<'_>>(201).if_match().refuses(409, "too_many_secrets"),
        DELETE "/api/customer-portal/visitor-identity/secrets/{secret}" visitor_identity::remove_secret
            => says("Takes a secret away; what it signed does not hold any more.")
                .of_business().answers_nothing(204).if_match().refuses(409, "last_identity_key"),
    }
    Portal Access::Holds(Permission::KnowledgeManage) => {
        GET "/api/customer-portal/knowledge" knowledge::list
            => says("The texts of a business, the latest first, without what they say.")
                .query("status", one_of(STATUSES), "Where the latest version stands, or for published any.")
                .query("language", text(), "Only texts in this language.")
                .query("audience", one_of(&["public", "staff"]), "Only texts for these.")
                .query("title", text(), "Only texts with this in their title.")
                .of_business().lists::<ItemEntryView<'_>>(),
        POST "/api/customer-portal/knowledge" knowledge::add
            => says("Writes a first draft of a text.")
                .of_business().takes::<KnowledgeRequest>().answers::<ItemView<'_>>(201),
        POST "/api/customer-portal/knowledge/import" knowledge::import
            => says("Drafts the texts of a file that are new or changed, and reports on each that is not taken.")
                .query("dry_run", yes_or_no(), "Tells what would be done, and does nothing.")
                .query("submit", yes_or_no(), "Hands the drafts in for review.")
                .query("language", text(), "The language of texts that say none; the business's own when absent.")
                .of_business().takes_text("text/csv").takes_text("text/markdown").answers::<ImportView>(200)
                .refuses(422, "not_utf8, unreadable_file"),
        GET "/api/customer-portal/knowledge/policy" knowledge::policy
            => says("Whether approved texts are published at once or together.")
                .of_business().answers::<PolicyView>(200),
        GET "/api/customer-portal/knowledge/{id}" knowledge::read
            => says("A text: its latest version, what is published, and where its versions stand.")
                .of_business().answers::<ItemView<'_>>(200),
        PUT "/api/customer-portal/knowledge/{id}" knowledge::draft
            => says("Writes the next draft of a text.").of_business().if_match()
                .takes::<KnowledgeRequest>().answers::<ItemView<'_>>(200),
        POST "/api/customer-portal/knowledge/{id}/submit" knowledge::submit
            => says("Hands the latest version in for review.").of_business().if_match()
                .answers::<ItemView<'_>>(200).refuses(409, "wrong_status, conflict"),
        POST "/api/customer-portal/knowledge/{id}/reject" knowledge::reject
            => says("Sends what is in review back to its author, with a reason.").of_business().if_match()
                .takes::<RejectRequest>().answers::<ItemView<'_>>(200).refuses(409, "wrong_status, conflict"),
    }
    Portal Access::Holds(Permission::KnowledgePublish) => {
        PUT "/api/customer-portal/knowledge/policy" knowledge::set_policy
            => says("Says whether approved texts are published at once or together.")
                .of_business().takes::<PolicyRequest>().answers::<PolicyView>(200),
        DELETE "/api/customer-portal/knowledge/{id}" knowledge::remove
            => says("Retires all of a text and takes it off the list.")
                .of_business().if_match().answers_nothing(204),
        POST "/api/customer-portal/knowledge/{id}/approve" knowledge::approve
            => says("Approves what is in review, and publishes it unless releases are gathered.")
                .of_business().if_match().answers::<ItemView<'_>>(200)
                .refuses(409, "wrong_status, expired, conflict"),
        POST "/api/customer-portal/knowledge/{id}/expire" knowledge::expire
            => says("Takes the published version out, from the next answer on.").of_business().if_match()
                .answers::<ItemView<'_>>(200).refuses(409, "wrong_status, conflict"),
        POST "/api/customer-portal/publish" knowledge::publish
            => says("Publishes all that is approved, as one release.")
                .of_business().answers::<ReleaseView>(200),
    }
    Portal Access::Holds(Permission::ConversationRead) => {
        GET "/api/customer-portal/conversations" inbox::list
            => says("The conversations: who waits longest first, otherwise those with the latest activity.")
                .query("state", one_of(&inbox::STATES), "How they stand; `open` when absent.")
                .query("door", one_of(&["public", "widget", "signed_in"]), "The door they are held through.")
                .of_business().lists::<ConversationView>(),
        GET "/api/customer-portal/conversations/events" inbox::events_of_all
            => says("Hears what happens in all conversations; each event names what it is about.")
                .of_business().resumes().or_events().refuses(429, "rate_limited"),
        GET "/api/customer-portal/conversations/{conversation}" inbox::read
            => says("Reads a conversation, the latest messages first page by page; its `ETag` is the epoch.")
                .of_business().in_pages().answers::<TranscriptView<'_>>(200),
        GET "/api/customer-portal/conversations/{conversation}/events" inbox::events
            => says("Hears what happens in a conversation, word for word.")
                .of_business().resumes().or_events().refuses(429, "rate_limited"),
    }
    Portal Access::Holds(Permission::ConversationReply) => {
        POST "/api/customer-portal/conversations/{conversation}/take" inbox::take
            => says("Speaks from now on, in the place of Bob or, naming the epoch, of a colleague.")
                .of_business().takes::<SpeakerRequest>().optionally().answers::<ConversationView>(200)
                .if_match().refuses(409, "conversation_taken, conversation_closed"),
        POST "/api/customer-portal/conversations/{conversation}/reply" inbox::reply
            => says("Writes to the visitor, as long as it is the caller who speaks.")
                .of_business().takes::<ReplyRequest>().answers::<MessageView<'_>>(201).once()
                .if_match().refuses(409, "not_the_owner, conversation_closed"),
        POST "/api/customer-portal/conversations/{conversation}/return" inbox::hand_back
            => says("Lets Bob speak again.")
                .of_business().takes::<SpeakerRequest>().optionally().answers::<ConversationView>(200)
                .if_match().refuses(409, "not_the_owner, conversation_closed"),
        POST "/api/customer-portal/conversations/{conversation}/close" inbox::close
            => says("Ends the conversation, until its visitor writes again.")
                .of_business().takes::<SpeakerRequest>().optionally().answers::<ConversationView>(200)
                .if_match().refuses(409, "not_the_owner, conversation_busy"),
        POST "/api/customer-portal/conversations/{conversation}/typing" inbox::typing
            => says("Shows the visitor that the caller is writing, if it is they who speak.")
                .of_business().answers_nothing(204),
    }
    Portal Access::Open => {
        GET "/portal/inbox" portal::inbox
            => says("A page in which people read and answer conversations.")
                .answers_text(200, "text/html").answers_nothing(304),
        GET "/portal/inbox.mjs" portal::inbox_script
            => says("What that page does.").answers_text(200, "text/javascript").answers_nothing(304),
        GET "/portal/inbox.css" portal::inbox_style
            => says("How that page looks.").answers_text(200, "text/css").answers_nothing(304),
    }
    Portal Access::Holds(Permission::AnalyticsRead) => {
        GET "/api/customer-portal/usage" credits::usage
            => says("How the business stands in its period.").of_business().answers::<UsageView<'_>>(200),
        GET "/api/customer-portal/ledger" credits::ledger
            => says("Every credit that came in or went out, the latest first.")
                .of_business().in_pages().answers::<LedgerView<'_>>(200),
    }
    Portal Access::Holds(Permission::AuditRead) => {
        GET "/api/audit" audit::rows
            => says("Who did what to a business, the latest first; the platform's own rows to its people who name none.")
                .query("business_id", text(), "The business, by UUID or slug; platform people may name one.")
                .query("principal", uuid(), "Only what this one did.")
                .query("operation", text(), "Only deeds whose name begins so.")
                .query("subject", uuid(), "Only what was done to this thing, or to what belongs to it.")
                .query("from", moment(), "Only what was done then and later.")
                .query("to", moment(), "Only what was done before.")
                .lists::<AuditRowView>().refuses(404, "not_found"),
    }
    Control Access::Holds(Permission::AnalyticsRead) => {
        GET "/api/tenants/{tenant}/usage" credits::usage
            => says("How a business stands in its period.").answers::<UsageView<'_>>(200),
        GET "/api/tenants/{tenant}/ledger" credits::ledger
            => says("Every credit of a business that came in or went out, the latest first.")
                .in_pages().answers::<LedgerView<'_>>(200),
    }
    // Every role holds this: whoever belongs to a business may know how it stands.
    Portal Access::Holds(Permission::ConversationRead) => {
        GET "/api/customer-portal/onboarding" onboarding::checklist
            => says("How far the business is with its first six steps.")
                .of_business().answers::<ChecklistView>(200),
    }
    Portal Access::Holds(Permission::PersonaManage) => {
        GET "/api/personas" personas::list
            => says("The business's personas.").of_business().lists::<PersonaView>(),
        POST "/api/personas" personas::create
            => says("Adds a persona; a draft, unless it is published at once.").takes::<PersonaRequest>()
                .of_business().query("publish", yes_or_no(), "Whether it is published at once.")
                .answers::<PersonaView>(201).once().refuses(409, "persona_limit"),
        GET "/api/personas/{persona}" personas::one
            => says("A persona: the published version, and the draft that may follow.")
                .of_business().answers::<PersonaView>(200),
        PUT "/api/personas/{persona}" personas::write
            => says("Writes a new version; a draft, unless it is published at once.").takes::<PersonaRequest>()
                .of_business().query("publish", yes_or_no(), "Whether it is published at once.")
                .answers::<PersonaView>(200).if_match().refuses(409, "persona_limit"),
        DELETE "/api/personas/{persona}" personas::delete
            => says("Takes a persona away; turns still tell that it spoke.")
                .of_business().answers_nothing(204).if_match().refuses(409, "persona_is_default"),
        POST "/api/personas/{persona}/default" personas::make_default
            => says("Lets a persona speak where nobody chooses another.")
                .of_business().answers::<PersonaView>(200).refuses(409, "persona_not_published"),
        GET "/api/personas/{persona}/versions" personas::versions
            => says("A persona's versions, the latest first.").of_business().lists::<PersonaVersionView>(),
        POST "/api/personas/{persona}/versions/{n}/publish" personas::publish
            => says("Publishes a version; an older one takes a later one back.")
                .of_business().answers::<PersonaView>(200).if_match(),
        GET "/api/personas/{persona}/preview" personas::preview
            => says("The whole of what a language model would be told, without sources.").of_business()
                .query("version", text(), "The version; the latest when absent.")
                .query("locale", text(), "The language that is answered in; the business's own when absent.")
                .query("channel", one_of(&["public", "widget", "signed_in"]), "The door; `widget` when absent.")
                .answers::<PreviewView>(200),
    }
    Control Access::Holds(Permission::ConversationRead) => {
        GET "/api/tenants/{tenant}" tenants::one
            => says("A business; its own people find theirs.").answers::<TenantView>(200),
    }
    Control Access::Holds(Permission::TenantManage) => {
        PATCH "/api/tenants/{tenant}" tenants::change
            => says("Changes what a business tells about itself; what is absent stays.")
                .takes::<TenantPatchRequest>().answers::<TenantView>(200).if_match()
                .refuses(409, "host_taken"),
        DELETE "/api/tenants/{tenant}" tenants::delete
            => says("Closes a business's doors, and deletes it after 30 days.")
                .answers::<TenantView>(200).refuses(409, "deletion_begun"),
        POST "/api/tenants/{tenant}/restore" tenants::restore
            => says("Takes a deletion back; platform people take back a suspension too.")
                .answers::<TenantView>(200).refuses(409, "deletion_begun"),
    }
    Control Access::HoldsOnPlatform(Permission::AnalyticsRead) => {
        GET "/api/tenants" tenants::list => says("All businesses.").lists::<TenantView>(),
    }
    Control Access::HoldsOnPlatform(Permission::TenantManage) => {
        POST "/api/tenants" tenants::create
            => says("Makes a business with a default persona, and a widget key for no page yet.")
                .takes::<TenantRequest>().answers::<TenantView>(201).once()
                .refuses(409, "slug_taken, host_taken"),
        POST "/api/onboarding" onboarding::onboard
            => says("Makes a business with its owner, a persona, a widget key and its plan's first credits.")
                .takes::<OnboardingRequest>().answers::<OnboardedView>(201).once()
                .refuses(409, "slug_taken, host_taken"),
        POST "/api/tenants/{tenant}/suspend" tenants::suspend
            => says("Closes a business's doors until they are opened again.")
                .takes::<SuspendRequest>().answers::<TenantView>(200).refuses(409, "deletion_begun"),
        POST "/api/tenants/{tenant}/credits" credits::change
            => says("Grants credits, or takes some back, with a reason.")
                .takes::<CreditsRequest>().answers::<EntryView<'_>>(201).once()
                .refuses(409, "credits_insufficient"),
    }
}

/// The routes of a mount, by path.
pub(crate) struct Routes {
    by_path: Router<Vec<&'static Route>>,
}

/// Everything behind the fence of the widget door: where there is no route, only its own pages learn that.
const FENCED: &str = "/api/widget/{tenant}/{*rest}";

/// What a path was found to be.
pub(crate) struct Found<'a> {
    /// One for each method; none at a fenced address that is no route's.
    pub(crate) routes: &'a [&'static Route],
    pub(crate) params: Vec<(String, String)>,
}

impl Routes {
    /// The routes of some areas.
    pub(crate) fn of(areas: &[Area]) -> Self {
        let mut by_path = Router::new();
        let mut paths: Vec<&'static str> = Vec::new();
        for route in ROUTES {
            if !paths.contains(&route.path) {
                paths.push(route.path);
            }
        }
        for path in paths {
            let routes: Vec<&Route> =
                ROUTES.iter().filter(|r| r.path == path && areas.contains(&r.area)).collect();
            if !routes.is_empty() {
                // A test builds all of them, so no path of the table collides with another.
                by_path.insert(path, routes).expect("the paths of the table do not collide");
            }
        }
        if areas.contains(&Area::Widget) {
            by_path.insert(FENCED, Vec::new()).expect("no path of the table ends in a catch-all");
        }
        Self { by_path }
    }

    /// Finds a path; its parts are decoded, and what is not UTF-8 is nowhere.
    pub(crate) fn find(&self, path: &str) -> Option<Found<'_>> {
        let found = self.by_path.at(path).ok()?;
        let decoded =
            |text: &str| percent_encoding::percent_decode_str(text).decode_utf8().ok().map(String::from);
        let params: Option<Vec<_>> =
            found.params.iter().map(|(name, value)| Some((name.to_owned(), decoded(value)?))).collect();
        Some(Found { routes: found.value, params: params? })
    }

    pub(crate) fn knows(&self, path: &str) -> bool {
        self.by_path.at(path).is_ok_and(|found| !found.value.is_empty())
    }
}

/// Whether an address is behind the fence of the widget door.
pub(crate) fn is_fenced(path: &str) -> bool {
    path.starts_with("/api/widget/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_is_found_under_its_own_path() {
        let routes = Routes::of(Area::ALL);
        for route in ROUTES {
            let path = route.path.replace(['{', '}'], "");
            let found = routes.find(&path).unwrap();
            assert!(
                found.routes.iter().any(|found| found.path == route.path && found.method == route.method),
                "{path}"
            );
        }
    }

    #[test]
    fn an_area_by_itself_does_not_know_the_others() {
        let chat = Routes::of(&[Area::Chat]);
        assert!(chat.knows("/api/chat"));
        assert!(!chat.knows("/api/auth/login"));
        assert!(!chat.knows("/api/widget/chat"));
    }

    #[test]
    fn what_is_no_route_behind_the_fence_names_its_tenant_and_belongs_to_nobody() {
        let routes = Routes::of(Area::ALL);
        for path in [
            "/api/widget/t/nothing",
            "/api/widget/t/chat/more",
            "/api/widget/t/turns/x",
            "/api/widget/t/turns/x/events/more",
            "/api/widget/t//chat",
        ] {
            let found = routes.find(path).unwrap();
            assert!(found.routes.is_empty(), "{path}");
            assert_eq!(found.params[0], ("tenant".to_owned(), "t".to_owned()), "{path}");
            assert!(!routes.knows(path), "an app that Bob stands in front of may have it: {path}");
        }
        for path in ["/api/widget/", "/api/widget/t", "/api/widgets/t/chat"] {
            assert!(routes.find(path).is_none(), "{path}");
        }
        assert!(Routes::of(&[Area::Chat]).find("/api/widget/t/nothing").is_none());
    }

    #[test]
    fn nothing_that_changes_or_reads_a_tenant_is_open_to_everybody() {
        for route in ROUTES.iter().filter(|route| route.access == Access::Open) {
            assert_eq!(route.method, Method::GET, "{}", route.path);
            let public = ["/api/health", "/api/pricebook"].contains(&route.path);
            assert!(!route.path.starts_with("/api/") || public, "{}", route.path);
        }
    }
}
