#!/usr/bin/env python3
"""Check a published log with other people's code: pymerkle builds the tree, `cryptography` checks the signature.

Usage: verify_log.py DIRECTORY

DIRECTORY holds `checkpoint`, `log.vkey` and `tile/...` as c2sp.org/tlog-tiles lays them out, and perhaps receipts named
`*.tlog-proof`. Needs the packages `pymerkle` (6.1) and `cryptography`. Exit status: 0 all agree, 1 something does not.

Nothing here is shared with the Swift implementation; that is its purpose.
"""

import base64
import hashlib
import pathlib
import sys

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from pymerkle import InmemoryTree, verify_inclusion


class Disagreement(Exception):
    """The log does not say what it should."""


def expect(condition, what):
    if not condition:
        raise Disagreement(what)


def open_note(note, vkey):
    """Return the text of a signed note after checking the signature that `vkey` names (c2sp.org/signed-note)."""
    name, key_id, typed_key = vkey.strip().split("+", 2)
    typed_key = base64.b64decode(typed_key, validate=True)
    expected_id = hashlib.sha256(name.encode() + b"\n" + typed_key).digest()[:4]
    expect(typed_key[0] == 1 and len(typed_key) == 33, "the key is not an Ed25519 note key")
    expect(bytes.fromhex(key_id) == expected_id, "the key ID is not the key's")

    text, separator, lines = note.rpartition("\n\n")
    expect(separator, "the note has no signatures")
    text += "\n"
    verified = False
    for line in lines.splitlines():
        dash, signer, signature = line.split(" ")
        signature = base64.b64decode(signature, validate=True)
        if dash == "\u2014" and signer == name and signature[:4] == expected_id:
            Ed25519PublicKey.from_public_bytes(typed_key[1:]).verify(signature[4:], text.encode())
            verified = True
    expect(verified, "the log has not signed")
    return name, text


def index_path(index):
    """Spell a tile index: 1234067 is x001/x234/067."""
    digits = str(index)
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    groups = [digits[start:start + 3] for start in range(0, len(digits), 3)]
    return "/".join(["x" + group for group in groups[:-1]] + groups[-1:])


def row(directory, name, count):
    """Yield (path, width, bytes) of a row of `count` hashes or entries, full files first."""
    for index in range(-(-count // 256)):
        width = min(256, count - 256 * index)
        path = directory / "tile" / name / (index_path(index) + ("" if width == 256 else f".p/{width}"))
        yield path, width, path.read_bytes()


def split_bundle(data):
    """Return the entries of a bundle, each behind its length in two bytes."""
    entries = []
    while data:
        length = int.from_bytes(data[:2], "big")
        expect(len(data) >= 2 + length, "an entry is cut short")
        entries.append(data[2:2 + length])
        data = data[2 + length:]
    return entries


def verify(directory):
    vkey = (directory / "log.vkey").read_text()
    name, text = open_note((directory / "checkpoint").read_bytes().decode(), vkey)
    origin, size, root = text.split("\n")[:3]
    size, root = int(size), base64.b64decode(root, validate=True)
    expect(origin == name, "the origin is not the key's name")

    tree = InmemoryTree(algorithm="sha256")
    for path, width, data in row(directory, "entries", size):
        entries = split_bundle(data)
        expect(len(entries) == width, f"{path} has {len(entries)} entries")
        for entry in entries:
            tree.append_entry(entry)
    expect(tree.get_state() == root, "the root is not the checkpoint's")

    level, count = 0, size
    hashes = [tree.get_leaf(index + 1) for index in range(size)]
    while count > 0:
        for start, (path, width, data) in enumerate(row(directory, str(level), count)):
            expect(data == b"".join(hashes[256 * start:256 * start + width]), f"{path} differs from the tree")
        level, count = level + 1, count // 256
        next_hashes = []
        for start in range(count):
            nodes = hashes[256 * start:256 * start + 256]
            while len(nodes) > 1:
                nodes = [tree.hash_pair(nodes[i], nodes[i + 1]) for i in range(0, len(nodes), 2)]
            next_hashes += nodes
        hashes = next_hashes

    receipts = sorted(directory.glob("*.tlog-proof"))
    for receipt in receipts:
        head, separator, note = receipt.read_bytes().decode().partition("\n\n")
        lines = head.split("\n")
        expect(separator and lines.pop(0) == "c2sp.org/tlog-proof@v1", f"{receipt} is no proof")
        if lines[0].startswith("extra "):
            base64.b64decode(lines.pop(0)[6:], validate=True)
        expect(lines[0].startswith("index "), f"{receipt} has no index")
        index = int(lines.pop(0)[6:])
        _, text = open_note(note, vkey)
        proof_size, proof_root = text.split("\n")[1:3]
        proof = tree.prove_inclusion(index + 1, int(proof_size))
        expect([base64.b64decode(line, validate=True) for line in lines] == proof.path[1:], f"{receipt}: other hashes")
        verify_inclusion(tree.get_leaf(index + 1), base64.b64decode(proof_root, validate=True), proof)

    return f"{origin}: {size} entries, {level} levels of tiles, {len(receipts)} receipts: all agree"


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    try:
        print(verify(pathlib.Path(sys.argv[1])))
    except Exception as error:  # any failure to read or verify is a disagreement
        print(f"does not verify: {type(error).__name__}: {error}", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
