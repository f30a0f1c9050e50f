//! The structure of a mail's plain text, which is how mails are written: what shows them otherwise reads it from there, so
//! that the text is the one source of words.
//!
//! Blank lines part paragraphs. A line that ends in an address after a colon is a link: "Your booking: https://...". Lines
//! that are indented by two spaces are facts ("  Start   Sat Feb 8, 10:00"), else the items of a list; so is a line that
//! begins with "- ". After a line "--" comes the footer.

/// A part of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// Words.
    Text(String),
    /// An address to follow.
    Link(String),
}

/// Cuts a plain text at its `http` and `https` addresses. A full stop or bracket that ends a sentence stays outside.
#[must_use]
pub fn pieces(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut words = String::new();
    for token in text.split_inclusive(char::is_whitespace) {
        let from = ["https://", "http://"].iter().filter_map(|scheme| token.find(scheme)).min();
        let Some((before, rest)) = from.and_then(|at| token.split_at_checked(at)) else {
            words.push_str(token);
            continue;
        };
        let address =
            rest.trim_end().trim_end_matches(['.', ',', ';', ':', '!', '?', ')', ']', '>', '"', '\'']);
        words.push_str(before);
        if !words.is_empty() {
            pieces.push(Piece::Text(std::mem::take(&mut words)));
        }
        pieces.push(Piece::Link(address.to_owned()));
        words.push_str(rest.strip_prefix(address).unwrap_or_default());
    }
    if !words.is_empty() {
        pieces.push(Piece::Text(words));
    }
    pieces
}

/// Words that lead somewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// What the link says.
    pub words: String,
    /// Where it leads.
    pub address: String,
}

/// What is told under a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// Its name: "Start".
    pub name: String,
    /// What is told: "Sat Feb 8, 10:00".
    pub told: Vec<Piece>,
}

impl Fact {
    /// Where it leads, if what is told is an address and nothing else: its name is the link's words then.
    pub fn leads_to(&self) -> Option<&str> {
        match self.told.as_slice() {
            [Piece::Link(address)] => Some(address),
            _ => None,
        }
    }
}

/// What stands together in a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Block {
    /// The fact that the mail is about: its first paragraph.
    Lead(Vec<Piece>),
    /// What facts or items are about.
    Title(Vec<Piece>),
    /// Lines of a paragraph.
    Text(Vec<Vec<Piece>>),
    /// The first link of the mail.
    Button(Link),
    /// Another link.
    Link(Link),
    /// Things that are told under names.
    Facts(Vec<Fact>),
    /// A list.
    Items(Vec<Vec<Piece>>),
    /// Lines to be copied as they stand.
    Command(Vec<String>),
}

/// A mail's text, taken apart.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plain {
    /// What it says.
    pub blocks: Vec<Block>,
    /// What stands below it: why one gets it.
    pub footer: Vec<Block>,
}

/// What a line is by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Line {
    Words(String),
    Link(Link),
    Fact(Fact),
    Item(String),
}

impl Line {
    fn read(line: &str) -> Self {
        if let Some(item) = line.strip_prefix("- ") {
            return Self::Item(item.trim().to_owned());
        }
        let Some(indented) = line.strip_prefix("  ") else {
            return link(line).map_or_else(|| Self::Words(line.trim().to_owned()), Self::Link);
        };
        let indented = indented.trim();
        match indented.split_once("  ") {
            Some((name, told)) => Self::Fact(Fact { name: name.to_owned(), told: pieces(told.trim_start()) }),
            None => Self::Item(indented.to_owned()),
        }
    }

    fn is_listed(&self) -> bool {
        matches!(self, Self::Fact(_) | Self::Item(_))
    }
}

/// "Your booking: https://..." and nothing after it.
fn link(line: &str) -> Option<Link> {
    let (words, address) = line.trim().rsplit_once(": ")?;
    // Words with an address of their own can't lead to another.
    let plain = !words.contains("://") && pieces(address) == [Piece::Link(address.to_owned())];
    plain.then(|| Link { words: words.to_owned(), address: address.to_owned() })
}

/// Takes the text of a mail apart.
pub fn read(text: &str) -> Plain {
    let mut parts = text.splitn(2, "\n--\n");
    let (body, footer) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let mut blocks = Vec::new();
    for paragraph in body.split("\n\n") {
        read_paragraph(paragraph, &mut blocks);
    }
    if let Some(first @ Block::Text(_)) = blocks.first_mut()
        && let Block::Text(lines) = &*first
        && let [line] = lines.as_slice()
    {
        *first = Block::Lead(line.clone());
    }
    if let Some(first) = blocks.iter_mut().find(|block| matches!(block, Block::Link(_)))
        && let Block::Link(link) = &*first
    {
        *first = Block::Button(link.clone());
    }
    let mut below = Vec::new();
    for paragraph in footer.split("\n\n") {
        read_paragraph(paragraph, &mut below);
    }
    Plain { blocks, footer: below }
}

fn read_paragraph(paragraph: &str, blocks: &mut Vec<Block>) {
    let lines: Vec<Line> = paragraph.lines().filter(|line| !line.trim().is_empty()).map(Line::read).collect();
    let indented = paragraph.lines().filter(|line| !line.is_empty()).all(|line| line.starts_with("  "));
    if indented && lines.iter().all(|line| matches!(line, Line::Item(_))) && !lines.is_empty() {
        blocks.push(Block::Command(lines.into_iter().filter_map(Line::into_item).collect()));
        return;
    }
    let before = blocks.len();
    for (at, line) in lines.iter().enumerate() {
        let titles = lines.get(at + 1).is_some_and(Line::is_listed);
        push(line, titles, before, blocks);
    }
}

impl Line {
    fn into_item(self) -> Option<String> {
        if let Self::Item(item) = self { Some(item) } else { None }
    }
}

/// Adds a line to what it goes with, which stands at or after `from`. A line that `titles` what follows and is no sentence
/// is its title.
fn push(line: &Line, titles: bool, from: usize, blocks: &mut Vec<Block>) {
    let goes_on = blocks.len() > from;
    let last = blocks.last_mut().filter(|_| goes_on);
    match (line, last) {
        (Line::Words(words), _) if titles && !words.ends_with([':', '.']) => {
            blocks.push(Block::Title(pieces(words)));
        }
        (Line::Words(words), Some(Block::Text(lines))) => lines.push(pieces(words)),
        (Line::Words(words), _) => blocks.push(Block::Text(vec![pieces(words)])),
        (Line::Link(to), _) => blocks.push(Block::Link(to.clone())),
        (Line::Fact(fact), Some(Block::Facts(facts))) => facts.push(fact.clone()),
        (Line::Fact(fact), _) => blocks.push(Block::Facts(vec![fact.clone()])),
        (Line::Item(item), Some(Block::Items(items))) => items.push(pieces(item)),
        (Line::Item(item), _) => blocks.push(Block::Items(vec![pieces(item)])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_cut_out_without_the_sentence_around_them() {
        let text = "See https://a.example/x?y=1, or (http://b.example/).\nEnd";
        assert_eq!(
            pieces(text),
            [
                Piece::Text("See ".to_owned()),
                Piece::Link("https://a.example/x?y=1".to_owned()),
                Piece::Text(", or (".to_owned()),
                Piece::Link("http://b.example/".to_owned()),
                Piece::Text(").\nEnd".to_owned()),
            ]
        );
        assert_eq!(
            pieces("no link, javascript:alert(1)\n"),
            [Piece::Text("no link, javascript:alert(1)\n".to_owned())]
        );
        assert_eq!(pieces(""), []);
    }

    fn words(text: &str) -> Vec<Piece> {
        vec![Piece::Text(text.to_owned())]
    }

    fn to(words: &str, address: &str) -> Link {
        Link { words: words.to_owned(), address: address.to_owned() }
    }

    fn fact(name: &str, told: &str) -> Fact {
        Fact { name: name.to_owned(), told: words(told) }
    }

    #[test]
    fn a_mail_is_taken_apart_as_it_is_written() {
        let text = "\
It is ready.

  ssh cc@192.0.2.1

Your booking: https://f/b
All of them: https://f/
Once more.

What is lost:
  server node1
  and 2 more
Copy it now.

Kubernetes
  Start   Sat Feb 8, 10:00
  In UTC  15:00 UTC

- one
- two: https://f/two

--
Because of it.
Your mails: https://f/me";
        let plain = read(text);
        assert_eq!(
            plain.blocks,
            [
                Block::Lead(words("It is ready.")),
                Block::Command(vec!["ssh cc@192.0.2.1".to_owned()]),
                Block::Button(to("Your booking", "https://f/b")),
                Block::Link(to("All of them", "https://f/")),
                Block::Text(vec![words("Once more.")]),
                Block::Text(vec![words("What is lost:")]),
                Block::Items(vec![words("server node1"), words("and 2 more")]),
                Block::Text(vec![words("Copy it now.")]),
                Block::Title(words("Kubernetes")),
                Block::Facts(vec![fact("Start", "Sat Feb 8, 10:00"), fact("In UTC", "15:00 UTC")]),
                Block::Items(vec![
                    words("one"),
                    vec![Piece::Text("two: ".to_owned()), Piece::Link("https://f/two".to_owned())]
                ]),
            ]
        );
        assert_eq!(
            plain.footer,
            [Block::Text(vec![words("Because of it.")]), Block::Link(to("Your mails", "https://f/me"))]
        );
    }

    #[test]
    fn a_sentence_with_an_address_in_it_is_no_link() {
        for line in ["See: https://f/a.", "From https://f/a: https://f/b", "https://f/a", "None: here"] {
            assert_eq!(link(line), None, "{line}");
        }
        assert_eq!(read(""), Plain::default());
    }
}
