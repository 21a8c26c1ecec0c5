//! The table of commands.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::json::Json;

/// The commands that each session answers itself, with their usage and counts of arguments.
const BUILT_IN: [(&str, &str, usize, usize); 3] =
    [("list-commands", "", 0, 0), ("set-options", "[--format text|json]", 2, 2), ("version", "", 0, 0)];

/// One command: what the program gets, and how it may be called.
#[derive(Clone, Debug)]
pub struct CommandInfo<C> {
    /// The arguments, for people.
    pub usage: String,
    /// The least count of arguments.
    pub min_args: usize,
    /// The greatest count of arguments; `None` is any.
    pub max_args: Option<usize>,
    /// What the program gets with a request; `None` for those that the session answers.
    pub command: Option<C>,
}

/// Maps names to commands.
#[derive(Clone, Debug)]
pub struct Registry<C> {
    version: String,
    commands: BTreeMap<String, CommandInfo<C>>,
}

impl<C> Registry<C> {
    /// A registry with the three built-in commands. `version` is what `version` answers, such as
    /// `ovs-vswitchd (Open vSwitch) 3.7.1`.
    pub fn new(version: impl Into<String>) -> Self {
        let commands = BUILT_IN
            .iter()
            .map(|&(name, usage, min_args, max)| {
                let info = CommandInfo { usage: usage.into(), min_args, max_args: Some(max), command: None };
                (name.to_string(), info)
            })
            .collect();
        Registry { version: version.into(), commands }
    }

    /// Adds a command, or replaces the one of that name.
    pub fn add(
        &mut self,
        name: impl Into<String>,
        usage: impl Into<String>,
        min_args: usize,
        max_args: Option<usize>,
        command: C,
    ) {
        let info = CommandInfo { usage: usage.into(), min_args, max_args, command: Some(command) };
        self.commands.insert(name.into(), info);
    }

    /// The command of that name.
    pub fn get(&self, name: &str) -> Option<&CommandInfo<C>> {
        self.commands.get(name)
    }

    /// All commands in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &CommandInfo<C>)> {
        self.commands.iter().map(|(name, info)| (name.as_str(), info))
    }

    /// What `version` answers.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// What `list-commands` answers in text.
    pub fn list(&self) -> String {
        let mut text = String::from("The available commands are:\n");
        for (name, info) in self.iter() {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "  {name:<23} {}", info.usage);
        }
        text
    }

    /// What `list-commands` answers in JSON: usage by name.
    pub fn list_json(&self) -> Json {
        Json::object(self.iter().map(|(name, info)| (name, Json::from(info.usage.as_str()))))
    }

    /// Finds the command and checks the count of its arguments; the error is the text that users get.
    pub(super) fn find(&self, name: &str, args: usize) -> Result<&CommandInfo<C>, String> {
        let Some(info) = self.get(name) else {
            return Err(format!(
                "\"{name}\" is not a valid command (use \"list-commands\" to see a list of valid commands)"
            ));
        };
        if args < info.min_args {
            return Err(format!("\"{name}\" command requires at least {} arguments", info.min_args));
        }
        match info.max_args {
            Some(max) if args > max => Err(format!("\"{name}\" command takes at most {max} arguments")),
            _ => Ok(info),
        }
    }
}
