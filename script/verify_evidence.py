#!/usr/bin/env python3
"""Checks what workflow_orch exported as evidence, without the database.

  verify_evidence.py evidence FILE [--checkpoint KEPT [--consistency PROOF]]
  verify_evidence.py inclusion --proof PROOF --entry ENTRY --checkpoint CHECKPOINT
  verify_evidence.py consistency --proof PROOF --old CHECKPOINT --new CHECKPOINT

It is written from doc/evidence.md and RFC 9162 alone, needs Python 3.8 or later
and its standard library only, and trusts nothing in the files.  What it has proved
it prints line by line; the last line begins with "OK:" or "NOT PROVED:".  Exit
status: 0 proved, 1 not proved, 2 a file cannot be read.
"""
import argparse
import base64
import binascii
import decimal
import hashlib
import ipaddress
import json
import re
import sys

MAX_BIGINT = 2**63 - 1
NO_ROWS = bytes(32)


class Refused(Exception):
    """What the files say is not proved."""


class Unreadable(Exception):
    """A file cannot be read."""


# ---- JSON: numbers keep their digits, and an object has each key once ----

class Number:
    """A JSON number, compared as a decimal number and never as a double."""

    def __init__(self, text):
        self.text = text
        if len(text) > 200000:
            raise Refused("a number has more digits than any in a database")
        try:
            self.value = decimal.Decimal(text)
        except decimal.InvalidOperation:
            raise Refused(f"{text[:40]} is not a number of a database") from None
        if abs(self.value.adjusted()) > 200000:
            raise Refused(f"{text[:40]} is not a number of a database")

    def __eq__(self, other):
        return isinstance(other, Number) and self.value == other.value

    def __hash__(self):
        return hash(self.text)


def unique(pairs):
    result = dict(pairs)
    if len(result) != len(pairs):
        raise Refused("an object has the same key twice")
    return result


def no_constant(text):
    raise Refused(f"{text} is not JSON")


def parse_json(text):
    try:
        return json.loads(text, object_pairs_hook=unique, parse_int=Number, parse_float=Number,
                          parse_constant=no_constant)
    except ValueError as error:
        raise Unreadable(f"not JSON: {error}") from None


def same(a, b):
    """Whether two JSON values are the same; true is not 1."""
    if type(a) is not type(b):
        return False
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list):
        return len(a) == len(b) and all(map(same, a, b))
    return a == b


def jsonb_text(value):
    """The text of a jsonb value as the server writes it."""
    if isinstance(value, dict):
        keys = sorted(value, key=lambda key: (len(key.encode()), key.encode()))
        return "{" + ", ".join(f"{jsonb_text(key)}: {jsonb_text(value[key])}" for key in keys) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(jsonb_text, value)) + "]"
    return value.text if isinstance(value, Number) else json.dumps(value, ensure_ascii=False)


def get(value, key, kind, what):
    """A member of an object, which must be of a type."""
    if not isinstance(value, dict) or not isinstance(value.get(key), kind):
        raise Refused(f"{what} has no proper {key}")
    return value[key]


def integer(value, what):
    if not isinstance(value, Number) or not re.fullmatch(r"-?[0-9]{1,19}", value.text):
        raise Refused(f"{what} is not a whole number")
    return int(value.text)


def unbase64(text, what, length=None):
    try:
        result = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError, TypeError):
        raise Refused(f"{what} is not base64") from None
    if base64.b64encode(result).decode() != text or length not in (None, len(result)):
        raise Refused(f"{what} is not base64 of the right length")
    return result


# ---- The tree: RFC 9162, sections 2.1.3.2 and 2.1.4.2 ----

def sha256(data):
    return hashlib.sha256(data).digest()


def node(left, right):
    return sha256(b"\1" + left + right)


def root_of_inclusion(leaf, index, size, path):
    """The root that a path leads to, or None if it does not have the right length."""
    if not 0 <= index < size:
        return None
    fn, sn, result = index, size - 1, leaf
    for sibling in path:
        if sn == 0:
            return None
        if fn & 1 or fn == sn:
            result = node(sibling, result)
            while not fn & 1 and fn != 0:
                fn, sn = fn >> 1, sn >> 1
        else:
            result = node(result, sibling)
        fn, sn = fn >> 1, sn >> 1
    return result if sn == 0 else None


def is_consistent(old, new, path):
    """Whether a path proves that a tree begins with another; each is (size, root)."""
    if old[0] > new[0]:
        return False
    if old[0] == 0:
        return not path and old[1] == sha256(b"")
    if old[0] == new[0]:
        return not path and old[1] == new[1]
    if old[0] & (old[0] - 1) == 0:
        path = [old[1]] + path
    if not path:
        return False
    fn, sn = old[0] - 1, new[0] - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    fr = sr = path[0]
    for sibling in path[1:]:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            fr, sr = node(sibling, fr), node(sibling, sr)
            while not fn & 1 and fn != 0:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = node(sr, sibling)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and fr == old[1] and sr == new[1]


class Checkpoint:
    """Origin, size and root, each on a line; signatures may follow an empty line."""

    def __init__(self, text, what):
        body, _, _ = text.partition("\n\n")
        lines = body[:-1].split("\n") if body.endswith("\n") else body.split("\n")
        if len(lines) != 3 or not lines[0] or not text.endswith("\n"):
            raise Refused(f"{what} is not a checkpoint of three lines")
        if not re.fullmatch(r"0|[1-9][0-9]{0,18}", lines[1]) or int(lines[1]) > MAX_BIGINT:
            raise Refused(f"the size in {what} is not a number")
        self.origin = lines[0]
        self.tree = (int(lines[1]), unbase64(lines[2], f"the root in {what}", 32))

    def __str__(self):
        return f"{self.origin} of size {self.tree[0]}"


def read_path(value, what):
    return [unbase64(hash_, f"a hash of {what}", 32) for hash_ in get(value, "path", list, what)]


def check_extension(old, new, proof):
    """Prove that one checkpoint's tree begins with the other's, whatever their origins are."""
    path = []
    if proof is not None:
        path = read_path(proof, "the proof")
        sizes = integer(proof.get("from"), "from"), integer(proof.get("to"), "to")
        if sizes != (old.tree[0], new.tree[0]):
            raise Refused(f"the proof is about the sizes {sizes[0]} and {sizes[1]}, the checkpoints have "
                          f"{old.tree[0]} and {new.tree[0]}")
    elif 0 < old.tree[0] < new.tree[0]:
        raise Refused(f"that needs the proof audit_consistency({old.tree[0]}, {new.tree[0]})")
    if not is_consistent(old.tree, new.tree, path):
        raise Refused(f"the tree {new} does not begin with the tree of size {old.tree[0]}")


def check_consistency(old, new, proof):
    """Prove that one checkpoint's tree begins with the other's, which has its origin."""
    if old.origin != new.origin:
        raise Refused(f"the checkpoints are of different trees: {old.origin!r} and {new.origin!r}")
    check_extension(old, new, proof)


# ---- Canonical form 1: bytes as values ----

class Bytes:
    """Reads fields: a length of 4 bytes, and so many bytes."""

    def __init__(self, data, what):
        self.data, self.at, self.what = data, 0, what

    def take(self, length):
        if length > len(self.data) - self.at:
            raise Refused(f"{self.what} ends in the middle of a value")
        self.at += length
        return self.data[self.at - length:self.at]

    def field(self):
        length = int.from_bytes(self.take(4), "big")
        return None if length == 0xffffffff else self.take(length)

    def text(self):
        data = self.field()
        if data is None:
            raise Refused(f"{self.what} has no text where one must stand")
        return decode_text(data)

    def done(self):
        return self.at == len(self.data)


def decode_text(data):
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise Refused("a text is not UTF-8") from None


def decode_int(data):
    if len(data) != 8:
        raise Refused("a number has not 8 bytes")
    return int.from_bytes(data, "big", signed=True)


def decode_json(data):
    try:
        return parse_json(decode_text(data))
    except Unreadable as error:
        raise Refused(f"a value is {error}") from None


def fields(data, decode):
    reader, result = Bytes(data, "an array"), []
    while not reader.done():
        element = reader.field()
        result.append(None if element is None else decode(element))
    return result


DECODE = {
    "int": decode_int, "xid": decode_int, "time": decode_int, "text": decode_text, "json": decode_json,
    "bool": lambda data: {b"\0": False, b"\1": True}.get(data, "neither"),
    "bytes": bytes, "inet": bytes,
    "interval": lambda data: tuple(decode_int(data[i:i + 8]) for i in (0, 8, 16)) if len(data) == 24 else None,
    "ints": lambda data: fields(data, decode_int), "texts": lambda data: fields(data, decode_text),
}


# ---- Values of the JSON, as the same kind of values ----

def days_since_1970(year, month, day):
    """Days in the Gregorian calendar, which is continued into the past."""
    year -= month <= 2
    era, of_era = divmod(year, 400)
    of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    return era * 146097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719468


def read_time(text):
    if text in ("infinity", "-infinity"):
        return MAX_BIGINT if text == "infinity" else -MAX_BIGINT - 1
    parts = re.fullmatch(r"([0-9]{4,6})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{1,6}))?\+00:00( BC)?", text)
    if not parts:
        return None
    year, month, day, hour, minute, second = (int(part) for part in parts.groups()[:6])
    seconds = days_since_1970(1 - year if parts[8] else year, month, day) * 86400 + hour * 3600 + minute * 60 + second
    microseconds = seconds * 1000000 + int((parts[7] or "").ljust(6, "0"))
    return microseconds if microseconds <= MAX_BIGINT else microseconds - 2**64


def read_interval(text):
    if text in ("infinity", "-infinity"):
        sign = text == "infinity"
        return tuple(2**bits - 1 if sign else -2**bits for bits in (63, 31, 31))
    number = r"(?:(-?[0-9]{1,19})%s)?"
    parts = re.fullmatch("P" + number % "Y" + number % "M" + number % "D" + "(?:T" + number % "H" + number % "M" +
                         r"(?:(-?[0-9]{1,19}(?:\.[0-9]{1,6})?)S)?)?", text)
    if not parts:
        return None
    years, months, days, hours, minutes, seconds = (decimal.Decimal(part or 0) for part in parts.groups())
    return int(((hours * 60 + minutes) * 60 + seconds) * 1000000), int(days), int(years * 12 + months)


def read_inet(text):
    try:
        address = ipaddress.ip_interface(text)
    except ValueError:
        return None
    return bytes([address.version, address.network.prefixlen]) + address.ip.packed


def read_bytes(text):
    return bytes.fromhex(text[2:]) if re.fullmatch(r"\\x(?:[0-9a-f]{2})*", text) else None


def read_value(kind, value):
    """A value of the JSON as DECODE gives it; a value of another type equals nothing."""
    if kind == "json":
        return value
    if kind in ("ints", "texts") and isinstance(value, list):
        return [None if item is None else read_value(kind[:-1], item) for item in value]
    if kind == "int" and isinstance(value, Number) and re.fullmatch(r"-?[0-9]{1,19}", value.text):
        return int(value.text)
    if kind == "bool" and isinstance(value, bool):
        return value
    if not isinstance(value, str):
        return NotImplemented
    if kind == "xid":
        return int(value) if re.fullmatch(r"[0-9]{1,19}", value) else None
    reader = {"time": read_time, "interval": read_interval, "inet": read_inet, "bytes": read_bytes, "text": str}
    return reader[kind](value) if kind in reader else NotImplemented


def column_is(kind, data, row, column):
    """Whether a column of the JSON is what the bytes say."""
    if column not in row:
        return False
    if data is None or row[column] is None and kind != "json":
        return data is None and row[column] is None
    return same(DECODE[kind](data), read_value(kind, row[column]))


# ---- What a leaf tells of ----

ENTRY = [("audit_id", "int"), ("occurred_at", "time"), ("action", "text"), ("actor_id", "int"), ("workflow_id", "int"),
         ("proposal_id", "int"), ("execution_id", "int"), ("transaction_id", "xid"), ("backend_pid", "int")]
WHO = [("login", "text"), ("authenticated_login", "text"), ("db_role", "text"), ("application_name", "text"), ("client_addr", "inet")]
QUERY = [("query", "text")]
FLAGS = {0: "another transaction than the one that it names inserted it", 1: "", 2: ""}


class Table:
    """Columns of a table in their order, "name" or "name:type"; a star marks those that may change.  The
    type is that of most columns of the name."""

    KINDS = {"int": "revision attempt stage approvals required_approvals follows on_behalf_of uses max_rows",
             "bool": "dry_run execute_on_approval open proposer_may_review counts administers agents",
             "json": "metadata params requirements preview edits result", "bytes": "definition"}

    def __init__(self, part, key, columns):
        self.part, self.key = part, key.split()
        self.columns, self.changing = [], set()
        kinds = {name: kind for kind, names in self.KINDS.items() for name in names.split()}
        for column in columns.split():
            name, _, kind = column.rstrip("*").partition(":")
            if not kind:
                kind = kinds.get(name) or ("int" if re.search(r"(_id|_by|_actor)$", name) else
                                           "time" if re.search(r"(_at|_until)$", name) else "text")
            self.columns.append((name, kind))
            if column.endswith("*"):
                self.changing.add(name)


TABLES = {
    "workflow": Table("workflow", "workflow_id", "workflow_id actor_id status* dry_run title metadata started_at ended_at* ended_by* end_reason*"),
    "proposal": Table("proposal", "proposal_id", "proposal_id workflow_id actor_id status* open* dry_run revision* approvals* "
                      "required_approvals* requirements* stage* rule_id* revised_by* proposer_may_review* execute_on_approval proposed_at "
                      "status_at* status_by* expires_at* approval_ttl:interval* event* status_reason* tool params* reason* idempotency_key "
                      "definition* person db_role login revised_at* requested_since:int* max_rows* standing_id*"),
    "proposal_revision": Table("revisions", "proposal_id revision", "proposal_id revision actor_id created_at approve_until "
                               "required_approvals requirements rule_id params definition person db_role login reason approval_ttl:interval"),
    "proposal_comment": Table("comments", "comment_id", "comment_id proposal_id workflow_id revision actor_id commented_at comment"),
    "preview": Table("previews", "preview_id", "preview_id proposal_id workflow_id revision actor_id previewed_at preview"),
    "review": Table("reviews", "review_id", "review_id proposal_id workflow_id revision reviewer_id decision status counts stage reviewed_at "
                    "kind role on_behalf_of person db_role login comment edits preview_id max_rows administers"),
    "revocation": Table("revocations", "review_id", "review_id proposal_id workflow_id revision follows actor_id status revoked_at reason"),
    "execution": Table("executions", "execution_id", "execution_id proposal_id workflow_id revision actor_id status* dry_run* attempt* "
                       "queued_at started_at* finished_at* ended_by* login end_reason* result*"),
    "cancel_request": Table("cancel_requests", "request_id", "request_id execution_id proposal_id workflow_id requested_at actor_id login reason"),
    "break_glass": Table("break_glass", "execution_id", "execution_id proposal_id workflow_id revision actor_id broken_at freeze_id reason "
                         "person db_role login reviewed_at* reviewer_id* comment*"),
    "standing_approval": Table("standing_approvals", "standing_id", "standing_id proposal_id tool actor_id db_role uses ends_at condition "
                               "max_rows description definition requirements approved_by:ints started_at ended_at* ended_by* end_reason*"),
    "approval_rule": Table(None, "rule_id", "rule_id role approvals stage tool condition description agents added_at added_by removed_at* "
                           "removed_by* definition:json"),
    "freeze_window": Table(None, "freeze_id", "freeze_id title starts_at ends_at tool added_at added_by removed_at* removed_by*"),
    "actor": Table(None, "actor_id", "actor_id kind registered_at"),
    "delegation": Table(None, "delegation_id", "delegation_id from_actor to_actor delegated_at delegated_by ends_at ended_at* ended_by*"),
    "workflow_hold": Table(None, "hold_id", "hold_id workflow_id held_at held_by reason released_at* released_by* release_reason*"),
}
PARTS = {table.part: table for table in TABLES.values() if table.part}

# The parts of the file that the rows of an action are in, where these are redacted.
REDACTED_PARTS = {
    "propose_action": ["proposal", "revisions"], "revise_proposal": ["revisions"], "accept_tool_definition": ["revisions"],
    "review_action": ["reviews", "revisions"], "revoke_approval": ["revocations"], "void_approval": ["revocations"],
    "comment_proposal": ["comments"], "preview_action": ["previews"], "execute_action": ["executions"],
    "cancel_execution": ["executions", "cancel_requests"], "break_glass_execute": ["break_glass"], "review_break_glass": ["break_glass"],
}
GROUPS = ["who", "what", "rows"]


def read_members(reader, members):
    """Add members of details to those that are known."""
    while not reader.done():
        key, letter = reader.text(), reader.take(1)
        if key in members:
            raise Refused(f"{reader.what} has {key} twice")
        if letter in b"tfz":
            members[key] = {b"t": True, b"f": False, b"z": None}[letter]
        elif letter == b"s":
            members[key] = reader.text()
        elif letter in b"nj":
            members[key] = decode_json(reader.text().encode())
        else:
            raise Refused(f"{reader.what} has a value of an unknown type")


def flat_members(details):
    """The members of details, with those of the objects "from" and "to" in their place."""
    members = {}
    for key, value in details.items():
        if key in ("from", "to") and isinstance(value, dict):
            members.update({f"{key}.{inner}": item for inner, item in value.items()})
        elif key.startswith(("from.", "to.")):
            raise Refused(f"the details have the name {key}, which nothing proves")
        else:
            members[key] = value
    return members


class Evidence:
    """A file, and what of it is proved so far."""

    def __init__(self, data):
        self.data = data
        self.problems = []
        self.proved = {}      # (part, key): the columns that a leaf commits to
        self.definitions = set()
        self.leaves = set()
        self.redactions = {}  # (audit_id, group): the hash
        self.trails = {}      # audit_id of a row that tells of redactions: what these are
        self.facts = {}       # audit_id: the keys of details that the entry has
        self.redacted = set() # parts of the file that have lost their proof
        self.objects = {}     # (part, key): the object
        if integer(get(data, "format", Number, "the file"), "format") != 1:
            raise Refused("the format is not 1")
        self.checkpoint = Checkpoint(get(data, "checkpoint", str, "the file"), "the file's checkpoint")
        proposal = get(data, "proposal", dict, "the file")
        self.proposal_id = integer(proposal.get("proposal_id"), "proposal_id")

    def problem(self, text):
        self.problems.append(text)
        print(f"not proved: {text}")

    def collect(self):
        """Find the objects of each part by their keys."""
        for part, table in PARTS.items():
            rows = self.data.get(part)
            for row in rows if isinstance(rows, list) else [rows]:
                if not isinstance(row, dict):
                    raise Refused(f"the file has no proper {part}")
                key = (part,) + tuple(integer(row.get(column), f"{column} in {part}") for column in table.key)
                if key in self.objects:
                    self.problem(f"{name_of(key)} stands there twice")
                self.objects[key] = row
                if "proposal_id" in row and row["proposal_id"] != Number(str(self.proposal_id)):
                    self.problem(f"{name_of(key)} is of another proposal")
        for part in self.data.keys() - PARTS.keys() - {"format", "checkpoint", "definitions", "audit", "anchors", "redactions"}:
            self.problem(f"{part[:60]!r}, which this program does not know")

    def collect_redactions(self):
        """Read the hashes that stand for redacted groups."""
        for row in self.list_of("redactions"):
            audit_id, trail = (integer(get(row, column, Number, "a redaction"), column) for column in ("audit_id", "trail"))
            group, hash_ = get(row, "leaf_group", str, "a redaction"), read_bytes(get(row, "hash", str, "a redaction"))
            if group not in GROUPS or hash_ is None or len(hash_) != 32 or (audit_id, group) in self.redactions:
                raise Refused("a redaction is not one")
            self.redactions[audit_id, group] = hash_
            self.trails.setdefault(trail, []).append((audit_id, GROUPS.index(group), hash_))

    def check_trail(self, audit_id, action, row):
        """Compare the redactions that a proved audit row tells of with those in the file."""
        if audit_id not in self.trails:
            return
        taken = sorted(self.trails.pop(audit_id))
        data = b"".join(of.to_bytes(8, "big", signed=True) + bytes([group]) + hash_ for of, group, hash_ in taken)
        details = get(row, "details", dict, "the row")
        if (not action.startswith("redact_") and action != "reapply_redactions" or details.get("count") != Number(str(len(taken)))
                or details.get("redacted_sha256") != hashlib.sha256(data).hexdigest()):
            raise Refused("it does not tell of the redactions that name it")
        print(f"proved: redaction by audit row {audit_id}, of {len(taken)} groups")

    def check_columns(self, reader, columns, row, what):
        for column, kind in columns:
            if not column_is(kind, reader.field(), row, column):
                raise Refused(f"{what}: {column} is not what the leaf says")

    def check_row(self, reader):
        """Compare a row that a leaf tells of with the object of the same key."""
        name, _, ended = reader.text().partition(".")
        table = TABLES.get(name)
        if table is None or ended not in ("", "ended"):
            raise Refused(f"the rows have the unknown table {name[:60]}")
        columns = [column for column in table.columns if ended or column[0] not in table.changing]
        first = reader.field()
        if first is None:
            return f"no {name}"
        values = dict(zip((column for column, _ in columns), [first] + [reader.field() for _ in columns[1:]]))
        key = tuple(decode_int(values[column] or b"") for column in table.key)
        if table.part is None:
            return f"{name} {key[0]} (not in the file)"
        key = (table.part,) + key
        if key not in self.objects:
            raise Refused(f"{name_of(key)} is missing in the file")
        for column, kind in columns:
            if not column_is(kind, values[column], self.objects[key], column):
                raise Refused(f"{name_of(key)}: {column} is not what the leaf says")
        self.proved.setdefault(key, set()).update(values)
        if values.get("definition") is not None:
            self.definitions.add(values["definition"].hex())
        return name_of(key)

    def group(self, item, name, hash_):
        """The bytes of a group without their salt, or None if they are not shown."""
        if item.get(name) is None:
            return None
        data = unbase64(item[name], name)
        if name == "rows" and hash_ == NO_ROWS and not data:
            return Bytes(b"", name)
        if sha256(data) != hash_:
            raise Refused(f"the hash of {name} is not that in the entry")
        if len(data) < 16:
            raise Refused(f"{name} has no salt")
        return Bytes(data[16:], name)

    def check_leaf(self, item, entry):
        index = integer(item.get("leaf_index"), "leaf_index")
        leaf = unbase64(item.get("leaf"), "leaf", 32)
        if sha256(b"\0" + entry) != leaf:
            raise Refused("the hash of the entry is not the leaf")
        if root_of_inclusion(leaf, index, self.checkpoint.tree[0], read_path(item, "the leaf")) != self.checkpoint.tree[1]:
            raise Refused(f"the path of leaf {index} does not lead to the root of the checkpoint")
        if index in self.leaves:
            raise Refused(f"leaf {index} stands there twice")
        self.leaves.add(index)
        return index

    def check_details(self, facts, what, row):
        members = {}
        read_members(Bytes(facts or b"", "the facts"), members)
        self.facts[integer(row["audit_id"], "audit_id")] = set(members)
        if what is not None:
            read_members(what, members)
        shown = flat_members(get(row, "details", dict, "the row"))
        if what is None:
            # The facts alone are proved.
            shown = {key: value for key, value in shown.items() if key in members}
        for key in sorted(members.keys() | shown.keys()):
            if key not in members or key not in shown or not same(members[key], shown[key]):
                raise Refused(f"details: {key[:60]} is not what the leaf says")

    def check_audit_row(self, item):
        """Prove one row of the audit log, and the rows that it tells of."""
        row = get(item, "row", dict, "an audit row")
        entry = unbase64(get(item, "entry", str, "the row"), "entry")
        index = self.check_leaf(item, entry)
        reader = Bytes(entry, "the entry")
        if reader.take(1) != b"\1":
            raise Refused("the entry is not of format 1")
        self.check_columns(reader, ENTRY, row, "the row")
        flags = reader.take(1)[0]
        facts = reader.field()
        hashes = [reader.take(32) for _ in range(3)]
        if not reader.done():
            raise Refused("the entry has bytes behind its end")
        who, what, rows = (self.group(item, name, hash_) for name, hash_ in zip(("who", "what", "rows"), hashes))
        unknown = row.keys() - {column for column, _ in ENTRY + WHO + QUERY} - {"details"}
        if unknown:
            raise Refused(f"the row has the unknown column {min(unknown)[:60]}")
        if who is not None:
            self.check_columns(who, WHO, row, "who")
        if what is not None:
            self.check_columns(what, QUERY, row, "what")
        self.check_details(facts, what, row)
        hidden = [name for name, group in zip(GROUPS, (who, what, rows)) if group is None]
        for name in hidden:
            if self.redactions.get((integer(row["audit_id"], "audit_id"), name)) != hashes[GROUPS.index(name)]:
                raise Refused(f"{name} is not shown, and no redaction with its hash is there")
        told = []
        while rows is not None and not rows.done():
            told.append(self.check_row(rows))
        if who is not None and not who.done():
            raise Refused("who has bytes behind its end")
        return index, flags, told, hidden

    def check_audit(self):
        """Prove the rows of the audit log one by one."""
        seen = set()
        for item in get(self.data, "audit", list, "the file"):
            row = get(item, "row", dict, "an audit row")
            audit_id = integer(row.get("audit_id"), "audit_id")
            action = get(row, "action", str, f"audit row {audit_id}")
            if audit_id in seen:
                self.problem(f"audit row {audit_id} stands there twice")
            seen.add(audit_id)
            if item.get("leaf") is None:
                self.problem(f"audit row {audit_id} ({action[:60]!r}) is not sealed in this checkpoint")
                continue
            try:
                index, flags, told, hidden = self.check_audit_row(item)
                self.check_trail(audit_id, action, row)
            except Refused as refused:
                self.problem(f"audit row {audit_id} ({action[:60]!r}): {refused}")
                continue
            print(f"proved: audit row {audit_id} ({action!r}) is leaf {index}" + (f", tells of {', '.join(told)}" if told else ""))
            if FLAGS.get(flags & 3, ""):
                print(f"note: audit row {audit_id}: {FLAGS[flags & 3]}")
            if flags & 4:
                print(f"note: audit row {audit_id} was sealed more than an hour after its time")
            if hidden:
                self.note_redacted(audit_id, action, row, hidden)

    def note_redacted(self, audit_id, action, row, hidden):
        """Say what is not shown of a row any more; what is shown of it has no proof."""
        print(f"redacted: audit row {audit_id} ({action!r}): {', '.join(hidden)}; the hashes in the leaf are proved")
        if "rows" in hidden:
            self.redacted.update(REDACTED_PARTS.get(action, []))
        shown = [column for name, columns in (("who", WHO), ("what", QUERY)) if name in hidden
                 for column, _ in columns if row.get(column) is not None]
        if "what" in hidden:
            shown += [f"details.{key[:60]}" for key in flat_members(row["details"])
                      if key not in self.facts[audit_id]]
        if shown:
            print(f"stated only: audit row {audit_id}: {', '.join(shown)}")

    def check_objects(self):
        """Say for each object of the file what of it is proved."""
        for key, row in self.objects.items():
            table = PARTS[key[0]]
            proved = self.proved.get(key, set())
            open_ = [column for column in row if column not in proved]
            if not proved and key[0] in self.redacted:
                print(f"stated only: {name_of(key)}, which has been redacted")
            elif not proved:
                self.problem(f"{name_of(key)}: no leaf tells of it")
            elif any(column not in table.changing for column in open_):
                self.problem(f"{name_of(key)}: unknown columns")
            elif open_:
                print(f"proved: {name_of(key)}, but these columns, which may change, are stated only: {', '.join(open_)}")
            else:
                print(f"proved: {name_of(key)}, all columns")

    def check_current_revision(self):
        """Compare the proposal with its last revision, of which it has a copy."""
        proposal = self.data["proposal"]
        last = max((key[2] for key in self.objects if key[0] == "revisions"), default=None)
        if last is None:
            return
        revision = self.objects[("revisions", self.proposal_id, last)] if ("revisions", self.proposal_id, last) in self.objects else {}
        for column in ("revision", "params", "definition", "requirements", "required_approvals"):
            if not same(proposal.get(column), revision.get(column)):
                self.problem(f"proposal: {column} is not that of its last revision")

    def check_definitions(self):
        for hash_, definition in get(self.data, "definitions", dict, "the file").items():
            if hashlib.sha256(jsonb_text(definition).encode()).hexdigest() != hash_:
                self.problem(f"the definition {hash_[:64]!r}: its hash is another one")
            elif hash_ not in self.definitions and "revisions" in self.redacted:
                print(f"stated only: definition {hash_}, since the revisions have been redacted")
            elif hash_ not in self.definitions:
                self.problem(f"the definition {hash_[:64]!r}: no leaf tells of it")
            else:
                print(f"proved: definition {hash_}")
        for hash_ in sorted(self.definitions - self.data["definitions"].keys()):
            print(f"not in the file: definition {hash_}")

    def check_anchor(self, row):
        """Prove that the tree extends an anchor's checkpoint, and say what its proof is of."""
        name = f"anchor {integer(row.get('anchor_id'), 'anchor_id')} ({get(row, 'kind', str, 'an anchor')[:60]!r})"
        text = get(row, "checkpoint", str, name)
        checkpoint, body = Checkpoint(text, name), (text.partition("\n\n")[0].rstrip("\n") + "\n").encode()
        size, proof = integer(row.get("size"), f"the size of {name}"), unbase64(row.get("proof"), f"the proof of {name}")
        if size != checkpoint.tree[0] or not all(index < size for index in self.leaves):
            raise Refused(f"{name}: its size is not that of a checkpoint that covers the leaves")
        if not is_consistent(checkpoint.tree, self.checkpoint.tree, read_path(row, name)):
            raise Refused(f"{name}: the tree {self.checkpoint} does not begin with its checkpoint")
        print(f"proved: {name}: the tree begins with its checkpoint of size {size}, which covers all leaves of the file" +
              ("" if checkpoint.origin == self.checkpoint.origin else f"; its origin is {checkpoint.origin}"))
        if row["kind"] == "signature":
            if not proof.startswith(body + "\n\u2014 ".encode()):
                raise Refused(f"{name}: its proof is not a note of its checkpoint")
            signers = re.findall("^\u2014 (\\S+) \\S+$", proof[len(body):].decode("utf-8", "replace"), re.M)
            print(f"stated only: {name}: the signature of {', '.join(signers)}")
        elif row["kind"] == "rfc3161" and sha256(body) not in proof:
            raise Refused(f"{name}: its time stamp is of something else")
        else:
            print(f"stated only: {name}: what its proof says" +
                  (", in which the SHA-256 of the checkpoint stands" if row["kind"] == "rfc3161" else ""))

    def check_anchors(self):
        for row in self.list_of("anchors"):
            try:
                self.check_anchor(row)
            except Refused as refused:
                self.problem(str(refused))

    def list_of(self, part):
        rows = self.data.get(part, [])
        if not isinstance(rows, list):
            raise Refused(f"the file has no proper {part}")
        return rows

    def note_rest(self):
        """Name what this program cannot prove."""
        for trail, taken in self.trails.items():
            print(f"stated only: redaction by audit row {trail}, of {len(taken)} groups: the row is not in the file")
            for audit_id, group, _ in taken:
                if GROUPS[group] == "rows" and audit_id in self.facts:
                    self.problem(f"the rows of audit row {audit_id} are redacted, and no row of the file tells of it")


def name_of(key):
    return key[0] + " " + ", ".join(str(number) for number in key[1:])


# ---- Commands ----

def read_file(path):
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise Unreadable(f"{path}: {error.strerror}") from None


def read_text(path):
    try:
        return read_file(path).decode("utf-8")
    except UnicodeDecodeError:
        raise Unreadable(f"{path}: not UTF-8") from None


def read_json(path):
    try:
        return parse_json(read_text(path))
    except Unreadable as error:
        raise Unreadable(f"{path}: {error}") from None


def read_proof(path):
    proof = read_json(path)
    if not isinstance(proof, dict):
        raise Refused(f"{path} is not a proof")
    return proof


def run_evidence(options):
    evidence = Evidence(read_json(options.file))
    kept = Checkpoint(read_text(options.checkpoint), "the kept checkpoint") if options.checkpoint else None
    if kept is not None:
        old, new = sorted((kept, evidence.checkpoint), key=lambda checkpoint: checkpoint.tree[0])
        check_consistency(old, new, read_proof(options.consistency) if options.consistency else None)
        print(f"proved: the tree {new} begins with that of size {old.tree[0]}; one of them is the kept one")
    else:
        print(f"note: the tree {evidence.checkpoint} is the file's own; --checkpoint compares it with one that was kept elsewhere")
    evidence.collect()
    evidence.collect_redactions()
    evidence.check_audit()
    evidence.check_objects()
    evidence.check_current_revision()
    evidence.check_definitions()
    evidence.check_anchors()
    evidence.note_rest()
    if evidence.problems:
        raise Refused(f"{len(evidence.problems)} problems, the first: {evidence.problems[0]}")
    return f"what the leaves say of proposal {evidence.proposal_id} is proved against the tree {evidence.checkpoint}"


def run_inclusion(options):
    proof = read_proof(options.proof)
    checkpoint = Checkpoint(read_text(options.checkpoint), "the checkpoint")
    entry = read_file(options.entry)
    if entry[:2] == b"\\x":
        entry = read_bytes(entry.decode("latin-1").strip())
    leaf = unbase64(proof.get("leaf"), "leaf", 32)
    if entry is None or sha256(b"\0" + entry) != leaf:
        raise Refused("the hash of the entry is not the leaf")
    index, size = integer(proof.get("leaf_index"), "leaf_index"), integer(proof.get("size"), "size")
    if size != checkpoint.tree[0]:
        raise Refused(f"the proof is for size {size}, the checkpoint has {checkpoint.tree[0]}")
    if root_of_inclusion(leaf, index, size, read_path(proof, "the proof")) != checkpoint.tree[1]:
        raise Refused("the path does not lead to the root of the checkpoint")
    return f"the entry is leaf {index} of the tree {checkpoint}"


def run_consistency(options):
    old, new = (Checkpoint(read_text(path), path) for path in (options.old, options.new))
    check_consistency(old, new, read_proof(options.proof))
    return f"the tree {new} begins with that of size {old.tree[0]}"


def arguments():
    parser = argparse.ArgumentParser(description="Checks evidence of workflow_orch without the database.")
    commands = parser.add_subparsers(dest="command", required=True)
    evidence = commands.add_parser("evidence", help="what evidence() gave")
    evidence.add_argument("file")
    evidence.add_argument("--checkpoint", help="a checkpoint that was kept elsewhere")
    evidence.add_argument("--consistency", help="what audit_consistency() gave for the two sizes")
    inclusion = commands.add_parser("inclusion", help="what audit_proof() and audit_entry() gave")
    consistency = commands.add_parser("consistency", help="what audit_consistency() gave")
    for command, names in ((inclusion, "proof entry checkpoint"), (consistency, "proof old new")):
        for name in names.split():
            command.add_argument(f"--{name}", required=True)
    return parser.parse_args()


def main():
    options = arguments()
    commands = {"evidence": run_evidence, "inclusion": run_inclusion, "consistency": run_consistency}
    try:
        sys.stdout.reconfigure(errors="backslashreplace")
        print(f"OK: {commands[options.command](options)}")
        return 0
    except Refused as refused:
        print(f"NOT PROVED: {refused}")
        return 1
    except RecursionError:
        print("NOT PROVED: a value is nested too deeply to be read")
        return 1
    except Unreadable as error:
        print(f"verify_evidence.py: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
