#!/usr/bin/python3
"""Checks what a tool can of the house style: file length, header guards, names, no unfinished words, commands in place.

check_house_style.py ROOT: prints each offence and exits 1, or prints how many files were checked.
"""
import pathlib
import re
import sys

LONGEST_SOURCE = 500
VAGUE_NAME = re.compile(r"(^|_)(util|utils|helper|helpers|manager|misc|stuff)(_|\.|$)")
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
SOURCE = {".h", ".cc", ".py", ".proto", ".cmake", ".sh"}
COMMANDS = ["deploy/demo/run", "tests/run", ".ci/run"]
HTTP_HOST = re.compile(r"https?://(deb|registry|proxy|pypi)\.")


def offences(path, text):
    lines = text.splitlines()
    if pathlib.Path(path).suffix in (".h", ".cc", ".py") and len(lines) > LONGEST_SOURCE:
        yield f"{path}: {len(lines)} lines; split it by reason to change (at most {LONGEST_SOURCE})"
    if VAGUE_NAME.search(pathlib.Path(path).name):
        yield f"{path}: name the concept, not 'util', 'helper' or 'manager'"
    for number, line in enumerate(lines, 1):
        if UNFINISHED.search(line) and not path.startswith("tests/architecture/"):
            yield f"{path}:{number}: unfinished work belongs in the README's limits"
        if HTTP_HOST.search(line) and not path.startswith("tests/architecture/"):
            yield f"{path}:{number}: no package host belongs in the project"
    if path.endswith(".h"):
        guard = "ARPENT_" + re.sub(r"[/.]", "_", path).upper() + "_"
        if f"#ifndef {guard}" not in text:
            yield f"{path}: header guard {guard} expected"
        if not text.startswith("//"):
            yield f"{path}: a header opens with what it is for"


def main(root):
    root = pathlib.Path(root)
    found = [f"{command}: missing or not executable" for command in COMMANDS
             if not (root / command).is_file() or not (root / command).stat().st_mode & 0o100]
    checked = 0
    for folder in ("common", "services", "tests", "proto", "deploy", "cmake", "docker"):
        for file in sorted((root / folder).rglob("*")):
            if file.is_file() and file.suffix in SOURCE:
                checked += 1
                found += offences(file.relative_to(root).as_posix(), file.read_text())
    print("\n".join(found) or f"{checked} files keep to the house style")
    return 1 if found or checked == 0 else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
