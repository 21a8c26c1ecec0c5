//! The file of `--config-file`: what to serve and where, in JSON, as later versions of `ovsdb-server(1)` have it.
//!
//! ```json
//! {"remotes": {"punix:db.sock": {"inactivity-probe": 0, "read-only": false, "role": ""}, "db:D,T,C": null},
//!  "databases": {"conf.db": {"service-model": "standalone"},
//!                "nb.db": {"service-model": "active-backup", "backup": true,
//!                          "source": {"tcp:192.0.2.1:6641": {"inactivity-probe": 60000}},
//!                          "exclude-tables": ["Connection"]},
//!                "OVN_Southbound": {"service-model": "relay", "source": {"ssl:192.0.2.1:6642": null}}}}
//! ```
//!
//! A database is named by its file, a relay's by its schema.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use ovs_db::json::{Json, Object};
use ovs_db::server::{BackupConfig, RelayConfig, RemoteOptions};
use ovs_stream::{Address, Role};

use crate::fault::Fault;

/// What the file says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config {
    pub remotes: BTreeMap<String, RemoteOptions>,
    pub databases: BTreeMap<String, Service>,
}

/// How a database is served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Service {
    /// By itself.
    Standalone,
    /// As the backup of another server. Which tables it does not follow stands beside, as the file does not name the
    /// database that it is in.
    Backup(BackupConfig, Vec<String>),
    /// Without a file, in front of another server.
    Relay(RelayConfig),
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
                    for (name, json) in databases {
                        let service = service(json).map_err(|what| format!("database {name}: {what}"))?;
                        config.databases.insert(name.clone(), service);
                    }
                }
                ("remotes" | "databases", _) => return Err(format!("\"{name}\" is not an object")),
                _ => return Err(format!("member \"{name}\" is not known")),
            }
        }
        Ok(config)
    }
}

fn milliseconds(json: &Json) -> Option<Duration> {
    u64::try_from(json.as_integer()?).ok().map(Duration::from_millis)
}

fn remote_options(remote: &str, json: &Json) -> Result<RemoteOptions, String> {
    let mut options = RemoteOptions::default();
    let none = Object::new();
    let members = optional_object(json, &none).map_err(|what| format!("remote {remote}: {what}"))?;
    for (name, value) in members {
        options = match (name.as_str(), value) {
            ("max-backoff", Json::Integer(_)) => options.max_backoff(milliseconds(value)),
            ("inactivity-probe", Json::Integer(_)) => {
                options.probe_interval(Some(milliseconds(value).filter(|time| !time.is_zero())))
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

fn optional_object<'a>(json: &'a Json, none: &'a Object) -> Result<&'a Object, String> {
    match json {
        Json::Null => Ok(none),
        Json::Object(members) => Ok(members),
        _ => Err("not an object".to_owned()),
    }
}

/// Reads how a database is served.
fn service(json: &Json) -> Result<Service, String> {
    let none = Object::new();
    let members = optional_object(json, &none)?;
    let model = match members.get("service-model") {
        None => "standalone",
        Some(model) => model.as_str().ok_or("bad member \"service-model\"")?,
    };
    let allowed: &[&str] = match model {
        "standalone" => &[],
        "relay" => &["source"],
        "active-backup" => &["source", "backup", "exclude-tables"],
        other => return Err(format!("service model \"{other}\" is not supported")),
    };
    let odd = |name: &&String| *name != "service-model" && !allowed.contains(&name.as_str());
    if let Some(name) = members.keys().find(odd) {
        return Err(format!("bad member \"{name}\""));
    }
    match model {
        "relay" => Ok(Service::Relay(relay(sources(members)?))),
        "active-backup" => backup(members),
        _ => Ok(Service::Standalone),
    }
}

/// A server to follow, and how to connect to it.
struct Source {
    address: Address,
    options: RemoteOptions,
}

fn sources(members: &Object) -> Result<Vec<Source>, String> {
    let Some(Json::Object(sources)) = members.get("source") else {
        return Err("bad or no member \"source\"".to_owned());
    };
    if sources.is_empty() {
        return Err("no source".to_owned());
    }
    sources.iter().map(|(name, options)| source(name, options)).collect()
}

fn source(name: &str, json: &Json) -> Result<Source, String> {
    let options = remote_options(name, json)?;
    if options.read_only || !options.role.is_empty() {
        return Err(format!("source {name}: a server that is followed has neither role nor \"read-only\""));
    }
    let address = Address::parse(name, Role::Ovsdb).map_err(|error| format!("source {name}: {error}"))?;
    Ok(Source { address, options })
}

/// The options of the first source that has any hold for all: only one is connected to at a time.
fn relay(sources: Vec<Source>) -> RelayConfig {
    let probe = sources.iter().find_map(|source| source.options.probe_interval);
    let backoff = sources.iter().find_map(|source| source.options.max_backoff);
    let config = RelayConfig::new(sources.into_iter().map(|source| source.address).collect());
    let config = config.max_backoff(backoff);
    match probe {
        Some(probe) => config.probe_interval(probe),
        None => config,
    }
}

fn backup(members: &Object) -> Result<Service, String> {
    let is_backup = match members.get("backup") {
        None => false,
        Some(json) => json.as_bool().ok_or("bad member \"backup\"")?,
    };
    let mut excluded = Vec::new();
    match members.get("exclude-tables") {
        None => {}
        Some(Json::Array(tables)) => {
            for table in tables {
                excluded.push(table.as_str().ok_or("bad member \"exclude-tables\"")?.to_owned());
            }
        }
        Some(_) => return Err("bad member \"exclude-tables\"".to_owned()),
    }
    let mut sources = sources(members)?;
    let (Some(source), None) = (sources.pop(), sources.pop()) else {
        return Err("a backup has one source".to_owned());
    };
    if !is_backup {
        return Ok(Service::Standalone);
    }
    let config = BackupConfig::new(source.address).max_backoff(source.options.max_backoff);
    let config = match source.options.probe_interval {
        Some(probe) => config.probe_interval(probe),
        None => config,
    };
    Ok(Service::Backup(config, excluded))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_and_bad_files() {
        let read = |text: &str| Config::from_json(&text.parse().unwrap());
        let config = read(
            r#"{"remotes":{"punix:x":{"read-only":true,"inactivity-probe":0},"db:a,b,c":null},
                "databases":{"a.db":{"service-model":"standalone"},"b.db":null,
                    "c.db":{"service-model":"active-backup","backup":true,"exclude-tables":["T"],
                        "source":{"tcp:127.0.0.1:1":{"inactivity-probe":0,"max-backoff":2000}}},
                    "d.db":{"service-model":"active-backup","backup":false,"source":{"unix:x":null}},
                    "E":{"service-model":"relay","source":{"unix:x":null,"unix:y":{"inactivity-probe":7}}}}}"#,
        )
        .unwrap();
        assert!(config.remotes["punix:x"].read_only);
        assert_eq!(config.remotes["punix:x"].probe_interval, Some(None));
        assert_eq!(config.databases.len(), 5);
        for name in ["a.db", "b.db", "d.db"] {
            assert_eq!(config.databases[name], Service::Standalone);
        }
        let Service::Backup(backup, excluded) = &config.databases["c.db"] else { panic!("no backup") };
        let second = Duration::from_secs(2);
        assert_eq!((backup.probe_interval, backup.max_backoff), (None, Some(second)));
        assert_eq!(excluded, &["T"]);
        let Service::Relay(relay) = &config.databases["E"] else { panic!("no relay") };
        assert_eq!((relay.sources.len(), relay.probe_interval), (2, Some(Duration::from_millis(7))));
        for bad in [
            "[]",
            r#"{"odd":1}"#,
            r#"{"remotes":[]}"#,
            r#"{"remotes":{"x":{"odd":1}}}"#,
            r#"{"databases":{"x":{"service-model":"clustered"}}}"#,
            r#"{"databases":{"x":{"service-model":"active-backup"}}}"#,
            r#"{"databases":{"x":{"service-model":"active-backup","source":{"unix:x":null,"unix:y":null}}}}"#,
            r#"{"databases":{"x":{"service-model":"active-backup","backup":1,"source":{"unix:x":null}}}}"#,
            r#"{"databases":{"x":{"service-model":"relay","source":{}}}}"#,
            r#"{"databases":{"x":{"service-model":"relay","source":{"x":null}}}}"#,
            r#"{"databases":{"x":{"service-model":"relay","source":{"unix:x":{"role":"r"}}}}}"#,
            r#"{"databases":{"x":{"service-model":"relay","backup":true,"source":{"unix:x":null}}}}"#,
            r#"{"databases":{"x":{"service-model":7}}}"#,
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
