//! A client's TCP connection, read ahead of while a write waits.
//!
//! russh's session loop writes all it has before it reads again. Two such loops, ours and that of a client
//! built on russh, can so wait for each other for ever: each has filled the network with what the other does
//! not read. Therefore a write that cannot go on takes in what the other side sends, as much as SSH's windows
//! allow it to send. Reading in large pieces also saves system calls: russh asks for each packet in two parts.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// Bytes asked for at a time: one SSH packet of the usual maximum size, and its frame.
const PIECE: usize = 40 * 1024;

/// Wraps the connection for russh.
pub(crate) struct Transport {
    stream: TcpStream,
    ahead: BytesMut,
    most_ahead: usize,
}

impl Transport {
    /// Reads at most about `most_ahead` bytes ahead: what the client may send before it is answered.
    pub(crate) fn new(stream: TcpStream, most_ahead: usize) -> Self {
        Self {
            stream,
            ahead: BytesMut::new(),
            most_ahead,
        }
    }

    /// Takes in what has arrived; 0 at the end.
    fn poll_take_in(&mut self, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.stream.poll_read_ready(context))?;
            self.ahead.reserve(PIECE);
            match self.stream.try_read_buf(&mut self.ahead) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => (),
                done => return Poll::Ready(done),
            }
        }
    }
}

impl AsyncRead for Transport {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.ahead.is_empty() {
            ready!(self.poll_take_in(context))?;
        }
        let length = self.ahead.len().min(buffer.remaining());
        if let Some(piece) = self.ahead.get(..length) {
            buffer.put_slice(piece);
        }
        self.ahead.advance(length);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Transport {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, buffer);
        if written.is_pending() {
            while self.ahead.len() < self.most_ahead {
                match self.poll_take_in(context) {
                    // The next read meets the end again.
                    Poll::Ready(Ok(0)) | Poll::Pending => break,
                    Poll::Ready(Ok(_)) => (),
                    Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                }
            }
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
