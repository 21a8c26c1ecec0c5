//! OVSDB: values, schema, transactions, server, storage, client and unixctl.
