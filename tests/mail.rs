//! Mail through a real SMTP server that refuses, comes back, or is not there.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use base64::Engine as _;
use chrono::TimeDelta;
use fairlease::domain::link::Link;
use fairlease::mail::delivery::{CONNECTIONS, FileMailer, Sender, SmtpMailer};
use fairlease::mail::dkim::{Seal, SealError};
use fairlease::services::{delivery, links, notices};
use tempfile::TempDir;

use crate::support::given;
use crate::support::smtp::MailServer;
use crate::world::{Backend, World, local, on_both_databases, slot};

fn by_smtp(url: &str) -> Arc<SmtpMailer> {
    let sender = Sender::parse("Fairlease <fairlease@example.edu>").unwrap();
    Arc::new(SmtpMailer::connect(url, CONNECTIONS, sender).unwrap())
}

/// A booking whose confirmation waits in the outbox.
async fn with_a_mail_to_send(world: &World) {
    let student = world.student("ff524").await;
    world.book(&student, slot("2025-02-10T10:00", "2025-02-10T12:00")).await;
    fairlease::worker::fulfil::step(&world.app).await.unwrap();
}

/// Tries to send each second for so long.
async fn try_for(world: &World, seconds: i64) {
    for _ in 0..seconds {
        delivery::step(&world.app).await.unwrap();
        world.clock.advance(TimeDelta::seconds(1));
    }
}

/// Says of a mail by dkimpy whether its signature is right, by a key that it is handed for this name in the DNS.
const VERIFY: &str = "
import dkim, sys
mail, name, record = open(sys.argv[1], 'rb').read(), sys.argv[2].encode(), sys.argv[3].encode()
asked = []
def dns(wanted, timeout=5):
    asked.append(wanted)
    return record if wanted == name else None
print(dkim.DKIM(mail).verify(dnsfunc=dns), dkim.verify(mail.replace(b'Booked', b'Booted'), dnsfunc=dns))
";

/// The DNS record for the key in this file, as `docs/operations.md` makes it with openssl.
fn record(key: &Path, kind: &str) -> String {
    let openssl = |args: &[&str]| {
        let out = Command::new("openssl").args(args).arg("-in").arg(key).output().unwrap();
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        out.stdout
    };
    let der = openssl(&["pkey", "-pubout", "-outform", "DER"]);
    // Of Ed25519 the record has the 32 bytes alone, of RSA all of it.
    let public = if kind == "ed25519" { &der[der.len() - 32..] } else { &der };
    format!("v=DKIM1; k={kind}; p={}", base64::prelude::BASE64_STANDARD.encode(public))
}

#[tokio::test]
async fn signed_mail_is_verified_by_another_program() {
    let directory = TempDir::new().unwrap();
    let keys: [(&str, &[&str]); 3] = [
        ("ed25519", &["genpkey", "-algorithm", "ed25519", "-out"]),
        ("rsa", &["genpkey", "-algorithm", "rsa", "-pkeyopt", "rsa_keygen_bits:2048", "-out"]),
        ("rsa", &["genrsa", "-traditional", "-out"]),
    ];
    for (number, (kind, args)) in keys.into_iter().enumerate() {
        let key = directory.path().join(format!("key{number}.pem"));
        let made = Command::new("openssl").args(args).arg(&key).output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let allow = |bits| std::fs::set_permissions(&key, std::fs::Permissions::from_mode(bits)).unwrap();
        allow(0o640);
        let open = || Seal::open("example.edu", "lease", &key);
        assert_eq!(open().unwrap_err(), SealError::Open(key.display().to_string()));
        allow(0o600);
        let sender = Sender::parse("Fairlease <fairlease@example.edu>").unwrap().sealing(open().unwrap());
        let mails = directory.path().join(format!("mails{number}"));
        let world = World::new(Backend::Sqlite).await;
        let world = world.mailing_by(Arc::new(FileMailer::open(mails.clone(), sender).unwrap()));
        with_a_mail_to_send(&world).await;
        try_for(&world, 1).await;
        let files: Vec<_> = std::fs::read_dir(&mails).unwrap().map(|file| file.unwrap().path()).collect();
        let [mail] = files.as_slice() else { panic!("one mail: {files:?}") };
        let verified = Command::new(given("FAIRLEASE_TEST_PYTHON"))
            .args(["-c", VERIFY])
            .arg(mail)
            .args(["lease._domainkey.example.edu.", &record(&key, kind)])
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&verified.stdout).trim().to_owned();
        assert_eq!(said, "True False", "{kind}: {}", String::from_utf8_lossy(&verified.stderr));
    }
}

on_both_databases! {
    async fn what_is_put_off_leaves_later_and_once(backend: Backend) {
        let server = MailServer::start().await;
        let world = World::new(backend).await.mailing_by(by_smtp(&server.url()));
        server.refuse(Some("451 4.3.0 come back later"));
        with_a_mail_to_send(&world).await;
        try_for(&world, 30).await;
        assert_eq!(server.mails().len(), 0);
        server.refuse(None);
        try_for(&world, 60).await;
        let mails = server.mails();
        assert_eq!(mails.len(), 1, "{mails:#?}");
        assert!(mails[0].subject.starts_with("Booked: Mon Feb 10, 10:00 to 12:00"));
        assert_eq!(mails[0].calendar.as_ref().unwrap().method, "REQUEST");
    }

    async fn what_is_refused_for_good_is_not_tried_again(backend: Backend) {
        let server = MailServer::start().await;
        let world = World::new(backend).await.mailing_by(by_smtp(&server.url()));
        server.refuse(Some("550 5.1.1 no such mailbox"));
        with_a_mail_to_send(&world).await;
        try_for(&world, 1).await;
        server.refuse(None);
        try_for(&world, 60).await;
        assert_eq!(server.mails().len(), 0);
        let counts = world.app.db.read("counts", fairlease::db::outbox_counts).await.unwrap();
        assert_eq!(counts, (0, 1), "none waits, one was given up");
    }

    async fn the_links_of_a_warning_arrive_whole(backend: Backend) {
        let server = MailServer::start().await;
        let world = World::new(backend).await.mailing_by(by_smtp(&server.url()));
        let student = world.student("ff524").await;
        let made = world.book(&student, slot("2025-02-08T10:00", "2025-02-08T14:00")).await;
        world.work_until(&student, &made.id, "active").await;
        world.clock.set(local("2025-02-08T13:00"));
        assert_eq!(notices::remind(&world.app).await.unwrap(), 1);
        try_for(&world, 2).await;
        let end = made.slot.end();
        let to = end + TimeDelta::hours(1);
        let extend = Link::Extend { booking: made.id.clone(), from: end, to };
        let release = Link::Release { booking: made.id.clone(), end };
        let mails = server.mails();
        let mail = mails.iter().find(|mail| mail.subject.starts_with("Ends at 14:00: ")).unwrap();
        for link in [extend, release] {
            let url = links::url(&world.app, &student.id, &link);
            assert!(mail.text.lines().any(|line| line.ends_with(&url)), "{url}: {mail:#?}");
        }
    }

    async fn a_server_that_is_not_there_is_waited_for(backend: Backend) {
        let gone = MailServer::start().await;
        let url = gone.url();
        drop(gone);
        let world = World::new(backend).await.mailing_by(by_smtp(&url));
        with_a_mail_to_send(&world).await;
        try_for(&world, 20).await;
        let counts = world.app.db.read("counts", fairlease::db::outbox_counts).await.unwrap();
        assert_eq!(counts, (1, 0), "it waits");
        let server = MailServer::start().await;
        let world = world.mailing_by(by_smtp(&server.url()));
        try_for(&world, 60).await;
        assert_eq!(server.mails().len(), 1);
    }
}
