#!/usr/bin/python3
"""Checks that includes go one way, low to high, and that each third-party library stays where it belongs.

check_layers.py ROOT: prints each offending include and exits 1, or prints how many were checked.
"""
import pathlib
import re
import sys

# Lowest first; a folder may include itself and what stands before it.
LAYERS = ["base", "telemetry", "geo", "raster", "kernels", "learn", "storage", "scene", "product", "insitu", "stages",
          "simulate", "report", "rpc", "worker"]
# Layers that see pure numbers use no telemetry.
WITHOUT_TELEMETRY = {"geo", "raster", "kernels", "learn"}
# Library header pattern -> folders that may include it.
LIBRARIES = {
    r"^(gdal|ogr|cpl|gdal_\w+|ogr_\w+|cpl_\w+)[\w]*\.h$": ["common/storage", "common/scene", "common/product", "common/insitu"],
    r"^proj\.h$": ["common/geo"],
    r"^grpc(pp|\+\+)?/": ["common/rpc", "common/worker", "services"],
    r"^prometheus/": ["common/telemetry"],
    r"^xgboost/": ["common/learn"],
    r"^arpent/.*\.pb\.h$": ["common/rpc", "common/worker", "services"],
}
INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^">]+)[">]')


def layer_of(path):
    parts = path.split("/")
    return parts[1] if parts[0] == "common" and len(parts) > 2 else None


def offences(path, header):
    """Why the file `path` may not include `header`; yields sentences."""
    layer = layer_of(path)
    target = layer_of(header)
    is_test = (path.endswith(("_test.cc", "_benchmark.cc", "_fixture.h", "_contract.h", "_for_test.h"))
               or path.startswith("tests/"))
    if header.startswith("services/"):
        own = "/".join(path.split("/")[:2])
        composes = path.startswith("services/cli/") or is_test
        if layer is not None or (not header.startswith(own + "/") and not composes
                                 and not header.startswith("services/worker/all_stages")):
            yield f"{path}: services do not include each other, and common/ includes no service: {header}"
    if layer == "testing" or target == "testing":
        if layer != "testing" and not is_test:
            yield f"{path}: only tests include {header}"
    elif layer is not None and target is not None:
        if LAYERS.index(target) > LAYERS.index(layer):
            yield f"{path}: layer {layer} is below {target}: {header}"
        if target == "telemetry" and layer in WITHOUT_TELEMETRY:
            yield f"{path}: {layer} sees numbers only, no telemetry"
        if layer == "stages" and not is_test:
            own, other = path.split("/")[2], header.split("/")[2]
            if "/" in header[len("common/stages/"):] and target == "stages" and own != other:
                yield f"{path}: a stage does not include another stage: {header}"
    for pattern, folders in LIBRARIES.items():
        if re.match(pattern, header) and not any(path.startswith(folder + "/") for folder in folders) and not is_test:
            yield f"{path}: {header} belongs to {', '.join(folders)}"


def main(root):
    root = pathlib.Path(root)
    checked, found = 0, []
    for folder in ("common", "services", "tests"):
        for file in sorted((root / folder).rglob("*")):
            if file.suffix not in (".h", ".cc"):
                continue
            path = file.relative_to(root).as_posix()
            for line in file.read_text().splitlines():
                match = INCLUDE.match(line)
                if match:
                    checked += 1
                    found += offences(path, match.group(1))
    print("\n".join(found) or f"{checked} includes go the right way")
    return 1 if found or checked == 0 else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
