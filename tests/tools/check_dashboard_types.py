#!/usr/bin/python3
"""Checks the types of Grafana dashboards against @grafana/schema with the TypeScript compiler.

check_dashboard_types.py NODE_MODULES DASHBOARD.json...: NODE_MODULES holds @grafana/schema and typescript. Unknown fields,
wrong types and values that an enumeration lacks are errors, also in the options of each kind of panel.
"""
import json
import pathlib
import re
import subprocess
import sys
import tempfile

KINDS = {"timeseries": "timeseries", "stat": "stat", "bargauge": "bargauge", "table": "table"}
# JSON has the values of enumerations, not their names.
PRELUDE = """
import type {Dashboard, Panel} from '@grafana/schema';
type Plain<T> = T extends string ? `${T}` : T extends number | boolean | null | undefined ? T
  : T extends (infer E)[] ? Plain<E>[] : unknown extends T ? T : T extends object ? {[K in keyof T]: Plain<T[K]>} : T;
type Kind<O, C> = Omit<Plain<Panel>, 'options' | 'fieldConfig' | 'targets' | 'transformations'> & {
  options: Partial<Plain<O>>; targets: object[]; transformations?: {id: string, options: object}[];
  fieldConfig: {defaults: Omit<Plain<NonNullable<Panel['fieldConfig']>['defaults']>, 'custom'> & {custom?: Partial<Plain<C>>},
                overrides: {matcher: {id: string, options: string}, properties: {id: string, value: unknown}[]}[]}};
"""


def module_of(modules, kind):
    """Where the newest @grafana/schema keeps the options of a kind of panel."""
    package = json.loads((modules / "@grafana/schema/package.json").read_text())
    name = next(n for n in package["exports"] if re.search(rf"/{kind}/panelcfg/x/\w+_types\.gen$", n))
    return "@grafana/schema" + name.removeprefix(".")


def schema_version(modules):
    found = {int(n) for file in (modules / "@grafana/schema/dist").rglob("*.[cm]js")
             for n in re.findall(r"schemaVersion: (\d+)", file.read_text(errors="replace"))}
    return max(found, default=0)


def program(modules, dashboards):
    parts = [PRELUDE]
    for kind in KINDS:
        parts.append(f"import type * as {kind} from '{module_of(modules, kind)}';")
    for number, (name, dashboard) in enumerate(dashboards.items()):
        for place, panel in enumerate(dashboard["panels"]):
            kind = KINDS[panel["type"]]
            custom = f"{kind}.FieldConfig" if kind in ("timeseries", "table") else "Record<string, never>"
            parts.append(f"/* {name}: {panel['title']} */\n"
                         f"export const panel_{number}_{place}: Kind<{kind}.Options, {custom}> = {json.dumps(panel)};")
        rest = {key: value for key, value in dashboard.items() if key != "panels"}
        parts.append(f"/* {name} */\nexport const dashboard_{number}: Omit<Plain<Dashboard>, 'panels'> = {json.dumps(rest)};")
    return "\n".join(parts) + "\n"


def main(modules, files):
    modules = pathlib.Path(modules).resolve()
    dashboards = {pathlib.Path(file).name: json.loads(pathlib.Path(file).read_text()) for file in files}
    newest = schema_version(modules)
    for name, dashboard in dashboards.items():
        if dashboard["schemaVersion"] != newest:
            print(f"{name}: schemaVersion {dashboard['schemaVersion']}; @grafana/schema has {newest}")
            return 1
    with tempfile.TemporaryDirectory(prefix="arpent-dashboards-") as folder:
        folder = pathlib.Path(folder)
        (folder / "node_modules").symlink_to(modules)
        (folder / "dashboards.ts").write_text(program(modules, dashboards))
        checked = subprocess.run(["node", str(modules / "typescript/bin/tsc"), "--noEmit", "--strict", "--skipLibCheck", "--module",
                                  "nodenext", "--moduleResolution", "nodenext", "--target", "es2022", "dashboards.ts"],
                                 cwd=folder, capture_output=True, text=True)
    print(checked.stdout + checked.stderr, end="")
    if checked.returncode == 0:
        print(f"{len(dashboards)} dashboards have the types of @grafana/schema, schemaVersion {newest}")
    return checked.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
