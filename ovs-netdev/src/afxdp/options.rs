//! The options of a device.

use std::fmt;

use crate::{OpenError, Options};

/// Queues that a device can have here.
const QUEUES_MAX: u32 = 128;

/// How packets get from the driver to the socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// The device writes into the socket's memory.
    ZeroCopy,
    /// The driver copies, before the network stack has made anything of the packet.
    Native,
    /// The network stack copies.
    Generic,
}

impl Mode {
    /// From the fastest on.
    pub const ALL: [Self; 3] = [Self::ZeroCopy, Self::Native, Self::Generic];
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ZeroCopy => "native-with-zerocopy",
            Self::Native => "native",
            Self::Generic => "generic",
        })
    }
}

/// What was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    /// None: the best that there is.
    pub mode: Option<Mode>,
    /// The kernel says when it wants to be woken.
    pub need_wakeup: bool,
    /// Queues 0 up to this.
    pub queues: u32,
}

impl Asked {
    pub fn read(name: &str, options: &Options) -> Result<Self, OpenError> {
        let bad = |option: &str, reason: String| OpenError::BadOption {
            name: name.to_owned(),
            option: option.to_owned(),
            reason,
        };
        let mode = match options.get("xdp-mode").map(String::as_str) {
            None | Some("best-effort") => None,
            Some(text) => match Mode::ALL.into_iter().find(|mode| mode.to_string() == text) {
                Some(mode) => Some(mode),
                None => return Err(bad("xdp-mode", format!("{text} is not a mode"))),
            },
        };
        let need_wakeup = match options.get("use-need-wakeup").map(String::as_str) {
            None | Some("true") => true,
            Some("false") => false,
            Some(text) => return Err(bad("use-need-wakeup", format!("{text} is neither true nor false"))),
        };
        let queues = match options.get("n_rxq") {
            None => 1,
            Some(text) => match text.parse() {
                Ok(queues @ 1..=QUEUES_MAX) => queues,
                _ => return Err(bad("n_rxq", format!("{text} is not a number from 1 to {QUEUES_MAX}"))),
            },
        };
        Ok(Self { mode, need_wakeup, queues })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Asked, String> {
        let options = pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        Asked::read("p1", &options).map_err(|error| error.to_string())
    }

    #[test]
    fn options_are_read() {
        assert_eq!(read(&[]), Ok(Asked { mode: None, need_wakeup: true, queues: 1 }));
        let asked = read(&[("xdp-mode", "native"), ("use-need-wakeup", "false"), ("n_rxq", "4")]);
        assert_eq!(asked, Ok(Asked { mode: Some(Mode::Native), need_wakeup: false, queues: 4 }));
        assert_eq!(read(&[("xdp-mode", "best-effort")]).map(|asked| asked.mode), Ok(None));
        for wrong in [("xdp-mode", "skb"), ("use-need-wakeup", "1"), ("n_rxq", "0"), ("n_rxq", "129")] {
            let message = read(&[wrong]).unwrap_err();
            assert!(message.contains(wrong.0) && message.contains(wrong.1), "{message}");
        }
    }
}
