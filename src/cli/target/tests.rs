use super::*;
use crate::host::Host;

fn target(url: Option<&str>, command: &[&str]) -> Target {
    Target {
        url: url.map(str::to_owned),
        command: command.iter().map(|word| (*word).to_owned()).collect(),
        ..Target::default()
    }
}

#[test]
fn all_forms_of_a_target() {
    let kinds = |target: &Target| {
        let resolved = target
            .resolve(&Others::default())
            .unwrap_or_else(|failure| panic!("{}", failure.message));
        (resolved.info.kind, resolved.endpoints.len())
    };
    assert_eq!(kinds(&target(None, &[])), ("bundled".to_owned(), 3));
    assert_eq!(
        kinds(&target(None, &["server", "-x"])),
        ("stdio".to_owned(), 1)
    );
    assert_eq!(
        kinds(&target(Some("https://example.org/mcp"), &[])),
        ("http".to_owned(), 1)
    );
    let started = target(
        Some("http://127.0.0.1:{port}/mcp"),
        &["server", "--port", "{port}"],
    );
    assert_eq!(kinds(&started), ("http".to_owned(), 1));
}

#[test]
fn what_makes_no_sense_is_told_with_a_remedy() {
    let told = |target: Target| {
        target
            .resolve(&Others::default())
            .err()
            .map(|failure| (failure.code, failure.message))
    };
    let table = [
        (target(None, &["server", "{port}"]), "without --url"),
        (
            target(Some("http://127.0.0.1:{port}/mcp"), &[]),
            "no command",
        ),
        (target(Some("localhost:8080"), &[]), "is no HTTP URL"),
        (target(Some("/mcp"), &[]), "is no URL"),
        (
            target(Some("http://me:pw@127.0.0.1/mcp"), &[]),
            "user name or a password",
        ),
        (
            Target {
                headers: vec!["nothing".into()],
                ..target(Some("http://x/"), &[])
            },
            "'K: V'",
        ),
        (
            Target {
                headers: vec!["a b: c".into()],
                ..target(Some("http://x/"), &[])
            },
            "no name of a header",
        ),
        (
            Target {
                headers: vec!["Host: c".into()],
                ..target(Some("http://x/"), &[])
            },
            "by the connection",
        ),
        (
            Target {
                headers: vec!["a: b\r\nc: d".into()],
                ..target(Some("http://x/"), &[])
            },
            "control character",
        ),
        (
            Target {
                env: vec!["K".into()],
                ..target(None, &["server"])
            },
            "K=V",
        ),
        (
            Target {
                cwd: Some("/no/such/folder".into()),
                ..target(None, &["server"])
            },
            "no folder",
        ),
    ];
    for (target, expected) in table {
        let (code, message) = told(target).unwrap();
        assert_eq!(code, 2);
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn an_identity_takes_the_place_of_a_header() {
    let resolve = |identities: &[&str]| {
        let target = Target {
            headers: vec![
                "Authorization: Bearer ours-1234".into(),
                "X-Tenant: a".into(),
            ],
            ..target(Some("http://x/mcp"), &[])
        };
        let callers = Callers {
            identities: identities.iter().map(|text| (*text).to_owned()).collect(),
        };
        let others = Others {
            callers,
            ..Others::default()
        };
        target.resolve(&others).map_err(|failure| failure.message)
    };
    let resolved = resolve(&["expired=authorization: Bearer s3cr3t-old"]);
    let resolved = resolved.unwrap_or_else(|message| panic!("{message}"));
    assert!(!format!("{:?} {:?}", resolved.arguments, resolved.info).contains("s3cr3t"));
    assert_eq!(
        resolved.arguments[6..],
        ["--identity", "expired=authorization: [redacted]"]
    );
    let host = Host::new(resolved.endpoints.into_iter().next().unwrap());
    let owned = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(
        host.headers_of("expired").unwrap(),
        [
            owned("X-Tenant", "a"),
            owned("authorization", "Bearer s3cr3t-old")
        ]
    );
    assert_eq!(host.headers_of("no-scope"), None);
    let table = [
        ("Authorization: Bearer s3cr3t", "NAME='K: V'"),
        ("Expired=Authorization: s3cr3t", "NAME='K: V'"),
        ("expired=Bearer s3cr3t", "'K: V'"),
        ("expired=X-Key: s3cr3t", "no --header X-Key"),
        ("in-query=Authorization: s3cr3t", "Authorization: Bearer"),
        ("in-query=Authorization: Bearer abc", "6 characters"),
    ];
    for (identity, expected) in table {
        let message = resolve(&[identity]).err().unwrap();
        assert!(
            message.contains(expected) && !message.contains("s3cr3t"),
            "{message}"
        );
    }
}

#[test]
fn replicas_are_named_again() {
    let target = target(Some("http://127.0.0.1:1/mcp"), &[]);
    let others = Others {
        replicas: vec!["http://127.0.0.1:2/mcp".into()],
        ..Others::default()
    };
    let resolved = target
        .resolve(&others)
        .unwrap_or_else(|failure| panic!("{}", failure.message));
    assert_eq!(
        resolved.arguments.join(" "),
        "--url http://127.0.0.1:1/mcp --replica http://127.0.0.1:2/mcp"
    );
    assert_eq!(resolved.info.replicas, ["http://127.0.0.1:2/mcp"]);
}

#[test]
fn secrets_stay_out_of_what_is_repeated() {
    let target = Target {
        headers: vec!["Authorization: Bearer s3cr3t-token".into()],
        env: vec!["KEY=k-123456".into(), "PORT={port}".into()],
        ..target(
            Some("http://127.0.0.1:{port}/mcp?key=s3cr3t-token"),
            &["server", "--key=k-123456", "{port}"],
        )
    };
    let resolved = target
        .resolve(&Others::default())
        .unwrap_or_else(|failure| panic!("{}", failure.message));
    let said = format!("{:?} {:?}", resolved.arguments, resolved.info);
    assert!(
        !said.contains("s3cr3t") && !said.contains("123456"),
        "{said}"
    );
    assert_eq!(
        resolved.arguments.join(" "),
        "--url http://127.0.0.1:{port}/mcp?key=[redacted] --header Authorization: [redacted] \
         --env KEY=[redacted] --env PORT={port} -- server --key=[redacted] {port}"
    );
}
