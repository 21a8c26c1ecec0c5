//! The lab's client of the switch's database: a few transactions, each awaited (RFC 7047 section 4.1.3).

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use ovs_db::json::{Framer, Json};
use ovs_db::jsonrpc::Message;

use super::{LabError, system};

/// How long the switch may take to do what the database says.
const PATIENCE: Duration = Duration::from_secs(10);

/// A blocking connection.
pub struct Database {
    stream: UnixStream,
    framer: Framer,
    serial: i64,
}

impl Database {
    /// Connects to the socket.
    pub fn connect(socket: &Path) -> std::io::Result<Self> {
        let stream = UnixStream::connect(socket)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self { stream, framer: Framer::default(), serial: 0 })
    }

    /// Makes a bridge with its local port, and waits until the switch has it.
    pub fn add_bridge(&mut self, name: &str) -> Result<(), LabError> {
        let operations = vec![
            insert("Interface", "iface", &[("name", name.into()), ("type", "internal".into())]),
            insert("Port", "port", &[("name", name.into()), ("interfaces", named("iface"))]),
            insert("Bridge", "bridge", &[("name", name.into()), ("ports", named("port"))]),
            add_to("Open_vSwitch", None, "bridges", "bridge"),
        ];
        self.configure(operations)
    }

    /// Adds a system port to a bridge, waits until the switch has it, and returns its number.
    pub fn add_port(&mut self, bridge: &str, name: &str) -> Result<i64, LabError> {
        let operations = vec![
            insert("Interface", "iface", &[("name", name.into())]),
            insert("Port", "port", &[("name", name.into()), ("interfaces", named("iface"))]),
            add_to("Bridge", Some(bridge), "ports", "port"),
        ];
        self.configure(operations)?;
        let row = self.select_one("Interface", Some(name), &["ofport", "error"])?;
        match row.get("ofport").and_then(Json::as_integer) {
            Some(number @ 1..) => Ok(number),
            _ => Err(LabError::Database(row.get("error").map(ToString::to_string).unwrap_or_default())),
        }
    }

    /// Runs operations together with a step of `next_cfg`, and waits until `cur_cfg` has followed.
    fn configure(&mut self, mut operations: Vec<Json>) -> Result<(), LabError> {
        let step = Json::array([Json::from("next_cfg"), "+=".into(), Json::from(1_i64)]);
        operations.push(operation("mutate", "Open_vSwitch", None, &[("mutations", Json::array([step]))]));
        self.transact(operations)?;
        let deadline = Instant::now() + PATIENCE;
        loop {
            let row = self.select_one("Open_vSwitch", None, &["next_cfg", "cur_cfg"])?;
            let number = |column: &str| row.get(column).and_then(Json::as_integer).unwrap_or(-1);
            if number("cur_cfg") >= number("next_cfg") {
                return Ok(());
            }
            if Instant::now() > deadline {
                return Err(LabError::Database("the switch did not take the configuration up".to_owned()));
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn select_one(&mut self, table: &str, name: Option<&str>, columns: &[&str]) -> Result<Json, LabError> {
        let columns = Json::array(columns.iter().map(|c| Json::from(*c)));
        let results = self.transact(vec![operation("select", table, name, &[("columns", columns)])])?;
        let rows = results.first().and_then(|r| r.get("rows")).and_then(Json::as_array).unwrap_or_default();
        rows.first().cloned().ok_or_else(|| LabError::Database(format!("{table} has no such row")))
    }

    /// One transaction; an error of any operation is an error.
    fn transact(&mut self, operations: Vec<Json>) -> Result<Vec<Json>, LabError> {
        self.serial += 1;
        let mut params = vec![Json::from("Open_vSwitch")];
        params.extend(operations);
        let message = Message::request("transact", params, self.serial);
        self.stream.write_all(&message.to_bytes()).map_err(system("writing to the database"))?;
        let results = self.reply()?;
        for result in &results {
            if let Some(error) = result.get("error") {
                let details = result.get("details").map(ToString::to_string).unwrap_or_default();
                return Err(LabError::Database(format!("{error} {details}")));
            }
        }
        Ok(results)
    }

    /// Reads until the reply to the last request; answers the server's probes meanwhile.
    fn reply(&mut self) -> Result<Vec<Json>, LabError> {
        let mut buffer = [0_u8; 4096];
        loop {
            while let Some(json) =
                self.framer.next_message().map_err(|e| LabError::Database(e.to_string()))?
            {
                match Message::from_json(json).map_err(|e| LabError::Database(e.to_string()))? {
                    Message::Reply { result, id } if id == Json::from(self.serial) => {
                        return Ok(result.as_array().unwrap_or_default().to_vec());
                    }
                    Message::Error { error, .. } => return Err(LabError::Database(error.to_string())),
                    Message::Request { method, params, id } if method == "echo" => {
                        let echo = Message::reply(Json::from(params), id).to_bytes();
                        self.stream.write_all(&echo).map_err(system("writing to the database"))?;
                    }
                    _ => {}
                }
            }
            match self.stream.read(&mut buffer).map_err(system("reading from the database"))? {
                0 => return Err(LabError::Database("connection closed".to_owned())),
                read => self.framer.push(&buffer[..read]),
            }
        }
    }
}

/// An operation on the rows of `table` called `name`, or on all of them.
fn operation(op: &str, table: &str, name: Option<&str>, more: &[(&str, Json)]) -> Json {
    let condition = name.map(|n| Json::array([Json::from("name"), "==".into(), n.into()]));
    let mut members = vec![("op", Json::from(op)), ("table", table.into())];
    members.push(("where", Json::array(condition)));
    members.extend(more.iter().cloned());
    Json::object(members)
}

fn insert(table: &str, uuid_name: &str, columns: &[(&str, Json)]) -> Json {
    Json::object([
        ("op", Json::from("insert")),
        ("table", table.into()),
        ("uuid-name", uuid_name.into()),
        ("row", Json::object(columns.iter().cloned())),
    ])
}

fn named(uuid_name: &str) -> Json {
    Json::array([Json::from("named-uuid"), uuid_name.into()])
}

fn add_to(table: &str, name: Option<&str>, column: &str, uuid_name: &str) -> Json {
    let set = Json::array([Json::from("set"), Json::array([named(uuid_name)])]);
    let mutation = Json::array([Json::from(column), "insert".into(), set]);
    operation("mutate", table, name, &[("mutations", Json::array([mutation]))])
}
