"""Grafana's dashboards from a few words: a dashboard is a list of panels; a panel is a title, a kind, a unit and its queries with
their legends. Everything else (places, colours, the variables datasource, namespace, job and window) is the same for all.
"""
SCHEMA_VERSION = 42
DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
HERE = 'namespace=~"$namespace", job=~"$job"'
TILE_KM2 = "12056.04"  # 109.8 km squared
WIDTH = 24


def eq(label, value):
    return f'{label}="{value}"'


def metric(name, *selectors):
    """A selector of `name` in the chosen namespace and jobs."""
    return f"{name}{{{', '.join([HERE, *selectors])}}}"


def rate(name, *selectors):
    return f"rate({metric(name, *selectors)}[$window])"


def increase(name, *selectors):
    return f"increase({metric(name, *selectors)}[$window])"


def share(part, whole):
    """0 and not NaN when there is nothing of either."""
    return f"{part} / clamp_min({whole}, 1e-9)"


def quantile(q, name, by, *selectors):
    return f"histogram_quantile({q}, sum by ({by}, le) ({rate(name + '_bucket', *selectors)}))"


def line(title, unit, *queries, stack=False, width=12, description="", right=None, repeat=None):
    """Curves over time. A query is (expression, legend); `right` is the unit of the last one, on an axis of its own."""
    custom = {"drawStyle": "line", "lineWidth": 1, "fillOpacity": 30 if stack else 8, "showPoints": "never",
              "stacking": {"mode": "normal" if stack else "none", "group": "A"}}
    overrides = []
    if right:
        overrides = [{"matcher": {"id": "byFrameRefID", "options": chr(ord("A") + len(queries) - 1)},
                      "properties": [{"id": "unit", "value": right}, {"id": "custom.axisPlacement", "value": "right"},
                                     {"id": "custom.fillOpacity", "value": 0}]}]
    options = {"legend": {"displayMode": "table", "placement": "right", "showLegend": True, "calcs": ["mean", "lastNotNull"]},
               "tooltip": {"mode": "multi", "sort": "desc"}}
    return panel("timeseries", title, unit, queries, width, 8, description, options, custom, overrides, repeat)


def stat(title, unit, expression, description="", alarm=None):
    """One number; red from `alarm` on."""
    options = {"colorMode": "value" if alarm is None else "background", "graphMode": "area", "justifyMode": "auto",
               "textMode": "auto", "wideLayout": True, "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False}}
    result = panel("stat", title, unit, [(expression, "")], 4, 4, description, options)
    if alarm is not None:
        result["fieldConfig"]["defaults"]["thresholds"]["steps"].append({"color": "red", "value": alarm})
    return result


def bars(title, unit, expression, legend, description="", most=None, width=12):
    """One bar per series, as it is now."""
    options = {"displayMode": "gradient", "orientation": "horizontal", "showUnfilled": True, "valueMode": "color",
               "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False}}
    result = panel("bargauge", title, unit, [(expression, legend)], width, 8, description, options)
    result["fieldConfig"]["defaults"]["min"] = 0
    if most is not None:
        result["fieldConfig"]["defaults"]["max"] = most
    return result


def table(title, expression, description="", width=12):
    """The labels of each series and its value, as it is now."""
    options = {"showHeader": True, "frameIndex": 0, "cellHeight": "sm"}
    result = panel("table", title, "short", [(expression, "")], width, 8, description, options)
    result["targets"][0].update({"format": "table", "instant": True, "range": False})
    result["transformations"] = [{"id": "organize", "options": {"excludeByName": {"Time": True}}}]
    return result


def panel(kind, title, unit, queries, width, height, description, options, custom=None, overrides=None, repeat=None):
    result = {
        "type": kind, "title": title, "description": description, "datasource": DATASOURCE,
        "gridPos": {"h": height, "w": width, "x": 0, "y": 0},
        "fieldConfig": {"defaults": {"unit": unit, "color": {"mode": "palette-classic"},
                                     "thresholds": {"mode": "absolute", "steps": [{"color": "green", "value": None}]},
                                     **({"custom": custom} if custom else {})},
                        "overrides": overrides or []},
        "options": options,
        "targets": [{"refId": chr(ord("A") + i), "datasource": DATASOURCE, "editorMode": "code", "expr": expression,
                     "legendFormat": legend or title, "range": True} for i, (expression, legend) in enumerate(queries)],
    }
    if repeat:
        result.update({"repeat": repeat, "repeatDirection": "h", "maxPerRow": WIDTH // width})
    return result


def query_variable(name, label, query, **more):
    return {"name": name, "label": label, "type": "query", "datasource": DATASOURCE, "refresh": 2, "sort": 1,
            "query": {"query": query, "refId": f"Variable-{name}"}, "multi": True, "includeAll": True,
            "current": {"text": ["All"], "value": ["$__all"]}, **more}


def variables(*more):
    windows = ["5m", "15m", "1h", "6h", "1d"]
    return [
        {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus", "refresh": 1,
         "current": {"text": "default", "value": "default"}},
        # Off Kubernetes there is no namespace: All matches that too.
        query_variable("namespace", "Namespace", "label_values(arpent_build_info, namespace)", allValue=".*"),
        query_variable("job", "Job", 'label_values(arpent_build_info{namespace=~"$namespace"}, job)'),
        *more,
        {"name": "window", "label": "Rates over", "type": "custom", "query": ",".join(windows),
         "current": {"text": "15m", "value": "15m"},
         "options": [{"text": w, "value": w, "selected": w == "15m"} for w in windows]},
    ]


def dashboard(uid, title, description, panels, more_variables=()):
    x = y = height = 0
    for number, placed in enumerate(panels, 1):
        place = placed["gridPos"]
        if x + place["w"] > WIDTH:
            x, y, height = 0, y + height, 0
        place.update(x=x, y=y)
        x, height = x + place["w"], max(height, place["h"])
        placed["id"] = number
    links = [{"title": "Arpent", "type": "dashboards", "tags": ["arpent"], "asDropdown": True, "includeVars": True,
              "keepTime": True, "targetBlank": False, "icon": "external link", "tooltip": "The other dashboards", "url": ""}]
    return {
        "uid": f"arpent-{uid}", "title": f"Arpent: {title}", "description": description, "tags": ["arpent"],
        "schemaVersion": SCHEMA_VERSION, "editable": True, "graphTooltip": 1, "refresh": "30s", "timezone": "browser",
        "time": {"from": "now-6h", "to": "now"}, "links": links, "annotations": {"list": []},
        "templating": {"list": variables(*more_variables)}, "panels": panels,
    }
