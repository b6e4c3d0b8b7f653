#!/usr/bin/env python3
"""Derives the embedded data sets of the simulator from their originals.

    python3 data/prepare.py DIR

DIR holds the originals, named as `data/README.md` says. Only the standard library is needed; the same originals give
the same bytes. Written are, beside this file:

    geo/cities.csv            name,country,continent,lat,lon,population
    geo/land.json             rings of the outline of the land, [[[lon, lat], ...], ...]
    net/measured_cities.csv   name,lat,lon,located (file | distances)
    net/city_rtt.bin          round-trip times between those cities; layout in data/README.md
    net/simblock_regions.csv  region,upload_bps,download_bps (2019)
    workloads/                traces of jobs and a list of machines: data/README.md
"""
import csv
import gzip
import json
import lzma
import math
import pathlib
import statistics
import struct
import sys

EARTH_RADIUS_KM = 6371.0
MISSING = 0xFFFFFF
# A city whose coordinates disagree with its measured distances by more than this (median over its pairs) was matched
# to a namesake in the original list.
MISPLACED_KM = 50.0
OUT = pathlib.Path(__file__).resolve().parent


def haversine_km(a, b):
    """Great-circle distance of two (lat, lon) in degrees."""
    lat_a, lon_a, lat_b, lon_b = map(math.radians, (*a, *b))
    h = math.sin((lat_b - lat_a) / 2) ** 2
    h += math.cos(lat_a) * math.cos(lat_b) * math.sin((lon_b - lon_a) / 2) ** 2
    return 2 * EARTH_RADIUS_KM * math.asin(min(1.0, math.sqrt(h)))


def locate(distances):
    """The point that fits [(anchor, km)] best by the median error: a grid, refined twelve times."""
    def error(point):
        return statistics.median(abs(haversine_km(point, anchor) - km) for anchor, km in distances)

    sample = distances[:: max(1, len(distances) // 40)]
    def coarse(point):
        return statistics.median(abs(haversine_km(point, anchor) - km) for anchor, km in sample)

    best = min(((lat, lon) for lat in range(-85, 86, 3) for lon in range(-180, 180, 3)), key=coarse)
    step = 2.0
    for _ in range(12):
        around = [(best[0] + i * step / 2, best[1] + j * step / 2) for i in range(-3, 4) for j in range(-3, 4)]
        best = min(around, key=error)
        step /= 2
    return best


def write_csv(path, header, rows):
    with open(OUT / path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def read_csv(path):
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def cities(source):
    rows = []
    for row in read_csv(source / "geo" / "cities_100k.csv"):
        lat, lon = (f"{float(row[key]):.4f}" for key in ("lat", "lon"))
        # Two names go on with their province after a comma; without it no field needs quotes.
        name = " ".join(row["name"].split(",")[0].split())
        rows.append((name, row["country"], row["continent"], lat, lon, int(row["population"])))
    rows.sort(key=lambda row: (-row[5], row[1], row[0]))
    write_csv("geo/cities.csv", ("name", "country", "continent", "lat", "lon", "population"), rows)
    return len(rows)


def halves(ring):
    """A ring cut at the 180th meridian, where its original steps from one edge of the map to the other."""
    turned, around = [ring[0]], 0
    for (before, _), (lon, lat) in zip(ring, ring[1:]):
        around += 360 * ((before - lon > 180) - (lon - before > 180))
        turned.append([lon + around, lat])

    def cut(points, edge, sign):
        kept = []
        for (ax, ay), (bx, by) in zip(points[-1:] + points[:-1], points):
            if (sign * ax < sign * edge) != (sign * bx < sign * edge):
                kept.append([edge, round(ay + (by - ay) * (edge - ax) / (bx - ax), 2)])
            if sign * bx < sign * edge:
                kept.append([round(bx, 2), by])
        return kept

    parts = []
    for shift in (-360, 0, 360):
        part = cut([[lon + shift, lat] for lon, lat in turned], 180.0, 1)
        part = cut(part, -180.0, -1)
        if len(part) > 2:
            parts.append(part + part[:1])
    return parts


# No map shows what lies further south, and nobody lives there.
LAND_FROM_LAT = -60.0


def land(source):
    """The outline of the land: rings in degrees, a lake as a ring inside of another (fill by the even-odd rule)."""
    topology = json.loads((source / "geo" / "land-110m.json").read_text())
    (scale_x, scale_y), (first_x, first_y) = topology["transform"]["scale"], topology["transform"]["translate"]
    arcs = []
    for steps in topology["arcs"]:
        x = y = 0
        points = []
        for step_x, step_y in steps:
            x, y = x + step_x, y + step_y
            points.append([round(x * scale_x + first_x, 2), round(y * scale_y + first_y, 2)])
        arcs.append(points)
    rings = []
    for shape in topology["objects"]["land"]["geometries"]:
        for polygon in shape["arcs"]:
            for numbers in polygon:
                # A negative number is an arc that is followed backwards; arcs share the points where they meet.
                parts = [arcs[number] if number >= 0 else arcs[~number][::-1] for number in numbers]
                ring = [point for part in parts for point in part]
                ring = [point for at, point in enumerate(ring) if at == 0 or point != ring[at - 1]]
                crosses = any(abs(a[0] - b[0]) > 180 for a, b in zip(ring, ring[1:]))
                if max(lat for _, lat in ring) > LAND_FROM_LAT:
                    rings.extend(halves(ring) if crosses else [ring])
    text = json.dumps(rings, separators=(",", ":")).replace(".0,", ",").replace(".0]", "]")
    (OUT / "geo/land.json").write_text(text.replace("]],[[", "]],\n[[") + "\n", encoding="utf-8")
    return len(rings)


def measured(source):
    pings = read_csv(source / "net" / "city_pings_2018.csv.gz")
    sources = sorted({row["src_city"] for row in pings})
    # A destination reads "City Country, Continent": its city is the longest source name that starts it. Six cities
    # were destinations only; their country is one word.
    target = {}
    for text in {row["dst_city_country_region"] for row in pings}:
        known = [name for name in sources if text.startswith(name + " ")]
        target[text] = max(known, key=len) if known else text.split(", ")[0].rsplit(" ", 1)[0]
    names = sorted(set(sources) | set(target.values()))
    assert len(set(target.values())) == len(target), "two destinations share a name"
    index = {name: number for number, name in enumerate(names)}
    distances = {name: [] for name in names}
    for row in pings:
        a, b = row["src_city"], target[row["dst_city_country_region"]]
        distances[a].append((b, float(row["great_circle_km"])))
        distances[b].append((a, float(row["great_circle_km"])))
    return pings, target, names, index, distances


def place(source, names, distances):
    """(lat, lon, how) of each measured city; misplaced and unplaced ones are located by their distances."""
    place = {row["city"]: (float(row["Lat"]), float(row["Long"])) for row in read_csv(source / "net" / "cities.csv")}
    bad = {name for name in names if name not in place}
    while True:
        worst = (MISPLACED_KM, None)
        for name in names:
            if name not in bad:
                gaps = [abs(haversine_km(place[name], place[o]) - km) for o, km in distances[name] if o not in bad]
                worst = max(worst, (statistics.median(gaps), name))
        if worst[1] is None:
            break
        bad.add(worst[1])
    for name in sorted(bad):
        anchors = [(place[o], km) for o, km in distances[name] if o not in bad]
        found = locate(anchors)
        gap = statistics.median(abs(haversine_km(found, anchor) - km) for anchor, km in anchors)
        print(f"{name}: listed {place.get(name)}, its distances say {found} (median error {gap:.1f} km)")
        assert gap < 15, name
        place[name] = found
    return [(name, f"{place[name][0]:.4f}", f"{place[name][1]:.4f}", "distances" if name in bad else "file")
            for name in names]


def network(source):
    pings, target, names, index, distances = measured(source)
    write_csv("net/measured_cities.csv", ("name", "lat", "lon", "located"), place(source, names, distances))
    planes = [[MISSING] * len(names) ** 2 for _ in range(3)]
    for row in pings:
        cell = index[row["src_city"]] * len(names) + index[target[row["dst_city_country_region"]]]
        for plane, key in zip(planes, ("rtt_avg_ms", "rtt_min_ms", "rtt_mdev_ms")):
            plane[cell] = round(float(row[key]) * 100)
            assert plane[cell] < MISSING
    with open(OUT / "net/city_rtt.bin", "wb") as file:
        file.write(struct.pack("<I", len(names)))
        for plane in planes:
            file.write(b"".join(value.to_bytes(3, "little") for value in plane))
    return len(names), len(pings)


def regions(source):
    table = json.loads((source / "net" / "simblock_regions.json").read_text())
    rows = zip((name.lower() for name in table["regions"]), table["upload_bandwidth_2019"],
               table["download_bandwidth_2019"])
    write_csv("net/simblock_regions.csv", ("region", "upload_bps", "download_bps"), rows)


# So much of the long traces is shipped.
AZURE_LINES = 144
LCG_JOBS = 6000


def packed(name, data):
    """Writes a gzip file that depends on nothing but its content."""
    (OUT / "workloads").mkdir(exist_ok=True)
    (OUT / "workloads" / name).write_bytes(gzip.compress(data, 9, mtime=0))


def workloads(source):
    for name in ("openb_node_list_gpu_node.csv", "openb_pod_list_default.csv"):
        packed(f"{name}.gz", (source / "openb" / name).read_bytes())
    azure = source / "cluster" / "azure-v1"
    for original, name in (("v1.test.txt.xz", "flavors"), ("v1.test.c2591400.txt.xz", "durations")):
        lines = lzma.decompress((azure / original).read_bytes()).splitlines(keepends=True)
        packed(f"azure_v1_{name}.txt.gz", b"".join(lines[:AZURE_LINES]))
    for original, name in (("flav_map.txt", "flavor_map"), ("v1.interval_map.txt", "interval_map")):
        packed(f"azure_v1_{name}.txt.gz", (azure / original).read_bytes())
    lines = gzip.decompress((source / "cluster" / "LCG.swf.gz").read_bytes()).splitlines(keepends=True)
    comments = [line for line in lines if line.startswith(b";")]
    packed("lcg.swf.gz", b"".join(comments + [line for line in lines if not line.startswith(b";")][:LCG_JOBS]))


# The study of bidding has every fourth machine of the openb cluster, and the first half of an order of its pods, so that
# a draw of half of these asks for 130 % of the cards. A pod comes every so many seconds.
BIDDING_SEED, BIDDING_NODES, BIDDING_GAP_S = 42, 4, 5


def bidding(source):
    """The machines and pods of scenarios/studies/bidding, and the tables that `reproduce openb` compares with."""
    openb = source / "openb"
    header, *nodes = (openb / "openb_node_list_gpu_node.csv").read_text().splitlines()
    packed("openb_quarter_nodes.csv.gz", "\n".join([header, *nodes[::BIDDING_NODES], ""]).encode())
    pods = read_csv(openb / "openb_pod_list_default.csv")
    order = (openb / "orders" / f"openb_pod_list_default.{BIDDING_SEED}.bin").read_bytes()
    count = int.from_bytes(order[:4], "little")
    rows = [int.from_bytes(order[4 + 2 * i:6 + 2 * i], "little") for i in range(count // 2)]
    lines = ["name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,creation_time,deletion_time"]
    for place, row in enumerate(rows):
        pod = pods[row]
        values = [pod[key] for key in ("name", "cpu_milli", "memory_mib", "num_gpu", "gpu_milli", "gpu_spec")]
        lines.append(",".join([*values, str(place * BIDDING_GAP_S), ""]))
    packed("openb_half_order.csv.gz", ("\n".join(lines) + "\n").encode())
    (OUT / "openb" / "orders").mkdir(parents=True, exist_ok=True)
    (OUT / "openb" / "expected").mkdir(exist_ok=True)
    for seed in range(42, 47):
        name = f"orders/openb_pod_list_default.{seed}.bin"
        (OUT / "openb" / name).write_bytes((openb / name).read_bytes())
    for table in ("allo", "frag", "frag_ratio"):
        header, *lines = (openb / "expected" / f"{table}.csv").read_text().splitlines()
        kept = [line for line in lines if line.startswith("openb_pod_list_default,")]
        text = "\n".join([header, *kept]) + "\n"
        (OUT / "openb" / "expected" / f"{table}.csv.gz").write_bytes(gzip.compress(text.encode(), 9, mtime=0))


def main():
    source = pathlib.Path(sys.argv[1])
    print(f"{cities(source)} cities; {network(source)} measured cities and pairs; {land(source)} rings of land")
    regions(source)
    workloads(source)
    bidding(source)


if __name__ == "__main__":
    main()
