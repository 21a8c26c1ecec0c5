//! The `vlog/*` commands.

use std::fmt::Write as _;

use ovs_db::unixctl::Registry;

use super::level::Destination;
use super::state::{SYSLOG_PREFIX, Vlog};

/// One of the commands that every program has for its log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum VlogCommand {
    /// `vlog/set {spec | PATTERN:destination:pattern}`
    Set,
    /// `vlog/list`
    List,
    /// `vlog/list-pattern`
    ListPattern,
    /// `vlog/reopen`
    Reopen,
    /// `vlog/close`
    Close,
    /// `vlog/disable-rate-limit [module]...`
    DisableRateLimit,
    /// `vlog/enable-rate-limit [module]...`
    EnableRateLimit,
}

impl VlogCommand {
    /// Adds all of them to a registry, each wrapped into the program's own command type.
    pub fn register<C>(registry: &mut Registry<C>, wrap: impl Fn(VlogCommand) -> C) {
        let modules = "[module]...";
        for (name, usage, max, command) in [
            ("set", "{spec | PATTERN:destination:pattern}", None, VlogCommand::Set),
            ("list", "", Some(0), VlogCommand::List),
            ("list-pattern", "", Some(0), VlogCommand::ListPattern),
            ("reopen", "", Some(0), VlogCommand::Reopen),
            ("close", "", Some(0), VlogCommand::Close),
            ("disable-rate-limit", modules, None, VlogCommand::DisableRateLimit),
            ("enable-rate-limit", modules, None, VlogCommand::EnableRateLimit),
        ] {
            let min = usize::from(command == VlogCommand::Set);
            registry.add(format!("vlog/{name}"), usage, min, max, wrap(command));
        }
    }
}

impl Vlog {
    /// Carries out a command; both texts are for the user.
    pub fn command(&self, command: VlogCommand, args: &[String]) -> Result<String, String> {
        match command {
            VlogCommand::Set => {
                for arg in args {
                    self.set(arg).map_err(|e| e.to_string())?;
                }
                Ok(String::new())
            }
            VlogCommand::List => Ok(self.list()),
            VlogCommand::ListPattern => Ok(self.list_pattern()),
            VlogCommand::Reopen if self.file_name().is_none() => Err("Logging to file not configured".into()),
            VlogCommand::Reopen => self.reopen_file().map(|()| String::new()).map_err(|e| e.to_string()),
            VlogCommand::Close => {
                self.close_file();
                Ok(String::new())
            }
            VlogCommand::DisableRateLimit => self.limit(args, false),
            VlogCommand::EnableRateLimit => self.limit(args, true),
        }
    }

    fn limit(&self, modules: &[String], limited: bool) -> Result<String, String> {
        let mut state = self.state();
        if modules.is_empty() {
            state.limited.fill(limited);
        }
        for name in modules {
            let known = self.0.modules.iter().position(|m| m.eq_ignore_ascii_case(name));
            match known {
                Some(index) => state.limited[index] = limited,
                None if name.eq_ignore_ascii_case("any") => state.limited.fill(limited),
                None => return Err("unknown module".into()),
            }
        }
        Ok(String::new())
    }

    fn list(&self) -> String {
        let state = self.state();
        let mut text = String::from("                 console    syslog    file\n");
        text.push_str("                 -------    ------    ------\n");
        for (index, module) in self.0.modules.iter().enumerate() {
            let [syslog, console, file] = state.levels[index];
            let unlimited = if state.limited[index] { "" } else { "    (rate limiting disabled)" };
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{module:<16}  {console:>4}       {syslog:>4}       {file:>4}{unlimited}");
        }
        text
    }

    fn list_pattern(&self) -> String {
        let state = self.state();
        let mut text = String::from("         prefix                            format\n");
        text.push_str("         ------                            ------\n");
        for (destination, pattern) in Destination::ALL.into_iter().zip(&state.patterns) {
            let prefix = if destination == Destination::Syslog { SYSLOG_PREFIX } else { "none" };
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{:<7}  {prefix:<32}  {pattern}", destination.name());
        }
        text
    }
}
