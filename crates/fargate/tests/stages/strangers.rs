//! Strangers who can reach a task's port, and have no key.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;
use socket2::{Domain, Socket, Type};
use testing::{ManagerHost, SECOND, SshServer};

use crate::fargate;

/// Connections of a stranger that are open at a time: more than the agent has places.
const HELD: usize = 100;

/// Connects from this address of the machine again and again until it is over, with these pauses, and says nothing.
fn flood(source: [u8; 4], pause: Duration, agent: SocketAddr, over: &AtomicBool) {
    let mut held = VecDeque::new();
    while !over.load(Ordering::Relaxed) {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.bind(&SocketAddr::from((source, 0)).into()).unwrap();
        if socket.connect(&agent.into()).is_ok() {
            held.push_back(socket);
        }
        if held.len() > HELD {
            held.pop_front();
        }
        std::thread::sleep(pause);
    }
}

#[test]
fn a_neighbour_without_a_key_holds_up_no_stage() {
    let manager = ManagerHost::new(fargate(), SshServer::Agent);
    manager.prepare();
    let record = std::fs::read(manager.records().pop().unwrap()).unwrap();
    let record: Value = serde_json::from_slice(&record).unwrap();
    let login = &record["login"];
    let agent = format!("{}:{}", login["address"].as_str().unwrap(), login["port"]);
    let agent: SocketAddr = agent.parse().unwrap();
    let over = AtomicBool::new(false);
    let outcomes: Vec<_> = std::thread::scope(|scope| {
        let over = &over;
        // The first has the manager's own address, and so shares its eight places: it leaves the driver time for a
        // login on a busy machine.
        for (source, pause) in [([127, 0, 0, 1], 250), ([127, 0, 0, 66], 20)] {
            let pause = Duration::from_millis(pause);
            scope.spawn(move || flood(source, pause, agent, over));
        }
        std::thread::sleep(3 * SECOND);
        let runs = (0..5).map(|_| {
            let begun = Instant::now();
            (manager.run("echo here; exit 3"), begun.elapsed())
        });
        let outcomes = runs.collect();
        over.store(true, Ordering::Relaxed);
        outcomes
    });
    for (outcome, took) in outcomes {
        assert_eq!(outcome.exits(11).out(), "here\n");
        assert!(took < 10 * SECOND, "{took:?}");
    }
}
