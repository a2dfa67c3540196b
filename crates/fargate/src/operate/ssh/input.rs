//! Standard input and the window's size, as input of a conversation.

use std::io::Read;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc::{self, Receiver, Sender};

use super::escape::Escape;
use super::local_terminal::window;
use crate::error::{Error, Result};
use crate::ssh::Input;

/// Bytes read at a time, and pieces that wait to be sent.
const PIECE: usize = 16 * 1024;
const PIECES: usize = 8;

/// The input of a person at a terminal, or of whatever is standard input. Call it within the runtime.
///
/// # Errors
///
/// When changes of the window cannot be heard.
pub(super) fn input(is_terminal: bool) -> Result<Receiver<Input>> {
    let (sender, receiver) = mpsc::channel(PIECES);
    if is_terminal {
        let mut changes = signal(SignalKind::window_change())
            .map_err(|error| Error::system(format!("could not handle signals: {error}")))?;
        let sender = sender.clone();
        tokio::spawn(async move {
            while changes.recv().await.is_some() {
                if sender.send(Input::Resized(window())).await.is_err() {
                    return;
                }
            }
        });
    }
    // A thread: standard input may be a file, which cannot be polled. It ends with the process at the latest.
    std::thread::spawn(move || read(&sender, is_terminal));
    Ok(receiver)
}

/// Sends all of standard input, as long as somebody receives it.
fn read(sender: &Sender<Input>, is_terminal: bool) {
    let mut stdin = std::io::stdin();
    let mut piece = vec![0; PIECE];
    let mut escape = Escape::default();
    loop {
        let input = match stdin.read(&mut piece) {
            Ok(0) => Input::End,
            Ok(length) => {
                let read = piece.get(..length).unwrap_or_default();
                let passed = match is_terminal {
                    true => escape.pass(read),
                    false => Some(read.to_vec()),
                };
                passed.map_or(Input::Leave, Input::Bytes)
            }
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => {
                tracing::debug!("standard input cannot be read: {error}");
                Input::End
            }
        };
        let is_last = matches!(input, Input::End | Input::Leave);
        if sender.blocking_send(input).is_err() || is_last {
            return;
        }
    }
}
