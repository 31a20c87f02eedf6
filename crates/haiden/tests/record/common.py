"""How recorded cases are written: tests/data/python/GROUP.json, one case a line.

A case is [function, arguments, result] or [function, arguments, null, exception class, exception text].
An int is a JSON number of any size, a float {"f": its bits in hexadecimal}, bytes {"b": [..]}.
"""

import json
import random
import struct
import sys

assert sys.version_info[:2] == (3, 11), "cases are recorded from CPython 3.11"


def encode(value):
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return {"f": struct.pack(">d", value).hex()}
    if isinstance(value, bytes):
        return {"b": list(value)}
    if isinstance(value, (list, tuple)):
        return [encode(item) for item in value]
    if isinstance(value, dict):
        return {"d": [[encode(k), encode(v)] for k, v in value.items()]}
    raise TypeError(type(value))


class Recorder:
    def __init__(self, group):
        self.path = f"tests/data/python/{group}.json"
        self.random = random.Random(group)
        self.lines = []
        self.seen = set()

    def case(self, name, function, *args):
        # json writes long ints through str(): the limit on their digits holds only inside the function.
        sys.set_int_max_str_digits(0)
        shown = json.dumps(encode(args))
        if (name, shown) in self.seen:
            return
        self.seen.add((name, shown))
        sys.set_int_max_str_digits(4300)
        try:
            line = [name, encode(args), encode(function(*args))]
        except Exception as error:
            line = [name, encode(args), None, type(error).__name__, str(error)]
        sys.set_int_max_str_digits(0)
        self.lines.append(json.dumps(line, separators=(",", ":")))
        sys.set_int_max_str_digits(4300)

    def save(self):
        with open(self.path, "w") as file:
            file.write("[\n" + ",\n".join(self.lines) + "\n]\n")
        print(self.path, len(self.lines))
