//! The two pipes of a shell's output, read in the order in which they became readable.
//!
//! A script that prints an error and goes on expects its error first. Only the kernel knows which pipe became readable
//! first: an epoll instance lists them in that order. tokio would report both at once, and the one that is asked first
//! would come first.

use std::collections::VecDeque;
use std::io;
use std::os::fd::OwnedFd;

use fargate_wire::script::Stream;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::event::{Timespec, epoll::Event};
use rustix::io::{Errno, ioctl_fionbio, read};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

const STREAMS: [Stream; 2] = [Stream::Stdout, Stream::Stderr];

/// Our ends of both pipes.
pub(super) struct OutputPipes {
    epoll: AsyncFd<OwnedFd>,
    /// Those that have not ended.
    open: Vec<(Stream, OwnedFd)>,
    /// Those that may have output, in the order in which they became readable.
    readable: VecDeque<Stream>,
    /// Those without a writer. The kernel says so once, perhaps together with the last output.
    left: Vec<Stream>,
}

impl OutputPipes {
    pub(super) fn new(stdout: OwnedFd, stderr: OwnedFd) -> io::Result<Self> {
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        let open: Vec<_> = STREAMS.into_iter().zip([stdout, stderr]).collect();
        for (number, (_, pipe)) in (0..).zip(&open) {
            ioctl_fionbio(pipe, true)?;
            // Once for each time that it becomes readable. Without that flag a pipe keeps its place in the list.
            let flags = EventFlags::IN | EventFlags::ET;
            epoll::add(&epoll, pipe, EventData::new_u64(number), flags)?;
        }
        #[expect(
            deprecated,
            reason = "its replacement is unsafe, for types that do not keep their descriptor; this one does"
        )]
        let epoll = AsyncFd::with_interest(epoll, Interest::READABLE)?;
        Ok(Self {
            epoll,
            open,
            readable: VecDeque::new(),
            left: Vec::new(),
        })
    }

    /// Reads the next piece of output into `buffer`; returns its length, or `None` once both pipes have ended.
    ///
    /// Nothing is lost when the future is dropped.
    pub(super) async fn read(&mut self, buffer: &mut [u8]) -> Option<(Stream, usize)> {
        loop {
            self.note_readable();
            while let Some(stream) = self.readable.pop_front() {
                if let Some(length) = self.read_from(stream, buffer) {
                    return Some((stream, length));
                }
            }
            if self.open.is_empty() {
                return None;
            }
            match self.epoll.readable().await {
                // A pipe that becomes readable from here on wakes this task again.
                Ok(mut ready) => ready.clear_ready(),
                // The runtime is about to end.
                Err(_) => return None,
            }
        }
    }

    /// Adds the pipes that have become readable since the last look.
    fn note_readable(&mut self) {
        let nothing = Event {
            flags: EventFlags::empty(),
            data: EventData::new_u64(0),
        };
        let mut events = [nothing; STREAMS.len()];
        let now = Timespec::default();
        let count = epoll::wait(self.epoll.get_ref(), &mut events[..], Some(&now)).unwrap_or(0);
        for event in events.iter().take(count) {
            let Event { flags, data } = *event;
            let number = usize::try_from(data.u64()).unwrap_or(usize::MAX);
            let Some(stream) = STREAMS.get(number) else {
                continue;
            };
            if flags.contains(EventFlags::HUP) {
                self.left.push(*stream);
            }
            if !self.readable.contains(stream) {
                self.readable.push_back(*stream);
            }
        }
    }

    /// Reads from this pipe, if it has output.
    fn read_from(&mut self, stream: Stream, buffer: &mut [u8]) -> Option<usize> {
        let at = self.open.iter().position(|(open, _)| *open == stream)?;
        let (_, pipe) = self.open.get(at)?;
        let capacity = buffer.len();
        match read(pipe, buffer) {
            Ok(length @ 1..) => {
                if length == capacity || self.left.contains(&stream) {
                    // It may have more, or its end, and nobody will tell. The other pipe is next.
                    self.readable.push_back(stream);
                }
                Some(length)
            }
            Err(Errno::AGAIN) => None,
            Err(Errno::INTR) => {
                self.readable.push_back(stream);
                None
            }
            Ok(0) | Err(_) => {
                self.open.swap_remove(at);
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn pipes() -> (OutputPipes, [io::PipeWriter; 2]) {
        let (stdout, out) = io::pipe().unwrap();
        let (stderr, err) = io::pipe().unwrap();
        (
            OutputPipes::new(stdout.into(), stderr.into()).unwrap(),
            [out, err],
        )
    }

    async fn next(pipes: &mut OutputPipes, room: usize) -> Option<(Stream, Vec<u8>)> {
        let mut buffer = vec![0; room];
        let (stream, length) = pipes.read(&mut buffer).await?;
        buffer.truncate(length);
        Some((stream, buffer))
    }

    #[tokio::test]
    async fn whatever_was_written_first_is_read_first() {
        let (mut pipes, mut writers) = pipes();
        // As two lines within a moment: both are there when the agent looks.
        for round in 0..64_usize {
            let first = (round ^ round >> 2) % 2;
            for which in [first, 1 - first] {
                writers[which].write_all(b"line\n").unwrap();
            }
            for which in [first, 1 - first] {
                let read = next(&mut pipes, 100).await.unwrap();
                assert_eq!(read, (STREAMS[which], b"line\n".to_vec()), "round {round}");
            }
        }
    }

    #[tokio::test]
    async fn a_stream_that_never_stops_does_not_hide_the_other() {
        let (mut pipes, mut writers) = pipes();
        writers[0].write_all(&[b'o'; 50]).unwrap();
        writers[1].write_all(b"e").unwrap();
        let mut read = Vec::new();
        for _ in 0..3 {
            read.push(next(&mut pipes, 20).await.unwrap().0);
        }
        assert_eq!(read, [Stream::Stdout, Stream::Stderr, Stream::Stdout]);
    }

    #[tokio::test]
    async fn it_ends_when_both_pipes_have_ended_and_everything_is_read() {
        let (mut pipes, [mut out, err]) = pipes();
        drop(err);
        let reading = tokio::spawn(async move {
            let mut all = Vec::new();
            while let Some((stream, piece)) = next(&mut pipes, 10).await {
                assert_eq!(stream, Stream::Stdout);
                all.extend(piece);
            }
            all
        });
        for _ in 0..10 {
            tokio::task::yield_now().await;
            out.write_all(b"some output ").unwrap();
        }
        drop(out);
        assert!(reading.await.unwrap() == b"some output ".repeat(10));
    }
}
