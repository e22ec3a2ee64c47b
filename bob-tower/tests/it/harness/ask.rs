//! One request, and what came of it.

use std::convert::Infallible;
use std::net::IpAddr;
use std::pin::Pin;

use bob_tower::{BobBody, BobService, BoxError, ClientAddr, HostPrincipal};
use bytes::Bytes;
use http::header::{HeaderName, SET_COOKIE};
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body::Body;
use http_body_util::{BodyExt as _, Full};
use serde_json::Value;
use tower::ServiceExt as _;

/// A request that is being written; by default from 192.0.2.1, which is nobody's browser.
#[must_use]
pub struct Ask {
    service: BobService,
    method: String,
    path: String,
    headers: HeaderMap,
    body: Bytes,
    peer: Option<IpAddr>,
    host: Option<HostPrincipal>,
}

/// A whole answer.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// One event of a stream.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Its number, in a turn's stream.
    pub id: u64,
    /// Its identifier as it was sent; an event that passes has none.
    pub place: String,
    pub name: String,
    pub data: Value,
}

impl Ask {
    pub fn new(service: BobService, method: &str, path: &str) -> Self {
        Self {
            service,
            method: method.to_owned(),
            path: path.to_owned(),
            headers: HeaderMap::new(),
            body: Bytes::new(),
            peer: Some(super::address("192.0.2.1")),
            host: None,
        }
    }

    /// Adds a header line; two of a name are two lines.
    pub fn header(self, name: &str, value: &str) -> Self {
        self.header_bytes(name, value.as_bytes())
    }

    pub fn header_bytes(mut self, name: &str, value: &[u8]) -> Self {
        let name: HeaderName = name.parse().unwrap();
        self.headers.append(name, HeaderValue::from_bytes(value).unwrap());
        self
    }

    pub fn headers<'a>(self, headers: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        headers.into_iter().fold(self, |ask, (name, value)| ask.header(name, value))
    }

    pub fn json(self, body: &Value) -> Self {
        self.header("content-type", "application/json").body(body.to_string())
    }

    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// Asks for a stream of events.
    pub fn events(self) -> Self {
        self.header("accept", "text/event-stream")
    }

    pub fn bearer(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    pub fn peer(mut self, peer: &str) -> Self {
        self.peer = Some(super::address(peer));
        self
    }

    /// Somebody whom the host signed in sends it.
    pub fn by_host(mut self, person: &HostPrincipal) -> Self {
        self.host = Some(person.clone());
        self
    }

    pub fn without_peer(mut self) -> Self {
        self.peer = None;
        self
    }

    /// Sends it and reads the answer to its end.
    pub async fn send(self) -> Answer {
        let body = Full::new(self.body.clone());
        Answer::of(self.send_with(body).await).await
    }

    /// Sends it and reads the answer; of a stream, which may have no end, what is there at once.
    pub async fn send_in_bounds(self) -> Answer {
        let body = Full::new(self.body.clone());
        let response = self.send_with(body).await;
        let is_stream = response
            .headers()
            .get("content-type")
            .is_some_and(|kind| kind.as_bytes() == b"text/event-stream");
        if !is_stream {
            return Answer::of(response).await;
        }
        let (head, mut body) = response.into_parts();
        let (mut read, at_once) = (Vec::new(), std::time::Duration::from_millis(20));
        while let Ok(Some(Ok(frame))) = tokio::time::timeout(at_once, body.frame()).await {
            read.extend(frame.into_data().unwrap_or_default());
        }
        Answer { status: head.status.as_u16(), headers: head.headers, body: read.into() }
    }

    /// Sends it and answers as soon as the head is there.
    pub async fn stream(self) -> Stream {
        let body = Full::new(self.body.clone());
        let response = self.send_with(body).await;
        Stream { status: response.status().as_u16(), response }
    }

    /// Sends it with another body.
    pub async fn send_with<B>(self, body: B) -> Response<BobBody>
    where
        B: Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<BoxError>,
    {
        let mut request = Request::builder().method(&*self.method).uri(&*self.path).body(body).unwrap();
        *request.headers_mut() = self.headers;
        if let Some(peer) = self.peer {
            request.extensions_mut().insert(ClientAddr(peer));
        }
        if let Some(person) = self.host {
            request.extensions_mut().insert(person);
        }
        let answered: Result<_, Infallible> = self.service.oneshot(request).await;
        answered.unwrap()
    }
}

impl Answer {
    pub async fn of<B>(response: Response<B>) -> Self
    where
        B: Body,
        B::Error: std::fmt::Debug,
    {
        let (head, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Self { status: head.status.as_u16(), headers: head.headers, body }
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|_| panic!("no JSON: {} {}", self.status, self.text()))
    }

    /// The code of a problem.
    #[track_caller]
    pub fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub fn set_cookies(&self) -> Vec<String> {
        self.headers.get_all(SET_COOKIE).iter().map(|line| line.to_str().unwrap().to_owned()).collect()
    }

    /// The one cookie that was set, as a browser sends it back.
    #[track_caller]
    pub fn cookie(&self) -> String {
        let lines = self.set_cookies();
        assert_eq!(lines.len(), 1, "{lines:?}");
        lines[0].split(';').next().unwrap().to_owned()
    }

    /// The events of a stream.
    #[track_caller]
    pub fn events(&self) -> Vec<Event> {
        assert_eq!(self.header("content-type"), Some("text/event-stream"), "{}", self.text());
        self.text().split("\n\n").filter(|chunk| !chunk.is_empty()).filter_map(Event::read).collect()
    }
}

impl Event {
    /// Reads one chunk; a comment is no event.
    fn read(chunk: &str) -> Option<Self> {
        let field = |name: &str| {
            chunk.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": ")).map(str::to_owned)
        };
        if chunk.starts_with(':') {
            return None;
        }
        let place = field("id").unwrap_or_default();
        Some(Self {
            id: place.parse().unwrap_or_default(),
            place,
            name: field("event")?,
            data: serde_json::from_str(&field("data")?).unwrap(),
        })
    }
}

/// An answer that is still coming.
pub struct Stream {
    pub status: u16,
    response: Response<BobBody>,
}

impl Stream {
    /// The next chunk as it was sent; `None` at the end.
    pub async fn chunk(&mut self) -> Option<String> {
        let frame = Pin::new(self.response.body_mut()).frame().await?.unwrap();
        Some(String::from_utf8(frame.into_data().unwrap().to_vec()).unwrap())
    }

    /// The next event, past comments.
    pub async fn event(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = Event::read(&self.chunk().await?) {
                return Some(event);
            }
        }
    }

    /// All events that are still to come.
    pub async fn rest(&mut self) -> Vec<Event> {
        let mut events = Vec::new();
        while let Some(event) = self.event().await {
            events.push(event);
        }
        events
    }
}
