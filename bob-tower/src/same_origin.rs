//! The same-origin rule of the public door, of sign-in and of writes under a cookie.

use bob_core::origin::Origin;
use http::HeaderMap;
use http::header::ORIGIN;

use crate::mount::Mount;
use crate::problem::Problem;
use crate::request::single;

/// Where a request comes from, as far as a browser tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Site {
    /// A page of this mount's own origins.
    Own,
    /// No browser's page.
    NoBrowser,
    /// A page of somewhere else.
    Other,
}

/// Decides by `Sec-Fetch-Site` when present, else by `Origin` when present; neither means no browser.
pub(crate) fn site(mount: &Mount, headers: &HeaderMap) -> Result<Site, Problem> {
    if let Some(site) = single(headers, "sec-fetch-site")? {
        return Ok(if site == "same-origin" { Site::Own } else { Site::Other });
    }
    let Some(origin) = single(headers, ORIGIN.as_str())? else { return Ok(Site::NoBrowser) };
    let own = origin.parse::<Origin>().is_ok_and(|origin| mount.is_own(&origin));
    Ok(if own { Site::Own } else { Site::Other })
}

/// Refuses what a page of another origin sends.
pub(crate) fn require(mount: &Mount, headers: &HeaderMap, code: &'static str) -> Result<(), Problem> {
    match site(mount, headers)? {
        Site::Own | Site::NoBrowser => Ok(()),
        Site::Other => Err(Problem::forbidden(code, "Pages of other origins may not call this address.")),
    }
}
