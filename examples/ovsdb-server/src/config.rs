//! The file of `--config-file`: what to serve and where, in JSON.
//!
//! ```json
//! {"remotes": {"punix:db.sock": {"inactivity-probe": 0, "read-only": false, "role": ""}, "db:D,T,C": null},
//!  "databases": {"conf.db": {"service-model": "standalone"}}}
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use ovs_db::json::Json;
use ovs_db::server::RemoteOptions;

use crate::fault::Fault;

/// What the file says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config {
    pub remotes: BTreeMap<String, RemoteOptions>,
    pub databases: BTreeSet<PathBuf>,
}

impl Config {
    /// Reads the file.
    pub fn read(path: &Path) -> Result<Config, Fault> {
        let wrong = |what: String| Fault::ConfigFile { path: path.display().to_string(), what };
        let bytes = std::fs::read(path).map_err(|e| wrong(e.to_string()))?;
        let json = Json::parse(&bytes).map_err(|e| wrong(e.to_string()))?;
        Config::from_json(&json).map_err(wrong)
    }

    fn from_json(json: &Json) -> Result<Config, String> {
        let members = json.as_object().ok_or("not an object")?;
        let mut config = Config::default();
        for (name, value) in members {
            match (name.as_str(), value) {
                (_, Json::Null) => {}
                ("remotes", Json::Object(remotes)) => {
                    for (remote, options) in remotes {
                        config.remotes.insert(remote.clone(), remote_options(remote, options)?);
                    }
                }
                ("databases", Json::Object(databases)) => {
                    for (file, service) in databases {
                        check_service(file, service)?;
                        config.databases.insert(PathBuf::from(file));
                    }
                }
                ("remotes" | "databases", _) => return Err(format!("\"{name}\" is not an object")),
                _ => return Err(format!("member \"{name}\" is not known")),
            }
        }
        Ok(config)
    }
}

fn remote_options(remote: &str, json: &Json) -> Result<RemoteOptions, String> {
    let mut options = RemoteOptions::default();
    let members = match json {
        Json::Null => return Ok(options),
        Json::Object(members) => members,
        _ => return Err(format!("remote {remote}: not an object")),
    };
    let milliseconds = |n: &i64| u64::try_from(*n).map(Duration::from_millis);
    for (name, value) in members {
        options = match (name.as_str(), value) {
            ("max-backoff", Json::Integer(n)) => options.max_backoff(milliseconds(n).ok()),
            ("inactivity-probe", Json::Integer(n)) => {
                let time = milliseconds(n).ok().filter(|time| !time.is_zero());
                options.probe_interval(Some(time))
            }
            ("read-only", Json::Bool(read_only)) => options.read_only(*read_only),
            ("role", Json::String(role)) => options.role(role.as_str()),
            // Six bits of the IP header: sockets are left as the system makes them.
            ("dscp", Json::Integer(0..=63)) => options,
            _ => return Err(format!("remote {remote}: bad member \"{name}\"")),
        };
    }
    Ok(options)
}

/// Every database is one of its own: other service models are refused by name.
fn check_service(file: &str, json: &Json) -> Result<(), String> {
    let members = match json {
        Json::Null => return Ok(()),
        Json::Object(members) => members,
        _ => return Err(format!("database {file}: not an object")),
    };
    for (name, value) in members {
        match (name.as_str(), value.as_str()) {
            ("service-model", Some("standalone")) => {}
            ("service-model", Some(other)) => {
                return Err(format!("database {file}: service model \"{other}\" is not supported"));
            }
            _ => return Err(format!("database {file}: bad member \"{name}\"")),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_and_bad_files() {
        let read = |text: &str| Config::from_json(&text.parse().unwrap());
        let config = read(
            r#"{"remotes":{"punix:x":{"read-only":true,"inactivity-probe":0},"db:a,b,c":null},
                "databases":{"a.db":{"service-model":"standalone"},"b.db":null}}"#,
        )
        .unwrap();
        assert!(config.remotes["punix:x"].read_only);
        assert_eq!(config.remotes["punix:x"].probe_interval, Some(None));
        assert_eq!(config.databases.len(), 2);
        for bad in [
            "[]",
            r#"{"odd":1}"#,
            r#"{"remotes":[]}"#,
            r#"{"remotes":{"x":{"odd":1}}}"#,
            r#"{"databases":{"x":{"service-model":"clustered"}}}"#,
            r#"{"databases":{"x":{"service-model":"active-backup"}}}"#,
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
