# What the distribution's Python client makes of a database: asked line by line on standard input.
import json
import sys

import ovs.db.idl
import ovs.poller


def wait(idl, done):
    while not done():
        idl.run()
        if done():
            return
        poller = ovs.poller.Poller()
        idl.wait(poller)
        poller.block()


def show(idl):
    for name in sorted(idl.tables):
        table = idl.tables[name]
        for uuid in sorted(table.rows):
            row = table.rows[uuid]
            data = {c: row._data[c].to_json() for c in sorted(table.columns)}
            print(name, uuid, json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False))
    print("end")
    sys.stdout.flush()


def change(idl, name):
    """Verifies, sets, adds to a map and increments, all in one transaction."""
    row = next(r for r in idl.tables["Bridge"].rows.values() if r.name == name)
    root = next(iter(idl.tables["Open_vSwitch"].rows.values()))
    txn = ovs.db.idl.Transaction(idl)
    row.verify("flood_vlans")
    row.fail_mode = "secure"
    row.setkey("other_config", "by", "idl")
    root.increment("next_cfg")
    txn.add_comment("changed")
    print(txn.commit_block(), txn.get_increment_new_value())
    print("end")
    sys.stdout.flush()


sys.stdout.reconfigure(encoding="utf-8")
remote, schema = sys.argv[1:]
helper = ovs.db.idl.SchemaHelper(schema)
helper.register_all()
idl = ovs.db.idl.Idl(remote, helper, leader_only=False)
wait(idl, lambda: idl.change_seqno > 0)
for line in sys.stdin:
    words = line.split()
    if words[0] == "condition":
        # What cond_change() returns counts one too many: it asks a method whether it is true.
        before = idl.cond_seqno
        idl.cond_change("Bridge", json.loads(line[len("condition "):]))
        wait(idl, lambda: idl.cond_seqno > before)
        show(idl)
    elif words[0] == "until":
        wait(idl, lambda: any(r.next_cfg >= int(words[1]) for r in idl.tables["Open_vSwitch"].rows.values()))
        show(idl)
    elif words[0] == "change":
        change(idl, words[1])
