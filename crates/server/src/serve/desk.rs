//! The desk: the page where people see their chats, as it lies in this package's `desk`.
//!
//! Its files hold no secret and answer to everybody; what they show, the page fetches by the cookie
//! that the printed link left. They are part of the program, so that it needs nothing beside itself.

use std::borrow::Cow;

use axum::{
    Router,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use rust_embed::{EmbeddedFile, RustEmbed};

/// What the page itself may do: run its own scripts, ask its own server, and show what it drew. Text
/// becomes markup only behind the sanitiser, which the browser sees to.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
     connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
     require-trusted-types-for 'script'; trusted-types dompurify",
);

/// The page, without what only its developers need: tests, tools and types.
#[derive(RustEmbed)]
#[folder = "desk"]
#[include = "index.html"]
#[include = "app.js"]
#[include = "icon.svg"]
#[include = "*.css"]
#[include = "parts/*.js"]
#[include = "vendor/*.js"]
#[include = "vendor/*LICENSE*"]
#[exclude = "node_modules/*"]
#[exclude = "test/*"]
#[exclude = "tools/*"]
struct Files;

/// The file that names all others.
const PAGE: &str = "index.html";

/// Every part of the page at its name.
pub(crate) fn routes() -> Router {
    let parts = Files::iter().filter(|name| name != PAGE);
    parts.fold(Router::new(), |router, name| {
        router.route(&format!("/{name}"), get(|headers: HeaderMap| file(name, headers)))
    })
}

/// The page itself.
pub(crate) async fn page(headers: HeaderMap) -> Response {
    file(Cow::Borrowed(PAGE), headers).await
}

async fn file(name: Cow<'static, str>, asked: HeaderMap) -> Response {
    let Some(EmbeddedFile { data, metadata }) = Files::get(&name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let tag = tag_of(metadata.sha256_hash());
    // Always asked for again, and seldom sent again: a page is whole, of one version.
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(type_of(&name))),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        (header::CONTENT_SECURITY_POLICY, POLICY),
    ];
    let mut response = if asked.get(header::IF_NONE_MATCH).is_some_and(|known| *known == tag) {
        (StatusCode::NOT_MODIFIED, headers).into_response()
    } else {
        (headers, data).into_response()
    };
    if let Ok(tag) = tag.parse() {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}

/// Half of the hash tells versions apart.
fn tag_of(hash: [u8; 32]) -> String {
    let half: String = hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("\"{half}\"")
}

fn type_of(name: &str) -> &'static str {
    match name.rsplit_once('.') {
        Some((_, "html")) => "text/html; charset=utf-8",
        Some((_, "js")) => "text/javascript; charset=utf-8",
        Some((_, "css")) => "text/css; charset=utf-8",
        Some((_, "svg")) => "image/svg+xml",
        _ => "text/plain; charset=utf-8",
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs, path::Path};

    use super::*;

    /// What lies in a folder and is part of the page.
    fn files(folder: &Path, root: &Path, found: &mut BTreeSet<String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
            if path.is_dir() {
                if !["node_modules", "test", "tools"].contains(&name.as_str()) {
                    files(&path, root, found);
                }
            } else if [".html", ".js", ".css", ".svg"].iter().any(|end| name.ends_with(end))
                || name.contains("LICENSE")
            {
                found.insert(name);
            }
        }
    }

    #[test]
    fn what_is_served_is_what_lies_in_the_folder() {
        // Issue 7, "How it is made".
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("desk");
        let mut found = BTreeSet::new();
        files(&root, &root, &mut found);
        let embedded: BTreeSet<String> = Files::iter().map(Cow::into_owned).collect();
        assert_eq!(embedded, found);
        for name in &found {
            let file = Files::get(name).unwrap();
            assert!(*file.data == *fs::read(root.join(name)).unwrap(), "{name} is an older one");
        }
    }

    #[tokio::test]
    async fn a_file_is_sent_once_for_each_of_its_versions() {
        let first = page(HeaderMap::new()).await;
        assert_eq!(first.status(), StatusCode::OK);
        let tag = first.headers().get(header::ETAG).cloned().unwrap();
        let again = HeaderMap::from_iter([(header::IF_NONE_MATCH, tag)]);
        assert_eq!(page(again).await.status(), StatusCode::NOT_MODIFIED);
        let other = HeaderMap::from_iter([(header::IF_NONE_MATCH, "\"0\"".parse().unwrap())]);
        assert_eq!(page(other).await.status(), StatusCode::OK);
    }
}
