//! What holds of every mail.

use std::collections::BTreeSet;

use scraper::{ElementRef, Html, Selector};

use super::samples::{Sample, samples};
use crate::domain::notice::Topic;
use crate::mail::html;
use crate::mail::plain::{self, Block};

fn all() -> Vec<Sample> {
    samples().unwrap()
}

fn page(sample: &Sample) -> Html {
    Html::parse_document(&html::of(&sample.message.subject, &sample.message.body).unwrap())
}

fn is_address(word: &str) -> bool {
    word.contains("://")
}

/// The words of a text, but for what is a link's address and what stands for structure.
fn words_of_text(text: &str) -> Vec<String> {
    let line = |line: &str| {
        let line = line.strip_prefix("- ").unwrap_or(line).to_owned();
        let words = line.rsplit_once(": ").filter(|(words, to)| is_link(to) && !words.contains("://"));
        words.filter(|_| !line.starts_with("  ")).map_or(line.clone(), |(words, _)| words.to_owned())
    };
    let lines: Vec<String> = text.lines().filter(|line| *line != "--").map(line).collect();
    let words = lines.iter().flat_map(|line| line.split_whitespace());
    words.filter(|word| !is_address(word)).map(str::to_owned).collect()
}

fn is_link(text: &str) -> bool {
    text.starts_with("https://") && !text.contains(' ') && !text.ends_with('.')
}

fn words_of_page(page: &Html) -> Vec<String> {
    let body = page.select(&Selector::parse("body").unwrap()).next().unwrap();
    let text: Vec<&str> = body.text().collect();
    let words = text.iter().flat_map(|text| text.split_whitespace());
    words.filter(|word| !is_address(word)).map(str::to_owned).collect()
}

fn links(page: &Html) -> Vec<ElementRef<'_>> {
    page.select(&Selector::parse("a").unwrap()).collect()
}

#[test]
fn html_has_the_words_of_the_text_and_each_address_is_a_link() {
    for sample in all() {
        let page = page(&sample);
        let text = &sample.message.body;
        assert_eq!(words_of_page(&page), words_of_text(text), "{}", sample.name);
        let addresses: Vec<&str> = text.split_whitespace().filter(|word| is_address(word)).collect();
        let led: Vec<&str> = links(&page).iter().map(|link| link.attr("href").unwrap()).collect();
        assert_eq!(led, addresses, "{}", sample.name);
        for link in links(&page) {
            let words = link.text().collect::<String>();
            assert!(!words.trim().is_empty() && words != "here", "{}: {words}", sample.name);
        }
    }
}

#[test]
fn html_loads_nothing_and_runs_nothing() {
    for sample in all() {
        let page = page(&sample);
        let any = Selector::parse("img, script, link, iframe, form, video, [background], [onclick], [src]")
            .unwrap();
        assert_eq!(page.select(&any).count(), 0, "{}", sample.name);
        let html = page.html();
        assert!(!html.contains("url(") && !html.contains("@import"), "{}", sample.name);
        assert!(html.len() < 100_000, "{}: some programs cut what is longer", sample.name);
    }
}

#[test]
fn what_people_wrote_is_shown_as_they_wrote_it() {
    let text = "A <b>lab</b> & \"more\".\n\nOpen <it>: https://f/?a=1&b=%22x\n\n  <i>  </i>\n\n--\n<script>x</script>";
    let html = html::of("<title>", text).unwrap();
    for wrong in ["<b>", "<it>", "<i>", "<script>", "<title><"] {
        assert!(!html.contains(wrong), "{wrong}: {html}");
    }
    let page = Html::parse_document(&html);
    assert_eq!(links(&page)[0].attr("href"), Some("https://f/?a=1&b=%22x"));
    assert_eq!(words_of_page(&page), words_of_text(text));
}

#[test]
fn a_subject_is_short_and_says_the_fact() {
    let mut subjects = BTreeSet::new();
    for Sample { name, message, .. } in all() {
        let subject = message.subject;
        assert!((10..=78).contains(&subject.chars().count()), "{name}: {subject}");
        assert!(!subject.contains(['\n', '_', '!']) && !subject.contains("Fairlease"), "{name}: {subject}");
        assert!(!subject.ends_with('.') || subject.ends_with("..."), "{name}: {subject}");
        assert!(
            subject.starts_with(|c: char| c.is_ascii_uppercase() || c.is_ascii_digit()),
            "{name}: {subject}"
        );
        subjects.insert(subject);
    }
    assert!(subjects.len() > 15, "they tell the mails apart");
}

/// A booking's id and the like.
fn is_raw(word: &str) -> bool {
    let word = word.trim_matches(|c: char| !c.is_alphanumeric());
    let digits = word.chars().filter(char::is_ascii_digit).count();
    word.len() >= 10 && digits >= 3 && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
}

#[test]
fn a_mail_begins_with_the_fact_and_ends_with_why_one_gets_it() {
    for Sample { name, message, topic, .. } in all() {
        let body = &message.body;
        let plain = plain::read(body);
        let Some(Block::Lead(_)) = plain.blocks.first() else {
            panic!("{name} begins with no sentence: {body}")
        };
        let first = body.lines().next().unwrap();
        assert!(first.ends_with('.') && first.len() < 240, "{name}: {first}");
        assert!(!first.split_whitespace().any(is_raw), "{name} begins with an id: {first}");
        assert!(
            !body.contains("\n\n\n") && !body.starts_with('\n') && !body.ends_with('\n'),
            "{name}: {body}"
        );
        let (said, footer) =
            body.split_once("\n\n--\n").unwrap_or_else(|| panic!("{name} has no footer: {body}"));
        assert!(footer.starts_with("You get this "), "{name}: {footer}");
        assert!(!said.split_whitespace().any(is_raw), "{name} has an id above its footer: {said}");
        let optional = matches!(topic, Topic::Ready | Topic::Ending | Topic::Ended);
        let chosen = optional && message.calendar.is_none();
        assert_eq!(footer.contains("Which mails you get: https://"), chosen, "{name}: {footer}");
    }
}

#[test]
fn times_name_their_zone_and_what_the_site_shows_is_in_utc_too() {
    let time = |word: &str| {
        let word = word.trim_matches(|c: char| !c.is_ascii_digit());
        word.len() == 5 && word.as_bytes()[2] == b':'
    };
    for Sample { name, message, .. } in all() {
        let body = &message.body;
        if body.split_whitespace().any(time) {
            assert!(body.contains("New York time (EST)"), "{name}: {body}");
            assert!(body.contains(" UTC") || name == "dropped_at_once", "{name}: {body}");
        }
    }
}

#[test]
fn there_is_a_sample_of_each_template_and_each_has_a_name() {
    let samples = all();
    let names: BTreeSet<&str> = samples.iter().map(|sample| sample.name).collect();
    assert_eq!(names.len(), samples.len());
    for file in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/templates/mail")).unwrap() {
        let file = file.unwrap().file_name().into_string().unwrap();
        let Some(template) = file.strip_suffix(".txt") else { continue };
        let of_it = |name: &&str| *name == template || name.starts_with(&format!("{template}_"));
        assert!(names.iter().any(of_it), "{template} has no sample");
    }
    for name in names {
        assert!(name.chars().all(|c| c.is_ascii_lowercase() || c == '_'), "{name}");
    }
}

#[test]
fn a_title_is_shortened_at_a_word_only_if_the_line_would_be_too_long() {
    assert_eq!(super::titled("Booked: ", "Kubernetes", " - now"), "Booked: Kubernetes - now");
    let long = "word ".repeat(30);
    let line = super::titled("Booked: ", long.trim(), " - now");
    assert!(line.ends_with("word word... - now") && (74..=78).contains(&line.len()), "{line}");
    let one = "w".repeat(100);
    assert_eq!(super::titled("Booked: ", &one, ""), format!("Booked: {one}..."), "one word stays");
}
