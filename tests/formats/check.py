#!/usr/bin/env python3
"""Reads what `dmsim run --record events,open-metrics,otlp,perfetto` wrote with the readers of others, and compares it
with the tables of the same run.

usage: check.py RUN...

Ends with a line of counts for each run; an AssertionError names the first thing that is wrong.
"""

import base64
import csv
import json
import math
import sys
from collections import Counter, defaultdict
from pathlib import Path

from google.protobuf import json_format
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Status
from perfetto.protos.perfetto.trace.perfetto_trace_pb2 import Trace, TrackEvent
from prometheus_client.openmetrics.parser import text_string_to_metric_families

# States in which an allocation does not run any more.
ENDED = {"completed", "failed", "terminated", "stopped", "restarting"}


def table(run, name):
    with open(run / name, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def lines(run, name):
    with open(run / name, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def check_events(run, manifest):
    events = lines(run, "events.jsonl")
    first, last = events[0], events[-1]
    assert first["kind"] == "run_begins" and first["content"]["schema"] == 1, first
    assert first["content"]["seed"] == manifest["seed"] and first["content"]["name"] == manifest["name"]
    assert last["kind"] == "run_ends" and last["time_s"] == manifest["duration_s"], last
    peers = {row["peer"] for row in table(run, "peers.csv")}
    deployments = table(run, "deployments.csv")
    for event in events:
        assert set(event) - {"count"} == {"time_s", "peer", "kind", "labels", "content"}, event
        assert event["peer"] is None or event["peer"] in peers, event
        number = event["labels"].get("deployment")
        assert number is None or 0 <= number < len(deployments), event
    # What was known of messages that wait is told when it is: a few lines lie back by less than a second.
    times = [event["time_s"] for event in events]
    assert all(later > earlier - 1 for earlier, later in zip(times, times[1:]))

    # All facts are there, one by one or in sums.
    of_peers = {"run_begins", "run_ends", "peer_up", "peer_down", "fault_begins", "fault_ends"}
    passages = {"message_sent", "message_arrived", "message_dropped", "message_handled", "message_lost"}
    facts = [event for event in events if event["kind"] not in of_peers | passages]
    assert sum(event.get("count", 1) for event in facts) == manifest["counts"]["facts"]
    kinds = Counter()
    for event in facts:
        kinds[event["kind"]] += event.get("count", 1)
    of_metric = {row["metric"]: float(row["value"] or "nan") for row in table(run, "metrics.csv") if not row["labels"]}
    assert kinds["message_rejected"] == of_metric["messages.rejected"]
    assert kinds["bid_accepted"] == of_metric["bids.accepted"]
    assert kinds["committed"] == len(table(run, "allocations.csv"))
    assert kinds["restart_ordered"] == of_metric["restarts"]

    # What deployments.csv says of deployments, by their numbers.
    asked = Counter(e["labels"]["deployment"] for e in facts if e["kind"] == "deployment_accepted")
    refused = {e["labels"]["deployment"] for e in facts if e["kind"] in ("deployment_refused", "deployment_not_taken")}
    assert all(count == 1 for count in asked.values())
    assert set(asked) | refused == set(range(len(deployments))), (asked, refused)
    rounds = Counter(e["labels"]["deployment"] for e in facts if e["kind"] == "round_opened")
    bids = Counter(e["labels"]["deployment"] for e in facts if e["kind"] == "bid_accepted")
    for row in deployments:
        number = int(row["deployment"])
        assert rounds[number] == int(row["rounds"]) and bids[number] == int(row["bids"]), row

    # Whatever was handled or dropped has arrived before, and whatever has arrived was sent.
    sent, arrived, ended = set(), set(), set()
    for event in (event for event in events if event["kind"] in passages):
        content = event["content"]
        passage = (content["message"], content.get("to"))
        if event["kind"] == "message_sent":
            assert content["message"] not in sent and event["peer"] == content["from"]
            sent.add(content["message"])
            continue
        assert content["message"] in sent, event
        if event["kind"] == "message_arrived":
            assert passage not in arrived and event["peer"] == content["to"], event
            arrived.add(passage)
        elif event["kind"] in ("message_handled", "message_dropped"):
            assert passage in arrived and passage not in ended, event
            ended.add(passage)
    assert sent and ended
    return {"events": len(events), "facts": manifest["counts"]["facts"], "messages": len(sent), "handled": len(ended)}


def check_open_metrics(run, manifest, epoch_s):
    text = (run / "metrics.om").read_text(encoding="utf-8")
    assert text.endswith("# EOF\n")
    families = {family.name: family for family in text_string_to_metric_families(text)}
    assert families["dmsim_run"].type == "info"
    by_end = epoch_s + manifest["duration_s"]
    count = 0
    for family in families.values():
        assert family.documentation, family.name
        assert family.type in ("gauge", "counter", "info"), family
        assert not family.unit or family.name.endswith(f"_{family.unit}"), family
        for sample in family.samples:
            assert epoch_s <= float(sample.timestamp) <= by_end, sample
            assert sample.labels["scenario"] == manifest["name"] and sample.labels["seed"] == str(manifest["seed"])
            count += 1

    # The series, value by value.
    series = defaultdict(list)
    for row in table(run, "series.csv"):
        series[row["metric"], row["labels"]].append((epoch_s + float(row["time_s"]), float(row["value"])))
    for (metric, labels), rows in series.items():
        family = families["dmsim_" + metric.replace(".", "_")]
        counts_up = metric.startswith("messages.")
        assert family.type == ("counter" if counts_up else "gauge"), metric
        wanted = dict(pair.split("=", 1) for pair in labels.split(";") if pair)
        found = [
            (float(sample.timestamp), sample.value)
            for sample in family.samples
            if {k: v for k, v in sample.labels.items() if k not in ("scenario", "seed")} == wanted
        ]
        assert len(found) == len(rows), metric
        assert all(abs(a[0] - b[0]) < 1e-3 and a[1] == b[1] for a, b in zip(found, rows)), metric
        assert not counts_up or all(a[1] <= b[1] for a, b in zip(found, found[1:])), metric

    # The final metrics: as many, and their values.
    finals = [row for row in table(run, "metrics.csv") if row["value"]]
    samples = [s for f in families.values() if f.name.startswith("dmsim_run_") for s in f.samples]
    assert len(samples) == len(finals), (len(samples), len(finals))
    assert sorted(sample.value for sample in samples) == sorted(float(row["value"]) for row in finals)
    named = {"time_to_running.mean": "time_to_running_mean_seconds", "peers.up_fraction": "peers_up_ratio",
             "messages.bytes": "messages_bytes", "deployments.asked": "deployments_asked"}
    for row in (row for row in finals if row["metric"] in named and not row["labels"]):
        family = families[f"dmsim_run_{named[row['metric']]}"]
        assert family.unit == {"s": "seconds", "fraction": "ratio", "B": "bytes"}.get(row["unit"], ""), family
        assert math.isclose(family.samples[0].value, float(row["value"])), family
    return {"families": len(families), "samples": count}


def with_bytes(value):
    """OTLP/JSON writes ids in hexadecimal, where protobuf's own JSON has base64."""
    if isinstance(value, list):
        return [with_bytes(item) for item in value]
    if isinstance(value, dict):
        ids = ("traceId", "spanId", "parentSpanId")
        return {
            key: base64.b64encode(bytes.fromhex(item)).decode() if key in ids else with_bytes(item)
            for key, item in value.items()
        }
    return value


def attributes(pairs):
    return {pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in pairs}


def check_otlp(run, manifest, epoch_s):
    peers = {row["peer"] for row in table(run, "peers.csv")}
    deployments = table(run, "deployments.csv")
    spans, logs = [], 0
    with open(run / "otlp.jsonl", encoding="utf-8") as file:
        for line in file:
            request = json.loads(line)
            if "resourceSpans" in request:
                parsed = json_format.ParseDict(with_bytes(request), ExportTraceServiceRequest())
                (resource,) = parsed.resource_spans
                (scope,) = resource.scope_spans
                service = attributes(resource.resource.attributes)["service.name"]
                spans += [(service, span) for span in scope.spans]
            else:
                parsed = json_format.ParseDict(with_bytes(request), ExportLogsServiceRequest())
                (resource,) = parsed.resource_logs
                service = attributes(resource.resource.attributes)["service.name"]
                for record in resource.scope_logs[0].log_records:
                    own = attributes(record.attributes)
                    assert record.severity_number in (9, 13) and record.body.string_value, record
                    assert ("dmsim.deployment" in own) == (len(record.trace_id) == 16), record
                    logs += own.get("dmsim.count", 1)
            assert service in peers, line
    assert logs == manifest["counts"]["facts"], logs

    begin, end = epoch_s * 1e9, (epoch_s + manifest["duration_s"]) * 1e9
    by_id, of_kind = {}, defaultdict(list)
    for service, span in spans:
        assert len(span.trace_id) == 16 and len(span.span_id) == 8 and any(span.span_id), span
        assert begin <= span.start_time_unix_nano <= span.end_time_unix_nano <= end, span
        assert (span.trace_id, span.span_id) not in by_id, span
        by_id[span.trace_id, span.span_id] = span
        of_kind[attributes(span.attributes)["dmsim.kind"]].append((service, span))
    for _, span in spans:
        if span.parent_span_id:
            parent = by_id[span.trace_id, span.parent_span_id]
            assert parent.start_time_unix_nano <= span.start_time_unix_nano, span
        else:
            assert span.name.startswith("deployment "), span

    # A trace a deployment, with what deployments.csv says of it.
    of_root = of_kind["deployment"]
    roots = {attributes(span.attributes)["dmsim.deployment"]: (service, span) for service, span in of_root}
    assert len(roots) == len(deployments) == len({span.trace_id for _, span in spans})
    for row in deployments:
        service, span = roots[int(row["deployment"])]
        assert span.name == f"deployment {row['ensemble']}", (span, row)
        ended = float(row["ended_s"] or manifest["duration_s"])
        assert abs(span.end_time_unix_nano - (epoch_s + ended) * 1e9) < 1e6, (span, row)
        assert (span.status.code == Status.STATUS_CODE_ERROR) == (row["outcome"] == "failed"), (span, row)
        own = [s for _, s in of_kind["round"] if s.trace_id == span.trace_id]
        assert len(own) == int(row["rounds"]), row
    # Every allocation that started has run, on its own peer.
    started = Counter((int(r["deployment"]), r["peer"]) for r in table(run, "allocations.csv") if r["started_s"])
    ran = Counter(
        (attributes(span.attributes)["dmsim.deployment"], service) for service, span in of_kind["run"]
    )
    assert set(started) == set(ran), set(started) ^ set(ran)
    assert all(ran[key] >= count for key, count in started.items())
    kinds = {kind: len(found) for kind, found in of_kind.items()}
    return {"spans": len(spans), "logs": logs, **{f"{kind} spans": kinds[kind] for kind in sorted(kinds)}}


# What is shown below a process, by the beginning of its title, in the viewer's order.
RANKS = [("down", 0), ("peers up", 0), ("deployments alive", 1), ("fault", 2), ("messages", 4), ("facts", 5)]


def rank_of(title):
    if title.startswith("deployment "):
        return 2 if ": recovery of " in title else 3 if ": " in title else 1
    return next(rank for begin, rank in RANKS if title.startswith(begin))


def check_perfetto(run, manifest):
    trace = Trace.FromString((run / "trace.perfetto-trace").read_bytes())
    peers = {row["peer"] for row in table(run, "peers.csv")}
    tracks, names, categories = {}, {}, {}
    open_slices, flows, ended, times = defaultdict(list), {}, set(), []
    kinds, of_category, counters = Counter(), defaultdict(Counter), defaultdict(list)
    for number, packet in enumerate(trace.packet):
        assert packet.trusted_packet_sequence_id == 1
        assert packet.sequence_flags == (2 if number else 1)
        for interned, found in [(names, packet.interned_data.event_names),
                                (categories, packet.interned_data.event_categories)]:
            for name in found:
                assert name.iid not in interned
                interned[name.iid] = name.name
        if packet.HasField("track_descriptor"):
            check_track(packet.track_descriptor, tracks, peers)
        if not packet.HasField("track_event"):
            continue
        event = packet.track_event
        times.append(packet.timestamp)
        track = tracks[event.track_uuid]
        kinds[event.type] += 1
        if event.type == TrackEvent.TYPE_COUNTER:
            assert track.HasField("counter"), track
            counters[track.name].append((packet.timestamp, event.counter_value))
        elif event.type == TrackEvent.TYPE_SLICE_END:
            begun = open_slices[event.track_uuid].pop()
            assert begun <= packet.timestamp
        else:
            (category,) = (categories[iid] for iid in event.category_iids)
            of_category[category][track.name.split(" ")[0]] += 1
            if event.type == TrackEvent.TYPE_SLICE_BEGIN:
                # A slice that is nested begins after the one around it, and ends before it: the last begun ends first.
                assert event.name and all(begun <= packet.timestamp for begun in open_slices[event.track_uuid])
                open_slices[event.track_uuid].append(packet.timestamp)
            else:
                assert event.type == TrackEvent.TYPE_INSTANT and event.name_iid in names, event
        for flow in event.flow_ids:
            assert flow not in flows, "an arrow begins twice"
            flows[flow] = packet.timestamp
        for flow in event.terminating_flow_ids:
            assert flow in flows and flow not in ended, "an arrow ends that has not begun, or twice"
            assert flows[flow] <= packet.timestamp
            ended.add(flow)
    assert all(not rest for rest in open_slices.values()), "a slice is open"
    assert all(later > earlier - 1e9 for earlier, later in zip(times, times[1:]))
    assert max(times) <= manifest["duration_s"] * 1e9
    # Each category has tracks of its own, so that hiding one hides a kind of track.
    assert set(of_category["message"]) == {"messages"} and set(of_category["fact"]) == {"facts"}, of_category
    assert set(of_category["trouble"]) <= {"facts"} and set(of_category["peer"]) <= {"down"}, of_category
    assert set(of_category["fault"]) <= {"fault"}, of_category
    assert set().union(*(of_category[kind] for kind in ("deployment", "recovery", "allocation"))) == {"deployment"}
    top = [track.name for track in tracks.values() if not track.parent_uuid]
    assert len(top) == len(set(top)) and top.count("network") == 1
    for row in table(run, "deployments.csv"):
        assert row["orchestrator"] in top
    for row in table(run, "allocations.csv"):
        assert row["peer"] in top
    # Peers that are up, after every change: as many as the series has, and never more than there are.
    assert all(0 <= value <= len(peers) for _, value in counters["peers up"])
    series = [row for row in table(run, "series.csv") if row["metric"] == "peers.up" and not row["labels"]]
    last = counters["peers up"][-1][1]
    assert last == float(series[-1]["value"]), (last, series[-1])
    assert counters["deployments alive"][0][1] == 1
    # Arrows that end are messages that were handled or dropped: all of those to one receiver, and most broadcasts.
    events = lines(run, "events.jsonl")
    broadcasts = {e["content"]["message"] for e in events if e["kind"] == "message_sent" and "to" not in e["content"]}
    met = [e["content"]["message"] for e in events if e["kind"] in ("message_handled", "message_dropped")]
    direct = sum(message not in broadcasts for message in met)
    assert direct <= len(ended) <= len(met), (direct, len(ended), len(met))
    down = sum(event["kind"] == "peer_down" for event in events)
    assert of_category["peer"]["down"] == down, (of_category["peer"], down)
    begun = sum(event["kind"] == "fault_begins" for event in events)
    assert of_category["fault"]["fault"] == begun, (of_category["fault"], begun)
    return {"packets": len(trace.packet), "tracks": len(tracks), "slices": kinds[TrackEvent.TYPE_SLICE_BEGIN],
            "instants": kinds[TrackEvent.TYPE_INSTANT], "counts": kinds[TrackEvent.TYPE_COUNTER],
            "arrows": len(flows), "arrows that end": len(ended)}


def check_track(track, tracks, peers):
    assert track.uuid not in tracks, track
    if track.parent_uuid:
        parent = tracks[track.parent_uuid]
        assert parent.HasField("process") and track.sibling_order_rank == rank_of(track.name), track
    else:
        assert track.name in peers | {"network"} and track.process.process_name == track.name, track
        assert track.child_ordering == track.EXPLICIT, track
    tracks[track.uuid] = track


def check(run):
    manifest = json.loads((run / "run.json").read_text(encoding="utf-8"))
    with open(run / "events.jsonl", encoding="utf-8") as file:
        epoch_s = json.loads(file.readline())["content"]["epoch_s"]
    for name, found in [
        ("events.jsonl", check_events(run, manifest)),
        ("metrics.om", check_open_metrics(run, manifest, epoch_s)),
        ("otlp.jsonl", check_otlp(run, manifest, epoch_s)),
        ("trace.perfetto-trace", check_perfetto(run, manifest)),
    ]:
        print(f"{run.name}: {name}: " + ", ".join(f"{count} {what}" for what, count in found.items()))


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    for argument in sys.argv[1:]:
        check(Path(argument))
