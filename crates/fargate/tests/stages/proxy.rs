//! A network between the driver and a task's agent that fails when it is told to.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use testing::ManagerHost;

/// When a connection is cut.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Cut {
    /// After so many bytes to the driver.
    Down(u64),
    /// After so many bytes to the agent.
    Up(u64),
}

/// Stands between the driver and the agent of one job until it is dropped.
pub(crate) struct Proxy {
    address: SocketAddr,
    network: Arc<Mutex<Network>>,
}

#[derive(Default)]
struct Network {
    /// For the next connections, one each; those after them are left alone.
    cuts: VecDeque<Cut>,
    /// Both ends of the connections that are open.
    open: Vec<[TcpStream; 2]>,
    /// Connections so far.
    count: usize,
    /// Bytes to the driver so far.
    down: u64,
    /// Bytes to the agent so far.
    up: u64,
    /// New connections are closed at once.
    closed: bool,
    /// What is sent now or later goes nowhere, and nobody is told, on the connections up to this number.
    frozen: usize,
    over: bool,
}

impl Proxy {
    /// Puts one between the driver and the job that was prepared.
    pub(crate) fn before(manager: &ManagerHost) -> Self {
        let file = manager.records().pop().unwrap();
        let mut record: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        let login = &mut record["login"];
        let agent = format!("{}:{}", login["address"].as_str().unwrap(), login["port"]);
        let agent: SocketAddr = agent.parse().unwrap();
        // At the agent's own address, where a job's container may have a port, too.
        let listener = TcpListener::bind((agent.ip(), 0)).unwrap();
        let address = listener.local_addr().unwrap();
        login["port"] = json!(address.port());
        std::fs::write(&file, record.to_string().as_bytes()).unwrap();
        let network = Arc::<Mutex<Network>>::default();
        let shared = Arc::clone(&network);
        std::thread::spawn(move || {
            while let Ok((driver, _)) = listener.accept() {
                let mut network = shared.lock().unwrap();
                if network.over {
                    break;
                }
                if !network.closed {
                    connect(&mut network, &shared, driver, agent);
                }
            }
        });
        Self { address, network }
    }

    pub(crate) fn cut_next(&self, cuts: impl IntoIterator<Item = Cut>) {
        self.network.lock().unwrap().cuts.extend(cuts);
    }

    /// Cuts every connection there is.
    pub(crate) fn cut(&self) {
        let mut network = self.network.lock().unwrap();
        for ends in network.open.drain(..) {
            ends.iter().for_each(close);
        }
    }

    /// Lets nobody in, or again.
    pub(crate) fn close(&self, closed: bool) {
        self.network.lock().unwrap().closed = closed;
    }

    /// Lets nothing through any more on the connections there are, without a word.
    pub(crate) fn freeze(&self) {
        let mut network = self.network.lock().unwrap();
        network.frozen = network.count;
    }

    /// How many connections there were.
    pub(crate) fn connections(&self) -> usize {
        self.network.lock().unwrap().count
    }

    /// How many bytes went to the driver and to the agent.
    pub(crate) fn bytes(&self) -> (u64, u64) {
        let network = self.network.lock().unwrap();
        (network.down, network.up)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.network.lock().unwrap().over = true;
        self.cut();
        // Wakes the listener.
        drop(TcpStream::connect(self.address));
    }
}

fn close(stream: &TcpStream) {
    // It may be closed already.
    drop(stream.shutdown(Shutdown::Both));
}

fn connect(
    network: &mut Network,
    shared: &Arc<Mutex<Network>>,
    driver: TcpStream,
    agent: SocketAddr,
) {
    // Where there is no agent any more there is no connection.
    let Ok(agent) = TcpStream::connect(agent) else {
        return;
    };
    for stream in [&driver, &agent] {
        stream.set_nodelay(true).unwrap();
    }
    network.count += 1;
    let number = network.count;
    let ends = || [driver.try_clone().unwrap(), agent.try_clone().unwrap()];
    network.open.push(ends());
    let cut = network.cuts.pop_front();
    let (down, up) = match cut {
        Some(Cut::Down(bytes)) => (bytes, u64::MAX),
        Some(Cut::Up(bytes)) => (u64::MAX, bytes),
        None => (u64::MAX, u64::MAX),
    };
    for (is_down, limit) in [(true, down), (false, up)] {
        let ([driver, agent], shared) = (ends(), Arc::clone(shared));
        std::thread::spawn(move || {
            let (from, to) = if is_down {
                (&agent, &driver)
            } else {
                (&driver, &agent)
            };
            pump(from, to, limit, |bytes| {
                let mut network = shared.lock().unwrap();
                match is_down {
                    true => network.down += bytes,
                    false => network.up += bytes,
                }
                network.frozen < number
            });
            close(&driver);
            close(&agent);
        });
    }
}

/// Passes on up to `limit` bytes, of each piece only if `passes`.
fn pump(mut from: &TcpStream, mut to: &TcpStream, limit: u64, passes: impl Fn(u64) -> bool) {
    let mut left = limit;
    let mut buffer = [0; 16 * 1024];
    while left > 0 {
        let most = usize::try_from(left)
            .unwrap_or(usize::MAX)
            .min(buffer.len());
        let Ok(length @ 1..) = from.read(&mut buffer[..most]) else {
            return;
        };
        left -= length as u64;
        if passes(length as u64) && to.write_all(&buffer[..length]).is_err() {
            return;
        }
    }
}
