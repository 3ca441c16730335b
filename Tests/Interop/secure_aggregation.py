#!/usr/bin/env python3
"""A second implementation of the derivations of secure aggregation, written from the specification alone.

Usage: secure_aggregation.py SPECIFICATION

SPECIFICATION is Protocols/secure-aggregation.md. Computes every value of its section "Test vectors" from the inputs that are
stated there, and requires that the section says the same. Needs the package `cryptography`. Exit status: 0 all agree, 1
something does not.

Nothing here is shared with the Swift implementation; that is its purpose.
"""

import hashlib
import hmac
import re
import sys

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

WORD = 1 << 64
FIELD = (1 << 61) - 1


# Section 3 and wire-format.md: encodings and primitives


def u32(value):
    return value.to_bytes(4, "big")


def u64(value):
    return value.to_bytes(8, "big")


def head(major, value):
    if value < 24:
        return bytes([major << 5 | value])
    for code, length in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if value < 1 << 8 * length:
            return bytes([major << 5 | code]) + value.to_bytes(length, "big")
    raise ValueError("an integer of CBOR has at most 64 bits")


def cbor(value):
    """Deterministic CBOR; a dictionary has integer keys in ascending order."""
    if value is True or value is False:
        return b"\xf5" if value else b"\xf4"
    if isinstance(value, int):
        return head(0, value)
    if isinstance(value, bytes):
        return head(2, len(value)) + value
    if isinstance(value, str):
        return head(3, len(value.encode())) + value.encode()
    if isinstance(value, list):
        return head(4, len(value)) + b"".join(map(cbor, value))
    return head(5, len(value)) + b"".join(cbor(key) + cbor(value[key]) for key in sorted(value))


def sha(data):
    return hashlib.sha256(data).digest()


def H(tag, *parts):
    return sha(len(tag).to_bytes(2, "big") + tag.encode() + b"".join(parts))


def KDF(key, salt, info):
    extracted = hmac.digest(salt, key, "sha256")
    return hmac.digest(extracted, info + b"\x01", "sha256")


def stream(key, count):
    """The first `count` words of AES-256 in counter mode from block 0."""
    encryptor = Cipher(algorithms.AES(key), modes.CTR(bytes(16))).encryptor()
    data = encryptor.update(bytes(8 * count))
    return [int.from_bytes(data[i : i + 8], "little") for i in range(0, 8 * count, 8)]


def chacha_stream(key, count):
    """The first `count` words of ChaCha20 under a nonce of zeros from block 0."""
    data = Cipher(algorithms.ChaCha20(key, bytes(16)), mode=None).encryptor().update(bytes(8 * count))
    return [int.from_bytes(data[i : i + 8], "little") for i in range(0, 8 * count, 8)]


def dh(secret, public):
    return X25519PrivateKey.from_private_bytes(secret).exchange(X25519PublicKey.from_public_bytes(public))


def x_public(secret):
    return X25519PrivateKey.from_private_bytes(secret).public_key().public_bytes_raw()


def sign(node, kind, body):
    key = Ed25519PrivateKey.from_private_bytes(bytes([0x40 + node]) * 32)
    return key.sign(b"concord-secagg/1/" + kind.encode() + b"\0" + body)


# Section 3.2: sharing


def share(secret, threshold, count, key):
    words, used = stream(key, 4 * threshold * 5), 0
    number = int.from_bytes(secret, "little")
    columns = []
    for limb in range(5):
        coefficients = [number >> 52 * limb & ((1 << 52) - 1)]
        while len(coefficients) < threshold:
            if words[used] >> 3 != FIELD:
                coefficients.append(words[used] >> 3)
            used += 1
        columns.append(
            [sum(c * pow(x, power, FIELD) for power, c in enumerate(coefficients)) % FIELD for x in range(1, count + 1)]
        )
    return [b"".join(column[i].to_bytes(8, "little") for column in columns) for i in range(count)]


# RFC 6962, section 2.1


def tree(leaves):
    if len(leaves) == 1:
        return sha(b"\0" + leaves[0])
    half = 1
    while 2 * half < len(leaves):
        half *= 2
    return sha(b"\1" + tree(leaves[:half]) + tree(leaves[half:]))


def path(leaves, index):
    if len(leaves) == 1:
        return []
    half = 1
    while 2 * half < len(leaves):
        half *= 2
    if index < half:
        return path(leaves[:half], index) + [tree(leaves[half:])]
    return path(leaves[half:], index - half) + [tree(leaves[:half])]


# Section 11


def values():
    """Every value of the section, by a name for error messages."""
    found = {}
    nodes = range(18)
    ek = {i: bytes([0x20 + i]) * 32 for i in nodes}
    sk = {i: bytes([0x60 + i]) * 32 for i in nodes}
    protocol_keys = {
        i: Ed25519PrivateKey.from_private_bytes(bytes([0x40 + i]) * 32).public_key().public_bytes_raw() for i in nodes
    }
    register = {
        1: "example.test",
        2: 1,
        3: [{1: i, 2: f"store-{i}", 3: "chain", 4: protocol_keys[i]} for i in nodes],
        4: 1,
        5: list(range(6)),
        6: 100,
    }
    register_digest = H("register", cbor(register))
    keys_digest = H("epoch-keys", *(u32(i) + x_public(ek[i]) for i in nodes))
    epoch_head = {1: 1, 2: 1800604800000, 3: keys_digest}
    epoch_root = H("epoch-root", register_digest, u64(1), u64(1800604800000), keys_digest)

    def prekey(i, late=None):
        fields = {1: epoch_root, 2: i, 3: 1, 4: x_public(sk[i]), 5: b"\x77" * 32}
        return cbor(fields | ({6: late} if late else {}))

    roster = b"".join(u32(i) + u64(1) + H("prekey", prekey(i)) for i in nodes)
    plan = b"\x33" * 32
    job = H("job", plan)[:16]
    parameters = {
        1: register_digest, 2: epoch_root, 3: job, 4: 5, 5: 1, 6: b"\x44" * 32, 7: plan, 8: 1000, 9: b"\x55" * 32,
        10: 990, 11: 4, 12: 2, 13: 32, 14: 1, 15: 18, 16: 17, 17: 1800000060000,
        18: {1: 17, 2: 0, 3: 6, 4: 6}, 19: H("roster", roster),
    }  # fmt: skip
    session = cbor(parameters)
    sid = H("session", session)
    found |= {
        "registerDigest": register_digest,
        "keysDigest": keys_digest,
        "epoch head": cbor(epoch_head)[:-32],
        "epochRoot": epoch_root,
        "prekey digest": H("prekey", prekey(3)),
        "prekey id": H("prekey-id", epoch_root, u32(3), u64(1), x_public(sk[3])),
        "rosterDigest": H("roster", roster),
        "job": job,
        "session parameters": session,
        "sid": sid,
        "late prekey": H("prekey", prekey(3, late=x_public(ek[3]))),
    }

    def pair(i, j):
        low, high = min(i, j), max(i, j)
        return KDF(
            dh(sk[i], x_public(sk[j])), sid, b"pair" + u32(low) + u32(high) + x_public(sk[low]) + x_public(sk[high])
        )

    b = bytes(range(32))
    self_key = KDF(b, sid, b"self-mask" + u32(3))
    vector = [1, -2, 3, -4]
    packed = [(vector[2 * w] + (vector[2 * w + 1] << 32)) % WORD for w in range(2)]
    masked = [(p + m) % WORD for p, m in zip(packed, stream(self_key, 2))]
    for j in nodes:
        if j != 3:
            signum = 1 if j > 3 else -1
            masked = [(y + signum * m) % WORD for y, m in zip(masked, stream(pair(3, j), 2))]
    chunk = b"".join(word.to_bytes(8, "little") for word in masked)
    vector_digest = H("masked-vector", u64(2), sha(chunk))
    commitment = H("b-commit", sid, u32(3), b)
    bitmap = bytes.fromhex("fbffc0")
    label = H("label", sid, u32(18), bitmap)
    found |= {
        "s_37": pair(3, 7),
        "selfKey": self_key,
        "bCommit": commitment,
        "vectorDigest": vector_digest,
        "label": label,
    }
    # The last two words of ChaCha20 are the first of its second block.
    generators = ("generator 1", stream(self_key, 2)), ("generator 2", chacha_stream(self_key, 10)[6:])
    for name, words in (*generators, ("P", packed), ("y", masked)):
        for index, word in enumerate(words):
            found[f"{name}, word {index}"] = u64(word)

    shares = share(b, 3, 5, b"\x0a" * 32)
    for index, one in enumerate(shares):
        found[f"share {index}"] = one

    def context(holder):
        return b"\x02" + sid + u32(3) + u32(holder) + u64(42)

    k = KDF(dh(ek[3], x_public(ek[1])), epoch_root, b"share" + u32(3) + u32(1) + x_public(ek[3]) + x_public(ek[1]))
    key = KDF(k, sid, b"share-message" + context(1))
    nonce = bytes(range(12))
    ciphertext = nonce + AESGCM(key).encrypt(nonce, shares[1], context(1))
    commitments = [H("share-commit", context(u), shares[u]) for u in range(5)]
    leaves = [commitments[u] + sha(ciphertext if u == 1 else b"") for u in range(5)]
    root = tree(leaves)
    found |= {
        "context": context(1), "K": k, "key": key, "ciphertext": ciphertext, "commitment": commitments[1], "root": root,
    }  # fmt: skip
    for index, sibling in enumerate(path(leaves, 1)):
        found[f"path {index}"] = sibling

    vote = cbor({1: sid, 2: 1, 3: label})
    upload = cbor({1: sid, 2: 3, 3: 1, 4: 42, 5: commitment, 6: vector_digest, 7: root})
    found |= {
        "vote": vote,
        "signature of the vote": sign(1, "label-vote", vote),
        "signature of the upload": sign(3, "upload", upload),
    }
    # Items and reports: the deal is the upload alone.
    deal = {1: {1: upload, 2: sign(3, "upload", upload)}}
    opening = {1: commitments[1], 2: ciphertext, 3: path(leaves, 1)}
    item = {1: deal, 2: opening}
    deal_digest = H("deal", sha(upload), sha(b""))

    def report(member, about):
        return cbor({1: epoch_root, 2: member, 3: [{1: about, 2: False}]})

    def reports(about):
        return [{1: report(u, about), 2: sign(u, "share-report", report(u, about))} for u in (1, 2)]

    # Evidence: the deal is of an upload, then of a prekey.
    prekey_deal = {2: {1: prekey(3), 2: sign(3, "prekey", prekey(3))}}
    prekey_deal_digest = H("deal", sha(b""), sha(prekey(3)))
    upload_fault = cbor({1: register_digest, 2: 2, 3: deal, 4: reports(deal_digest), 5: parameters})
    prekey_fault = cbor({1: register_digest, 2: 2, 3: prekey_deal, 4: reports(prekey_deal_digest), 6: epoch_head})
    found |= {
        "deal digest": deal_digest,
        "SHA-256 of the item": sha(cbor(item)),
        "opening, one item": H("opening", sid, sha(bitmap), tree([cbor(item)])),
        "opening, the item twice": H("opening", sid, sha(bitmap), tree([cbor(item)] * 2)),
        "report": report(1, deal_digest),
        "signature of the report": sign(1, "share-report", report(1, deal_digest)),
        "deal digest of a prekey": prekey_deal_digest,
        "evidence about an upload": H("fault", upload_fault),
        "evidence about a prekey": H("fault", prekey_fault),
    }
    return found


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    with open(sys.argv[1], encoding="utf-8") as file:
        text = file.read()
    section = text[text.index("## 11. Test vectors") : text.index("\n## 12.")]
    # Long values are broken over lines: compare without spaces.
    squeezed = re.sub(r"\s+", "", section)
    wrong = [name for name, value in values().items() if value.hex() not in squeezed]
    for name in wrong:
        print(f"the specification does not have this value of {name}: {values()[name].hex()}")
    if not wrong:
        print(f"{len(values())} values agree")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
