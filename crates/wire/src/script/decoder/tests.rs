use proptest::collection::vec;
use proptest::prelude::*;

use super::super::message::ScriptId;
use super::*;

/// A frame that owns its payload.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Owned {
    To(ToAgent<'static>),
    From(FromAgent<'static>),
    Script(Vec<u8>),
    Output(Stream, Vec<u8>),
}

impl Owned {
    fn encode(&self) -> Vec<u8> {
        match self {
            Self::To(frame) => frame.encode(),
            Self::From(frame) => frame.encode(),
            Self::Script(piece) => ToAgent::Script(piece).encode(),
            Self::Output(stream, piece) => FromAgent::Output(*stream, piece).encode(),
        }
    }
}

/// Appends a frame; a piece is joined to one of the same kind before it, because the cuts between pieces have no
/// meaning.
fn add(frames: &mut Vec<Owned>, frame: Owned) {
    match (frames.last_mut(), &frame) {
        (_, Owned::Script(piece) | Owned::Output(_, piece)) if piece.is_empty() => (),
        (Some(Owned::Script(whole)), Owned::Script(piece)) => whole.extend(piece),
        (Some(Owned::Output(last, whole)), Owned::Output(stream, piece)) if last == stream => {
            whole.extend(piece)
        }
        _ => frames.push(frame),
    }
}

fn to_agent() -> impl Strategy<Value = Owned> {
    let time = (0..1_u64 << 40).prop_map(Duration::from_millis);
    let attach = (any::<ScriptId>(), any::<bool>(), any::<u64>(), time.clone()).prop_map(
        |(script, resumed, received, patience)| {
            ToAgent::Attach(Attach {
                script,
                resumed,
                received,
                patience,
            })
        },
    );
    prop_oneof![
        attach.prop_map(Owned::To),
        vec(any::<u8>(), 0..200).prop_map(Owned::Script),
        Just(Owned::To(ToAgent::ScriptEnd)),
        any::<u64>().prop_map(|bytes| Owned::To(ToAgent::Received(bytes))),
        time.prop_map(|time| Owned::To(ToAgent::Cancel(time))),
    ]
}

fn from_agent() -> impl Strategy<Value = Owned> {
    let stream = prop_oneof![Just(Stream::Stdout), Just(Stream::Stderr)];
    prop_oneof![
        any::<u64>().prop_map(|received| Owned::From(FromAgent::Attached { received })),
        "\\PC{0,80}".prop_map(|reason| Owned::From(FromAgent::Refused(reason))),
        (stream, vec(any::<u8>(), 0..200)).prop_map(|(stream, piece)| Owned::Output(stream, piece)),
        any::<u32>().prop_map(|status| Owned::From(FromAgent::Exited(status))),
        any::<u32>().prop_map(|number| Owned::From(FromAgent::Signalled(number))),
        "\\PC{0,80}".prop_map(|reason| Owned::From(FromAgent::Failed(reason))),
    ]
}

/// Cuts `bytes` into pieces of these lengths, repeated as often as needed.
fn cut<'a>(bytes: &'a [u8], lengths: &'a [usize]) -> impl Iterator<Item = &'a [u8]> {
    let mut rest = bytes;
    lengths.iter().cycle().map_while(move |length| {
        let (piece, after) = rest.split_at((*length).min(rest.len()));
        rest = after;
        (!piece.is_empty()).then_some(piece)
    })
}

proptest! {
    #[test]
    fn what_the_driver_sends_arrives_however_it_is_cut(sent in vec(to_agent(), 0..20), lengths in vec(1_usize..40, 1..8)) {
        let bytes: Vec<u8> = sent.iter().flat_map(Owned::encode).collect();
        let (mut expected, mut found, mut decoder) = (Vec::new(), Vec::new(), Decoder::default());
        for frame in sent {
            add(&mut expected, frame);
        }
        for mut piece in cut(&bytes, &lengths) {
            while let Some(frame) = decoder.to_agent(&mut piece).unwrap() {
                add(&mut found, match frame {
                    ToAgent::Script(piece) => Owned::Script(piece.to_vec()),
                    ToAgent::Attach(attach) => Owned::To(ToAgent::Attach(attach)),
                    ToAgent::ScriptEnd => Owned::To(ToAgent::ScriptEnd),
                    ToAgent::Received(bytes) => Owned::To(ToAgent::Received(bytes)),
                    ToAgent::Cancel(grace) => Owned::To(ToAgent::Cancel(grace)),
                });
            }
            prop_assert!(piece.is_empty());
        }
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn what_the_agent_sends_arrives_however_it_is_cut(sent in vec(from_agent(), 0..20), lengths in vec(1_usize..40, 1..8)) {
        let bytes: Vec<u8> = sent.iter().flat_map(Owned::encode).collect();
        let (mut expected, mut found, mut decoder) = (Vec::new(), Vec::new(), Decoder::default());
        for frame in sent {
            add(&mut expected, frame);
        }
        for mut piece in cut(&bytes, &lengths) {
            while let Some(frame) = decoder.from_agent(&mut piece).unwrap() {
                add(&mut found, match frame {
                    FromAgent::Output(stream, piece) => Owned::Output(stream, piece.to_vec()),
                    FromAgent::Attached { received } => Owned::From(FromAgent::Attached { received }),
                    FromAgent::Refused(reason) => Owned::From(FromAgent::Refused(reason)),
                    FromAgent::Exited(status) => Owned::From(FromAgent::Exited(status)),
                    FromAgent::Signalled(number) => Owned::From(FromAgent::Signalled(number)),
                    FromAgent::Failed(reason) => Owned::From(FromAgent::Failed(reason)),
                });
            }
            prop_assert!(piece.is_empty());
        }
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn noise_is_refused_or_waited_for_and_never_hoarded(bytes in vec(prop_oneof![0_u8..40, any::<u8>()], 0..3000)) {
        for read in [
            |decoder: &mut Decoder, input: &mut &[u8]| decoder.to_agent(input).map(|frame| frame.is_some()),
            |decoder: &mut Decoder, input: &mut &[u8]| decoder.from_agent(input).map(|frame| frame.is_some()),
        ] {
            let mut decoder = Decoder::default();
            let mut input = bytes.as_slice();
            while let Ok(true) = read(&mut decoder, &mut input) {}
            prop_assert!(decoder.gathered.len() <= HEAD + LONGEST_MESSAGE);
        }
    }
}

#[test]
fn a_text_that_is_too_long_is_cut_between_characters() {
    let long = format!("x{}", "é".repeat(LONGEST_MESSAGE));
    let bytes = FromAgent::Refused(long).encode();
    let frame = Decoder::default()
        .from_agent(&mut bytes.as_slice())
        .unwrap();
    let Some(FromAgent::Refused(text)) = frame else {
        panic!("{frame:?}")
    };
    assert_eq!(text, format!("x{}", "é".repeat((LONGEST_MESSAGE - 1) / 2)));
}

#[test]
fn what_nobody_sends_is_refused() {
    for (bytes, case) in [
        (&[99, 0, 0, 0, 0][..], "kind 99"),
        (&[SCRIPT, 255, 0, 0, 0], "a piece without limit"),
        (&[RECEIVED, 0, 0, 255, 0], "a message without limit"),
        (&[RECEIVED, 0, 0, 0, 1, 0], "too short"),
        (
            &[RECEIVED, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0],
            "too long",
        ),
        (&[STDOUT, 0, 0, 0, 1, 0], "the agent's own frame"),
        (&[EXITED, 0, 0, 0, 4, 0, 0, 0, 0], "the agent's own frame"),
    ] {
        let mut input = bytes;
        assert!(Decoder::default().to_agent(&mut input).is_err(), "{case}");
    }
}
