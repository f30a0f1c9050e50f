//! How mails are shown in the demo: the HTML of one in a frame that may do nothing, and the pages around it as strict as ever.

use fairlease::mail::messages::samples::samples;
use reqwest::{Method, Response, StatusCode};

use crate::world::served::{Credential, Served, serve};
use crate::world::{Backend, World};

async fn get(served: &Served, path: &str) -> Response {
    let answer = served.request(&Credential::None, Method::GET, path).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK, "{path}");
    answer
}

fn policy(answer: &Response) -> String {
    answer.headers()["content-security-policy"].to_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_mail_is_shown_and_its_html_may_do_nothing() {
    let world = World::new(Backend::Sqlite).await;
    let served = serve(&world);
    let list = get(&served, "/mailbox/samples").await;
    let strict = policy(&list);
    assert!(!strict.contains("unsafe-inline") && !strict.contains("frame-src"), "{strict}");
    let list = list.text().await.unwrap();
    for sample in samples().unwrap() {
        let path = format!("/mailbox/samples/{}", sample.name);
        assert!(list.contains(&format!("href=\"{path}\"")), "{path}");
        let page = get(&served, &path).await;
        assert_eq!(policy(&page), format!("{strict}; frame-src 'self'"));
        assert_eq!(page.headers()["x-frame-options"], "DENY");
        let page = page.text().await.unwrap();
        for part in [
            "<iframe",
            &format!("src=\"{path}/html\""),
            "sandbox=\"allow-top-navigation-by-user-activation\"",
        ] {
            assert!(page.contains(part), "{path}: {part}");
        }
        let framed = get(&served, &format!("{path}/html")).await;
        let its = policy(&framed);
        for part in [
            "default-src 'none'",
            "style-src 'unsafe-inline'",
            "form-action 'none'",
            "frame-ancestors 'self'",
            "; sandbox ",
        ] {
            assert!(its.contains(part), "{part}: {its}");
        }
        assert!(!its.contains("allow-scripts") && !its.contains("script-src"), "{its}");
        assert_eq!(framed.headers()["x-frame-options"], "SAMEORIGIN");
        let html = framed.text().await.unwrap();
        assert!(html.contains("<base target=\"_top\">") && html.contains("color-scheme"), "{html}");
        assert_eq!(page.contains("application/ics"), sample.message.calendar.is_some(), "{path}");
    }
    for path in ["/mailbox/samples/none", "/mailbox/samples/none/html", "/mailbox/000000000000/html"] {
        let answer = served.request(&Credential::None, Method::GET, path).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{path}");
        assert_eq!(policy(&answer), strict, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_it_is_there_outside_of_the_demo() {
    let world = World::new(Backend::Sqlite).await;
    let served = world.serve_with_providers(fairlease::auth::openid::Providers::default());
    for path in ["/mailbox/samples", "/mailbox/samples/booked", "/mailbox/samples/booked/html"] {
        let answer = served.request(&Credential::None, Method::GET, path).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{path}");
    }
}
