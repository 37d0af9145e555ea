"""A peer of the coordinator that knows nothing but proto/moderato.proto and an access file."""

import json
import re
import struct
import time

import zmq

VARINT, FIXED64, BYTES = 0, 1, 2
INTEGERS = {"uint32", "uint64", "sint32", "bool"}


class Field:
    def __init__(self, label, kind, name, number, packed, oneof):
        self.label, self.kind, self.name, self.number = label, kind, name, number
        self.packed, self.oneof = packed, oneof


class Schema:
    """The messages of a .proto file of the plain kind that this project has."""

    def __init__(self, path):
        self.messages = {}
        current, oneof = None, None
        for line in open(path):
            line = line.split("//")[0].strip()
            if match := re.fullmatch(r"message (\w+) \{(\})?", line):
                current = self.messages.setdefault(match[1], [])
                oneof = None
            elif match := re.fullmatch(r"oneof (\w+) \{", line):
                oneof = match[1]
            elif line == "}":
                oneof = None
            elif match := re.fullmatch(
                r"(?:(required|optional|repeated) )?(\w+) (\w+) = (\d+)( \[packed = true\])?;", line
            ):
                current.append(
                    Field(match[1] or "optional", match[2], match[3], int(match[4]),
                          bool(match[5]), oneof))

    def fields(self, message):
        return self.messages[message]


def varint(value):
    value &= (1 << 64) - 1
    out = bytearray()
    while True:
        if value < 128:
            return bytes(out) + bytes([value])
        out.append(value & 127 | 128)
        value >>= 7


def encode(schema, message, values):
    out = bytearray()
    for field in schema.fields(message):
        if field.name not in values:
            continue
        items = values[field.name]
        items = items if field.label == "repeated" else [items]
        pieces = [piece(schema, field, item) for item in items]
        if field.packed:
            body = b"".join(body for _, body in pieces)
            out += varint(field.number << 3 | BYTES) + varint(len(body)) + body
        else:
            for wire, body in pieces:
                out += varint(field.number << 3 | wire)
                out += varint(len(body)) + body if wire == BYTES else body
    return bytes(out)


def piece(schema, field, value):
    if field.kind == "double":
        return FIXED64, struct.pack("<d", value)
    if field.kind == "sint32":
        return VARINT, varint(value << 1 if value >= 0 else (-value << 1) - 1)
    if field.kind in INTEGERS:
        return VARINT, varint(int(value))
    if field.kind == "string":
        return BYTES, value.encode()
    if field.kind == "bytes":
        return BYTES, value
    return BYTES, encode(schema, field.kind, value)


def decode(schema, message, data):
    """Known fields by their names; repeated ones as lists, unpacked."""
    values, at = {}, 0

    def number():
        nonlocal at
        value, shift = 0, 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    by_number = {field.number: field for field in schema.fields(message)}
    while at < len(data):
        tag = number()
        field, wire = by_number.get(tag >> 3), tag & 7
        if wire == VARINT:
            value = number()
        elif wire == FIXED64:
            value = struct.unpack("<d", data[at:at + 8])[0]
            at += 8
        else:
            size = number()
            value = data[at:at + size]
            at += size
            if field and field.packed:
                values.setdefault(field.name, []).extend(unpack(field, value))
                continue
            if field and field.kind == "string":
                value = value.decode()
            elif field and field.kind in schema.messages:
                value = decode(schema, field.kind, value)
        if field and field.kind == "sint32":
            value = value >> 1 ^ -(value & 1)
        if field and field.label == "repeated":
            values.setdefault(field.name, []).append(value)
        elif field:
            values[field.name] = value
    return values


def unpack(field, data):
    """The values of a packed field: doubles or varints."""
    if field.kind == "double":
        return list(struct.unpack(f"<{len(data) // 8}d", data))
    values, value, shift = [], 0, 0
    for byte in data:
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            values.append(value)
            value, shift = 0, 0
    return values


def exact(value):
    """For JSON: bytes and doubles as text, every bit of them."""
    if isinstance(value, dict):
        return {name: exact(item) for name, item in value.items()}
    if isinstance(value, list):
        return [exact(item) for item in value]
    return value.hex() if isinstance(value, (bytes, float)) else value


class Peer:
    context = zmq.Context()
    # Socket options besides the keys.
    options = {}

    def __init__(self, schema, access, version):
        self.schema, self.version = schema, version
        with open(access) as file:
            self.access = json.load(file)
        self.connect()

    def connect(self):
        self.socket = self.context.socket(zmq.DEALER)
        self.socket.linger = 0
        self.socket.sndhwm = 10
        for option, value in self.options.items():
            self.socket.setsockopt(option, value)
        self.socket.curve_serverkey = self.access["serverKey"].encode()
        self.socket.curve_publickey = self.access["keys"]["publicKey"].encode()
        self.socket.curve_secretkey = self.access["keys"]["secretKey"].encode()
        endpoints = self.access["endpoints"]
        self.socket.connect(endpoints[0])

    def reconnect(self):
        self.socket.close()
        self.connect()

    def frame(self, name, value):
        return encode(self.schema, "Envelope", {"version": self.version, name: value})

    def send(self, name, value, timeout=5):
        self.send_frame(self.frame(name, value), timeout)

    def send_frame(self, frame, timeout=5):
        if not self.socket.poll(timeout * 1_000, zmq.POLLOUT):
            raise TimeoutError("the coordinator takes nothing")
        self.socket.send(frame)

    def try_send(self, name, value):
        """What can't be sent now is dropped: who wants it sent sends it again."""
        if self.socket.poll(0, zmq.POLLOUT):
            self.socket.send(self.frame(name, value))

    def receive(self, timeout=5.0):
        """The next message as (name, value), or None."""
        if not self.socket.poll(int(timeout * 1_000)):
            return None
        values = decode(self.schema, "Envelope", self.socket.recv())
        values.pop("version", None)
        return next(iter(values.items()))

    def ask(self, name, value, answers, timeout=60.0):
        """Sends, and waits for one of the answers; others are passed over."""
        self.send(name, value)
        return self.wait(answers, timeout)

    def wait(self, answers, timeout=60.0):
        end = time.monotonic() + timeout
        while (left := end - time.monotonic()) > 0:
            message = self.receive(left)
            if message and message[0] in answers:
                return message
        raise TimeoutError(f"none of {answers}")
