"""The panels of each dashboard: what to look at, in which order, and by which query."""
from grafana import (HERE, TILE_KM2, bars, dashboard, eq, increase, line, metric, quantile, query_variable, rate, share,
                      stat, table)

ENDED = 'outcome=~"done|skipped"'
LOST = 'outcome=~"failed|missing_input"'
WAITS = 'kind=~".*_wait"'
CPU = 'kind="cpu"'
AREA = "arpent_area_km2_total"
TIME = "arpent_task_time_seconds_total"
LEDGER = "arpent_ledger_cells"
EXPECTED = "arpent_ledger_cells_expected"
STAGE = 'stage=~"$stage"'


def country():
    core_rate = f"sum({rate(TIME, CPU)})"
    remaining = f"sum({metric('arpent_ledger_remaining_seconds')})"
    return dashboard("country", "Country", "How far the maps are, how fast they come, and what fails.", [
        stat("Full tiles per hour (L2A)", "none", f"3600 * sum({rate(AREA, eq('stage', 'l2a'))}) / {TILE_KM2}",
             "Surface reflectance, in squares of 109.8 km."),
        stat("km2 per hour (L2A)", "none", f"3600 * sum({rate(AREA, eq('stage', 'l2a'))})"),
        stat("Done", "percentunit", share(f"sum({metric(LEDGER, ENDED)})", f"sum({metric(EXPECTED)})"),
             "Of the cells that the sites' newest runs expect: done or skipped for a reason."),
        stat("Ends in", "dtdurations", share(remaining, core_rate),
             "Core-seconds that the open cells are expected to need, over the cores that worked in the chosen window. "
             "Very long: nothing finished in it."),
        stat("Failed or missing", "none", f"sum({metric(LEDGER, LOST)})", "Cells; `arpent run list` names them.", alarm=1),
        stat("Open work", "h", f"{remaining} / 3600", "Core-hours."),
        line("Tiles per hour by stage", "none", (f"3600 * sum by (stage) ({rate(AREA)}) / {TILE_KM2}", "{{stage}}"),
             description="Area worked on, in squares of 109.8 km."),
        line("km2 per hour by stage", "none", (f"3600 * sum by (stage) ({rate(AREA)})", "{{stage}}")),
        bars("Done by stage", "percentunit",
             share(f"sum by (stage) ({metric(LEDGER, ENDED)})", f"sum by (stage) ({metric(EXPECTED)})"), "{{stage}}", most=1),
        bars("Done by site", "percentunit",
             share(f"sum by (site) ({metric(LEDGER, ENDED)})", f"sum by (site) ({metric(EXPECTED)})"), "{{site}}", most=1),
        line("Failed attempts by cause", "none", (f"sum by (cause) ({increase('arpent_task_failures_total')})", "{{cause}}"),
             stack=True, description="Attempts, not cells: what passes is tried again."),
        line("Open work by stage", "h", (f"sum by (stage) ({metric('arpent_ledger_remaining_seconds')}) / 3600", "{{stage}}"),
             stack=True, description="Core-hours expected of cells that are not ended."),
        line("Tasks done per hour by stage", "none",
             (f"3600 * sum by (stage) ({rate('arpent_tasks_total', eq('outcome', 'done'))})", "{{stage}}")),
        table("Ledger", f"sum by (site, stage, outcome) ({metric(LEDGER)})", "Cells of each site's newest run."),
    ])


def time_budget():
    whole = f"sum by (stage) ({rate(TIME, STAGE)})"
    waits = f"sum by (stage) ({rate(TIME, STAGE, WAITS)})"
    area = f"sum by (stage) ({rate(AREA, STAGE)})"
    duration = "arpent_task_duration_seconds"
    stage = query_variable("stage", "Stage", "label_values(arpent_task_time_seconds_total, stage)", allValue=".*")
    return dashboard("time-budget", "Time budget", "On what each stage spends its threads' time, and what that costs.", [
        line("Threads by what they do", "none", (f"sum by (kind) ({rate(TIME, STAGE)})", "{{kind}}"), stack=True,
             description="Thread-seconds per second. cpu: computing; run_queue: ready, but no core is free; cache_wait, "
             "storage_wait, disk_wait: waiting for bytes; other: locks and sleep. Counted when an attempt ends."),
        line("Waits for bytes by source", "none", (f"sum by (kind) ({rate(TIME, STAGE, WAITS)})", "{{kind}}"), stack=True),
        line("Throughput beside I/O wait", "none", (f"3600 * sum({rate(AREA, STAGE)})", "km2 per hour"),
             (share(f"sum({rate(TIME, STAGE, WAITS)})", f"sum({rate(TIME, STAGE)})"), "I/O wait"), right="percentunit",
             description="When throughput falls as I/O wait rises, more cores do not help; more bandwidth does."),
        bars("CPU share of thread time", "percentunit", share(f"sum by (stage) ({rate(TIME, STAGE, CPU)})", whole),
             "{{stage}}", most=1),
        bars("I/O wait share of thread time", "percentunit", share(waits, whole), "{{stage}}", most=1),
        bars("Run-queue share of thread time", "percentunit",
             share(f"sum by (stage) ({rate(TIME, STAGE, eq('kind', 'run_queue'))})", whole), "{{stage}}", most=1,
             description="High: more threads than cores. Lower slots or threads per task."),
        line("Seconds of an attempt, median", "s", (quantile(0.5, duration, "stage", STAGE), "{{stage}}")),
        line("Seconds of an attempt, 95th percentile", "s", (quantile(0.95, duration, "stage", STAGE), "{{stage}}")),
        line("CPU seconds per km2", "s", (share(f"sum by (stage) ({rate(TIME, STAGE, CPU)})", area) + f" and {area} > 0",
                                          "{{stage}}")),
        line("Cores at work by stage", "none", (f"sum by (stage) ({rate(TIME, STAGE, CPU)})", "{{stage}}"), stack=True),
        line("$stage", "none", (f"sum by (kind) ({rate(TIME, STAGE)})", "{{kind}}"), stack=True, width=8, repeat="stage",
             description="Thread-seconds per second of this stage."),
    ], [stage])


def queue():
    slots = "arpent_worker_slots"
    duration = "arpent_task_duration_seconds"
    oldest = f"max by (stage) ({metric('arpent_task_oldest_running_seconds')})"
    return dashboard("queue", "Queue and workers", "What waits, who works, what was lost.", [
        stat("Ready", "none", f"sum({metric('arpent_queue_tasks', eq('state', 'ready'))})", "Tasks that could begin now."),
        stat("Oldest ready", "dtdurations", f"max({metric('arpent_queue_oldest_seconds')})"),
        stat("Busy slots", "percentunit", share(f"sum({metric(slots, eq('state', 'busy'))})", f"sum({metric(slots)})")),
        stat("Workers", "none", f"count({metric(slots, eq('state', 'idle'))})"),
        stat("Leases lost", "none", f"sum({increase('arpent_leases_expired_total')})", "In the chosen window.", alarm=1),
        stat("Leaders", "none", f"sum({metric('arpent_leader')})", "Coordinators that lead: 1."),
        line("Depth by state", "none", (f"sum by (state) ({metric('arpent_queue_tasks')})", "{{state}}"), stack=True,
             description="ready: could begin; backoff: waits for its next attempt; leased: a worker has it."),
        line("Depth by stage", "none", (f"sum by (stage) ({metric('arpent_queue_tasks')})", "{{stage}}"), stack=True),
        line("Age of the oldest ready task", "s", (f"max by (stage) ({metric('arpent_queue_oldest_seconds')})", "{{stage}}")),
        line("Expected work in the queue", "s", (f"sum by (stage) ({metric('arpent_queue_expected_seconds')})", "{{stage}}"),
             stack=True, description="Core-seconds; what autoscaling goes by."),
        line("Slots by state", "none", (f"sum by (state) ({metric(slots)})", "{{state}}"), stack=True),
        line("Busy slots by stage", "none", (f"sum by (stage) ({metric(slots, eq('state', 'busy'))})", "{{stage}}"), stack=True),
        line("Longest running task", "s", (oldest, "{{stage}}"), description="Stragglers: compare with the 95th percentile."),
        line("95th percentile of an attempt", "s", (quantile(0.95, duration, "stage"), "{{stage}}")),
        line("Leases lost", "none", (f"sum by (stage) ({increase('arpent_leases_expired_total')})", "{{stage}}"), stack=True,
             description="Workers that fell silent: killed, out of memory, cut off."),
        line("Attempts that ended", "none", (f"sum by (outcome) ({increase('arpent_tasks_total')})", "{{outcome}}"), stack=True),
        table("Failed attempts", f"sum by (stage, cause) ({increase('arpent_task_failures_total')})", "In the chosen window."),
        line("Calls of the services", "reqps", (f"sum by (grpc_method) ({rate('grpc_server_handled_total')})", "{{grpc_method}}")),
        line("Answers by code", "reqps", (f"sum by (grpc_code) ({rate('grpc_server_handled_total')})", "{{grpc_code}}"),
             description="UNAUTHENTICATED and PERMISSION_DENIED are refused calls."),
        line("Seconds of a call, 95th percentile", "s",
             (quantile(0.95, "grpc_server_handling_seconds", "grpc_method"), "{{grpc_method}}"),
             description="Synchronize and WatchRun wait on purpose."),
    ])


def cache():
    requests, moved = "arpent_cache_requests_total", "arpent_cache_request_bytes_total"
    origin, latency = "arpent_storage_requests_total", "arpent_storage_request_duration_seconds"
    hit = 'result=~"hit.*"'
    error = 'code!~"OK|NOT_FOUND"'
    return dashboard("cache", "Cache and storage", "What the tile cache saves, and how the storage behind it does.", [
        stat("Hits by requests", "percentunit", share(f"sum({rate(requests, hit)})", f"sum({rate(requests)})")),
        stat("Hits by bytes", "percentunit", share(f"sum({rate(moved, hit)})", f"sum({rate(moved)})")),
        stat("Origin requests", "reqps", f"sum({rate(origin)})"),
        stat("Read from the origin", "Bps", f"sum({rate('arpent_storage_bytes_total', eq('operation', 'read'))})"),
        stat("Errors", "reqps", f"sum({rate(origin, error)})", "Answers other than OK and NOT_FOUND.", alarm=0.01),
        stat("Damaged blocks", "none", f"sum({increase('arpent_cache_damaged_total')})",
             "On the cache's disk, found by their checksum and read again.", alarm=1),
        line("Requests by result", "reqps", (f"sum by (result) ({rate(requests)})", "{{result}}"), stack=True,
             description="hit_shared: another reader was fetching the same block; one request to the origin served both."),
        line("Bytes by result", "Bps", (f"sum by (result) ({rate(moved)})", "{{result}}"), stack=True),
        line("Bytes held and limit", "bytes", (f"sum by (tier) ({metric('arpent_cache_bytes')})", "{{tier}} held"),
             (f"sum by (tier) ({metric('arpent_cache_limit_bytes')})", "{{tier}} limit")),
        line("Evictions", "ops", (f"sum by (tier) ({rate('arpent_cache_evictions_total')})", "{{tier}}"),
             description="Blocks that made room. Many of them with few hits: the cache is smaller than what is read again."),
        line("Origin requests", "reqps", (f"sum by (store, operation) ({rate(origin)})", "{{store}} {{operation}}"), stack=True),
        line("Origin bytes", "Bps",
             (f"sum by (store, operation) ({rate('arpent_storage_bytes_total')})", "{{store}} {{operation}}"), stack=True),
        line("Seconds of an origin request, median", "s",
             (quantile(0.5, latency, "store, operation"), "{{store}} {{operation}}")),
        line("Seconds of an origin request, 99th percentile", "s",
             (quantile(0.99, latency, "store, operation"), "{{store}} {{operation}}")),
        line("Errors by code", "reqps", (f"sum by (store, code) ({rate(origin, error)})", "{{store}} {{code}}"), stack=True),
        line("Room on disks", "percentunit",
             (f"min by (instance, place) ({metric('arpent_disk_free_bytes')} / {metric('arpent_disk_size_bytes')})",
              "{{place}} of {{instance}}"), description="Free share of the file systems that stores and cache are on."),
    ])


def nodes():
    cpu, limit = rate("process_cpu_seconds_total"), metric("arpent_cpu_limit_cores")
    resident, memory = metric("process_resident_memory_bytes"), metric("arpent_memory_limit_bytes")
    pressure = "arpent_pressure_seconds_total"
    held = f'rate(arpent_cpu_throttled_seconds_total{{{HERE}}}[$window])'
    psi = "Share of time in which some work was stalled (PSI): of the pod's cgroup, else of the machine. Empty where the kernel does not count it."
    return dashboard("nodes", "Nodes", "CPU, memory, pressure and disks of every service, as the services see them.", [
        line("CPU used", "none", (f"sum by (instance) ({cpu})", "{{instance}}"), stack=True, description="Cores."),
        line("CPU used of the limit", "percentunit", (f"max by (instance) ({cpu} / {limit})", "{{instance}}"),
             description="Low with a full queue: see the time budget for what it waits for."),
        line("Memory", "bytes", (f"sum by (instance) ({resident})", "{{instance}}"), stack=True, description="Resident."),
        line("Memory of the limit", "percentunit", (f"max by (instance) ({resident} / {memory})", "{{instance}}")),
        line("CPU pressure", "percentunit", (f"max by (instance) ({rate(pressure, eq('resource', 'cpu'), eq('share', 'some'))})", "{{instance}}"),
             description=psi),
        line("Memory pressure", "percentunit", (f"max by (instance) ({rate(pressure, eq('resource', 'memory'), eq('share', 'some'))})", "{{instance}}"),
             description=psi),
        line("I/O pressure", "percentunit", (f"max by (instance) ({rate(pressure, eq('resource', 'io'), eq('share', 'some'))})", "{{instance}}"),
             description=psi + " It sees local disks only: waits for object storage are in the time budget."),
        line("CPU throttled", "percentunit", (f"max by (instance) ({held})", "{{instance}}"),
             description="Seconds per second in which the cgroup's limit held threads. Empty where the kernel does not count it."),
        line("Free disk", "bytes", (f"min by (instance, place) ({metric('arpent_disk_free_bytes')})", "{{place}} of {{instance}}")),
        line("Free share of disks", "percentunit",
             (f"min by (instance, place) ({metric('arpent_disk_free_bytes')} / {metric('arpent_disk_size_bytes')})",
              "{{place}} of {{instance}}")),
        line("Open files of the limit", "percentunit",
             (f"max by (instance) ({metric('process_open_fds')} / {metric('process_max_fds')})", "{{instance}}")),
        line("Restarts", "none", (f"max by (instance) (changes({metric('process_start_time_seconds')}[$window]))", "{{instance}}"),
             description="In the chosen window."),
        table("Versions", f"count by (version, job) ({metric('arpent_build_info')})", "Services by version."),
        line("Targets that answer", "none", (f"sum by (job) ({metric('up')})", "{{job}}")),
    ])


def all_dashboards():
    """File name: dashboard."""
    return {"country": country(), "time-budget": time_budget(), "queue": queue(), "cache": cache(), "nodes": nodes()}
