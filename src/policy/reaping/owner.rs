//! Whose an object is. Hints are taken in a fixed order of trust: metadata and tags, then the key pair, then the account that
//! made it, then its name and description. The first level that names someone counts; if it names two, nobody is meant.

use std::collections::{BTreeMap, BTreeSet};

use super::given::Known;
use crate::domain::blueprint::Kind;
use crate::domain::resource::Found;

/// Whose an object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Owner<'a> {
    /// Somebody's.
    Of(&'a Known),
    /// Nobody's who is known.
    Nobody(Why),
}

/// Why nobody is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Why {
    /// Nothing names anybody.
    NoHint,
    /// One level of trust names two people.
    Several,
    /// Its metadata names somebody who is not in the course.
    Stranger,
}

impl Why {
    /// A clause to follow what is the matter with the object.
    pub(super) fn clause(self) -> &'static str {
        match self {
            Self::NoHint => "nothing says whose it is",
            Self::Several => "what it says of its owner fits two people",
            Self::Stranger => "its metadata names an owner who is not in the course",
        }
    }
}

/// Everyone in the course, by what may name them.
pub(super) struct People<'a> {
    by_net_id: BTreeMap<&'a str, &'a Known>,
    by_account: BTreeMap<String, Vec<&'a Known>>,
}

impl<'a> People<'a> {
    pub(super) fn of(people: &'a [Known]) -> Self {
        let by_net_id = people.iter().map(|known| (known.net_id.as_str(), known)).collect();
        let mut by_account: BTreeMap<String, Vec<&Known>> = BTreeMap::new();
        for known in people {
            for account in known.cloud_users.iter().map(|account| folded(account)) {
                by_account.entry(account).or_default().push(known);
            }
        }
        Self { by_net_id, by_account }
    }

    pub(super) fn get(&self, net_id: &str) -> Option<&'a Known> {
        self.by_net_id.get(net_id).copied()
    }

    pub(super) fn owner(&self, found: &Found) -> Owner<'a> {
        let hints = &found.survey.hints;
        let said = said(found);
        let key = hints.key.iter().map(String::as_str).collect::<Vec<_>>();
        let creator = hints.creator.iter().map(String::as_str).collect::<Vec<_>>();
        // The name of a floating IP is its address.
        let name = (found.kind != Kind::FloatingIp).then_some(found.name.as_str());
        let name = name.into_iter().chain(hints.description.as_deref()).collect::<Vec<_>>();
        for (texts, accounts, must_be_known) in
            [(said, true, true), (key, false, false), (creator, true, false), (name, false, false)]
        {
            let named = self.named(&texts, accounts);
            let mut named = named.into_iter();
            match (named.next(), named.next()) {
                (Some(only), None) => return self.get(only).map_or(Owner::Nobody(Why::NoHint), Owner::Of),
                (Some(_), Some(_)) => return Owner::Nobody(Why::Several),
                (None, _) if must_be_known && !texts.is_empty() => return Owner::Nobody(Why::Stranger),
                (None, _) => {}
            }
        }
        Owner::Nobody(Why::NoHint)
    }

    /// Net IDs of those whom the texts name, by a whole word, or as a whole by an account.
    fn named(&self, texts: &[&str], accounts: bool) -> BTreeSet<&'a str> {
        let mut named = BTreeSet::new();
        for text in texts {
            let by_word = words(text).into_iter().filter_map(|word| self.get(&word));
            named.extend(by_word.map(|known| known.net_id.as_str()));
            if accounts {
                let by_account = self.by_account.get(&folded(text)).into_iter().flatten();
                named.extend(by_account.map(|known| known.net_id.as_str()));
            }
        }
        named
    }
}

fn folded(text: &str) -> String {
    text.trim().to_lowercase()
}

/// Names of metadata, and of tags as `owner=ff524`, that tell an owner.
const OWNER_NAMES: [&str; 5] = ["owner", "net_id", "netid", "fairlease_owner", "fairlease_net_id"];

/// What metadata and tags say of the owner.
fn said(found: &Found) -> Vec<&str> {
    let tells = |name: &str| OWNER_NAMES.contains(&folded(name).replace('-', "_").as_str());
    let metadata = found.survey.hints.metadata.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let tags = found.survey.tags.iter().filter_map(|tag| tag.split_once(['=', ':']));
    let values = metadata.chain(tags).filter(|(name, _)| tells(name)).map(|(_, value)| value);
    values.filter(|value| !value.trim().is_empty()).collect()
}

/// Whether it carries the metadata of a booking's object: then it is one, whatever it is called.
pub(super) fn is_renamed(found: &Found) -> bool {
    found.survey.hints.metadata.iter().any(|(name, _)| name == "fairlease_booking")
}

/// The words of a text, in lower case, without those of ids such as `2f1c5b1e-...`: a part of one may look like a net ID.
fn words(text: &str) -> Vec<String> {
    let text = text.to_lowercase();
    let mut words: Vec<&str> = text.split(|c: char| !c.is_ascii_alphanumeric()).collect();
    let mut from = 0;
    while let Some(id) = words.get(from..from + ID_PARTS.len()) {
        if id.iter().zip(ID_PARTS).all(|(part, length)| is_hex(part, length)) {
            words.drain(from..from + ID_PARTS.len());
        } else {
            from += 1;
        }
    }
    words.into_iter().filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

const ID_PARTS: [usize; 5] = [8, 4, 4, 4, 12];

fn is_hex(part: &str, length: usize) -> bool {
    part.len() == length && part.bytes().all(|b| b.is_ascii_hexdigit())
}

/// The number of the project that an object is of: its name or description ends in `project` and a number. 0 is what staff
/// keep for themselves.
pub(super) fn project(found: &Found) -> Option<Project> {
    [Some(found.name.as_str()), found.survey.hints.description.as_deref()].into_iter().flatten().find_map(
        |text| {
            let text = folded(text);
            let head = text.trim_end_matches(|c: char| c.is_ascii_digit());
            let digits = text.get(head.len()..).filter(|digits| !digits.is_empty())?;
            head.ends_with("project")
                .then(|| if digits.bytes().all(|b| b == b'0') { Project::Kept } else { Project::Students })
        },
    )
}

/// Whose project an object is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Project {
    /// Number 0.
    Kept,
    /// Another.
    Students,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::PersonId;
    use crate::domain::survey::{Hints, Survey};

    fn known(net_id: &str, account: &str) -> Known {
        Known {
            person: PersonId::from_bits(0),
            net_id: net_id.parse().unwrap(),
            cloud_users: vec![account.to_owned()],
            staff: false,
            parity: None,
            terms: Vec::new(),
        }
    }

    fn found(name: &str, hints: Hints, tags: &[&str]) -> Found {
        let tags = tags.iter().map(|tag| (*tag).to_owned()).collect();
        let survey = Survey { hints, tags, ..Survey::default() };
        Found {
            kind: Kind::Server,
            site_ref: "x".into(),
            name: name.into(),
            mark: None,
            created_at: None,
            survey,
        }
    }

    fn owner(found: &Found) -> Result<String, Why> {
        let people =
            [known("ff524", "Ada Lovelace"), known("gg777", "gg777@example.edu"), known("ab12", "u3")];
        match People::of(&people).owner(found) {
            Owner::Of(known) => Ok(known.net_id.to_string()),
            Owner::Nobody(why) => Err(why),
        }
    }

    fn named(name: &str) -> Result<String, Why> {
        owner(&found(name, Hints::default(), &[]))
    }

    #[test]
    fn words_are_compared_whole() {
        for name in ["node1-cloud-ff524", "lease2_cloud_FF524", "private_cloud_net_ff524", "ff524"] {
            assert_eq!(named(name), Ok("ff524".to_owned()), "{name}");
        }
        for name in ["node1-cloud-aff5240", "ff5240", "ff-524", "node1", "", "\u{130}ff524x"] {
            assert_eq!(named(name), Err(Why::NoHint), "{name}");
        }
        assert_eq!(named("ff524-and-gg777"), Err(Why::Several));
        assert_eq!(named("boot-2f1c5b1e-ab12-4222-8333-444444444444"), Err(Why::NoHint), "a part of an id");
        assert_eq!(named("2f1c5b1e-ab12-4222-8333"), Ok("ab12".to_owned()), "no whole id");
    }

    #[test]
    fn what_is_trusted_more_counts_and_two_are_nobody() {
        let metadata = |name: &str, value: &str| vec![(name.to_owned(), value.to_owned())];
        let full = Hints {
            metadata: metadata("Net-ID", "gg777"),
            key: Some("ff524-laptop".into()),
            creator: vec!["u3".into()],
            description: Some("of ff524".into()),
        };
        let name = "node1-cloud-ff524";
        let of = |hints: Hints| owner(&found(name, hints, &[]));
        assert_eq!(of(full.clone()), Ok("gg777".to_owned()));
        assert_eq!(of(Hints { metadata: Vec::new(), ..full.clone() }), Ok("ff524".to_owned()));
        let creator = Hints { metadata: Vec::new(), key: Some("id_rsa".into()), ..full.clone() };
        assert_eq!(of(creator), Ok("ab12".to_owned()));
        assert_eq!(
            of(Hints { metadata: metadata("owner", "ada lovelace"), ..full.clone() }),
            Ok("ff524".to_owned())
        );
        assert_eq!(of(Hints { metadata: metadata("owner", "zz999"), ..full.clone() }), Err(Why::Stranger));
        assert_eq!(
            of(Hints { metadata: metadata("purpose", "zz999"), ..full.clone() }),
            Ok("ff524".to_owned())
        );
        let both = Hints { metadata: metadata("owner", "ff524, gg777"), ..full };
        assert_eq!(of(both), Err(Why::Several), "although the key names one");
        let creators = Hints { creator: vec!["gg777@example.edu".into(), "u3".into()], ..Hints::default() };
        assert_eq!(of(creators), Err(Why::Several));
        let tagged = found("node1", Hints::default(), &["blazar", "owner=ff524"]);
        assert_eq!(owner(&tagged), Ok("ff524".to_owned()));
        let address = Found { kind: Kind::FloatingIp, ..found("2001:db8::ab12", Hints::default(), &[]) };
        assert_eq!(owner(&address), Err(Why::NoHint));
    }

    #[test]
    fn projects_are_known_by_how_their_names_end() {
        let of = |name| project(&found(name, Hints::default(), &[]));
        for name in ["node1-project51", "Project7", "x_project051"] {
            assert_eq!(of(name), Some(Project::Students), "{name}");
        }
        assert_eq!((of("node1-project0"), of("project00")), (Some(Project::Kept), Some(Project::Kept)));
        for name in ["node1-project", "project51-node1", "51", "", "projekt51"] {
            assert_eq!(of(name), None, "{name}");
        }
    }
}
