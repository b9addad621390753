"""Bodies of an attacker who knows the push address, made to the size that is asked for."""

MIB = 1024 * 1024


def fill(unit, size, before=b"[", after=b"]"):
    """Repeat a unit until the body has this size."""
    return before + (unit * ((size - len(before) - len(after)) // len(unit))).rstrip(b",") + after


def hostile_bodies(size):
    """Return bodies by name. None of them holds an end of a voice call, but for those named IVR."""
    return {
        "no JSON": b"123456x" * (size // 7),
        "digits": b"1" * size,
        "list of ones": fill(b"1,", size),
        "list of objects": fill(b'{"":1},', size),
        "list of lists": fill(b"[],", size),
        "distinct numbers": b"[" + b",".join(b"%d" % n for n in range(size // 8)) + b"]",
        "distinct texts": b"[" + b",".join(b'"%d-x"' % n for n in range(size // 11)) + b"]",
        "distinct names": b"{" + b",".join(b'"%x":1' % n for n in range(size // 10)) + b"}",
        "nested lists": b"[" * size,
        "nested objects": b'{"a":' * (size // 5),
        "items nested 985 deep": fill(b"[" * 985 + b"]" * 985 + b",", size),
        "objects nested 980 deep": fill(b'{"a":' * 980 + b"1" + b"}" * 980 + b",", size),
        "bad UTF-8": b"\xff" * size,
        "wide characters": b"a" * (size - 4) + "\N{GRINNING FACE}".encode(),
        "escapes": fill(b"\\u0000", size, b'["', b'"]'),
        "texts like phones": fill(b'"123456x123456x",', size),
        "long texts": fill(b'{"a":"' + b"123456x" * 9000 + b'"},', size),
        "distinct long texts": b"["
        + b",".join(b'{"a":"%d%s"}' % (n, b"123456x" * 9000) for n in range(size // 63_020))
        + b"]",
        "long numbers": fill(b"1" * 4300 + b",", size),
        "a long float": fill(b"1" * (size - 4), size, b"[1."),
        "objects full of lists": fill(b'{"x":[' + b"[]," * 39 + b"[]]},", size),
        "IVR full of lists": fill(b'{"Channel":"IVR","x":[' + b"[]," * 39 + b"[]]},", size),
        "IVR with a long status": b'{"Channel":"IVR","Status":"' + b"9" * (size - 29) + b'"}',
        "IVR with a long phone": b'{"Channel":"IVR","Value":"' + b"9" * (size - 28) + b'"}',
        "IVR with long durations": fill(
            b'{"Channel":"IVR","ListeningDuration":"' + b"9" * 4301 + b':00:00"},', size
        ),
        "form of many fields": fill(b"a&", size, b"", b""),
        "form of escapes": fill(b"%20", size, b"a=", b""),
        "spaces": b" " * size,
        "commas": b"[" + b"," * (size - 2) + b"]",
        "quotes": b'"' * size,
    }


NAMES = tuple(hostile_bodies(100_000))
