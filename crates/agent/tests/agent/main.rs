//! The agent as its users see it: the real binary on loopback, with OpenSSH's `ssh` as its client, and russh's client
//! for requests that `ssh` cannot make.

#[cfg(test)]
mod commands;
#[cfg(test)]
mod driver;
#[cfg(test)]
mod ends;
#[cfg(test)]
mod flow;
#[cfg(test)]
mod harness;
#[cfg(test)]
mod leaving;
#[cfg(test)]
mod login;
#[cfg(test)]
mod refusals;
#[cfg(test)]
mod roots;
#[cfg(test)]
mod scripts;
#[cfg(test)]
mod shells;
#[cfg(test)]
mod signals;
#[cfg(test)]
mod task;
