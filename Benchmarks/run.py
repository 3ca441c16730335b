"""Runs Concord's benchmarks and writes results.json and report.html.

    python3 Benchmarks/run.py --concord .build/release/concord --output .build/bench [--flower PYTHON] [--case NAME]...

Every Concord figure stands beside the floor measured in the same run; Flower runs on the same machine, right after the
Concord case of the same size. Needs nothing but Python's standard library; Flower runs in the interpreter given.
"""

import argparse
import html
import json
import os
import platform
import subprocess
import sys
import time

# name, arguments of `concord bench secagg`, the Flower case beside it (dropped nodes, neighbours of its sparse graph or None;
# None: no Flower case), what must hold
CASES = [
    ("n1000-d1M", "--nodes 1000 --dimension 1000000 --corrupt 50 --dropout 0.1", None,
     {"client": 1.3, "server": 1.2, "memory": 64 << 20, "upload": 1.03}),
    # At every width of a lane: narrow ones cost less, wide ones resolve more.
    ("n20-d1M", "--nodes 20 --dimension 1000000 --corrupt 1 --dropout 0", (0, 9), {}),
    ("n20-d1M-3lanes", "--nodes 20 --dimension 1000000 --corrupt 1 --dropout 0 --lanes 3", (0, None), {}),
    ("n20-d1M-4lanes", "--nodes 20 --dimension 1000000 --corrupt 1 --dropout 0 --lanes 4", (0, None), {}),
    ("n100-d100k", "--nodes 100 --dimension 100000 --corrupt 5 --dropout 0.1", (10, 15), {}),
    ("n100-d25M", "--nodes 100 --dimension 25000000 --corrupt 5 --dropout 0.1", None, {}),
    ("n10000-d100k", "--nodes 10000 --dimension 100000 --corrupt 100 --dropout 0.1", None, {"upload": 1.03}),
    ("n1000-d1M-3lanes", "--nodes 1000 --dimension 1000000 --corrupt 50 --dropout 0.1 --lanes 3", None, {}),
    ("n1000-d1M-sealed", "--nodes 1000 --dimension 1000000 --corrupt 50 --dropout 0.1 --sealed", None, {}),
]
FLOWER_TOTAL, FLOWER_SERVER = 10, 25  # times less CPU than Flower
# Short cases run by turns, ours and Flower's, because the same code varies by a tenth from one minute to the next.
FLOWER_TURNS, SHORT_SECONDS = 5, 30


def run(command):
    print("$", " ".join(command), file=sys.stderr, flush=True)
    start = time.time()
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if done.returncode not in (0, 1):
        raise SystemExit(f"{command[0]} failed with {done.returncode}")
    print(f"  {time.time() - start:.0f} s", file=sys.stderr, flush=True)
    return json.loads(done.stdout)


def ratios(case, flower, everything=False):
    """How many times our CPU time Flower takes: all parties, and the server."""
    server = case["serverTotalCPUSeconds"] + (case["serverIntakeCPUSeconds"] if everything else 0)
    return flower["totalCPUSeconds"] / total_cpu(case, everything), flower["serverCPUSeconds"] / server


def measure(arguments, options, peer):
    """A case, with Flower beside it if there is one: of several turns of both, the one of the median ratio of all CPU time."""
    ours = [arguments.concord, "bench", "secagg", *options.split(), "--json"]
    case = run(ours)
    if not (peer and arguments.flower):
        return {"concord": case}
    here = os.path.dirname(os.path.abspath(__file__))
    request = case["request"]
    theirs = [arguments.flower, os.path.join(here, "Flower", "round.py"), "--nodes", str(request["nodes"]),
              "--dimension", str(request["dimension"]), "--dropped", str(peer[0])]
    turns = [(case, run(theirs))]
    while turns[0][1]["totalCPUSeconds"] < SHORT_SECONDS and len(turns) < FLOWER_TURNS:
        turns.append((run(ours), run(theirs)))
    turns.sort(key=lambda turn: ratios(*turn)[0])
    case, flower = turns[len(turns) // 2]
    result = {"concord": case, "flower": flower, "turns": [ratios(*turn) for turn in turns]}
    if peer[1]:
        result["flowerSparse"] = run(theirs + ["--shares", str(peer[1])])
    return result


def verdicts(case, targets, flower):
    """Every target of a case: what it is, the figure, the bound, whether it holds."""
    rows = [("the sum is right", case["sumCorrect"], True, case["sumCorrect"])]
    for party in ("client", "server"):
        if party in targets:
            ratio = case[party]["ratio"]
            rows.append((f"{party}, CPU over floor", round(ratio, 3), f"≤ {targets[party]}", ratio <= targets[party]))
    if "memory" in targets:
        used = case["serverMemoryBytes"]
        rows.append(("server memory, MiB", round(used / 2**20, 1), f"≤ {targets['memory'] >> 20}", used <= targets["memory"]))
    if "upload" in targets:
        ratio = case["upload"]["ratio"]
        rows.append(("upload over minimum", round(ratio, 4), f"≤ {targets['upload']}", ratio <= targets["upload"]))
    if flower:
        total, server = ratios(case, flower)
        rows.append(("Flower's average is right", flower["correct"], True, flower["correct"]))
        rows.append(("Flower's total CPU over ours", round(total, 1), f"≥ {FLOWER_TOTAL}", total >= FLOWER_TOTAL))
        rows.append(("Flower's server CPU over ours", round(server, 1), f"≥ {FLOWER_SERVER}", server >= FLOWER_SERVER))
    return rows


def total_cpu(case, everything=False):
    """What the protocol made every party compute, prekeys included, but not what the peer has nothing like: checks of shares
    before they are needed, and hashing and sealing of uploads. `everything` adds those."""
    return sum(
        phase["cpuSeconds"]
        for phase in case["phases"]
        if everything or (phase["party"] != "intake" and not phase["name"].startswith("check shares as they come"))
    )


def information(result):
    """Sentences about Flower beside a case that no target rests on."""
    case, flower, sparse = result["concord"], result.get("flower"), result.get("flowerSparse")
    lines = []
    if len(result.get("turns", [])) > 1:
        totals, servers = ([f"{ratio:.1f}" for ratio in side] for side in zip(*result["turns"]))
        lines.append(f"in {len(totals)} turns Flower took {', '.join(totals)} times our total and {', '.join(servers)} times our server")
    if sparse:
        lines.append(f"Flower's sparse graph of {sparse['shares']} takes {ratios(case, sparse)[0]:.1f} times our total")
    if flower:
        total, server = ratios(case, flower, everything=True)
        lines.append(f"with share checks, and with every chunk hashed and sealed, Flower takes {total:.1f} times our total and "
                     f"{server:.1f} times our server")
        lines.append(f"the largest error of Flower's average is {flower['largestError']:.2g}")
    return lines


def bars(rows):
    """Horizontal bars: name, seconds, colour class."""
    width, unit = 520, max(seconds for _, seconds, _ in rows) or 1
    parts = [f'<svg role="img" aria-label="CPU seconds" viewBox="0 0 860 {len(rows) * 26 + 4}">']
    for index, (name, seconds, kind) in enumerate(rows):
        top = index * 26 + 4
        parts.append(f'<text x="220" y="{top + 14}" text-anchor="end">{html.escape(name)}</text>')
        parts.append(f'<rect x="230" y="{top}" width="{max(1, seconds / unit * width):.1f}" height="18" class="{kind}"/>')
        parts.append(f'<text x="{238 + seconds / unit * width:.1f}" y="{top + 14}">{seconds:.4g} s</text>')
    return "".join(parts) + "</svg>"


def page(results):
    sections = []
    for name, result in results["cases"].items():
        case, flower = result["concord"], result.get("flower")
        request = case["request"]
        rows = []
        for party, title in (("client", "one client"), ("server", "server, unmask"), ("committee", "one member")):
            rows.append((title, case[party]["cpuSeconds"], "ours"))
            rows.append((title + ": floor", case[party]["floorSeconds"], "floor"))
        chart = bars(rows)
        if flower:
            chart += bars(
                [
                    ("Concord, all parties", total_cpu(case), "ours"),
                    ("with share checks and intake", total_cpu(case, everything=True), "ours"),
                    ("Flower, all parties", flower["totalCPUSeconds"], "peer"),
                    ("Concord, server", case["serverTotalCPUSeconds"], "ours"),
                    ("with intake", case["serverTotalCPUSeconds"] + case["serverIntakeCPUSeconds"], "ours"),
                    ("Flower, server", flower["serverCPUSeconds"], "peer"),
                ]
            )
        table = "".join(
            f"<tr><td>{html.escape(what)}</td><td>{figure}</td><td>{html.escape(str(bound))}</td>"
            f"<td>{'holds' if holds else 'does not hold'}</td></tr>"
            for what, figure, bound, holds in result["verdicts"]
        )
        sections.append(
            f"<h2>{html.escape(name)}</h2><p>{request['nodes']} nodes, {request['dimension']:,} coordinates, "
            f"{case['survivors']} survivors, C = {request['corrupt']}, {case['masks']:,} masks, {request['lanes']} lanes</p>"
            f"{chart}<table><tr><th>figure</th><th>measured</th><th>bound</th><th>verdict</th></tr>{table}</table>"
            + "".join(f"<p>For information: {html.escape(line)}.</p>" for line in result["information"])
        )
    return f"""<!doctype html><html lang="en"><meta charset="utf-8"><title>Concord: secure aggregation beside its floor</title>
<style>body{{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1b1f24;background:#fff}}
svg{{width:100%;height:auto;font-size:13px}}.ours{{fill:#1f6feb}}.floor{{fill:#8c959f}}.peer{{fill:#9a6700}}
table{{border-collapse:collapse;margin:.5rem 0 2rem}}td,th{{border:1px solid #8c959f;padding:.2rem .6rem;text-align:left}}</style>
<h1>Secure aggregation beside its floor</h1><p>{html.escape(results['machine'])}. The floor is the time that raw AES-256-CTR,
X25519, Ed25519 and additions take for exactly the work of a party, measured in the same run.</p>{''.join(sections)}</html>"""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--concord", required=True)
    parser.add_argument("--output", required=True)
    parser.add_argument("--flower", help="a Python interpreter with Flower; left out, Flower is not measured")
    parser.add_argument("--case", action="append", choices=[case[0] for case in CASES])
    arguments = parser.parse_args()
    os.makedirs(arguments.output, exist_ok=True)
    model = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "")
    results = {"machine": f"{model}, {os.cpu_count()} cores, {platform.system()} {platform.release()}", "cases": {}}
    for name, options, peer, targets in CASES:
        if arguments.case and name not in arguments.case:
            continue
        result = measure(arguments, options, peer)
        case = result["concord"]
        result["verdicts"] = verdicts(case, targets, result.get("flower"))
        result["information"] = information(result)
        for line in result["information"]:
            print(f"{name:18} for information: {line}")
        results["cases"][name] = result
        for what, figure, bound, holds in result["verdicts"]:
            print(f"{name:18} {what:32} {figure!s:>10}  {bound!s:8} {'holds' if holds else 'DOES NOT HOLD'}", flush=True)
        # After every case: a long run that is cut off keeps what it measured.
        with open(os.path.join(arguments.output, "results.json"), "w") as file:
            json.dump(results, file, indent=1)
        with open(os.path.join(arguments.output, "report.html"), "w") as file:
            file.write(page(results))
    if not arguments.flower:
        print("Flower was not measured: no interpreter with it was given")
    return 0 if all(row[3] for result in results["cases"].values() for row in result["verdicts"]) else 1


if __name__ == "__main__":
    sys.exit(main())
