"""Files in chunks, as proto/README.md describes them under "Files"."""

import hashlib

CHUNK, MOST_CHUNKS = 256 << 10, 8


def digest(content):
    return hashlib.sha256(content).digest()


def answer(peer, names, about, seconds, others, tick):
    """The next answer about the file, or None; other messages go to `others`."""
    for _ in range(int(seconds * 20)):
        tick()
        if message := peer.receive(0.05):
            if message[0] in names and message[1]["digest"] == about:
                return message
            others(message)
    return None


def upload(peer, content, others=lambda message: None, tick=lambda: None):
    """Sends a file, and resumes where the coordinator says; returns once it is stored."""
    name, received, sent, damaged = digest(content), 0, 0, 0
    ask = True
    while damaged < 3:
        if ask:
            peer.try_send("upload", {"digest": name, "size": len(content)})
        found = answer(peer, ["upload_progress"], name, 3, others, tick)
        if not found:
            ask, sent = True, 0
            continue
        state, received = found[1]["state"], found[1]["received"]
        if state == "stored":
            return name
        damaged += state == "damaged"
        ask = state == "damaged"
        sent = 0 if ask else max(sent, received)
        while not ask and sent < min(len(content), received + MOST_CHUNKS * CHUNK):
            piece = content[sent:sent + CHUNK]
            peer.try_send("chunk", {
                "digest": name, "offset": sent, "content": piece, "total": len(content)})
            sent += len(piece)
    raise ValueError("the file arrived three times as something else")


def fetch(peer, name, others=lambda message: None, tick=lambda: None):
    """A file of the coordinator; None if it does not have it."""
    content, total = b"", None
    while total is None or len(content) < total:
        peer.try_send("fetch", {"digest": name, "offset": len(content)})
        found = answer(peer, ["chunk", "missing"], name, 3, others, tick)
        if found and found[0] == "missing":
            return None
        if found and found[1]["offset"] == len(content):
            content, total = content + found[1]["content"], found[1]["total"]
    return content if digest(content) == name else None
