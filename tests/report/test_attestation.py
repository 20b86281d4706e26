"""Signed statements: what is signed, what is refused, and another implementation that agrees."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from hypothesis import given
from hypothesis import strategies as st
from securesystemslib.dsse import Envelope as OtherEnvelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import CryptoSigner, Key, SSlibKey  # type: ignore[attr-defined]

from accord.base.errors import AccordError, DataError, Refusal
from accord.report.attest_view import Difference, Recomputed, Verified, verified_tables
from accord.report.attestation import (
    MOST_SIGNATURES,
    PAYLOAD_TYPE,
    Code,
    Command,
    FileRef,
    Report,
    Signed,
    Statement,
    believe,
    digest,
    pae,
    read_envelope,
    read_statement,
    shown,
    sign,
    statement_bytes,
)
from accord.store.keys import PublicKey, public_key

HASH = "ab" * 32
CODE = Code(version="0.1", sha256=HASH, ran=True, python="3.11", numpy="2.0", machine="Linux x86_64")
COMMAND = Command(verb=("plan",), arguments={"--trace": {"file": "t.csv"}, "--mixed": True, "--ttft": ("1s",)})
VALUE = {"metrics": {"tpot_s": 0.04, "chips": 32}, "words": ["é", "\U0001f600", None, True]}


@dataclass(frozen=True)
class Pair:
    key: Ed25519PrivateKey

    @property
    def id(self) -> str:
        return sha256(self.key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()

    def sign(self, message: bytes) -> bytes:
        return self.key.sign(message)

    @property
    def public(self) -> PublicKey:
        pem = self.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        return public_key(pem, self.id[:4], "here")


A, B = (Pair(Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32)) for number in (1, 2))


def statement(**fields: Any) -> Statement:
    report = Report(**{
        "schema": "accord.plan/1", "code": CODE, "catalog": HASH, "rules": HASH, "inputs": HASH, "exit_code": 0,
        "files": (FileRef(name="t.csv", sha256=HASH),), "result": digest(VALUE), "value": VALUE, "command": COMMAND,
        **fields,
    })  # fmt: skip
    return Statement({"result": report.result, "plan.json": HASH}, report)


PAYLOAD = statement_bytes(statement())
ENVELOPE = sign(PAYLOAD, [A])


def check(data: bytes, *keys: PublicKey) -> Statement:
    envelope = read_envelope(data, "f")
    believe(envelope, keys or (A.public,), "f")
    return read_statement(envelope.payload, "f")


def changed(**fields: object) -> bytes:
    return json.dumps({**json.loads(ENVELOPE), **fields}).encode()


def signed_payload(payload: object) -> bytes:
    return sign(json.dumps(payload).encode(), [A])


def test_what_is_signed_is_read_again() -> None:
    assert check(ENVELOPE) == statement()
    assert sign(PAYLOAD, [A]) == ENVELOPE  # Ed25519 and canonical JSON leave no choice
    bare = statement(rules=None, command=None, exit_code=None, value=None, files=())
    assert check(sign(statement_bytes(bare), [A])) == bare


def test_the_payload_is_an_in_toto_statement() -> None:
    found = json.loads(PAYLOAD)
    assert found["_type"] == "https://in-toto.io/Statement/v1"
    assert found["predicateType"] == "urn:accord:report:v1"
    assert found["subject"] == [
        {"name": "result", "digest": {"sha256": digest(VALUE)}}, {"name": "plan.json", "digest": {"sha256": HASH}},
    ]  # fmt: skip


def test_the_bytes_that_are_signed() -> None:  # the example of DSSE, protocol.md
    assert (
        pae("http://example.com/HelloWorld", b"hello world")
        == b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )
    assert pae("é", "é".encode()) == "DSSEv1 2 é 2 é".encode()


def test_another_implementation_accepts_ours() -> None:
    other = OtherEnvelope.from_dict(json.loads(ENVELOPE))
    key = SSlibKey.from_crypto(A.key.public_key(), keyid=A.id)
    assert other.payload == PAYLOAD
    assert other.payload_type == PAYLOAD_TYPE
    assert other.pae() == pae(PAYLOAD_TYPE, PAYLOAD)
    assert list(other.verify([key], 1)) == [A.id]
    with pytest.raises(VerificationError):
        other.verify([SSlibKey.from_crypto(B.key.public_key(), keyid=A.id)], 1)


@pytest.mark.parametrize("ours", [True, False], ids=["our id", "its own id"])
def test_ours_accepts_another_implementation(ours: bool) -> None:
    key = SSlibKey.from_crypto(A.key.public_key(), keyid=A.id if ours else None)
    other = OtherEnvelope(PAYLOAD, PAYLOAD_TYPE, {})
    other.sign(CryptoSigner(A.key, key))
    data = json.dumps(other.to_dict()).encode()
    assert check(data) == statement()
    with pytest.raises(Refusal, match="none of the keys that are believed"):
        check(data, B.public)
    again = OtherEnvelope.from_dict(json.loads(sign(PAYLOAD, [A, B])))
    keys: list[Key] = [SSlibKey.from_crypto(pair.key.public_key(), keyid=pair.id) for pair in (A, B)]
    assert set(again.verify(keys, 2)) == {A.id, B.id}


@given(st.data())
def test_any_flipped_bit_is_refused(data: st.DataObject) -> None:
    """In the bytes of payload or signature, in their base64, or anywhere in the file."""
    found = json.loads(ENVELOPE)
    part = data.draw(st.sampled_from(["payload", "sig", "payload text", "sig text"]))
    holder, name = (found, "payload") if part.startswith("payload") else (found["signatures"][0], "sig")
    text = holder[name].encode()
    raw = bytearray(text if part.endswith("text") else base64.b64decode(text))
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    holder[name] = raw.decode("latin-1") if part.endswith("text") else base64.b64encode(raw).decode()
    with pytest.raises(AccordError) as caught:
        check(json.dumps(found).encode())
    assert isinstance(caught.value, DataError | Refusal)
    assert "\n" not in caught.value.what


@given(st.integers(0, len(ENVELOPE) - 1), st.integers(1, 255))
def test_any_changed_byte_of_the_file_is_refused_or_says_the_same(at: int, mask: int) -> None:
    data = bytearray(ENVELOPE)
    data[at] ^= mask
    try:
        found = check(bytes(data))
    except AccordError as error:
        assert isinstance(error, DataError | Refusal)
    else:
        assert found == statement()  # the key's id is a hint; an alphabet of base64 is as good as the other


@given(st.integers(0, len(ENVELOPE) - 2))
def test_a_file_that_is_cut_short_is_refused(length: int) -> None:
    with pytest.raises(DataError):
        check(ENVELOPE[:length])


def test_who_signed_is_told_for_every_signature() -> None:
    envelope = read_envelope(sign(PAYLOAD, [A, B]), "f")
    assert believe(envelope, [B.public], "f") == (Signed(A.id, None), Signed(B.id, B.public.name))
    assert believe(envelope, [A.public, B.public], "f")[0].by == A.public.name
    with pytest.raises(Refusal, match="signed by .*, and by none"):
        believe(envelope, [], "f")


def test_a_signature_that_names_a_believed_key_must_be_its_own() -> None:
    found = json.loads(sign(PAYLOAD, [A, B]))
    found["signatures"][1]["sig"] = found["signatures"][0]["sig"][:-4] + "AA=="
    with pytest.raises(Refusal, match="does not fit: the content or the signature was changed"):
        check(json.dumps(found).encode(), A.public, B.public)
    with pytest.raises(Refusal, match="does not fit"):
        check(changed(payload=base64.b64encode(PAYLOAD + b" ").decode()))


def test_the_key_that_fits_is_told_and_not_the_one_that_is_named() -> None:
    found = json.loads(ENVELOPE)
    found["signatures"][0]["keyid"] = B.id
    envelope = read_envelope(json.dumps(found).encode(), "f")
    assert believe(envelope, [A.public, B.public], "f") == (Signed(A.id, A.public.name),)
    found["signatures"][0]["keyid"] = ""
    assert believe(read_envelope(json.dumps(found).encode(), "f"), [A.public], "f")[0].keyid == A.id


def test_a_key_in_the_envelope_is_never_believed() -> None:
    found = json.loads(sign(PAYLOAD, [B]))
    pem = B.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    found["publicKey"] = pem
    for name in ("key", "cert", "publicKey"):
        found["signatures"][0][name] = pem
    found["signatures"][0]["keyid"] = ""
    with pytest.raises(Refusal, match="a key without an id, and by none of the keys") as caught:
        check(json.dumps(found).encode())
    assert "would prove nothing" in str(caught.value.hint)
    assert check(json.dumps(found).encode(), B.public) == statement()  # what is not known is passed over


def test_either_alphabet_but_one_spelling() -> None:
    text = json.loads(ENVELOPE)["payload"]
    assert "+" in base64.b64encode(b"\xfb\xff").decode()
    assert check(changed(payload=text.replace("+", "-").replace("/", "_"))) == statement()
    for spelled in (text.rstrip("="), text + "\n", " " + text, text + "====", text[:-1], "", 7, None, "é" + text):
        with pytest.raises(AccordError):
            check(changed(payload=spelled))
    unused = base64.b64encode(b"a" * 64).decode()
    assert unused.endswith("YQ==")
    with pytest.raises(DataError, match="another spelling"):
        read_envelope(changed(payload=unused[:-4] + "YR=="), "f")
    with pytest.raises(DataError, match="another spelling"):
        read_envelope(changed(payload=base64.b64encode(b"\xfb\xff\xfb\xff\xfb\xff").decode().replace("+", "-", 1)), "f")


@pytest.mark.parametrize(("data", "message"), [
    (b"", "not JSON"), (b"[]", "is no signed envelope"), (b'{"payload": ""}', "is no signed envelope"),
    (changed(payloadType="text/plain"), "said to be 'text/plain', not application/vnd.in-toto"),
    (changed(payloadType=["x"]), "said to be list"), (changed(payloadType=None), "said to be missing"),
    (changed(payloadType="\x1b[31m" + "x" * 99), r"'\?\[31mx+'"), (changed(signatures=[]), "list of 1 to 16"),
    (changed(signatures={}), "list of 1 to 16"), (changed(signatures=[{}] * (MOST_SIGNATURES + 1)), "list of 1 to 16"),
    (changed(signatures=[1]), r"signatures\[0\]\.sig: is missing"), (changed(signatures=[{"keyid": 1}]), "is no text"),
    (changed(signatures=[{"keyid": "a", "sig": "!"}]), "is not base64"), (b'{"a":1,"a":1}', "twice"),
    (b'{"payload":' + b"[" * 99, "not JSON"), (b'{"payload":' + b"[" * 70 + b"]" * 70 + b"}", "deeper than 64"),
    (b" " * ((16 << 20) + 1), "larger than 16 MiB"),
])  # fmt: skip
def test_what_is_no_envelope_says_so_in_one_line(data: bytes, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        read_envelope(data, "f")
    assert "\n" not in caught.value.what
    assert str(caught.value.where).startswith("f")


GOOD: dict[str, Any] = json.loads(PAYLOAD)


@pytest.mark.parametrize(("payload", "message"), [
    ({**GOOD, "_type": "https://in-toto.io/Statement/v0.1"}, "_type is 'https://in-toto.io/Statement/v0.1', not"),
    ({**GOOD, "predicateType": "https://slsa.dev/provenance/v1"}, "predicateType is"), ([], "_type is missing"),
    ({**GOOD, "predicate": {}}, "predicate is malformed: Object missing required field"),
    ({**GOOD, "predicate": {**GOOD["predicate"], "plugin": "x"}}, "unknown field `plugin`"),
    ({**GOOD, "predicate": {**GOOD["predicate"], "catalog": "\x1b[31m"}}, "is malformed: Expected `str` matching"),
    ({**GOOD, "predicate": {**GOOD["predicate"], "rules": HASH + "\n"}}, "predicate is malformed"),
    ({**GOOD, "predicate": {**GOOD["predicate"], "files": [{"name": "../t", "sha256": HASH}]}}, "malformed"),
    ({**GOOD, "predicate": {**GOOD["predicate"], "schema": "a\nb"}}, "predicate is malformed"),
    ({**GOOD, "subject": [{"name": "result"}]}, "a subject is malformed"), ({**GOOD, "subject": 1}, "is malformed"),
    ({**GOOD, "subject": GOOD["subject"] * 2}, "two subjects have one name"),
    ({**GOOD, "subject": []}, "contradict each other"), ({**GOOD, "subject": GOOD["subject"][1:]}, "contradict"),
    ({**GOOD, "predicate": {**GOOD["predicate"], "value": {"other": 1}}}, "contradict each other"),
])  # fmt: skip
def test_what_is_signed_but_no_statement_of_ours(payload: object, message: str) -> None:
    with pytest.raises(DataError, match=message):
        check(signed_payload(payload))


def test_members_of_a_statement_that_are_not_known_are_passed_over() -> None:
    subjects = [{**one, "uri": "x", "digest": {**one["digest"], "sha512": "y"}} for one in GOOD["subject"]]
    assert check(signed_payload({**GOOD, "note": 1, "subject": subjects})) == statement()


def test_text_from_elsewhere_is_shown_without_control_signs() -> None:
    assert shown("a\x1b[0m\nb") == "'a?[0m?b'"
    assert shown("x" * 99) == f"'{'x' * 60}'"
    assert shown(None) == "missing"
    assert shown(3) == "int"


def test_a_private_key_of_another_implementation_signs_alike() -> None:
    pem = A.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    assert b"BEGIN PRIVATE KEY" in pem
    other = CryptoSigner(A.key, SSlibKey.from_crypto(A.key.public_key(), keyid=A.id))
    signature = other.sign(pae(PAYLOAD_TYPE, PAYLOAD)).signature
    assert base64.b64encode(bytes.fromhex(signature)).decode() == json.loads(ENVELOPE)["signatures"][0]["sig"]


def test_nothing_from_elsewhere_reaches_a_terminal_raw() -> None:
    told = Recomputed((), True, False, True, (Difference("$.a\x1b[2J", '"\x9b1m"', None),))
    cells = [cell for table in verified_tables(Verified(statement(), (), recomputed=told)) for row in table.rows
             for cell in row]  # fmt: skip
    assert "$.a?[2J" in cells and '"?1m"' in cells
    assert all(cell.isprintable() for cell in cells)
