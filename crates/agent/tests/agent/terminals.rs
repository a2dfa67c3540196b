//! A shell on a terminal: its window, its signals, its end, and what it leaves alone.

use std::time::Duration;

use russh::client::{Handle, Msg};
use russh::{Channel, ChannelMsg, Pty, Sig};
use testing::process::is_running;
use testing::wait_until;
use tokio::time::timeout;

use crate::harness::{Agent, AnyHostKey, PATIENCE, text};

/// A terminal of 80 columns and 24 rows, and what it has shown.
struct Terminal {
    /// Dropping it ends the connection.
    _session: Handle<AnyHostKey>,
    channel: Channel<Msg>,
    shown: String,
}

impl Terminal {
    async fn open(agent: &Agent, command: Option<&str>) -> Self {
        let session = agent.connect().await;
        let channel = session.channel_open_session().await.unwrap();
        let modes = [(Pty::VERASE, 8), (Pty::IUTF8, 1)];
        channel
            .request_pty(true, "vt100", 80, 24, 0, 0, &modes)
            .await
            .unwrap();
        match command {
            Some(command) => channel.exec(true, command).await.unwrap(),
            None => channel.request_shell(true).await.unwrap(),
        }
        Self {
            _session: session,
            channel,
            shown: String::new(),
        }
    }

    /// Types `text`, which the terminal may show more than once: the kernel does, and so does the shell.
    async fn types(&mut self, text: &str) {
        self.channel
            .data_bytes(text.as_bytes().to_vec())
            .await
            .unwrap();
    }

    /// Waits until it has shown `text`, and returns what came before.
    async fn shows(&mut self, text: &str) -> String {
        loop {
            if let Some((before, after)) = self.shown.split_once(text) {
                let (before, after) = (before.to_owned(), after.to_owned());
                self.shown = after;
                return before;
            }
            let message = timeout(PATIENCE, self.channel.wait()).await;
            match message.unwrap_or_else(|_| panic!("no {text:?} in {:?}", self.shown)) {
                Some(ChannelMsg::Data { data }) => {
                    self.shown.push_str(&String::from_utf8_lossy(&data));
                }
                Some(ChannelMsg::Success) => {}
                other => panic!("{other:?} before {text:?} in {:?}", self.shown),
            }
        }
    }

    /// Waits for the end, and returns the exit status, or the name of a signal.
    async fn ends(&mut self) -> String {
        let mut end = String::new();
        while let Some(message) = timeout(PATIENCE, self.channel.wait()).await.unwrap() {
            match message {
                ChannelMsg::Data { data } => self.shown.push_str(&String::from_utf8_lossy(&data)),
                ChannelMsg::ExitStatus { exit_status } => end = exit_status.to_string(),
                ChannelMsg::ExitSignal { signal_name, .. } => end = format!("{signal_name:?}"),
                ChannelMsg::Close => break,
                _ => {}
            }
        }
        end
    }
}

#[tokio::test]
async fn a_shell_has_the_window_and_the_terminal_that_the_client_has() {
    let agent = Agent::start();
    let mut terminal = Terminal::open(&agent, None).await;
    terminal.types("stty size; echo $TERM-$((6*7))\n").await;
    terminal.shows("24 80\r\n").await;
    terminal.shows("vt100-42\r\n").await;
    terminal.types("stty -a | tr ';' '\\n'\n").await;
    terminal.shows(" erase = ^H").await;
    terminal.shows(" iutf8").await;
    terminal
        .types("trap 'echo now $(stty size)' WINCH; echo trap-$((1+1))\n")
        .await;
    terminal.shows("trap-2").await;
    terminal.channel.window_change(132, 50, 0, 0).await.unwrap();
    terminal.shows("now 50 132").await;
    terminal.types("exit 7\n").await;
    assert_eq!(terminal.ends().await, "7");
}

#[tokio::test]
async fn the_keyboard_and_signals_reach_what_is_in_the_foreground() {
    let agent = Agent::start();
    let mut terminal = Terminal::open(&agent, None).await;
    terminal.types("sleep 1000; echo status-$?\n").await;
    // The shell echoes it before it starts the command.
    terminal.shows("status-$?\r\n").await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    terminal.types("\u{3}").await;
    terminal.shows("^C").await;
    terminal.types("echo after-$?\n").await;
    terminal.shows("after-130").await;
    terminal.types("sleep 1000\n").await;
    terminal.shows("sleep 1000\r\n").await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    terminal.types("\u{1a}").await;
    terminal.shows("Stopped").await;
    terminal.types("echo stopped-$?; kill %1; fg\n").await;
    terminal.shows("stopped-148").await;
    terminal.shows("Terminated").await;
    terminal
        .types("sh -c 'echo pi\"\"d-$$; exec sleep 1000'; echo status-$?\n")
        .await;
    terminal.shows("pid-").await;
    terminal.channel.signal(Sig::KILL).await.unwrap();
    terminal.shows("status-137").await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    // The end of the client's input ends the shell, as Ctrl-D does.
    terminal.channel.eof().await.unwrap();
    assert_eq!(terminal.ends().await, "0");
}

#[tokio::test]
async fn a_command_may_have_a_terminal() {
    let agent = Agent::start();
    let mut terminal = Terminal::open(&agent, Some("tty; kill -s TERM $$")).await;
    terminal.shows("/dev/pts/").await;
    assert_eq!(terminal.ends().await, "TERM");
    let mut terminal = Terminal::open(&agent, Some("seq 200000; exit 3")).await;
    assert_eq!(terminal.ends().await, "3");
    assert!(terminal.shown.ends_with("\r\n199999\r\n200000\r\n"));
    assert_eq!(terminal.shown.lines().count(), 200_000);
    // What goes on printing in a group of its own does not hold the session.
    let mut terminal = Terminal::open(&agent, Some("set -m; yes & exit 4")).await;
    assert_eq!(terminal.ends().await, "4");
}

#[tokio::test]
async fn an_operator_can_turn_terminals_off() {
    let agent = Agent::start_with(&[], |command| {
        command.env(fargate_wire::NO_TERMINALS_VARIABLE, "1");
    });
    let client = agent.connect().await;
    let mut channel = client.channel_open_session().await.unwrap();
    channel
        .request_pty(true, "vt100", 80, 24, 0, 0, &[])
        .await
        .unwrap();
    channel.request_shell(true).await.unwrap();
    for request in ["terminal", "shell"] {
        let answer = channel.wait().await;
        assert!(
            matches!(answer, Some(ChannelMsg::Failure)),
            "{request}: {answer:?}"
        );
    }
    // Everything else goes on, and scripts do not see the variable.
    let output = agent.run("echo terminals=$FARGATE_NO_TERMINALS");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "terminals=\n");
}

#[tokio::test]
async fn a_lost_client_takes_its_session_along_and_nothing_else() {
    let agent = Agent::start();
    // A daemon that a command leaves behind while the terminal is open.
    let mut terminal = Terminal::open(&agent, None).await;
    terminal
        .types("nohup sleep 1001 >/dev/null 2>&1 & echo jo''b-$!-\n")
        .await;
    terminal.shows("job-").await;
    let job = terminal.shows("-").await;
    terminal
        .types("sh -c 'echo fro\"\"nt-$$-; exec sleep 1002'\n")
        .await;
    terminal.shows("front-").await;
    let front = terminal.shows("-").await;
    // One that leaves the session by itself.
    let mut other = Terminal::open(&agent, None).await;
    other
        .types("sh -c 'setsid sleep 1004 >/dev/null 2>&1 & echo le\"\"ft-$!-; wait'\n")
        .await;
    other.shows("left-").await;
    let left = other.shows("-").await;
    let daemon = agent.run("setsid sleep 1003 >/dev/null 2>&1 & echo $!");
    let daemon = text(&daemon.stdout).to_owned();
    assert!(is_running(&job) && is_running(&front) && is_running(&daemon));
    drop(terminal);
    drop(other);
    // Meanwhile the client's side of the connection ends.
    let session = [job, front];
    let ended = tokio::task::spawn_blocking(move || {
        wait_until("the session is over", || {
            session.iter().all(|pid| !is_running(pid))
        });
    });
    ended.await.unwrap();
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(is_running(&daemon), "a command's own process was ended");
    assert!(is_running(&left), "what has left the session was ended");
}
