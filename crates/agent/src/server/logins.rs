//! Connections that have not logged in: few, and those of one address take no place from those of another.
//!
//! Anybody who reaches the port can connect, with or without the key. A new connection therefore always gets a place,
//! and the address with the most places loses its oldest one. The driver needs one place, for milliseconds.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

/// Connections that may be open without having logged in. Each costs some 50 KB.
const MOST: usize = 32;

/// The same of one address. The driver opens a few at once.
const MOST_OF_ADDRESS: usize = 8;

/// All of them.
#[derive(Clone, Default)]
pub(super) struct Logins(Arc<Mutex<Waiting>>);

#[derive(Default)]
struct Waiting {
    next: u64,
    /// By number, so the first is the oldest. Dropping the sender ends the connection.
    places: BTreeMap<u64, (IpAddr, oneshot::Sender<()>)>,
}

/// A place for a connection until it has logged in; free when dropped.
pub(super) struct Login {
    logins: Logins,
    number: u64,
    lost: oneshot::Receiver<()>,
}

impl Logins {
    /// Takes a place for a connection from `address`, if need be that of another connection.
    pub(super) fn enter(&self, address: IpAddr) -> Login {
        let address = address.to_canonical();
        let (held, lost) = oneshot::channel();
        let mut waiting = self.waiting();
        if let Some(number) = waiting.surplus(address) {
            waiting.places.remove(&number);
        }
        let number = waiting.next;
        waiting.next += 1;
        waiting.places.insert(number, (address, held));
        drop(waiting);
        Login {
            logins: self.clone(),
            number,
            lost,
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    /// The place that a new connection from `address` takes over: the oldest one of the address that has too many.
    fn surplus(&self, address: IpAddr) -> Option<u64> {
        let of = |address: IpAddr| self.places.values().filter(move |place| place.0 == address);
        let from = if of(address).count() >= MOST_OF_ADDRESS {
            address
        } else if self.places.len() >= MOST {
            let addresses = self.places.values().map(|place| place.0).rev();
            // Of several that have as many, the last: the one with the oldest place.
            addresses.max_by_key(|address| of(*address).count())?
        } else {
            return None;
        };
        let mut places = self.places.iter();
        places
            .find(|(_, place)| place.0 == from)
            .map(|(number, _)| *number)
    }
}

impl Login {
    /// Resolves when another connection has taken the place.
    pub(super) async fn lost(&mut self) {
        // The sender is only ever dropped.
        (&mut self.lost).await.unwrap_or_default();
    }
}

impl Drop for Login {
    fn drop(&mut self) {
        self.logins.waiting().places.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn address(last: u8) -> IpAddr {
        Ipv4Addr::new(10, 0, 0, last).into()
    }

    fn has_lost(login: &mut Login) -> bool {
        login.lost.try_recv() == Err(oneshot::error::TryRecvError::Closed)
    }

    #[test]
    fn an_address_loses_its_own_oldest_place() {
        let logins = Logins::default();
        let mut other = logins.enter(address(1));
        let mut places: Vec<_> = (0..MOST_OF_ADDRESS + 2)
            .map(|_| logins.enter(address(2)))
            .collect();
        let lost: Vec<_> = places.iter_mut().map(has_lost).collect();
        assert_eq!(lost, [vec![true; 2], vec![false; MOST_OF_ADDRESS]].concat());
        assert!(!has_lost(&mut other));
        drop(places);
        assert_eq!(logins.waiting().places.len(), 1);
    }

    #[test]
    fn among_many_strangers_the_one_with_most_places_loses_one() {
        let logins = Logins::default();
        let mut driver = logins.enter(address(1));
        let mut places: Vec<_> = (0..1000_u32)
            .map(|n| logins.enter(address(2 + (n % 5) as u8)))
            .collect();
        let mut kept = places
            .iter_mut()
            .filter_map(|login| (!has_lost(login)).then_some(()))
            .count();
        assert_eq!(kept + 1, MOST);
        assert!(!has_lost(&mut driver));
        // Where each has one, the oldest goes.
        let logins = Logins::default();
        let mut places: Vec<_> = (0..MOST as u8 + 1)
            .map(|n| logins.enter(address(n)))
            .collect();
        kept = places
            .iter_mut()
            .filter_map(|login| (!has_lost(login)).then_some(()))
            .count();
        assert!(kept == MOST && has_lost(&mut places[0]));
    }
}
