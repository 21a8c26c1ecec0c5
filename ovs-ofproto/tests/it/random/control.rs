//! The peer's control socket, held open: one connection for thousands of commands.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;

pub struct Control {
    stream: UnixStream,
}

impl Control {
    /// Connects to the daemon whose control socket lies in `folder`.
    pub fn open(folder: &Path) -> Self {
        let is_control = |name: &str| name.starts_with("ovs-vswitchd.") && name.contains(".ctl");
        let mut paths = std::fs::read_dir(folder)
            .expect("folder")
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| path.file_name().and_then(|name| name.to_str()).is_some_and(is_control));
        // One that died has left its socket.
        let stream = paths.find_map(|path| UnixStream::connect(path).ok());
        Self { stream: stream.expect("a control socket") }
    }

    /// Runs a command; an error is part of the text. `None` if the daemon ends meanwhile.
    pub fn run(&mut self, command: &str, args: &[&str]) -> Option<String> {
        let quoted: Vec<String> = args.iter().map(|arg| format!("{arg:?}")).collect();
        let request = format!("{{\"id\":0,\"method\":\"{command}\",\"params\":[{}]}}", quoted.join(","));
        self.stream.write_all(request.as_bytes()).expect("writes");
        let (mut bytes, mut buffer) = (Vec::new(), vec![0; 65536]);
        while !is_whole(&bytes) {
            let n = self.stream.read(&mut buffer).unwrap_or(0);
            if n == 0 {
                return None;
            }
            bytes.extend(&buffer[..n]);
        }
        Some(text_of(&String::from_utf8(bytes).expect("text")))
    }
}

/// Whether an object has its last brace.
fn is_whole(bytes: &[u8]) -> bool {
    let (mut depth, mut quoted, mut escaped) = (0, false, false);
    for byte in bytes {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => quoted = !quoted,
            b'{' if !quoted => depth += 1,
            b'}' if !quoted => depth -= 1,
            _ => {}
        }
    }
    !bytes.is_empty() && depth == 0
}

/// The string that is an answer's result or error: the longest one of it.
fn text_of(reply: &str) -> String {
    let mut strings = Vec::new();
    let mut chars = reply.chars();
    while chars.by_ref().any(|c| c == '"') {
        let mut text = String::new();
        while let Some(c) = chars.next() {
            match c {
                '"' => break,
                '\\' => match chars.next() {
                    Some('n') => text.push('\n'),
                    Some('t') => text.push('\t'),
                    Some('u') => {
                        let digits: String = chars.by_ref().take(4).collect();
                        let code = u32::from_str_radix(&digits, 16).ok().and_then(char::from_u32);
                        text.push(code.unwrap_or('?'));
                    }
                    Some(c) => text.push(c),
                    None => {}
                },
                c => text.push(c),
            }
        }
        strings.push(text);
    }
    strings.into_iter().filter(|text| !["id", "error", "result"].contains(&text.as_str())).collect()
}
