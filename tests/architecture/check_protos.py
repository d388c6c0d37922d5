#!/usr/bin/python3
"""Checks the interfaces: style, documentation, and that nothing that was released changes its meaning.

check_protos.py ROOT [--write]: prints each offence and exits 1, or prints how many fields were checked.

With `buf` on the PATH, `buf lint` (STANDARD) looks at them too; without it a line says so. Our own rules, always:
  - the folder is the package; messages and enums are CamelCase, fields and oneofs snake_case, enum values UPPER_SNAKE with
    the enum's name before them, and the first is ..._UNSPECIFIED = 0;
  - every service, call, message, enum and field is documented: what a call takes and gives may be so with the call;
  - proto_fields.txt beside this file lists every field and enum value ever committed, with number and type: one that is gone must be
    `reserved`, one that stays keeps number, type and label. --write adds new ones and never takes a line out.
"""
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

# What page tokens and the like mean is said once, with the call or in the field's own name.
SELF_EXPLANATORY = {"page_size", "page_token", "next_page_token"}
CAMEL, SNAKE, UPPER = re.compile(r"^[A-Z][A-Za-z0-9]*$"), re.compile(r"^[a-z][a-z0-9_]*$"), re.compile(r"^[A-Z][A-Z0-9_]*$")
FIELD = re.compile(r"^(?:(repeated|optional)\s+)?([\w.]+|map<\s*\w+\s*,\s*[\w.]+\s*>)\s+(\w+)\s*=\s*(\d+)\s*(?:\[.*\])?;")
VALUE = re.compile(r"^(\w+)\s*=\s*(\d+);")
OPEN = re.compile(r"^(message|enum|oneof|service)\s+(\w+)\s*\{(\s*\})?")
RPC = re.compile(r"^rpc\s+(\w+)\s*\(\s*(?:stream\s+)?([\w.]+)\s*\)\s*returns\s*\(\s*(?:stream\s+)?([\w.]+)\s*\)")
RESERVED = re.compile(r"^reserved\s+(.+);")


def upper_snake(name):
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).upper()


class File:
    """The declarations of one .proto file; offences gather in `wrong`."""

    def __init__(self, root, path):
        self.path = path.relative_to(root)
        self.wrong, self.fields, self.reserved = [], {}, {}
        self.package = ""
        self.read(path.read_text().splitlines())

    def offend(self, line, what):
        self.wrong.append(f"{self.path}:{line}: {what}")

    def read(self, lines):
        scopes, commented = [], False  # scopes: (kind, full name)
        for number, raw in enumerate(lines, 1):
            code, _, comment = raw.partition("//")
            code = code.strip()
            if not code:
                commented = bool(comment) or (commented and bool(raw.strip()))
                continue
            self.declaration(number, code, scopes, commented or bool(comment))
            commented = False

    def declaration(self, number, code, scopes, documented):
        if code.startswith("package "):
            self.package = code[8:].rstrip(";").strip()
            if "/".join(self.package.split(".")) != str(self.path.parent.relative_to("proto")):
                self.offend(number, f"package {self.package} is not the folder {self.path.parent}")
            return
        opened = OPEN.match(code)
        if opened:
            kind, name, empty = opened.groups()
            outer = scopes[-1][1] if scopes else self.package
            full = outer if kind == "oneof" else f"{outer}.{name}"
            if not (SNAKE if kind == "oneof" else CAMEL).match(name):
                self.offend(number, f"{kind} {name}: wrong case")
            plain = kind == "message" and name.endswith(("Request", "Response"))  # said with the call
            if not documented and kind != "oneof" and not plain and not empty and len(scopes) == 0:
                self.offend(number, f"{kind} {name} is not documented")
            if not empty:
                scopes.append((kind, full))
            return
        if code.startswith("}"):
            scopes.pop()
            return
        scope = scopes[-1] if scopes else ("file", "")
        reserved, rpc = RESERVED.match(code), RPC.match(code)
        if reserved:
            self.reserved.setdefault(scope[1], set()).update(self.numbers(reserved.group(1)))
        elif rpc:
            name = rpc.group(1)
            if not documented:
                self.offend(number, f"rpc {name} is not documented")
            if not rpc.group(2).endswith(f"{name}Request") or not rpc.group(3).endswith(f"{name}Response"):
                self.offend(number, f"rpc {name}: takes {name}Request and gives {name}Response")
        elif scope[0] == "enum" and VALUE.match(code):
            self.value(number, scope[1], *VALUE.match(code).groups())
        elif scope[0] in ("message", "oneof") and FIELD.match(code):
            label, kind, name, index = FIELD.match(code).groups()
            self.fields[f"{scope[1]}.{name}"] = f"{index} {label or 'single'} {kind.replace(' ', '')}"
            if not SNAKE.match(name):
                self.offend(number, f"field {name}: is not snake_case")
            answer = scope[1].endswith("Response")  # what a call gives is said with the call
            if not documented and not answer and name not in SELF_EXPLANATORY:
                self.offend(number, f"field {scope[1]}.{name} is not documented")

    def value(self, number, enum, name, index):
        prefix = upper_snake(enum.rsplit(".", 1)[1])
        first = not any(field.startswith(enum + ".") for field in self.fields)
        self.fields[f"{enum}.{name}"] = f"{index} value"
        if not UPPER.match(name) or not name.startswith(prefix + "_"):
            self.offend(number, f"value {name}: begins with {prefix}_")
        if first and (name != prefix + "_UNSPECIFIED" or index != "0"):
            self.offend(number, f"enum {enum}: the first value is {prefix}_UNSPECIFIED = 0")

    @staticmethod
    def numbers(text):
        found = set()
        for part in text.split(","):
            ends = [int(word) for word in re.findall(r"\d+", part)]
            if ends:
                found.update(range(ends[0], ends[-1] + 1))
        return found


def broken_promises(released, fields, reserved):
    """Sentences about fields whose number, type or label is no longer what was released."""
    for name, was in released.items():
        now = fields.get(name)
        number = int(was.split()[0])
        scope = name.rsplit(".", 1)[0]
        if now is None and number not in reserved.get(scope, set()):
            yield f"{name} = {number} is gone: reserve its number in {scope}"
        elif now is not None and now != was:
            yield f"{name} was '{was}' and is '{now}': add another field instead"


def self_test():
    """The rules find what they are there for; a check that cannot fail is none."""
    bad = """syntax = "proto3";
package arpent.wrong.v1;
message Bad {
  string CamelField = 1;
}
enum Kind {
  FIRST = 0;
}
"""
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        path = root / "proto/arpent/area/v1/bad.proto"
        path.parent.mkdir(parents=True)
        path.write_text(bad)
        wrong = "\n".join(File(root, path).wrong)
    for expected in ("is not the folder", "message Bad is not documented", "is not snake_case", "KIND_UNSPECIFIED", "begins with KIND_",
                     "field arpent.wrong.v1.Bad.CamelField is not documented"):
        assert expected in wrong, (expected, wrong)
    released = {"a.M.gone": "1 single string", "a.M.kept": "2 single string", "a.M.reserved": "3 single string"}
    promises = list(broken_promises(released, {"a.M.kept": "2 repeated string"}, {"a.M": {3}}))
    assert len(promises) == 2 and "a.M.gone = 1 is gone" in promises[0] and "a.M.kept was" in promises[1], promises


def buf_lint(root):
    if shutil.which("buf") is None:
        print("SKIPPED: buf is not installed; only our own rules were checked", file=sys.stderr)
        return []
    config = '{"version":"v1","lint":{"use":["STANDARD"]}}'
    ended = subprocess.run(["buf", "lint", str(root / "proto"), "--config", config], capture_output=True, text=True, check=False)
    return [] if ended.returncode == 0 else (ended.stdout + ended.stderr).splitlines()


def main():
    self_test()
    root = pathlib.Path(sys.argv[1]).resolve()
    files = [File(root, path) for path in sorted(root.glob("proto/**/*.proto"))]
    wrong = [offence for file in files for offence in file.wrong]
    fields = {name: what for file in files for name, what in file.fields.items()}
    reserved = {scope: numbers for file in files for scope, numbers in file.reserved.items()}
    list_path = root / "tests/architecture/proto_fields.txt"
    released = dict(line.split(": ", 1) for line in list_path.read_text().splitlines()) if list_path.exists() else {}
    wrong += broken_promises(released, fields, reserved)
    if "--write" in sys.argv:
        list_path.write_text("".join(f"{name}: {what}\n" for name, what in sorted({**fields, **released}.items())))
    else:
        wrong += [f"{name} is not in {list_path.name}: check_protos.py {sys.argv[1]} --write" for name in fields if name not in released]
    wrong += buf_lint(root)
    if wrong:
        sys.exit("\n".join(wrong))
    print(f"{len(fields)} fields and values in {len(files)} files are in order")


if __name__ == "__main__":
    main()
