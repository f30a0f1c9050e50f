//! The picture of what everyone has used: how many students used how much, nobody named, the reader's own place marked.

use askama::Template;
use askama::filters::HtmlSafe;

/// A histogram with the middle half below it, drawn by the server. Places across are in percent of the width, so that it
/// fits a phone as it fits a wide screen, with text of the same size; places down are in pixels.
#[derive(Debug, Clone, PartialEq, Eq, Template)]
#[template(path = "parts/spread.html")]
pub struct Spread {
    /// The finding, which is the picture's title.
    pub title: String,
    /// The picture for those who hear it.
    pub spoken: String,
    /// What is counted: `server-hours`.
    pub unit: String,
    /// How usage fades, in a few words.
    pub fading: String,
    /// How many students used how much, from nothing on.
    pub bars: Vec<Bar>,
    /// The numbers under the axis.
    pub ticks: Vec<Tick>,
    /// Where the middle half of the class is.
    pub middle: Middle,
    /// Where the reader is.
    pub mine: Option<Mark>,
}

impl HtmlSafe for Spread {}

/// A bar: the students who used from so much to so much.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bar {
    /// Its left edge.
    pub x: String,
    /// Its middle.
    pub centre: String,
    /// Its width.
    pub width: String,
    /// How high it is; 0 if there is nobody.
    pub height: usize,
    /// From how much on.
    pub from: String,
    /// Up to how much.
    pub to: String,
    /// How many students.
    pub count: usize,
    /// Whether the reader is among them.
    pub mine: bool,
}

impl Bar {
    /// Its upper edge.
    pub(super) fn top(&self) -> usize {
        BASE.saturating_sub(self.height)
    }

    /// The line on which its number stands.
    pub(super) fn label(&self) -> usize {
        self.top().saturating_sub(4)
    }
}

/// A number under the axis.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tick {
    /// Where.
    pub x: String,
    /// The number.
    pub text: String,
    /// Which side of the text stands there.
    pub anchor: &'static str,
}

/// The middle half of the class: from the first to the third quartile, with the median.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Middle {
    /// Where it begins.
    pub x: String,
    /// How wide it is.
    pub width: String,
    /// Where the median is.
    pub median: String,
    /// Where the most is.
    pub most: String,
    /// All of it in words.
    pub text: String,
}

/// Where the reader is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// Where.
    pub x: String,
    /// How far down the mark points.
    pub tip: usize,
    /// `you: 5.2`.
    pub text: String,
    /// Which side of the text stands there.
    pub anchor: &'static str,
}

impl Mark {
    /// Where its line ends.
    pub(super) fn neck(&self) -> usize {
        self.tip.saturating_sub(8)
    }
}

/// The line of the axis.
const BASE: usize = 150;
/// The highest bar.
const HIGHEST: usize = 100;
/// The most bars: on a phone each has room for its number.
const MOST_BARS: u64 = 12;
/// The most numbers under the axis, less one.
const MOST_TICKS: u64 = 6;
/// Fewer students than this would know each other's usage from the picture.
pub const FEWEST: usize = 5;

impl Spread {
    /// Of what each student has used, in millionths, least first; `mine` is one of them. Nothing if nobody has used anything.
    #[must_use]
    pub fn new(used: &[u64], mine: Option<u64>, unit: &str, fading: &str) -> Option<Self> {
        let most = used.last().copied().filter(|most| *most > 0)?;
        let scale = Scale::up_to(most);
        let bars = scale.bars(used, mine);
        let middle = scale.middle(used, most);
        let title = title(used, mine, unit);
        let spoken = format!(
            "Bars: how many of {} students used how much, from 0 to {} {unit}; {}{}.",
            used.len(),
            amount(most),
            middle.text,
            mine.map(|mine| format!("; you: {}", amount(mine))).unwrap_or_default()
        );
        Some(Self {
            title,
            spoken,
            unit: unit.to_owned(),
            fading: fading.to_owned(),
            mine: mine.map(|mine| scale.mark(&bars, mine)),
            ticks: scale.ticks(),
            bars,
            middle,
        })
    }

    /// A class of 191, and a student in the middle of it.
    #[must_use]
    pub fn sample(mine: Option<u64>) -> Option<Self> {
        let mut used: Vec<u64> = (0..191_u64)
            .map(|n| if n < 40 { 0 } else { n * n * n % 9_000_000 + n * n * 500 })
            .chain([31_000_000])
            .collect();
        used.extend(mine);
        used.sort_unstable();
        Self::new(&used, mine, "server-hours", "those of 7 days ago count half")
    }
}

/// The axis: so many bars, each so wide.
struct Scale {
    step: u64,
    count: u64,
}

impl Scale {
    fn up_to(most: u64) -> Self {
        let steps = (2..15).flat_map(|power| [1, 2, 5].map(|first| first * 10_u64.pow(power)));
        let step = steps.into_iter().find(|step| most / step < MOST_BARS).unwrap_or(most);
        Self { step, count: most / step.max(1) + 1 }
    }

    /// In percent of the width, to the tenth.
    fn across(&self, value: u64) -> String {
        percent(u128::from(value) * 1000 / u128::from(self.step * self.count).max(1))
    }

    /// Which side of a text stands there, so that it stays in the picture.
    fn anchor(&self, value: u64) -> &'static str {
        match u128::from(value) * 100 / u128::from(self.step * self.count).max(1) {
            ..12 => "start",
            12..88 => "middle",
            _ => "end",
        }
    }

    fn bars(&self, used: &[u64], mine: Option<u64>) -> Vec<Bar> {
        let within = |bar: u64, value: u64| value / self.step == bar;
        let counts = (0..self.count).map(|bar| used.iter().filter(|value| within(bar, **value)).count());
        let counts: Vec<usize> = counts.collect();
        let fullest = counts.iter().copied().max().unwrap_or(1).max(1);
        let bar = |(bar, count): (u64, usize)| Bar {
            x: self.across(bar * self.step),
            centre: self.across(bar * self.step + self.step / 2),
            width: self.across(self.step),
            height: if count == 0 { 0 } else { (count * HIGHEST / fullest).max(4) },
            from: exact(bar * self.step),
            to: exact((bar + 1) * self.step),
            count,
            mine: mine.is_some_and(|mine| within(bar, mine)),
        };
        (0..self.count).zip(counts).map(bar).collect()
    }

    fn ticks(&self) -> Vec<Tick> {
        let every = self.count.div_ceil(MOST_TICKS);
        let tick = |bar: u64| Tick {
            x: self.across(bar * self.step),
            text: exact(bar * self.step),
            anchor: match bar {
                0 => "start",
                bar if bar == self.count => "end",
                _ => "middle",
            },
        };
        (0..=self.count).filter(|bar| bar % every == 0).map(tick).collect()
    }

    fn middle(&self, used: &[u64], most: u64) -> Middle {
        let [first, median, third] = [25, 50, 75].map(|part| percentile(used, part));
        Middle {
            x: self.across(first),
            width: self.across(third - first),
            median: self.across(median),
            most: self.across(most),
            text: format!("middle half: {} to {}, median {}", amount(first), amount(third), amount(median)),
        }
    }

    fn mark(&self, bars: &[Bar], mine: u64) -> Mark {
        let label = bars.iter().find(|bar| bar.mine).map_or(BASE, Bar::label);
        Mark {
            x: self.across(mine),
            tip: label.saturating_sub(14),
            text: format!("you: {}", amount(mine)),
            anchor: self.anchor(mine),
        }
    }
}

fn percent(tenths: u128) -> String {
    format!("{}.{}%", tenths / 10, tenths % 10)
}

/// The least value that so many percent of all do not exceed.
fn percentile(sorted: &[u64], percent: usize) -> u64 {
    let index = (sorted.len() * percent).div_ceil(100).saturating_sub(1);
    sorted.get(index).copied().unwrap_or(0)
}

fn title(used: &[u64], mine: Option<u64>, unit: &str) -> String {
    let Some(mine) = mine else {
        let (half, most) = (percentile(used, 50), used.last().copied().unwrap_or(0));
        return format!(
            "Half of the students used {} {unit} or less; the most is {}",
            amount(half),
            amount(most)
        );
    };
    let more = used.iter().filter(|other| **other > mine).count();
    let less = used.iter().filter(|other| **other < mine).count();
    let same = used.len().saturating_sub(more + less + 1);
    let others = |count: usize| if count == 1 { "1 other".to_owned() } else { format!("{count} others") };
    match same {
        0 => format!("{} used more than you, {less} less", others(more)),
        _ => format!("{} used more than you, {less} less, {same} as much", others(more)),
    }
}

/// Millionths as people read them: `0`, `0.3`, `5.2`, `143`.
#[must_use]
pub fn amount(micro: u64) -> String {
    match micro {
        0 => "0".to_owned(),
        1..50_000 => "less than 0.1".to_owned(),
        50_000..99_950_000 => {
            let tenths = (micro + 50_000) / 100_000;
            let text = format!("{}.{}", tenths / 10, tenths % 10);
            text.trim_end_matches(".0").to_owned()
        }
        _ => ((micro + 500_000) / 1_000_000).to_string(),
    }
}

/// Millionths to the last digit that is not 0.
fn exact(micro: u64) -> String {
    let text = format!("{}.{:06}", micro / 1_000_000, micro % 1_000_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn amounts_are_short_and_zero_is_zero() {
        for (micro, text) in [
            (0, "0"),
            (1, "less than 0.1"),
            (50_000, "0.1"),
            (3_000_000, "3"),
            (5_249_999, "5.2"),
            (99_949_999, "99.9"),
            (99_950_000, "100"),
            (143_400_000, "143"),
        ] {
            assert_eq!(amount(micro), text);
        }
        assert_eq!([500_000, 20_000_000, 0].map(exact), ["0.5", "20", "0"]);
    }

    #[test]
    fn there_is_no_picture_of_nothing() {
        assert_eq!(Spread::new(&[], None, "server-hours", ""), None);
        assert_eq!(Spread::new(&[0, 0, 0], Some(0), "server-hours", ""), None);
    }

    #[test]
    fn the_title_counts_the_others() {
        let title = |used: &[u64], mine| Spread::new(used, mine, "server-hours", "").unwrap().title;
        let one = 1_000_000;
        assert_eq!(title(&[0, one, 2 * one, 3 * one], Some(one)), "2 others used more than you, 1 less");
        assert_eq!(title(&[one, one, 3 * one], Some(one)), "1 other used more than you, 0 less, 1 as much");
        assert_eq!(title(&[0, one], None), "Half of the students used 0 server-hours or less; the most is 1");
    }

    proptest! {
        #[test]
        fn everyone_is_in_one_bar_and_the_reader_in_theirs(
            mut used in proptest::collection::vec(0u64..2_000_000_000, 1..60), which in 0usize..60,
        ) {
            used.sort_unstable();
            let mine = used[which % used.len()];
            let Some(spread) = Spread::new(&used, Some(mine), "server-hours", "") else {
                prop_assert_eq!(used.last(), Some(&0));
                return Ok(());
            };
            prop_assert!(spread.bars.len() <= 12 && spread.ticks.len() <= 7);
            prop_assert_eq!(spread.bars.iter().map(|bar| bar.count).sum::<usize>(), used.len());
            prop_assert_eq!(spread.bars.iter().filter(|bar| bar.mine).count(), 1);
            prop_assert!(spread.bars.iter().all(|bar| (bar.count == 0) == (bar.height == 0)));
        }
    }
}
