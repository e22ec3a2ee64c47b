//! The route table: every address, who may call it, and which file answers.

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
use crate::problem::Problem;
use crate::{auth, credits, embed, health, knowledge, pricebook, widget_keys, widget_settings};

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
    ($($area:ident $access:expr => { $($method:ident $path:literal $answer:path,)* })*) => {
        /// The whole table.
        pub(crate) static ROUTES: &[Route] = &[$($(
            Route {
                method: Method::$method,
                path: $path,
                area: Area::$area,
                access: $access,
                answer: |call| Box::pin($answer(call)),
            },
        )*)*];
    };
}

routes! {
    Operations Access::Open => {
        GET "/api/health" health::health,
        GET "/.well-known/jwks.json" auth::jwks,
        GET "/api/pricebook" pricebook::published,
    }
    Chat Access::OwnOrigin => {
        POST "/api/chat" public::chat,
        GET "/api/chat/history" public::history,
        GET "/api/chat/turns/{turn}/events" public::turn_events,
    }
    Chat Access::Holds(Permission::ChatManage) => {
        POST "/api/chat/session" signed_in::session,
        POST "/api/chat/message" signed_in::message,
        GET "/api/chat/history/{session}" signed_in::history,
        GET "/api/chat/message/turns/{turn}/events" signed_in::turn_events,
    }
    Widget Access::WidgetKey => {
        POST "/api/widget/chat" widget::chat,
        POST "/api/widget/{tenant}/chat" widget::chat,
        GET "/api/widget/{tenant}/config" widget::config,
        GET "/api/widget/{tenant}/history" widget::history,
        GET "/api/widget/{tenant}/turns/{turn}/events" widget::turn_events,
    }
    Widget Access::Open => {
        GET "/widget/loader.js" embed::loader,
        GET "/widget/m/{file}" embed::module,
        GET "/widget/{tenant}/widget.js" embed::boot,
    }
    Account Access::OwnOrigin => {
        POST "/api/auth/login" auth::platform_login,
        POST "/api/customers/auth/login" auth::tenant_login,
        POST "/api/customer/auth/login" auth::tenant_login,
        POST "/api/auth/refresh" auth::refresh,
    }
    Account Access::SignedIn => {
        POST "/api/auth/logout" auth::logout,
        GET "/api/auth/me" auth::me,
    }
    Portal Access::Holds(Permission::WidgetManage) => {
        GET "/api/customer-portal/widget-code" embed::widget_code,
        GET "/api/customer-portal/widget-keys" widget_keys::list,
        POST "/api/customer-portal/widget-keys" widget_keys::add,
        PATCH "/api/customer-portal/widget-keys/{id}" widget_keys::change,
        DELETE "/api/customer-portal/widget-keys/{id}" widget_keys::revoke,
        POST "/api/customer-portal/widget-keys/{id}/rotate" widget_keys::rotate,
        GET "/api/customer-portal/widget-settings" widget_settings::read,
        PUT "/api/customer-portal/widget-settings" widget_settings::set,
    }
    Portal Access::Holds(Permission::KnowledgeManage) => {
        GET "/api/customer-portal/knowledge" knowledge::list,
        POST "/api/customer-portal/knowledge" knowledge::add,
        POST "/api/customer-portal/knowledge/import" knowledge::import,
        GET "/api/customer-portal/knowledge/policy" knowledge::policy,
        GET "/api/customer-portal/knowledge/{id}" knowledge::read,
        PUT "/api/customer-portal/knowledge/{id}" knowledge::draft,
        POST "/api/customer-portal/knowledge/{id}/submit" knowledge::submit,
        POST "/api/customer-portal/knowledge/{id}/reject" knowledge::reject,
    }
    Portal Access::Holds(Permission::KnowledgePublish) => {
        PUT "/api/customer-portal/knowledge/policy" knowledge::set_policy,
        DELETE "/api/customer-portal/knowledge/{id}" knowledge::remove,
        POST "/api/customer-portal/knowledge/{id}/approve" knowledge::approve,
        POST "/api/customer-portal/knowledge/{id}/expire" knowledge::expire,
        POST "/api/customer-portal/publish" knowledge::publish,
    }
    Portal Access::Holds(Permission::AnalyticsRead) => {
        GET "/api/customer-portal/usage" credits::usage,
        GET "/api/customer-portal/ledger" credits::ledger,
    }
    Control Access::Holds(Permission::AnalyticsRead) => {
        GET "/api/tenants/{tenant}/usage" credits::usage,
        GET "/api/tenants/{tenant}/ledger" credits::ledger,
    }
    Control Access::HoldsOnPlatform(Permission::TenantManage) => {
        POST "/api/tenants/{tenant}/credits" credits::change,
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
