//! The agent as its users meet it: the real binary on loopback, with OpenSSH's `ssh` as its client, and russh's
//! client for what `ssh` cannot ask for.

#[cfg(test)]
mod attachments;
#[cfg(test)]
mod commands;
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
mod shells;
#[cfg(test)]
mod signals;
#[cfg(test)]
mod task;
