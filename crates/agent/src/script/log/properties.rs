//! The log against a driver that acknowledges as ours does: in steps, and the last bytes only after the end.

use fargate_wire::script::{ACKNOWLEDGEMENT_STEP, LogReader, LogStep, ScriptEnd};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::tests::piece;
use super::*;

/// The end of every script here.
const STATUS: u32 = 3;

/// The sizes at which the log changes its ways.
const LIMITS: [u64; 6] = [
    SHORT as u64,
    JOINED as u64,
    ACKNOWLEDGEMENT_STEP,
    WINDOW,
    IN_MEMORY,
    FREED,
];

/// Output that a script prints at a stretch, in pieces of at most this size.
#[derive(Debug, Clone, Copy)]
struct Burst {
    bytes: u64,
    piece: usize,
}

/// A loss of the connection.
#[derive(Debug, Clone, Copy)]
struct Outage {
    /// Bytes of the log that still arrive on the connection before it.
    after: u64,
    /// Whether the driver's last acknowledgements are lost, too.
    unheard: bool,
    /// Output meanwhile. The script goes on after it.
    meanwhile: Burst,
}

/// A log between a script and a driver.
struct World {
    log: ScriptLog,
    /// Bytes of output so far, and how many of them have reached the job log.
    printed: u64,
    passed_on: u64,
    reader: LogReader,
    end: Option<ScriptEnd>,
    /// The last acknowledgement on this connection.
    acknowledged: Option<u64>,
    /// Whether acknowledgements arrive.
    hears: bool,
}

/// Bytes of the output from number `from` on. No two places are alike.
fn content(from: u64, length: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(length + 16);
    let mut word = from / 8;
    while bytes.len() < length + 8 {
        bytes.extend_from_slice(&word.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes());
        word += 1;
    }
    bytes.drain(..size(from % 8));
    bytes.truncate(length);
    bytes
}

impl World {
    fn new() -> Self {
        let world = Self {
            log: ScriptLog::new(),
            printed: 0,
            passed_on: 0,
            reader: LogReader::default(),
            end: None,
            acknowledged: None,
            hears: true,
        };
        world.log.set_attached(true);
        world
    }

    /// Prints without a driver, which never waits here: the file has room.
    fn print_alone(&mut self, burst: Burst) {
        self.print(burst, |_| {
            panic!("the script waits although nobody is there")
        });
    }

    /// Prints while the driver takes its part.
    fn print_attended(&mut self, burst: Burst) {
        self.print(burst, |world| {
            assert!(world.take_in(u64::MAX), "both wait for each other");
        });
    }

    fn print(&mut self, burst: Burst, mut when_full: impl FnMut(&mut Self)) {
        let mut left = size(burst.bytes);
        while left > 0 {
            let length = left.min(burst.piece);
            let mut piece = piece(&content(self.printed, length));
            *piece.first_chunk_mut().unwrap() = output_head(Stream::Stdout, length);
            self.push(&mut piece, &mut when_full);
            self.printed += length as u64;
            left -= length;
        }
    }

    fn push(&mut self, piece: &mut BytesMut, when_full: &mut impl FnMut(&mut Self)) {
        while !self.log.kept().push(piece) {
            when_full(self);
        }
    }

    /// The driver takes in up to `most` bytes, and acknowledges when that is due. False if it had nothing to do.
    fn take_in(&mut self, most: u64) -> bool {
        let last = self.reader.received().saturating_add(most);
        let mut did = false;
        loop {
            let received = self.reader.received();
            let Next::Bytes(bytes) = self.log.kept().next(received).unwrap() else {
                return did;
            };
            let room = last - received;
            if room == 0 {
                return did;
            }
            did = true;
            self.reader.push(bytes.slice(..bytes.len().min(size(room))));
            // Our driver gives up an agent that sends more ahead.
            assert!(self.reader.received() - self.log.kept().first <= 2 * WINDOW);
            loop {
                match self.reader.step().unwrap() {
                    LogStep::Output(_, piece) => {
                        assert!(piece == content(self.passed_on, piece.len()));
                        self.passed_on += piece.len() as u64;
                    }
                    LogStep::Ended(end) => self.end = Some(end),
                    LogStep::Pending => break,
                }
            }
            self.acknowledge_if_due();
        }
    }

    fn acknowledge_if_due(&mut self) {
        let passed_on = self.reader.decoded();
        let is_due = match self.acknowledged {
            None => passed_on > 0,
            Some(acknowledged) => passed_on - acknowledged >= ACKNOWLEDGEMENT_STEP,
        };
        if is_due {
            self.acknowledged = Some(passed_on);
            assert!(!self.hears || self.log.acknowledge(passed_on));
        }
    }

    fn lose(&mut self, outage: Outage) {
        self.hears = !outage.unheard;
        self.take_in(outage.after);
        self.log.set_attached(false);
        self.print_alone(outage.meanwhile);
        assert!(self.log.has(self.reader.received()));
        self.log.set_attached(true);
        self.hears = true;
        self.acknowledged = None;
        self.acknowledge_if_due();
    }

    /// The script ends, and everything has arrived once.
    fn finish(mut self) {
        let mut end = BytesMut::from(FromAgent::Exited(STATUS).encode().as_slice());
        self.push(&mut end, &mut |world: &mut Self| {
            assert!(world.take_in(u64::MAX), "the end waits for ever");
        });
        self.log.change(|kept| kept.complete = true);
        self.take_in(u64::MAX);
        assert_eq!(self.end, Some(ScriptEnd::Exited(STATUS)));
        assert_eq!(self.passed_on, self.printed);
        assert!(self.log.acknowledge(self.reader.decoded()));
        assert!(self.log.kept().is_over());
    }
}

/// Sizes around the limits and their multiples.
fn bytes() -> impl Strategy<Value = u64> {
    (select(LIMITS.to_vec()), 0..3_u64, 0..24_u64)
        .prop_map(|(limit, times, more)| (limit * times + more).saturating_sub(12))
}

fn burst() -> impl Strategy<Value = Burst> {
    let pieces = vec![50, SHORT - HEAD, SHORT, JOINED, PIECE - HEAD, PIECE];
    (bytes(), select(pieces)).prop_map(|(bytes, piece)| Burst {
        bytes,
        // Many short pieces take long.
        piece: piece.max(size(bytes / 2000)),
    })
}

fn outage() -> impl Strategy<Value = Outage> {
    (prop_oneof![bytes(), 0..1000_u64], any::<bool>(), burst()).prop_map(
        |(after, unheard, meanwhile)| Outage {
            after,
            unheard,
            meanwhile,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn all_output_arrives_once_and_then_the_end_whatever_is_printed_when(
        rounds in vec((burst(), outage(), burst()), 1..4),
    ) {
        let mut world = World::new();
        for (before, outage, after) in rounds {
            world.print_attended(before);
            world.lose(outage);
            world.print_attended(after);
        }
        world.finish();
    }
}

#[test]
fn a_script_goes_on_after_an_outage_with_any_size_around_a_limit() {
    let line = Burst {
        bytes: 10,
        piece: 10,
    };
    for limit in LIMITS {
        for bytes in (1..=3).flat_map(|times| limit * times - 12..=limit * times + 2) {
            let mut world = World::new();
            let meanwhile = Burst {
                bytes,
                piece: PIECE,
            };
            world.lose(Outage {
                after: 0,
                unheard: false,
                meanwhile,
            });
            world.print_attended(line);
            world.finish();
        }
    }
}

/// As an SSH connection that is cut anywhere: within a head, a piece, or the end.
#[test]
fn an_outage_at_any_byte_changes_nothing() {
    let burst = Burst {
        bytes: 300,
        piece: 50,
    };
    for after in 0..=(300 + 6 * HEAD as u64) {
        let mut world = World::new();
        world.print_attended(burst);
        let meanwhile = Burst {
            bytes: IN_MEMORY + 40_000,
            piece: PIECE,
        };
        world.lose(Outage {
            after,
            unheard: after % 2 == 0,
            meanwhile,
        });
        world.print_attended(burst);
        world.finish();
    }
}

/// The limit of the file itself.
#[test]
fn a_script_goes_on_after_it_has_filled_the_file() {
    let mut world = World::new();
    world.log.set_attached(false);
    let block = Burst {
        bytes: 16 * PIECE as u64,
        piece: PIECE,
    };
    let mut is_full = false;
    while !is_full {
        // The driver comes back when the script has to wait.
        world.print(block, |world| {
            world.log.set_attached(true);
            is_full = true;
            assert!(world.take_in(u64::MAX), "both wait for each other");
        });
    }
    assert!(world.printed > IN_FILE);
    world.print_attended(block);
    world.finish();
}
