# shellcheck shell=bash
# What the benchmarks measure with and on; sourced by bench.sh, bench-start.sh and bench-history.sh. Same bytes on each machine.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# Sets `trimtab`: what TRIMTAB names, else the release build.
trimtab_built() {
  # shellcheck disable=SC2034 # for who sources this
  trimtab=${TRIMTAB:-${CARGO_TARGET_DIR:-$root/target}/release/trimtab}
  if [ -z "${TRIMTAB-}" ]; then (cd "$root" && cargo build --quiet --locked --release --bin trimtab); fi
}

# export_of SIGNAL FORMAT WORKLOADS PODS DAYS NAMESPACE: what Prometheus answers to a `query_range` of 5 minutes (`json`), or
# the same as `csv`. Several pods change their names half-way (a roll-out); each has its own noise around a daily curve. Without a
# NAMESPACE (json alone) the series do not say theirs.
export_of() {
  awk -v signal="$1" -v format="$2" -v workloads="$3" -v pods="$4" -v days="$5" -v namespace="$6" '
    # the minimal standard generator of Park and Miller: the same numbers in every awk
    function random() { seed = (seed * 16807) % 2147483647; return seed / 2147483647 }
    BEGIN {
      seed = (signal == "cpu") ? 7 : 11; start = 1793577600; steps = days * 288; rollouts = (pods > 1) ? 2 : 1; each = int(steps / rollouts)
      if (namespace != "") label = sprintf("\"namespace\":\"%s\",", namespace)
      if (format == "csv") print "time,namespace,pod,container,value"
      else printf "{\"status\":\"success\",\"data\":{\"resultType\":\"matrix\",\"result\":["
      for (w = 1; w <= workloads; w++) for (rollout = 0; rollout < rollouts; rollout++) for (pod = 1; pod <= pods; pod++) {
        name = sprintf("svc-%05d-%s-%s", w, rollout ? "6c8d5f7b9d" : "7d9f8b6c5f", substr("abcdeabcdgabcdh", 5 * pod - 4, 5))
        if (format != "csv") {
          if (between++) printf ","
          printf "{\"metric\":{\"container\":\"app\",\"deployment\":\"svc-%05d\",%s\"pod\":\"%s\"},\"values\":[", w, label, name
        }
        for (s = rollout * each; s < (rollout + 1) * each; s++) {
          load = (1 + w % 17) * (1.2 + sin(s / 288 * 6.283185)) * (0.85 + 0.3 * random())
          if (signal == "cpu") value = sprintf("%d.%09d%07d", load / 20, int(load * 50000000) % 1000000000, 10000000 * random())
          else value = sprintf("%d", 4096 * int(20000 + 3000 * load))
          if (format == "csv") printf "%d,%s,%s,app,%s\n", start + 300 * (s + 1), namespace, name, value
          else printf "%s[%d,\"%s\"]", (s == rollout * each) ? "" : ",", start + 300 * (s + 1), value
        }
        if (format != "csv") printf "]}"
      }
      if (format != "csv") print "]}}"
    }'
}

# manifests N NAMESPACE [alone]: N Deployments of 20 shapes, each with its Service unless alone
manifests() {
  awk -v n="$1" -v namespace="$2" -v services="${3-with}" 'BEGIN {
    for (i = 1; i <= n; i++) {
      name = sprintf("svc-%05d", i); cpu = 100 + 50 * (i % 20); memory = 128 + 64 * (i % 20)
      if (services == "with") printf "apiVersion: v1\nkind: Service\nmetadata:\n  name: %s\n  namespace: %s\nspec:\n  selector: {app: %s}\n  ports: [{name: http, port: 80, targetPort: 8080}]\n---\n", name, namespace, name
      printf "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: %s\n  namespace: %s\n  labels: {app: %s}\nspec:\n  replicas: %d\n", name, namespace, name, 2 + i % 5
      printf "  selector:\n    matchLabels: {app: %s}\n  template:\n    metadata:\n      labels: {app: %s}\n    spec:\n      containers:\n", name, name
      printf "      - name: app\n        image: registry.example/%s:1.0.%d\n        ports: [{containerPort: 8080}]\n", name, i
      printf "        env: [{name: A, value: \"1\"}, {name: B, value: \"on\"}, {name: C, value: text of some length}]\n"
      printf "        readinessProbe: {httpGet: {path: /ready, port: 8080}}\n"
      printf "        resources:\n          requests: {cpu: %dm, memory: %dMi}\n          limits: {memory: %dMi}\n---\n", cpu, memory, 2 * memory
    }
  }'
}

# policy SETTING...: one rule for all, with these lines in it
policy() {
  cat <<'YAML'
apiVersion: trimtab.dev/v1alpha1
kind: OptimizationPolicy
metadata: {name: bench}
spec:
  environment: bench
  mode: enforce
  cluster: {kubernetes: "1.33", provider: aws, addons: {vpa: "1.5"}}
  workloads:
    all:
      match: {names: {"svc-*": true}}
YAML
  printf '      %s\n' "$@"
}
