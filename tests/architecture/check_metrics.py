#!/usr/bin/python3
"""Checks that every arpent_* metric that dashboards, rules and docs/monitoring.md name is one that the code exports, and
that docs/monitoring.md explains each that the code exports.

check_metrics.py ROOT: prints each unknown name and exits 1, or prints how many names were checked.
"""
import pathlib
import re
import sys

NAME = re.compile(r"\barpent_[a-z0-9_]+\b")
SERIES_SUFFIX = re.compile(r"_(bucket|sum|count)$")


def names_in(files):
    found = {}
    for file in files:
        for name in NAME.findall(file.read_text()):
            found.setdefault(name, file)
    return found


def main(root):
    root = pathlib.Path(root)
    sources = [f for folder in ("common", "services") for f in (root / folder).rglob("*.cc")]
    exported = {name for file in sources for name in re.findall(r'Add(?:Counter|Gauge|Histogram)\(\s*"(arpent_[a-z0-9_]+)"', file.read_text())}
    documentation = root / "docs" / "monitoring.md"
    users = [f for f in (root / "helm").rglob("*") if f.is_file() and f.suffix in (".json", ".yaml", ".tpl")
             and ("dashboards" in f.parts or "rules" in f.parts)]
    used = names_in([*users, documentation])
    unknown = [f"{file}: nothing exports {name}" for name, file in sorted(used.items())
               if name not in exported and SERIES_SUFFIX.sub("", name) not in exported]
    explained = names_in([documentation])
    unknown += [f"{documentation}: does not explain {name}" for name in sorted(exported - set(explained))]
    print("\n".join(unknown) or f"{len(used)} metric names, all exported ({len(exported)} exported in all)")
    return 1 if unknown else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
