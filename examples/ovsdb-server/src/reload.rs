//! Serving what the file of `--config-file` says, at the start and when it has changed.

use std::path::Path;

use ovs_db::server::BackupConfig;

use crate::app::State;
use crate::config::{Config, Service};
use crate::fault::Fault;

impl State {
    /// Reads the file again, and makes what is served what it says. What stays as it is keeps its clients.
    pub fn reload(&mut self) -> Result<(), Fault> {
        let Some(file) = &self.config_file else { return Ok(()) };
        let config = Config::read(file)?;
        let stays = |name: &String, service: &Service| match (service, config.databases.get(name)) {
            (Service::Relay(before), Some(Service::Relay(now))) => before == now,
            // A relay has no file, so it cannot become what has one.
            (Service::Relay(_), _) | (_, Some(Service::Relay(_)) | None) => false,
            (_, Some(_)) => true,
        };
        let gone = self.configured.iter().filter(|(name, (_, service))| !stays(name, service));
        for name in gone.map(|(name, _)| name.clone()).collect::<Vec<_>>() {
            let Some((database, _)) = self.configured.get(&name) else { continue };
            self.listener.remove_database(database, self.clock.now())?;
            self.files.remove(database);
            self.configured.remove(&name);
        }
        for (name, service) in config.databases {
            self.serve(name, service)?;
        }
        self.remotes.retain(|remote, _| config.remotes.contains_key(remote));
        for (remote, options) in config.remotes {
            self.add_remote(&remote, options)?;
        }
        self.remotes_changed();
        Ok(())
    }

    /// Serves a database in a way, if that is not how it is served already.
    fn serve(&mut self, name: String, service: Service) -> Result<(), Fault> {
        let known = self.configured.get(&name);
        if known.is_some_and(|(_, before)| *before == service) {
            return Ok(());
        }
        let now = self.clock.now();
        let database = match (known, &service) {
            (Some((database, _)), _) => database.clone(),
            (None, Service::Relay(config)) => {
                self.listener.add_relay(&name, config.clone(), now)?;
                let sources: Vec<String> = config.sources.iter().map(ToString::to_string).collect();
                self.files.insert(name.clone(), format!("relay:{name}:{}", sources.join(",")).into());
                name.clone()
            }
            (None, _) => self.open_file(Path::new(&name))?,
        };
        let was_backup = self.listener.database_backup_status(&database).is_some();
        // Known from here on, so that what goes wrong below is put right by the next reading.
        self.configured.insert(name.clone(), (database.clone(), Service::Standalone));
        match &service {
            Service::Backup(config, excluded) => {
                let config = follow(config, excluded, &database);
                self.listener.set_database_backup(&database, Some(config), now)?;
            }
            Service::Standalone if was_backup => {
                self.listener.set_database_backup(&database, None, now)?;
            }
            Service::Standalone | Service::Relay(_) => {}
        }
        self.configured.insert(name, (database, service));
        Ok(())
    }
}

fn follow(config: &BackupConfig, excluded: &[String], database: &str) -> BackupConfig {
    let tables = excluded.iter().map(|table| (database.to_owned(), table.clone()));
    config.clone().excluded(tables.collect())
}
