//! Valid samples with something wrong in them, for property tests: what no grammar of wrong input would think of, and
//! still near enough to a right one to get past the first check.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Value, json};

/// Most bytes that one edit takes out or puts in again elsewhere.
const PIECE: usize = 40;

/// What parsers stumble over.
fn stumbling_block() -> impl Strategy<Value = Vec<u8>> {
    let short: Vec<&[u8]> = vec![
        b"\0",
        b"\n",
        b"\r\n",
        b"\t",
        b"\"",
        b"'",
        b"\\",
        b"\\u0000",
        b"\\ud800",
        b"{",
        b"}",
        b"[",
        b"]",
        b"<",
        b">",
        b"</",
        b"<!--",
        b"<![CDATA[",
        b"&lt",
        b"&#0;",
        b"&",
        b"*",
        b"&a ",
        b"!!binary ",
        b"|",
        b"- ",
        b": ",
        b",",
        b"=",
        b"#",
        b"0",
        b"-1",
        b"1e400",
        b"0x",
        b"99999999999999999999999999",
        b"18446744073709551616",
        b"NaN",
        b"null",
        b"true",
        b"\xff\xfe",
        b"\xc3",
        b"\xed\xa0\x80",
        "\u{202e}".as_bytes(),
        b"\x1b[2J",
    ];
    let deep = select(vec!["[", "{", "{\"a\":", "<a>", "- ", "(", "[["]);
    prop_oneof![
        9 => select(short).prop_map(<[u8]>::to_vec),
        1 => deep.prop_map(|open| open.repeat(3000).into_bytes()),
    ]
}

#[derive(Debug, Clone)]
enum Edit {
    Flip(Index, u8),
    Cut(Index, usize),
    Splice(Index, usize, Index),
    Insert(Index, Vec<u8>),
    End(Index),
}

fn edit() -> impl Strategy<Value = Edit> {
    let at = any::<Index>;
    prop_oneof![
        3 => (at(), 1..=255_u8).prop_map(|(at, mask)| Edit::Flip(at, mask)),
        3 => (at(), 1..PIECE).prop_map(|(at, length)| Edit::Cut(at, length)),
        3 => (at(), 1..PIECE, at()).prop_map(|(from, length, to)| Edit::Splice(from, length, to)),
        5 => (at(), stumbling_block()).prop_map(|(at, what)| Edit::Insert(at, what)),
        1 => at().prop_map(Edit::End),
    ]
}

/// `sample` with bytes flipped, cut out, put in, or copied from elsewhere in it.
pub fn bytes(sample: impl Into<Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    let sample = sample.into();
    vec(edit(), 1..5).prop_map(move |edits| {
        let mut bytes = sample.clone();
        for edit in edits {
            let length = bytes.len();
            let place = |at: Index| at.index(length + 1);
            let piece = |from: usize, many: usize| from..length.min(from + many);
            match edit {
                Edit::Flip(at, mask) if length > 0 => bytes[at.index(length)] ^= mask,
                Edit::Flip(..) => {}
                Edit::Cut(at, many) => drop(bytes.drain(piece(place(at), many))),
                Edit::Splice(from, many, to) => {
                    let copied = bytes[piece(place(from), many)].to_vec();
                    let to = place(to);
                    drop(bytes.splice(to..to, copied));
                }
                Edit::Insert(at, what) => {
                    let at = place(at);
                    drop(bytes.splice(at..at, what));
                }
                Edit::End(at) => bytes.truncate(place(at)),
            }
        }
        bytes
    })
}

#[derive(Debug, Clone)]
enum Change {
    Replace(Value),
    Remove,
    Repeat,
    Swap(Index),
}

fn odd_value() -> impl Strategy<Value = Value> {
    let deep = (0..200).fold(json!([]), |inner, _| json!([inner]));
    select(vec![
        json!(null),
        json!(true),
        json!(0),
        json!(-1),
        json!(1.5),
        json!(u64::MAX),
        json!(i64::MIN),
        json!(1e308),
        json!(""),
        json!(" "),
        json!("\0"),
        json!("\u{1b}[31m\nJob succeeded"),
        json!("x".repeat(9000)),
        json!("99999999999999999999"),
        json!([]),
        json!([null]),
        json!({}),
        json!({ "": null }),
        deep,
    ])
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        4 => odd_value().prop_map(Change::Replace),
        2 => Just(Change::Remove),
        1 => Just(Change::Repeat),
        3 => any::<Index>().prop_map(Change::Swap),
    ]
}

/// `sample` with values of other types, members missing, elements repeated, and values in each other's place.
pub fn json(sample: Value) -> impl Strategy<Value = Value> {
    vec((any::<Index>(), change()), 1..4).prop_map(move |changes| {
        let mut document = sample.clone();
        for (at, change) in changes {
            let places = places(&document);
            apply(
                &mut document,
                &places[at.index(places.len())],
                &change,
                &places,
            );
        }
        document
    })
}

/// The same as text; and sometimes what is no JSON any more.
pub fn json_text(sample: Value) -> impl Strategy<Value = Vec<u8>> {
    let text = sample.to_string();
    prop_oneof![
        2 => json(sample).prop_map(|document| document.to_string().into_bytes()),
        1 => bytes(text),
    ]
}

fn apply(document: &mut Value, place: &str, change: &Change, places: &[String]) {
    let (parent, last) = place.rsplit_once('/').unwrap_or_default();
    match change {
        Change::Replace(value) => set(document, place, value.clone()),
        Change::Swap(other) => {
            let other = &places[other.index(places.len())];
            let both = (
                document.pointer(place).cloned(),
                document.pointer(other).cloned(),
            );
            if let (Some(one), Some(two)) = both {
                set(document, place, two);
                set(document, other, one);
            }
        }
        Change::Remove | Change::Repeat => match (document.pointer_mut(parent), change) {
            (Some(Value::Object(members)), Change::Remove) => {
                members.remove(&last.replace("~1", "/").replace("~0", "~"));
            }
            (Some(Value::Array(elements)), change) => {
                if let Ok(at) = last.parse::<usize>()
                    && at < elements.len()
                {
                    match change {
                        Change::Remove => drop(elements.remove(at)),
                        _ => elements.insert(at, elements[at].clone()),
                    }
                }
            }
            _ => {}
        },
    }
}

/// Changes what is at `place`, if it still is there.
fn set(document: &mut Value, place: &str, value: Value) {
    if let Some(old) = document.pointer_mut(place) {
        *old = value;
    }
}

/// The JSON pointers to all values in a document.
fn places(document: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let mut left = vec![(String::new(), document)];
    while let Some((place, value)) = left.pop() {
        match value {
            Value::Object(members) => left.extend(members.iter().map(|(key, value)| {
                let key = key.replace('~', "~0").replace('/', "~1");
                (format!("{place}/{key}"), value)
            })),
            Value::Array(elements) => {
                let elements = elements.iter().enumerate();
                left.extend(elements.map(|(at, value)| (format!("{place}/{at}"), value)));
            }
            _ => {}
        }
        found.push(place);
    }
    found
}
