//! Serve: what an instance runs. It greets everyone who connects, and ends when its standard input does.
//!
//! That end is the stop signal of this backend: it needs no permission, and it comes by itself if the
//! program that started the instance dies, so that none is ever left behind.

use std::{
    io::{self, Read, Write},
    net::{IpAddr, Ipv4Addr, TcpListener},
    path::Path,
    thread,
};

/// Greets on `address` and `port` until standard input ends.
///
/// # Errors
///
/// The address cannot be listened on, or standard input cannot be read.
pub(crate) fn run(address: IpAddr, port: u16, greeting: &str) -> io::Result<()> {
    let listener = TcpListener::bind((address, port))?;
    let greeting = greeting.to_owned();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            // A probe hangs up without listening.
            drop(stream.write_all(greeting.as_bytes()));
        }
    });
    io::stdin().read_to_end(&mut Vec::new()).map(drop)
}

/// The template of an instance that is `program` in this mode.
pub(crate) fn template(program: &Path, port: u16, greeting: &str) -> serde_json::Value {
    serde_json::json!({
        "program": program,
        "arguments": ["serve", "{address}", port.to_string(), greeting],
    })
}

/// A port that nobody listens on.
///
/// # Errors
///
/// There is none left.
pub(crate) fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}
