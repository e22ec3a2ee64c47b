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
use crate::openapi::{self, Says, moment, one_of, says, text, uuid};
use crate::problem::Problem;
use crate::wire::audit::AuditRowView;
use crate::wire::chat::{
    ChatRequest, ConfigView, HistoryView, MessageView, ReplyView, SessionRequest, SessionView,
};
use crate::wire::credits::{CreditsRequest, EntryView, LedgerView, UsageView};
use crate::wire::embed::WidgetCodeView;
use crate::wire::health::HealthView;
use crate::wire::inbox::{ConversationView, ReplyRequest, SpeakerRequest, TranscriptView};
use crate::wire::pricebook::PricebookView;
use crate::wire::sign_in::{
    CustomerLoginRequest, IssuedView, JwksView, LoginRequest, MeView, RefreshRequest,
};
use crate::{audit, auth, credits, embed, health, inbox, portal, pricebook};

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
    }
    Account Access::SignedIn => {
        POST "/api/auth/logout" auth::logout
            => says("Ends the sign-in with every token of it.").answers_nothing(204),
        GET "/api/auth/me" auth::me => says("Who is signed in.").answers::<MeView<'_>>(200),
    }
    Portal Access::Holds(Permission::WidgetManage) => {
        GET "/api/customer-portal/widget-code" embed::widget_code
            => says("The line that a customer pastes into their pages.")
                .of_business().answers::<WidgetCodeView>(200),
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
    Control Access::HoldsOnPlatform(Permission::TenantManage) => {
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
