//! What attackers try against browsers and addresses, by whole requests.

mod answers;
mod forged;
mod leading;
mod secrets;
