#!/usr/bin/env python3
"""Watches the audit log of workflow_orch from another machine.

  audit_witness.py run FOLDER CONNINFO --key KEY.pem --name NAME [--timestamp-url URL --timestamp-ca CA.pem]
  audit_witness.py key KEY.pem NAME
  audit_witness.py verify FOLDER --vkey VKEY [--timestamp-ca CA.pem]

run reads the newest checkpoint, has the database prove that its tree begins with the
one that was seen last, signs it, and stores it in FOLDER and, as an anchor, in the
database.  verify checks what FOLDER has, without the database.  The checkpoints are
signed notes of C2SP (https://c2sp.org/signed-note) with the key type Ed25519.

It needs Python 3.8 or later, psql, and openssl 3.  The role that connects needs the
capability audit.  Exit status: 0 all is well, 1 refused: the audit log is not what it
was, 2 something did not work.
"""
import argparse
import base64
import datetime
import fcntl
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
import urllib.request

sys.dont_write_bytecode = True
from verify_evidence import (ENTRY, Bytes, Checkpoint, Number, Refused, Unreadable, check_extension, decode_text, get,
                             integer, parse_json, read_json, read_members, read_path, read_text, root_of_inclusion,
                             sha256, unbase64)

ED25519 = b"\1"
ED25519_DER = bytes.fromhex("302a300506032b6570032100")   # stands before the 32 bytes of a public key
ANSWER_MAX = 65536
WAIT_S = 60


class Failed(Exception):
    """Something did not work, which says nothing about the audit log."""


def call(command, data=b""):
    """What a program prints, given its input."""
    try:
        done = subprocess.run(command, input=data, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    except OSError as error:
        raise Failed(f"{command[0]}: {error.strerror}") from None
    if done.returncode != 0:
        raise Failed(f"{command[0]} failed: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout


# ---- Signed notes ----

def key_id(name, public):
    return sha256(name.encode() + b"\n" + ED25519 + public)[:4]


class Key:
    """A public key and the name that signs with it."""

    def __init__(self, name, public):
        if not re.fullmatch(r"[^\s+]+", name):
            raise Failed(f"the name {name!r} of a key is empty, or has a space or a plus sign")
        self.name, self.public, self.id = name, public, key_id(name, public)

    def __str__(self):
        return f"{self.name}+{self.id.hex()}+{base64.b64encode(ED25519 + self.public).decode()}"


def key_of_file(path, name):
    der = call(["openssl", "pkey", "-in", path, "-pubout", "-outform", "DER"])
    if not der.startswith(ED25519_DER) or len(der) != len(ED25519_DER) + 32:
        raise Failed(f"{path} is not an Ed25519 key: openssl genpkey -algorithm ed25519 makes one")
    return Key(name, der[len(ED25519_DER):])


def key_of_text(text):
    name, hex_id, key = (text.strip().split("+", 2) + ["", ""])[:3]
    data = unbase64(key, "the key")
    if len(data) != 33 or data[:1] != ED25519 or key_id(name, data[1:]).hex() != hex_id:
        raise Failed(f"{text[:60]!r} is not a key as the command key prints it")
    return Key(name, data[1:])


def sign(text, path, key):
    """The signed note of a checkpoint, which ends in a newline."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(text.encode())
        file.flush()
        signature = call(["openssl", "pkeyutl", "-sign", "-inkey", path, "-rawin", "-in", file.name])
    return f"{text}\n\u2014 {key.name} {base64.b64encode(key.id + signature).decode()}\n"


def check_note(note, key, what):
    """Return the checkpoint of a note which that key has signed."""
    text, empty, lines = note.partition("\n\n")
    text += "\n"
    for line in lines.split("\n") if empty else []:
        parts = re.fullmatch(r"\u2014 (\S+) (\S+)", line)
        signature = unbase64(parts[2], f"a signature in {what}") if parts else b""
        if not parts or parts[1] != key.name or signature[:4] != key.id:
            continue
        with tempfile.TemporaryDirectory() as folder:
            paths = [os.path.join(folder, name) for name in ("key", "note", "signature")]
            for path, data in zip(paths, (ED25519_DER + key.public, text.encode(), signature[4:])):
                with open(path, "wb") as file:
                    file.write(data)
            try:
                call(["openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", paths[0], "-rawin",
                      "-in", paths[1], "-sigfile", paths[2]])
            except Failed:
                raise Refused(f"the signature of {key.name} in {what} is not that of its text") from None
        return Checkpoint(text, what)
    raise Refused(f"{what} has no signature of {key}")


# ---- Time stamps: RFC 3161 ----

def post(url, query):
    request = urllib.request.Request(url, query, {"Content-Type": "application/timestamp-query"})
    try:
        with urllib.request.urlopen(request, timeout=WAIT_S) as reply:
            return reply.read(ANSWER_MAX + 1)
    except OSError as error:
        raise Failed(f"{url}: {error}") from None


def check_token(text_path, token_path, options, query_path=None):
    """Refuse a token that is not of a text, or not of a service that is trusted."""
    about = ["-queryfile", query_path] if query_path else ["-data", text_path]
    try:
        call(["openssl", "ts", "-verify", *about, "-in", token_path, "-CAfile", options.timestamp_ca])
    except Failed as failed:
        raise Refused(f"the time stamp {token_path} does not hold: {failed}") from None


def time_stamp(text, folder, options):
    """Request a time stamp of a text, keep it, and return it."""
    with tempfile.TemporaryDirectory() as temporary:
        text_path, query_path = (os.path.join(temporary, name) for name in ("text", "query"))
        with open(text_path, "wb") as file:
            file.write(text.encode())
        call(["openssl", "ts", "-query", "-data", text_path, "-sha256", "-cert", "-out", query_path])
        with open(query_path, "rb") as file:
            query = file.read()
        if options.timestamp_url:
            token = post(options.timestamp_url, query)
        else:
            token = call(shlex.split(options.timestamp_command), query)
        if len(token) > ANSWER_MAX:
            raise Failed("the answer of the time-stamp service is too long")
        token_path = os.path.join(temporary, "token")
        with open(token_path, "wb") as file:
            file.write(token)
        check_token(text_path, token_path, options, query_path)
    folder.write(folder.name("tsr"), token)
    return token


# ---- The folder: the notes 00000001.note and so on, proofs and tokens beside them, and state.json ----

class Folder:
    """What the witness has seen.  The state names the last checkpoint of each origin, and is written last."""

    def __init__(self, path):
        self.path = path
        self.number, self.origins, self.last = 0, {}, None
        try:
            os.makedirs(path, exist_ok=True)
            self.lock = open(os.path.join(path, "lock"), "a", encoding="ascii")
            fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Failed(f"{path} is in use by another run") from None
        except OSError as error:
            raise Failed(f"{path}: {error.strerror}") from None
        state = os.path.join(path, "state.json")
        if os.path.exists(state):
            self.load(read_json(state), state)
        elif self.notes():
            raise Refused(f"{path} has notes, but no state.json that names the last")

    def load(self, state, what):
        if integer(get(state, "format", Number, what), "format") != 1:
            raise Refused(f"the format of {what} is not 1")
        self.number = integer(get(state, "number", Number, what), "number")
        for origin, text in get(state, "origins", dict, what).items():
            self.origins[origin] = Checkpoint(text, f"{what}, origin {origin}")
            self.origins[origin].text = text
        self.last = self.origins.get(get(state, "last", str, what))
        if self.last is None:
            raise Refused(f"{what} does not have the checkpoint that was seen last")

    def notes(self):
        return sorted(name for name in os.listdir(self.path) if re.fullmatch(r"[0-9]{8,}\.note", name))

    def name(self, kind, number=None):
        return f"{self.number if number is None else number:08}.{kind}"

    def write(self, name, data):
        """Write a file so that it is there as a whole or not at all."""
        path = os.path.join(self.path, name)
        try:
            with open(path + ".new", "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.rename(path + ".new", path)
            folder = os.open(self.path, os.O_RDONLY)
            os.fsync(folder)
            os.close(folder)
        except OSError as error:
            raise Failed(f"{path}: {error.strerror}") from None

    def keep(self, checkpoint, text, note, proof):
        """Store a checkpoint as the last one, with the proof that it extends the one before; None: it begins."""
        self.number += 1
        for stale in ("proof.json", "tsr"):
            if os.path.exists(os.path.join(self.path, self.name(stale))):
                os.remove(os.path.join(self.path, self.name(stale)))
        if proof is not None:
            self.write(self.name("proof.json"), proof.encode())
        self.write(self.name("note"), note.encode())
        self.origins[checkpoint.origin], checkpoint.text = checkpoint, text
        self.last = checkpoint
        state = {"format": 1, "number": self.number, "last": checkpoint.origin,
                 "seen_at": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
                 "origins": {origin: seen.text for origin, seen in self.origins.items()}}
        self.write("state.json", (json.dumps(state, indent=1) + "\n").encode())


# ---- The database ----

class Database:
    def __init__(self, conninfo):
        self.command = ["psql", "-XAtqw", "-v", "ON_ERROR_STOP=1", "-d", conninfo, "-f", "-"]
        os.environ["PGCLIENTENCODING"] = "UTF8"
        os.environ.setdefault("PGAPPNAME", "audit_witness")

    def ask(self, expression):
        """The text of what an expression gives, as JSON."""
        return call(self.command, f"SELECT pg_catalog.to_jsonb({expression})".encode()).decode()

    def record(self, text, kind, proof):
        base64_text, base64_proof = (base64.b64encode(data).decode() for data in (text.encode(), proof))
        return self.ask(f"workflow_orch.record_anchor(pg_catalog.convert_from(pg_catalog.decode('{base64_text}', 'base64'), 'UTF8'), "
                        f"'{kind}', pg_catalog.decode('{base64_proof}', 'base64'))").strip()

    def consistency(self, old, new):
        return self.ask(f"workflow_orch.audit_consistency({old.tree[0]}, {new.tree[0]})")

    def origin_changes(self, tree):
        """The audit rows that say that the tree has taken another origin, proved to be its leaves."""
        size, root = tree
        rows = parse_json(self.ask(
            "(SELECT coalesce(pg_catalog.jsonb_agg(e.leaf), '[]') FROM workflow_orch.audit_log l "
            f"CROSS JOIN LATERAL workflow_orch.evidence_leaf(l.audit_id, {size}) e (leaf) WHERE e.leaf IS NOT NULL "
            "AND l.action IN ('continue_audit_log', 'adopt_origin', 'new_origin'))"))
        changes = []
        for row in rows:
            entry, index = unbase64(get(row, "entry", str, "a leaf"), "an entry"), integer(row.get("leaf_index"), "leaf_index")
            if root_of_inclusion(sha256(b"\0" + entry), index, size, read_path(row, "a leaf")) != root:
                raise Refused(f"leaf {index} is not in the tree of the checkpoint")
            changes.append((index, decode_change(entry)))
        return [change for _, change in sorted(changes, key=lambda change: change[0])]


def decode_change(entry):
    """What a row says of a change of the origin."""
    reader, members = Bytes(entry, "an entry"), {}
    reader.take(1)
    values = {column: reader.field() for column, _ in ENTRY}
    reader.take(1)
    read_members(Bytes(reader.field() or b"", "the facts"), members)
    members["action"] = decode_text(values["action"] or b"")
    return members


def check_origin(database, old, new):
    """Refuse a tree that goes on under another origin, if its own rows do not say how it came to that."""
    origin, at = old.origin, old.tree[0]
    for change in database.origin_changes(new.tree):
        size = integer(get(change, "size", Number, "a change of the origin"), "size")
        if change.get("from_origin") == origin and change.get("origin") != origin and size >= at:
            origin, at = get(change, "origin", str, "a change of the origin"), size
            print(f"note: {change['action']} gave the tree the origin {origin} at size {size}")
    if origin != new.origin:
        raise Refused(f"the checkpoint is of origin {new.origin}, and no leaf of its tree says that {old} goes on under it")


def check_extends(database, old, new):
    """Prove that the tree goes on from the checkpoint that was seen last, and return the proof."""
    if new.tree[0] < old.tree[0]:
        raise Refused(f"the tree {new} is shorter than the one that was seen, {old}: its end was cut off, or an older copy was restored")
    proof = database.consistency(old, new)
    try:
        check_extension(old, new, parse_json(proof))
    except Refused as refused:
        raise Refused(f"{refused}: the audit log was rewritten, or is another copy's, since that checkpoint was seen") from None
    if old.origin != new.origin:
        check_origin(database, old, new)
    return proof


# ---- Commands ----

def read_checkpoint(database):
    text = json.loads(database.ask("workflow_orch.audit_checkpoint()"))
    if not isinstance(text, str):
        raise Failed("nothing was sealed yet")
    checkpoint = Checkpoint(text, "the checkpoint of the database")
    if "\n\n" in text:
        raise Refused("the checkpoint of the database has more than its three lines")
    return text, checkpoint


def run_witness(options):
    if (options.timestamp_url or options.timestamp_command) and not options.timestamp_ca:
        raise Failed("a time stamp needs --timestamp-ca, which it is checked with")
    if options.timestamp_url and not options.timestamp_url.startswith(("https://", "http://")):
        raise Failed("the address of a time-stamp service begins with https:// or http://")
    key, folder, database = key_of_file(options.key, options.name), Folder(options.folder), Database(options.conninfo)
    if not options.read_only:
        database.ask("workflow_orch.seal_audit_log()")
    text, checkpoint = read_checkpoint(database)
    proof = None
    if folder.last is None:
        print("note: this is the first checkpoint; nothing proves what was before it")
    elif options.begin is not None:
        if options.begin != checkpoint.origin or checkpoint.origin == folder.last.origin:
            raise Failed(f"--begin is for an origin that is new; the database has {checkpoint.origin}, seen was {folder.last}")
        print(f"note: nothing proves that this tree goes on from {folder.last}, which was seen last")
    else:
        proof = check_extends(database, folder.last, checkpoint)
        print(f"proved: the tree {checkpoint} begins with {folder.last}, which was seen last")
    note = sign(text, options.key, key)
    folder.keep(checkpoint, text, note, proof)
    anchors = [("signature", note.encode())]
    if options.timestamp_url or options.timestamp_command:
        anchors.append(("rfc3161", time_stamp(text, folder, options)))
    for kind, answer in anchors if not options.read_only else []:
        print(f"recorded: {kind} as anchor {database.record(text, kind, answer)}")
    return f"the tree {checkpoint} is kept as {folder.name('note')}"


def run_key(options):
    print(key_of_file(options.key, options.name))


def run_verify(options):
    """Check all notes: signatures, that each extends the one before, tokens, and that the last is the state's."""
    key, folder, before, stamps = key_of_text(options.vkey), Folder(options.folder), None, 0
    for number in range(1, folder.number + 1):
        name, proof, token = (folder.name(kind, number) for kind in ("note", "proof.json", "tsr"))
        path, proof_path, token_path = (os.path.join(folder.path, file) for file in (name, proof, token))
        note = read_text(path)
        checkpoint = check_note(note, key, name)
        if os.path.exists(proof_path):
            if before is None:
                raise Refused(f"the note before {name} is missing")
            check_extension(before, checkpoint, read_json(proof_path))
        else:
            print(f"note: {name}, {checkpoint}, begins: nothing proves what was before it")
        if os.path.exists(token_path) and options.timestamp_ca:
            with tempfile.NamedTemporaryFile() as file:
                file.write(note.partition("\n\n")[0].encode() + b"\n")
                file.flush()
                check_token(file.name, token_path, options)
            stamps += 1
        elif os.path.exists(token_path):
            print(f"note: {token} is not checked, which needs --timestamp-ca")
        before = checkpoint
    if before is None or str(before) != str(folder.last) or before.tree != folder.last.tree:
        raise Refused("the last note is not the checkpoint that state.json has as the last")
    return f"{folder.number} notes and {stamps} time stamps hold; the last is {before}"


def arguments():
    parser = argparse.ArgumentParser(formatter_class=argparse.RawDescriptionHelpFormatter, description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    witness = commands.add_parser("run", help="look at the audit log, and keep its checkpoint")
    witness.add_argument("folder", help="where this witness keeps what it has seen: one folder for each database, on this machine")
    witness.add_argument("conninfo", help="of the database, for psql")
    witness.add_argument("--key", required=True, metavar="KEY.pem", help="private key: openssl genpkey -algorithm ed25519 -out KEY.pem")
    witness.add_argument("--name", required=True, help="name of the witness in its signatures, such as example.com/witness")
    stamp = witness.add_mutually_exclusive_group()
    stamp.add_argument("--timestamp-url", metavar="URL", help="have each checkpoint stamped by this RFC 3161 service")
    stamp.add_argument("--timestamp-command", metavar="COMMAND", help="the same by a program, which gets the query as its input and prints the answer")
    witness.add_argument("--begin", metavar="ORIGIN", help="take the tree of this origin as a new beginning, after a failover that lost what was seen")
    witness.add_argument("--read-only", action="store_true", help="neither have the log sealed nor record an anchor, as on a standby")
    key = commands.add_parser("key", help="print the public key, for verify")
    key.add_argument("key", metavar="KEY.pem")
    key.add_argument("name")
    verify = commands.add_parser("verify", help="check what was kept, without the database")
    verify.add_argument("folder")
    verify.add_argument("--vkey", required=True, help="what the command key has printed")
    for command in (witness, verify):
        command.add_argument("--timestamp-ca", metavar="CA.pem", help="certificates that the time-stamp service is trusted by")
    return parser.parse_args()


def main():
    options = arguments()
    try:
        sys.stdout.reconfigure(errors="backslashreplace")
        result = {"run": run_witness, "key": run_key, "verify": run_verify}[options.command](options)
        if result is not None:
            print(f"OK: {result}")
        return 0
    except Refused as refused:
        print(f"REFUSED: {refused}")
        return 1
    except (Failed, Unreadable) as failed:
        print(f"audit_witness.py: {failed}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
