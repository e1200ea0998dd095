"""The load generator's batches, as ratios to the place without filters that goes before each."""
import os
import statistics
import subprocess

from .places import PEER, run


def measure(build, mode, rounds, milliseconds, base, places):
    """Runs the load generator; returns {name: [(ratio, base p50, own p50, own p99)]}."""
    cpu = str(os.cpu_count() - 1)
    output = run(os.path.join(build, "bench/load"), mode, str(rounds), str(milliseconds), cpu, PEER,
                 *(f"{p.name},{p.netns},{p.cgroup},{p.address}" for p in [base, *places]),
                 stdout=subprocess.PIPE).stdout
    results = {place.name: [] for place in places}
    for line in output.splitlines():
        name, _, base_p50, _, p50, p99 = line.split()
        results[name].append((int(p50) / int(base_p50), int(base_p50), int(p50), int(p99)))
    return results


def summarise(place, rows):
    ratios = sorted(row[0] for row in rows)
    return {"name": place.name, "ratio_p10": round(ratios[len(ratios) // 10], 3),
            "ratio_median": round(statistics.median(ratios), 3),
            "ratio_p90": round(ratios[len(ratios) * 9 // 10], 3),
            "added_us": round(statistics.median(row[2] - row[1] for row in rows) / 1000, 2),
            "p50_us": round(statistics.median(row[2] for row in rows) / 1000, 2),
            "p99_us": round(statistics.median(row[3] for row in rows) / 1000, 2),
            "load_ms": round(place.load_ms, 1)}


def print_table(title, rows):
    print(f"\n{title}, ratio to no filter\n{'place':<16}{'p10':>8}{'median':>8}{'p90':>8}"
          f"{'added us':>10}{'p50 us':>10}{'p99 us':>10}{'set-up ms':>11}")
    for row in rows:
        print(f"{row['name']:<16}{row['ratio_p10']:>8.3f}{row['ratio_median']:>8.3f}"
              f"{row['ratio_p90']:>8.3f}{row['added_us']:>10.2f}{row['p50_us']:>10.2f}"
              f"{row['p99_us']:>10.2f}{row['load_ms']:>11.1f}", flush=True)
