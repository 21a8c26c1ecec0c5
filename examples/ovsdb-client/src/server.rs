//! The server that a command speaks to, and the database that it is about.

use ovs_db::client::{Rpc, RpcError, StreamConnector, TransportError};
use ovs_db::json::Json;
use ovs_db::schema::Schema;
use ovs_stream::{Address, Role, StreamConfig, StreamError, Tls, TlsError};
use vswitchd::daemon::Program;
use vswitchd::tls::log_notices;

use crate::cli::Cli;
use crate::fault::Fault;

/// What begins the name of a server.
const METHODS: [&str; 3] = ["unix:", "tcp:", "ssl:"];

/// Takes the server from the beginning of the arguments, if it is there.
pub fn take_remote(program: &Program, args: &mut &[String]) -> Result<Address, Fault> {
    let default = || Address::Unix(program.dirs.in_run("db.sock"));
    let Some((first, rest)) = args.split_first() else { return Ok(default()) };
    if !METHODS.iter().any(|method| first.starts_with(method)) {
        return Ok(default());
    }
    *args = rest;
    Address::parse(first, Role::Ovsdb).map_err(|error| Fault::Address { remote: first.clone(), error })
}

/// How connections are made.
pub fn streams(program: &Program, tls: &Tls) -> StreamConfig {
    StreamConfig::default().rundir(&program.dirs.run).tls(tls.clone())
}

fn is_bootstrap(error: &RpcError) -> bool {
    let bootstrapped = StreamError::Tls(TlsError::Bootstrapped);
    matches!(error, RpcError::Transport(TransportError::Stream(error)) if *error == bootstrapped)
}

/// A connection.
pub struct Server {
    pub remote: String,
    rpc: Rpc,
}

impl Server {
    /// Connects.
    pub fn connect(program: &Program, cli: &Cli, address: Address) -> Result<Server, Fault> {
        let remote = address.to_string();
        let tls = Tls::new(cli.tls.config()?);
        let streams = streams(program, &tls);
        let mut connector = StreamConnector::new(address, streams);
        let mut connected = Rpc::connect(&mut connector, cli.limit());
        if matches!(&connected, Err(error) if is_bootstrap(error)) {
            // The first connection only fetches the authority's certificate, by which the second one is verified.
            connected = Rpc::connect(&mut connector, cli.limit());
        }
        log_notices(&tls);
        match connected {
            Ok(rpc) => Ok(Server { remote, rpc }),
            Err(error) => Err(Fault::Connect { remote, error }),
        }
    }

    /// Calls a method; `what` names it in errors.
    pub fn call(&mut self, method: &str, params: Vec<Json>, what: &str) -> Result<Json, Fault> {
        let answer = self.rpc.call(method, params);
        let answer = answer.map_err(|error| Fault::Rpc { remote: self.remote.clone(), error })?;
        answer.map_err(|error| Fault::Refused { what: what.to_owned(), error })
    }

    /// The next notice: its method and parameters.
    pub fn notice(&mut self) -> Result<(String, Vec<Json>), Fault> {
        loop {
            let notice = self.rpc.notice();
            let notice = notice.map_err(|error| Fault::Rpc { remote: self.remote.clone(), error })?;
            if let ovs_db::jsonrpc::Message::Notify { method, params } = notice {
                return Ok((method, params));
            }
        }
    }

    /// The names of the databases, sorted.
    pub fn databases(&mut self) -> Result<Vec<String>, Fault> {
        let answer = self.call("list_dbs", Vec::new(), "list-dbs")?;
        let names = answer.as_array().ok_or(Fault::Answer("list_dbs"))?;
        let names: Option<Vec<String>> = names.iter().map(|name| Some(name.as_str()?.to_owned())).collect();
        let mut names = names.ok_or(Fault::Answer("list_dbs"))?;
        names.sort();
        Ok(names)
    }

    /// Takes the database from the beginning of the arguments; if no database of the server stands there, it is
    /// `Open_vSwitch`, or else the only one that there is.
    pub fn take_database(&mut self, command: &str, args: &mut &[String]) -> Result<String, Fault> {
        let databases = self.databases()?;
        if let Some((first, rest)) = args.split_first()
            && databases.contains(first)
        {
            *args = rest;
            return Ok(first.clone());
        }
        let mut users = databases.iter().filter(|name| !name.starts_with('_'));
        if databases.iter().any(|name| name == "Open_vSwitch") {
            return Ok("Open_vSwitch".to_owned());
        }
        match (users.next(), users.next()) {
            (Some(only), None) => Ok(only.clone()),
            _ => Err(Fault::NoDatabase(command.to_owned())),
        }
    }

    /// The schema of a database.
    pub fn schema(&mut self, database: &str) -> Result<Schema, Fault> {
        Ok(Schema::from_json(&self.schema_json(database)?)?)
    }

    /// The schema as the server tells it.
    pub fn schema_json(&mut self, database: &str) -> Result<Json, Fault> {
        self.call("get_schema", vec![Json::from(database)], "get-schema")
    }
}
