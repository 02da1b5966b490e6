#!/usr/bin/env python3
"""A second implementation of what the vectors of encoding say, to confirm each expected value.

Written from the specification alone, with Python's json, hashlib and cryptography, and sharing nothing
with refserver/: canonical JSON, redaction, hashes, ids, signatures and the format of events.
Prints one line for each case that it judges differently and each file without a semantic version of its
format, and exits 1 if there is any.
Usage: ci/check_vectors.py [FILE...]
"""

import base64
import hashlib
import json
import pathlib
import re
import sys

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

VECTORS = pathlib.Path(__file__).resolve().parent.parent / "fixtures/vectors"
INTEGER_MAX = 2**53 - 1
JSON_DEPTH_MAX = 128
EVENT_DEPTH_MAX = 100
DAY_MS = 24 * 3600 * 1000


class Refused(Exception):
    """The input is none; the argument is the field that is wrong, or a sentence."""


class Number(str):
    """A number as it was written, where it is no integer of canonical JSON."""


# Canonical JSON. Spec: appendices, "Canonical JSON".

def parse_json(text, is_strict):
    def integer(digits):
        if digits != "-0" and abs(int(digits)) <= INTEGER_MAX:
            return int(digits)
        if is_strict:
            raise Refused(f"the number {digits}")
        return Number(digits)

    def other(digits):
        if is_strict:
            raise Refused(f"the number {digits}")
        return Number(digits)

    def constant(name):
        raise Refused(name)

    def unique(pairs):
        if len({key for key, _ in pairs}) != len(pairs):
            raise Refused("a key that stands twice")
        return dict(pairs)

    try:
        value = json.loads(text, parse_int=integer, parse_float=other, parse_constant=constant,
                           object_pairs_hook=unique)
        canonical(value).encode("utf-8")
    except (ValueError, RecursionError) as error:  # Lone surrogates do not encode.
        raise Refused(str(error)) from error
    if depth_of(value) > JSON_DEPTH_MAX:
        raise Refused("nesting")
    return value


def depth_of(value):
    if isinstance(value, dict):
        return 1 + max(map(depth_of, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(depth_of, value), default=0)
    return 0


def canonical_string(text):
    short = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r",
             "\t": "\\t"}
    return '"' + "".join(short.get(c) or (f"\\u{ord(c):04x}" if c < " " else c)
                         for c in text) + '"'


def canonical_number(text):
    if re.fullmatch(r"-?0", text):
        return "0"
    whole = re.fullmatch(r"(-?\d+)[eE]\+?(\d+)", text)
    if whole:
        mantissa, exponent = int(whole[1]), int(whole[2])
        if mantissa == 0:
            return "0"
        if exponent < 17 and abs(mantissa * 10**exponent) <= INTEGER_MAX:
            return str(mantissa * 10**exponent)
    return text


def canonical(value):
    if isinstance(value, dict):
        members = sorted(value.items(), key=lambda item: item[0].encode("utf-8", "surrogatepass"))
        return "{" + ",".join(f"{canonical_string(key)}:{canonical(member)}"
                              for key, member in members) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(canonical, value)) + "]"
    if isinstance(value, Number):
        return canonical_number(value)
    if isinstance(value, str):
        return canonical_string(value)
    return {None: "null", True: "true", False: "false"}.get(value) if (
        value is None or isinstance(value, bool)) else str(value)


def without(value, *keys):
    return {key: member for key, member in value.items() if key not in keys}


# Base64, hashes and ids.

def encode(data, is_url=False):
    text = (base64.urlsafe_b64encode if is_url else base64.b64encode)(data)
    return text.decode().rstrip("=")


def decode(text):
    if not re.fullmatch(r"[A-Za-z0-9+/]*={0,2}", text) or ("=" in text and len(text) % 4):
        return None
    bare = text.rstrip("=")
    return None if len(bare) % 4 == 1 else base64.b64decode(bare + "=" * (-len(bare) % 4))


def sha256(value):
    return hashlib.sha256(canonical(value).encode()).digest()


def content_hash(pdu):
    return encode(sha256(without(pdu, "unsigned", "signatures", "hashes")))


def signed_part(pdu, version):
    return without(redact(pdu, version), "signatures", "unsigned")


def event_id(pdu, version):
    if version < 3:
        return pdu.get("event_id")
    return "$" + encode(sha256(signed_part(pdu, version)), is_url=version > 3)


# Redaction. Spec: the section "Redactions" of each room version.

TOP_LEVEL = {"event_id", "type", "room_id", "sender", "state_key", "content", "hashes", "signatures",
             "depth", "prev_events", "auth_events", "origin_server_ts"}
LEVELS = {"ban", "events", "events_default", "kick", "redact", "state_default", "users",
          "users_default"}


def protected_content(event_type, version):
    return {
        "m.room.member": {"membership"} | (
            {"join_authorised_via_users_server"} if version >= 9 else set()),
        "m.room.create": {"creator"},
        "m.room.join_rules": {"join_rule"} | ({"allow"} if version >= 8 else set()),
        "m.room.power_levels": LEVELS | ({"invite"} if version >= 11 else set()),
        "m.room.aliases": {"aliases"} if version <= 5 else set(),
        "m.room.history_visibility": {"history_visibility"},
        "m.room.redaction": {"redacts"} if version >= 11 else set(),
    }.get(event_type, set()) if isinstance(event_type, str) else set()


def redact(pdu, version):
    top_level = TOP_LEVEL | ({"prev_state", "origin", "membership"} if version <= 10 else set())
    kept = {key: value for key, value in pdu.items() if key in top_level}
    if "content" not in kept:
        return kept
    content, event_type = pdu["content"], pdu.get("type")
    if not isinstance(content, dict):
        kept["content"] = {}
    elif not (version >= 11 and event_type == "m.room.create"):
        keys = protected_content(event_type, version)
        kept["content"] = {key: value for key, value in content.items() if key in keys}
        invite = content.get("third_party_invite")
        if version >= 11 and event_type == "m.room.member" and isinstance(invite, dict):
            kept["content"]["third_party_invite"] = {
                key: value for key, value in invite.items() if key == "signed"}
    return kept


# Signatures.

def sign(value, covered, entity, key_id, seed):
    signature = Ed25519PrivateKey.from_private_bytes(seed).sign(canonical(covered).encode())
    signatures = {name: dict(by_key) for name, by_key in value.get("signatures", {}).items()}
    signatures.setdefault(entity, {})[key_id] = encode(signature)
    return value | {"signatures": signatures}


def sign_event(pdu, version, entity, key_id, seed):
    hashed = pdu | {"hashes": {"sha256": content_hash(pdu)}}
    return sign(hashed, signed_part(hashed, version), entity, key_id, seed)


def is_good_signature(key, message, signature):
    order = 2**252 + 27742317777372353535851937790883648493
    if len(signature) != 64 or int.from_bytes(signature[32:], "little") >= order:
        return False
    # Points of small order, with either sign, which libsodium refuses.
    small = {0, 1, 2**255 - 20, 2**255 - 19, 2**255 - 18}
    if int.from_bytes(key, "little") % 2**255 in small:
        return False
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except InvalidSignature:
        return False
    return True


def judge_signatures(case, version):
    """Spec: server-server API, "Validating hashes and signatures on received events"."""
    pdu, verdict = case["pdu"], "no known key"
    message = canonical(signed_part(pdu, version)).encode()
    for key_id, text in sorted(pdu.get("signatures", {}).get(case["server"], {}).items()):
        key = case["keys"].get(key_id)
        believed_until = key and min(key["valid_until_ts"], case["now_ts"] + 7 * DAY_MS)
        if key is None or (version >= 5 and pdu["origin_server_ts"] > believed_until):
            continue
        if not is_good_signature(decode(key["key"]), message, decode(text) or b""):
            return "invalid"
        verdict = "valid"
    return verdict


# The format of events. Spec: the section "Event format" of each room version; "Size limits".

HASH = r"[A-Za-z0-9{}]{{42}}[AEIMQUYcgkosw048]"
SERVER = r"(\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9.-]{1,255})(:[0-9]{1,5})?"


def id_pattern(sigil, version):
    if (sigil == "$" and version >= 3) or (sigil == "!" and version >= 12):
        alphabet = "+/" if version == 3 else "_-"
        return re.escape(sigil) + HASH.format(alphabet)
    return re.escape(sigil) + r"[^:\0]*:" + SERVER


def is_id(text, sigil, version):
    return (isinstance(text, str) and len(text.encode()) <= 255
            and re.fullmatch(id_pattern(sigil, version), text) is not None)


def field(pdu, name, kind, bytes_max=None):
    value = pdu.get(name)
    if name not in pdu or not isinstance(value, kind) or isinstance(value, Number):
        raise Refused(name)
    if bytes_max and len(value.encode()) > bytes_max:
        raise Refused(name)
    return value


def integer_field(pdu, name, low, high):
    value = pdu.get(name)
    if isinstance(value, Number) and re.fullmatch(r"-?\d+", value):
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise Refused(name)


def check_references(pdu, name, count_max, version):
    entries = field(pdu, name, list)
    if len(entries) > count_max:
        raise Refused(name)
    for entry in entries:
        if version < 3:
            if not (isinstance(entry, list) and len(entry) == 2 and isinstance(entry[1], dict)):
                raise Refused(name)
            entry = entry[0]
        if isinstance(entry, Number) or not is_id(entry, "$", version):
            raise Refused(name)


def has_other_number(value):
    if isinstance(value, dict):
        return any(map(has_other_number, value.values()))
    if isinstance(value, list):
        return any(map(has_other_number, value))
    return isinstance(value, Number)


def check_event(text, version):
    """Raises `Refused` with the field, or "" for the whole."""
    try:
        pdu = parse_json(text, is_strict=False)
    except Refused as error:
        raise Refused("") from error
    if not isinstance(pdu, dict):
        raise Refused("")
    kept = without(pdu, "unsigned")
    if len(canonical(kept).encode()) > 65536 or depth_of(pdu) > EVENT_DEPTH_MAX:
        raise Refused("")
    if version >= 6:
        for key in sorted(kept, key=str.encode):
            if has_other_number(kept[key]):
                raise Refused(key)
    event_type = field(pdu, "type", str, 255)
    field(pdu, "sender", str, 255)
    if not is_id(pdu["sender"], "@", version):
        raise Refused("sender")
    if "state_key" in pdu:
        field(pdu, "state_key", str, 255)
    check_references(pdu, "prev_events", 20, version)
    check_references(pdu, "auth_events", 10, version)
    integer_field(pdu, "depth", 0, INTEGER_MAX if version >= 6 else 2**63 - 1)
    integer_field(pdu, "origin_server_ts", -2**63, 2**63 - 1)
    field(pdu, "content", dict)
    if version <= 10 and "redacts" in pdu:
        field(pdu, "redacts", str, 255)
    hashes = field(pdu, "hashes", dict)
    if not isinstance(hashes.get("sha256"), str) or isinstance(hashes["sha256"], Number):
        raise Refused("hashes")
    for by_key in field(pdu, "signatures", dict).values():
        if not isinstance(by_key, dict) or not all(
                isinstance(text, str) and not isinstance(text, Number)
                for text in by_key.values()):
            raise Refused("signatures")
    if version < 3 and not is_id(pdu.get("event_id"), "$", version):
        raise Refused("event_id")
    if version >= 12 and event_type == "m.room.create":
        if "room_id" in pdu:
            raise Refused("room_id")
    elif not is_id(pdu.get("room_id"), "!", version):
        raise Refused("room_id")
    return pdu


# One function for each file: yields what is wrong with a case.

def versions_of(case):
    return [int(version) for version in case["room_versions"]]


def expect(what, found, expected):
    if found != expected:
        yield f"{what}: {found!r}, not {expected!r}"


def canonical_or_none(text, is_strict):
    try:
        return canonical(parse_json(text, is_strict))
    except Refused:
        return None


def judge_canonical_json(case, _):
    for mode in ("strict", "lenient"):
        yield from expect(mode, canonical_or_none(case["input"], mode == "strict"), case[mode])


def judge_redaction(case, _):
    for version in versions_of(case):
        yield from expect(f"v{version}", redact(case["pdu"], version), case["redacted"])


def judge_event_signing(case, file):
    for version in versions_of(case):
        signed = sign_event(case["pdu"], version, file["entity"], file["key_id"],
                            decode(file["seed"]))
        yield from expect(f"v{version}", signed, case["signed"])
        yield from expect(f"v{version}", encode(sha256(signed_part(signed, version))),
                          case["reference_hash"])
        if version >= 3 or "event_id" in case:
            yield from expect(f"v{version}", event_id(signed, version), case.get("event_id"))


def judge_json_signing(case, file):
    signed = sign(case["object"], without(case["object"], "signatures", "unsigned"),
                  file["entity"], file["key_id"], decode(file["seed"]))
    yield from expect("signed", signed, case["signed"])


def judge_base64(case, _):
    data = bytes.fromhex(case["hex"])
    yield from expect("base64", encode(data), case["base64"])
    yield from expect("base64_url", encode(data, is_url=True), case["base64_url"])


def judge_event_signatures(case, _):
    for version in versions_of(case):
        yield from expect(f"v{version}", judge_signatures(case, version), case["verdict"])


def judge_event_format(case, _):
    for version in versions_of(case):
        try:
            found = event_id(check_event(case["pdu"], version), version)
            yield from expect(f"v{version}", None, case.get("refused_field"))
            yield from expect(f"v{version}", found, case.get("event_id"))
        except Refused as error:
            yield from expect(f"v{version}", str(error), case.get("refused_field"))


JUDGES = {"base64": judge_base64, "canonical_json": judge_canonical_json,
          "event_format": judge_event_format, "event_signatures": judge_event_signatures,
          "event_signing": judge_event_signing, "json_signing": judge_json_signing,
          "redaction": judge_redaction}


def check_format_version(path):
    """A semantic version, whose first number is the `version` that a reader knows."""
    file = json.loads(path.read_text(encoding="utf-8"))
    numbers = re.fullmatch(r"(\d+)\.\d+\.\d+", str(file.get("format_version")))
    if not numbers or int(numbers[1]) != file.get("version"):
        yield f"format_version: {file.get('format_version')!r}, not {file.get('version')}.x.y"


def main():
    paths = [pathlib.Path(name) for name in sys.argv[1:]] or [
        VECTORS / f"{name}.json" for name in sorted(JUDGES)]
    count = 0
    breaches = 0
    for path in sorted(VECTORS.rglob("*.json")):
        for breach in check_format_version(path):
            breaches += 1
            print(f"{path.name}: {breach}")
    for path in paths:
        if path.stem not in JUDGES:
            print(f"{path}: no second implementation judges it", file=sys.stderr)
            return 2
        file = json.loads(path.read_text(encoding="utf-8"))
        for case in file["cases"]:
            count += 1
            for breach in JUDGES[path.stem](case, file):
                breaches += 1
                print(f"{path.name}: {case['name']}: {breach}")
    print(f"{count} cases judged, {breaches} differ")
    return 1 if breaches or not count else 0


if __name__ == "__main__":
    sys.exit(main())
