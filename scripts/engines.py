"""The SQL that `trimtab profile --print-sql` prints, run by real engines: the rows they count must give the sketch, demand
and state lines that trimtab makes of the samples themselves, for any number of threads or partitions.

    python3 scripts/engines.py TRIMTAB FOLDER ENGINE...      duckdb parquet datafusion spark

Each engine is a Python package; scripts/test-engines.sh brings them. SIZE is the number of workloads.
"""

import csv, glob, os, shutil, subprocess, sys, time

MONDAY = 1_791_158_400  # 2026-10-05T00:00:00Z
STEP = 300
DAYS = 9
HEADER = ["namespace", "workload_type", "workload", "container", "metric", "pod", "ts", "value"]


class Random:
    """Park and Miller's minimal standard generator: the same numbers everywhere."""

    def __init__(self, seed):
        self.state = seed

    def below(self, most):
        self.state = self.state * 16_807 % 2_147_483_647
        return self.state % most


def values(random, metric, workload):
    """One amount: zero with both signs, edges of buckets, digits that a product with the scale moves, and all in between."""
    draw = random.below(1000)
    if draw < 4:
        return ["0", "-0.0", "nan", "inf"][draw]
    if draw < 6:
        return "-1.5"
    if metric in ("replicas", "hpa_max"):
        return str(1 + random.below(12))
    if metric.startswith("memory"):
        edge = 1 << (5 + random.below(34))
        return str([4096 * (20_000 + random.below(3000)), edge - 1, edge, edge + 1][random.below(4) if draw < 300 else 0])
    if draw < 200:  # a power of two of units, one less, one more
        unit = 10 ** (9 if metric.startswith("cpu") else 6)
        return repr(((1 << random.below(41)) + random.below(3) - 1) / unit)
    if draw < 400:  # 0.29, 0.57, 1.15: times 10^9 they are not what they look like
        return repr(random.below(10_000) / 100)
    return repr((1 + workload % 17) * random.below(1_000_000_007) / 3_000_000_021)


def samples(workloads, shift):
    """Rows of HEADER. With `shift`, pods are scraped each at its own second."""
    random = Random(7)
    for workload in range(workloads):
        kind = ["Deployment", "StatefulSet", "DaemonSet"][workload % 3]
        namespace = ["shop", "payments"][workload % 2]
        name = f"svc-{workload:03}"
        of_pods = [("cpu", 3), ("memory", 3), ("throttling", 2), ("cpu_request", 3), ("memory_limit", 1)]
        of_workload = [("rate", 3), ("latency", 2), ("queue", 1), ("replicas", 1), ("startup", 2), ("hpa_max", 1)]
        wanted = of_pods + (of_workload if workload % 5 == 0 else [])
        for metric, pods in wanted:
            for pod in range(pods):
                begin = (workload * 37 + pod * 11) % 400
                for cell in range(begin, DAYS * 288 - 13 * pod):
                    if random.below(100) == 0:
                        continue
                    value = values(random, metric, workload)
                    at = MONDAY + STEP * (cell + 1) + (shift * (pod * 7 + 1) if shift else 0)
                    yield [namespace, kind, name, "app", metric, f"{name}-{pod}", at, value]


def write(path, rows):
    with open(path, "w", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(HEADER)
        out.writerows(rows)


def profile(trimtab, files, target, *flags):
    subprocess.run([trimtab, "profile", *files, *flags, "-o", target], check=True, stderr=subprocess.PIPE)
    with open(target) as file:
        return [line for line in file if any(record in line for record in (".sketch ", ".demand ", ".state "))]


def statements(trimtab, engine, *flags):
    text = subprocess.run([trimtab, "profile", "--print-sql", engine, *flags], check=True, capture_output=True, text=True).stdout
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("--")]
    return [part.strip() for part in "\n".join(lines).split(";") if part.strip()]


def duckdb(sql, path, threads):
    import duckdb

    with duckdb.connect(config={"threads": threads}) as engine:
        engine.execute(
            f"CREATE VIEW samples AS SELECT * FROM read_csv('{path}', header = true, types = {{'value': 'DOUBLE', 'ts': 'BIGINT'}})"
        )
        for statement in sql:
            engine.execute(statement)
    return ["buckets.csv", "instants.csv"]


def parquet(sql, path, threads):
    """DuckDB again, with its rows in Parquet."""
    duckdb([statement.replace(".csv'", ".parquet'").replace("FORMAT csv, HEADER", "FORMAT parquet") for statement in sql], path, threads)
    return ["buckets.parquet", "instants.parquet"]


def datafusion(sql, path, threads):
    import datafusion, pyarrow

    context = datafusion.SessionContext(datafusion.SessionConfig().with_target_partitions(threads))
    types = {"ts": pyarrow.int64(), "value": pyarrow.float64()}
    schema = pyarrow.schema([(name, types.get(name, pyarrow.string())) for name in HEADER])
    context.register_csv("samples", path, schema=schema)
    for statement in sql:
        context.sql(statement).collect()
    return ["buckets.csv", "instants.csv"]


def spark(sql, path, executors):
    from pyspark.sql import SparkSession

    # each executor is a process of its own, as on a cluster
    builder = SparkSession.builder.master(f"local-cluster[{executors},1,1024]").appName("trimtab")
    options = {"spark.ui.enabled": "false", "spark.ui.showConsoleProgress": "false", "spark.sql.shuffle.partitions": 2 * executors, "spark.driver.host": "127.0.0.1"}
    for name, value in options.items():
        builder = builder.config(name, str(value))
    session = builder.getOrCreate()
    try:
        session.sparkContext.setLogLevel("ERROR")
        schema = ", ".join(f"{name} {dict(ts='BIGINT', value='DOUBLE').get(name, 'STRING')}" for name in HEADER)
        table = session.read.csv(path, schema=schema, header=True, nanValue="nan", positiveInf="inf")
        table.repartition(3 * executors).createOrReplaceTempView("samples")
        for statement in sql:
            session.sql(statement)
    finally:
        session.stop()
    return sorted(glob.glob("buckets/*.csv") + glob.glob("instants/*.csv"))


def lake(trimtab, path, expected):
    """The samples themselves in Parquet, as DuckDB writes it by its options."""
    import duckdb

    engine = duckdb.connect()
    text = {"namespace": "VARCHAR", "value": "DOUBLE", "ts": "BIGINT"}
    engine.execute(f"CREATE TABLE samples AS SELECT * FROM read_csv('{path}', header = true, types = {text})")
    times = "SELECT * REPLACE (to_timestamp(ts) AS ts) FROM samples"
    for name, query, options in [
        ("snappy", "FROM samples", ""),
        ("zstd", times, ", COMPRESSION zstd, ROW_GROUP_SIZE 10000"),
        ("gzip", f"{times} ORDER BY metric, pod, ts", ", COMPRESSION gzip, PARQUET_VERSION V2"),
        ("plain", "FROM samples ORDER BY ts", ", COMPRESSION uncompressed, PARQUET_VERSION V2, DICTIONARY_SIZE_LIMIT 1"),
    ]:
        engine.execute(f"COPY ({query}) TO 'lake.parquet' (FORMAT parquet{options})")
        found = profile(trimtab, ["lake.parquet"], "lake.yaml")
        assert found == expected, f"parquet, {name}: {len(found)} lines of {len(expected)}"
        print(f"parquet {name}: {len(expected)} lines equal, {os.path.getsize('lake.parquet')} bytes", flush=True)


ENGINES = {"duckdb": (duckdb, (1, 2, 4)), "parquet": (parquet, (1,)), "datafusion": (datafusion, (1, 2, 4)), "spark": (spark, (1, 2))}


def compare(trimtab, folder, name, shift, engines):
    os.chdir(folder)
    path = os.path.join(folder, f"{name}.csv")
    write(path, samples(int(os.environ.get("SIZE", "12")), shift))
    flags = ["--off-grid"] if shift else []
    expected = profile(trimtab, [path], f"{name}.yaml")
    assert len(expected) > 50, f"only {len(expected)} lines to compare"
    for engine in engines:
        run, widths = ENGINES[engine]
        sql = statements(trimtab, "duckdb" if engine == "parquet" else engine, *flags)
        if engine == "parquet":
            lake(trimtab, path, expected)
        for width in widths:
            for old in ("buckets", "instants"):
                shutil.rmtree(old, ignore_errors=True)
            began = time.monotonic()
            rows = run(sql, path, width)
            took = time.monotonic() - began
            found = profile(trimtab, rows, f"{name}-{engine}-{width}.yaml")
            different = [pair for pair in zip(expected, found) if pair[0] != pair[1]]
            assert len(found) == len(expected) and not different, f"{engine}, {name}, {width}: {len(found)} lines of {len(expected)}, first {different[:1]}"
            print(f"{engine} {name}: {len(expected)} lines equal with {width} at a time, {took:.1f} s", flush=True)


def main():
    trimtab, folder, *engines = sys.argv[1:]
    trimtab = os.path.abspath(trimtab)
    os.makedirs(folder, exist_ok=True)
    folder = os.path.abspath(folder)
    compare(trimtab, folder, "on-grid", 0, engines)
    compare(trimtab, folder, "off-grid", 1, engines)


main()
