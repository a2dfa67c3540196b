//! A client's TCP connection, which is read ahead while a write waits.
//!
//! russh's session loop writes everything it has before it reads again. Two such loops, ours and that of a client built
//! on russh, can therefore wait for each other for ever: each has filled the network with data that the other does not
//! read. A write that blocks therefore reads what the other side sends, as much as SSH's windows allow. Reading in
//! large pieces also saves system calls: russh asks for each packet in two parts.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// Bytes read at a time: one SSH packet of the usual maximum size, and its frame.
const PIECE: usize = 40 * 1024;

/// Wraps the connection for russh.
pub(crate) struct Transport {
    stream: TcpStream,
    ahead: BytesMut,
    most_ahead: usize,
}

impl Transport {
    /// Reads about `most_ahead` bytes ahead at most: as many as the client may send before it is answered.
    pub(crate) fn new(stream: TcpStream, most_ahead: usize) -> Self {
        Self {
            stream,
            ahead: BytesMut::new(),
            most_ahead,
        }
    }

    /// Reads the bytes that have arrived; 0 at the end.
    fn poll_read_ahead(&mut self, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
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
            ready!(self.poll_read_ahead(context))?;
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
                match self.poll_read_ahead(context) {
                    // The next read finds the end again.
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
