"""Another CBOR implementation's view: for each hexadecimal document on standard input, its own encoding of what it read, or
`-` for what is more than RFC 8949's basic types."""
import sys
import cbor2

BASIC = (int, float, str, bytes, bool, type(None), type(cbor2.undefined))


def is_basic(value):
    if isinstance(value, list):
        return all(map(is_basic, value))
    if isinstance(value, dict):
        return all(isinstance(key, str) and is_basic(item) for key, item in value.items())
    return isinstance(value, BASIC)


for line in sys.stdin:
    try:
        value = cbor2.loads(bytes.fromhex(line))
        print(cbor2.dumps(value).hex() if is_basic(value) else "-")
    except (ValueError, RecursionError):
        print("-")
