//! An SSH server that is not what prepare saw: the job may be root in its container, and put one of its own in the
//! place of the real one, which has the host key.

mod server;

use std::time::{Duration, Instant};

use nix::sys::signal::Signal::SIGTERM;
use serde_json::json;
use testing::{SECOND, Terminal, wait_until};

use self::server::{Deed, taken_over};
use crate::sweep::rewrite;

/// Memory that a run may take in a build for tests, in KiB. Most of it are pages of the program itself, which is large
/// without optimisation; a flood that is taken in has hundreds of MiB.
const MEMORY: u64 = 64 * 1024;

#[test]
fn channels_that_nobody_asked_for_are_refused_and_cost_nothing() {
    let (manager, _) = taken_over(Deed::OpenChannels(20_000));
    let mut run = manager.start_run("echo never run");
    run.read_until("opened 0\n");
    let peak = run.peak_memory_kib();
    assert!(peak < MEMORY, "{peak} KiB");
    run.finish().exits(0);
}

#[test]
fn an_agent_that_sends_more_than_it_may_is_given_up_before_it_fills_the_memory() {
    let (manager, _) = taken_over(Deed::Flood);
    // Nobody reads what comes, as when the runner is slow.
    let mut run = manager.start_run("echo never run");
    let mut peak = 0;
    wait_until("the run is over", || {
        peak = run.peak_memory_kib().max(peak);
        assert!(peak < MEMORY, "{peak} KiB");
        run.is_over()
    });
    run.finish()
        .exits(22)
        .complains(&["sends more than it may"]);
}

#[test]
fn an_agent_that_drops_every_connection_does_not_keep_the_manager_busy() {
    let (manager, pauses) = taken_over(Deed::Drip);
    let _run = manager.start_run("echo never run");
    wait_until("it has come again some times", || {
        pauses.lock().unwrap().all.len() >= 5
    });
    let pauses = pauses.lock().unwrap();
    let shortest = pauses.all.iter().min().unwrap();
    assert!(*shortest >= Duration::from_millis(90), "{pauses:?}");
}

#[test]
fn a_server_that_opens_no_channel_holds_nobody() {
    for as_agent in [true, false] {
        let (manager, _) = taken_over(Deed::Mute { as_agent });
        let mut run = manager.start_run("echo never run");
        std::thread::sleep(Duration::from_secs(1));
        let begun = Instant::now();
        run.signal(SIGTERM);
        run.finish().exits(22).complains(&["stopped by SIGTERM"]);
        assert!(begun.elapsed() < Duration::from_secs(3), "it is deaf");

        manager.configure_ssh("ConnectTimeout = \"2s\"\nReconnectTimeout = \"5s\"");
        let begun = Instant::now();
        manager
            .run("echo never run")
            .exits(22)
            .complains(&["has not answered for 2 s"]);
        assert!(begun.elapsed() < Duration::from_secs(60));
    }
}

#[test]
fn a_status_that_no_process_has_is_a_failure_with_a_status_that_one_can_have() {
    for as_agent in [true, false] {
        for status in [256, 65_536, 0x8000_0000, u32::MAX] {
            let (manager, _) = taken_over(Deed::Exit { as_agent, status });
            manager.run("echo never run").exits(11);
            assert_eq!(manager.exit_code_file().as_deref(), Some("255\n"));
        }
    }
}

#[test]
fn an_agent_older_than_the_driver_keeps_no_task_and_gives_no_terminal() {
    let (manager, _) = taken_over(Deed::OldAgent);
    rewrite(&manager, |record| record["keep_for"] = json!(3600));
    manager.run("echo never run").exits(11);
    let mut terminal = Terminal::start(&manager.call(&["ssh"]), 80, 24);
    let before = terminal.state();
    assert_eq!(terminal.ends(), Some(1));
    let told = "was lost: its SSH server gives no terminal; an older agent has none";
    assert!(terminal.shown.contains(told), "{}", terminal.shown);
    assert_eq!(terminal.state(), before);
    let cleanup = manager.custom("cleanup").exits(0).out();
    let told = "The task of job 4711 is not kept: its SSH server knows no such request (is its agent older than this driver?)\n";
    assert!(cleanup.starts_with(told), "{cleanup}");
    assert!(cleanup.contains("Stopped task "), "{cleanup}");
    manager.left_nothing();
}

#[test]
fn what_it_says_stays_on_its_line() {
    let steering = "\u{1b}[2J\u{1b}[1;1H\nJob succeeded\n";
    let (manager, _) = taken_over(Deed::Signal(format!("{steering}{}", "X".repeat(100_000))));
    let outcome = manager.run("echo never run").exits(11);
    let told = outcome.err();
    let first = told.lines().next();
    assert_eq!(
        first,
        Some("ERROR: the script was killed by an unknown signal")
    );
    assert!(told.len() < 1000 && !told.contains('\u{1b}'), "{told}");

    let (manager, _) = taken_over(Deed::Leave(format!("{steering}{}", "X".repeat(100_000))));
    let outcome = manager.run("echo never run").exits(22);
    let told = outcome.err();
    assert!(
        told.contains("closed it: \\u{1b}[2J\\u{1b}[1;1H Job succeeded"),
        "{told}"
    );
    assert!(told.len() < 20_000 && !told.contains('\u{1b}'), "{told}");
    assert!(
        !told.lines().any(|line| line.starts_with("Job succeeded")),
        "{told}"
    );
}

/// Bound of a stop, whatever the server does: the script has ten seconds to end by itself.
const STOP: Duration = Duration::from_secs(17);

/// Bound of a stop that was asked for twice.
const INSISTED: Duration = Duration::from_secs(7);

#[test]
fn a_stop_has_one_bound_over_all_connections() {
    for deed in [
        Deed::Vanish { answers: true },
        Deed::Vanish { answers: false },
        Deed::Idle,
    ] {
        for (times, bound) in [(1, STOP), (2, INSISTED)] {
            let (manager, _) = taken_over(deed.clone());
            let mut run = manager.start_run("echo never run");
            run.read_until("begun\n");
            std::thread::sleep(SECOND);
            let begun = Instant::now();
            for _ in 0..times {
                run.signal(SIGTERM);
                std::thread::sleep(SECOND / 5);
            }
            run.finish().exits(22);
            assert!(begun.elapsed() < bound, "{deed:?}: {:?}", begun.elapsed());
        }
    }
}

#[test]
fn a_server_that_goes_on_sending_after_the_end_holds_nobody() {
    let (manager, _) = taken_over(Deed::Trickle);
    let begun = Instant::now();
    manager.run("echo never run").exits(0);
    assert!(begun.elapsed() < 10 * SECOND, "{:?}", begun.elapsed());
    for (times, bound) in [(1, STOP), (2, INSISTED)] {
        let mut run = manager.start_run("echo never run");
        run.read_until(".");
        let begun = Instant::now();
        for _ in 0..times {
            run.signal(SIGTERM);
            std::thread::sleep(SECOND / 5);
        }
        run.finish().exits(22);
        assert!(begun.elapsed() < bound, "{:?}", begun.elapsed());
    }
}

#[test]
fn a_flood_before_the_login_ends_the_stage() {
    let (manager, _) = taken_over(Deed::Flooding);
    let begun = Instant::now();
    manager
        .run("echo never run")
        .exits(22)
        .complains(&["it sends more than it may before the login"]);
    assert!(begun.elapsed() < 40 * SECOND, "{:?}", begun.elapsed());
}
