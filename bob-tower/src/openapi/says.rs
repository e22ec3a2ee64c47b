//! What one route takes and answers, as far as its types and its row in the route table do not say it already.

use utoipa::{PartialSchema as _, ToSchema};

use crate::wire::ListView;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{Object, ObjectBuilder, SchemaFormat, Type};
use utoipa::openapi::{KnownFormat, RefOr, Required, Schema};

/// Schemas by name, as utoipa collects them.
pub(crate) type Schemas = Vec<(String, RefOr<Schema>)>;

/// A type that stands in a body, for the document.
#[derive(Clone, Copy)]
pub(crate) struct Typed {
    pub(crate) name: fn() -> String,
    pub(crate) collect: fn(&mut Schemas),
}

impl Typed {
    fn of<T: ToSchema>() -> Self {
        Self {
            name: schema_name::<T>,
            collect: |schemas| {
                schemas.push((schema_name::<T>(), T::schema()));
                T::schemas(schemas);
            },
        }
    }

    fn list_of<T: ToSchema>() -> Self {
        Self {
            name: schema_name::<ListView<T>>,
            collect: |schemas| {
                schemas.push((schema_name::<ListView<T>>(), ListView::<T>::schema()));
                // A list names what it lists, and does not bring it along.
                (Self::of::<T>().collect)(schemas);
            },
        }
    }
}

/// The name of a type, and of the types it is made of: utoipa itself calls all lists alike.
fn schema_name<T: ToSchema>() -> String {
    let whole = std::any::type_name::<T>();
    let parts = whole.split(['<', '>', ',', ' ']).map(|part| part.rsplit("::").next().unwrap_or(part));
    let parts: Vec<&str> = parts.filter(|part| !part.is_empty() && !part.starts_with('\'')).collect();
    parts.join("_")
}

/// What a body is.
#[derive(Clone, Copy)]
pub(crate) enum Content {
    /// Nothing.
    Empty,
    /// JSON of a type.
    Json(Typed),
    /// A JSON object that somebody else describes.
    Object,
    /// Text of a media type.
    Text(&'static str),
}

/// One way in which a call ends well.
pub(crate) struct Answers {
    pub(crate) status: u16,
    pub(crate) contents: Vec<Content>,
}

/// One way in which a call is refused, besides those that follow from the route's access.
pub(crate) struct Refuses {
    pub(crate) status: u16,
    pub(crate) codes: &'static str,
}

/// What a route says.
pub(crate) struct Says {
    pub(crate) summary: &'static str,
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) takes: Vec<Content>,
    /// Whether the body may be left out.
    pub(crate) body_is_optional: bool,
    pub(crate) answers: Vec<Answers>,
    pub(crate) refuses: Vec<Refuses>,
}

/// Begins to say what a route is for, in one sentence.
pub(crate) fn says(summary: &'static str) -> Says {
    Says {
        summary,
        parameters: Vec::new(),
        takes: Vec::new(),
        body_is_optional: false,
        answers: Vec::new(),
        refuses: Vec::new(),
    }
}

impl Says {
    /// It takes JSON.
    pub(crate) fn takes<T: ToSchema>(mut self) -> Self {
        self.takes.push(Content::Json(Typed::of::<T>()));
        self
    }

    /// It takes text of this media type.
    pub(crate) fn takes_text(mut self, media_type: &'static str) -> Self {
        self.takes.push(Content::Text(media_type));
        self
    }

    /// The body may be left out.
    pub(crate) fn optionally(mut self) -> Self {
        self.body_is_optional = true;
        self
    }

    /// It answers JSON.
    pub(crate) fn answers<T: ToSchema>(self, status: u16) -> Self {
        self.with(status, Content::Json(Typed::of::<T>()))
    }

    /// It answers a page of a list of these.
    pub(crate) fn lists<T: ToSchema>(self) -> Self {
        self.with(200, Content::Json(Typed::list_of::<T>())).in_pages()
    }

    /// It answers a JSON object that somebody else describes.
    pub(crate) fn answers_object(self, status: u16) -> Self {
        self.with(status, Content::Object)
    }

    /// It answers text of this media type.
    pub(crate) fn answers_text(self, status: u16, media_type: &'static str) -> Self {
        self.with(status, Content::Text(media_type))
    }

    /// It answers without a body.
    pub(crate) fn answers_nothing(self, status: u16) -> Self {
        self.with(status, Content::Empty)
    }

    /// It answers in events, to those who ask for them.
    pub(crate) fn or_events(self) -> Self {
        self.with(200, Content::Text("text/event-stream"))
    }

    fn with(mut self, status: u16, content: Content) -> Self {
        match self.answers.iter_mut().find(|answers| answers.status == status) {
            Some(answers) => answers.contents.push(content),
            None => self.answers.push(Answers { status, contents: vec![content] }),
        }
        self
    }

    /// It may refuse with this status, and these codes.
    pub(crate) fn refuses(mut self, status: u16, codes: &'static str) -> Self {
        self.refuses.push(Refuses { status, codes });
        self
    }

    /// It takes a field of the query.
    pub(crate) fn query(self, name: &str, kind: Object, description: &str) -> Self {
        self.parameter(ParameterIn::Query, name, kind, description)
    }

    fn parameter(mut self, place: ParameterIn, name: &str, kind: Object, description: &str) -> Self {
        let parameter = ParameterBuilder::new()
            .name(name)
            .parameter_in(place)
            .required(Required::False)
            .description(Some(description))
            .schema(Some(Schema::Object(kind)));
        self.parameters.push(parameter.build());
        self
    }

    /// It is a list in pages.
    pub(crate) fn in_pages(self) -> Self {
        let limit = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1)).maximum(Some(200));
        self.query("limit", limit.build(), "How many things at most; 50 when absent.")
            .query("cursor", text(), "What `next_cursor` of the page before said.")
            .refuses(400, "invalid_query")
    }

    /// It is about the caller's own business, or the one that a platform person names.
    pub(crate) fn of_business(self) -> Self {
        self.query("business_id", text(), "The business, by UUID or slug; platform people must name one.")
            .refuses(400, "invalid_query")
            .refuses(404, "not_found")
            .refuses(422, "tenant_required")
    }

    /// It begins a turn.
    pub(crate) fn of_turns(self) -> Self {
        self.parameter(
            ParameterIn::Header,
            "X-Bob-Visitor",
            text(),
            "The visitor's token; the signed-in door knows none.",
        )
        .with_identity()
        .refuses(409, "conversation_busy, turn_in_progress, turn_superseded")
        .refuses(422, "idempotency_key_weak")
        .refuses(429, "rate_limited")
        .refuses(503, "turn_cancelled, not_started, shutting_down")
    }

    /// A visitor may prove who they are.
    pub(crate) fn with_identity(self) -> Self {
        let description =
            "A JWT in which the business says who the visitor is; the signed-in door knows none.";
        self.parameter(ParameterIn::Header, "X-Bob-Identity", text(), description)
            .refuses(401, "identity_invalid, identity_required")
            .refuses(429, "rate_limited")
    }

    /// It claims what a visitor said before they signed in.
    pub(crate) fn of_claim(self) -> Self {
        self.of_visitor().refuses(401, "identity_stale").refuses(
            409,
            "already_claimed, already_identified, claim_too_large, conversation_busy, identity_replayed",
        )
    }

    /// It is for a visitor who is proven.
    pub(crate) fn of_visitor(self) -> Self {
        self.parameter(ParameterIn::Header, "X-Bob-Visitor", text(), "The visitor's token.")
            .with_identity()
            .refuses(400, "invalid_query")
            .refuses(401, "visitor_proof_required")
            .refuses(404, "not_found")
            .refuses(422, "validation_failed")
    }

    /// It checks a password.
    pub(crate) fn of_sign_in(self) -> Self {
        self.refuses(401, "invalid_credentials").refuses(429, "too_many_attempts").refuses(503, "busy")
    }

    /// It is done once under an `Idempotency-Key`.
    pub(crate) fn once(self) -> Self {
        self.parameter(
            ParameterIn::Header,
            "Idempotency-Key",
            text(),
            "Names the call; the same call has the same.",
        )
        .refuses(422, "idempotency_key_invalid, idempotency_mismatch")
    }

    /// It honours `If-Match`.
    pub(crate) fn if_match(self) -> Self {
        self.parameter(
            ParameterIn::Header,
            "If-Match",
            text(),
            "The version that is to be changed, as its `ETag`.",
        )
        .refuses(412, "precondition_failed")
    }

    /// It goes on behind `Last-Event-ID`.
    pub(crate) fn resumes(self) -> Self {
        self.parameter(ParameterIn::Header, "Last-Event-ID", text(), "The last event that was received.")
            .refuses(400, "invalid_header")
    }
}

/// Any text.
pub(crate) fn text() -> Object {
    ObjectBuilder::new().schema_type(Type::String).build()
}

/// One of these words.
pub(crate) fn one_of(words: &[&'static str]) -> Object {
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(words.to_vec())).build()
}

/// A UUID.
pub(crate) fn uuid() -> Object {
    let format = SchemaFormat::Custom("uuid".to_owned());
    ObjectBuilder::new().schema_type(Type::String).format(Some(format)).build()
}

/// A moment (RFC 3339).
pub(crate) fn moment() -> Object {
    let format = SchemaFormat::KnownFormat(KnownFormat::DateTime);
    ObjectBuilder::new().schema_type(Type::String).format(Some(format)).build()
}

/// Yes or no.
pub(crate) fn yes_or_no() -> Object {
    ObjectBuilder::new().schema_type(Type::Boolean).build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(ToSchema)]
    #[expect(dead_code, reason = "only described")]
    struct Borrowed<'a> {
        text: &'a str,
    }

    #[test]
    fn a_list_is_named_by_what_it_lists() {
        assert_eq!(schema_name::<Borrowed<'_>>(), "Borrowed");
        let mut schemas = Schemas::new();
        (Typed::list_of::<Borrowed<'_>>().collect)(&mut schemas);
        let names: Vec<&str> = schemas.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["ListView_Borrowed", "Borrowed"]);
        let listed = serde_json::to_value(&schemas[0].1).unwrap();
        assert_eq!(listed["properties"]["items"]["items"]["$ref"], "#/components/schemas/Borrowed");
    }
}
