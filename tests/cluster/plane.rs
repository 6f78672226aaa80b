//! The one control plane of this process: etcd and kube-apiserver with the CRDs at once; controllers, scheduler and fake nodes
//! when a test asks for them.

use std::fs;
use std::sync::OnceLock;
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::client::Client;
use crate::launch;
use crate::process::Programs;

/// Longest wait for a program or for the cluster to do its part; seconds are usual, the rest is for a loaded machine.
pub(crate) const PATIENCE: Duration = Duration::from_mins(2);
const CRDS: [&str; 3] = ["keda", "vpa", "argo-rollouts"];
/// A running control plane.
pub(crate) struct Plane {
    programs: Programs,
    pub(crate) client: Client,
    running: OnceLock<Result<(), String>>,
}

/// The plane of this process, started by whoever asks first. A start that failed fails every test with the same words.
pub(crate) fn plane() -> &'static Plane {
    static PLANE: OnceLock<Result<Plane, String>> = OnceLock::new();
    match PLANE.get_or_init(Plane::start) {
        Ok(plane) => plane,
        Err(why) => panic!("{why}"),
    }
}

impl Plane {
    fn start() -> Result<Self, String> {
        let programs = Programs::new()?;
        let [etcd, peer, api, proxy] = launch::free_ports();
        launch::etcd(&programs, etcd, peer)?;
        launch::api_server(&programs, etcd, api)?;
        launch::proxy(&programs, proxy)?;
        let plane = Self {
            client: Client::new(proxy),
            programs,
            running: OnceLock::new(),
        };
        plane.wait("kube-apiserver", "ready", || {
            (plane.client.get("/readyz").ok()? == "ok").then_some(())
        })?;
        for crd in CRDS {
            plane.load_crd(
                &fs::read_to_string(launch::tool(&format!("crds/{crd}.yaml"))?).map_err(|error| error.to_string())?,
            )?;
        }
        Ok(plane)
    }

    /// Creates the CRDs of `yaml` and waits until their kinds are served.
    fn load_crd(&self, yaml: &str) -> Result<(), String> {
        self.client.apply("default", yaml)?;
        let established = || {
            let list = self
                .client
                .json("/apis/apiextensions.k8s.io/v1/customresourcedefinitions")
                .ok()?;
            let is_served = |crd: &serde_json::Value| {
                let conditions = crd["status"]["conditions"].as_array().cloned().unwrap_or_default();
                conditions
                    .iter()
                    .any(|c| c["type"] == "Established" && c["status"] == "True")
            };
            list["items"].as_array()?.iter().all(is_served).then_some(())
        };
        self.wait("kube-apiserver", "serving the CRDs", established)
    }

    /// The same plane with controllers, scheduler and twelve fake nodes: three zones × spot and on-demand × two,
    /// each with 8 CPUs and 32Gi, spot ones tainted `karpenter.sh/capacity-type=spot:NoSchedule`.
    pub(crate) fn running(&self) -> &Self {
        if let Err(why) = self
            .running
            .get_or_init(|| launch::controllers(&self.programs).and_then(|()| self.add_nodes()))
        {
            panic!("{why}");
        }
        self
    }

    fn add_nodes(&self) -> Result<(), String> {
        for zone in ["a", "b", "c"] {
            for (capacity, twin) in [("spot", 1), ("spot", 2), ("on-demand", 1), ("on-demand", 2)] {
                self.client.apply("default", &node(zone, capacity, twin).to_string())?;
            }
        }
        // the controllers take their taint off when kwok has reported the node as Ready
        let untainted = || {
            let nodes = self.client.json("/api/v1/nodes").ok()?;
            nodes["items"]
                .as_array()?
                .iter()
                .all(|n| !n["spec"].to_string().contains("not-ready"))
                .then_some(())
        };
        self.wait("kwok", "keeping twelve nodes ready", untainted)
    }

    /// A namespace of the test's own, called `case`.
    pub(crate) fn namespace(&self, case: &str) -> String {
        self.client.ensure_namespace(case).unwrap();
        case.to_owned()
    }

    /// What the server says to every object of `yaml` if it were created: all fields known, all values valid, nothing stored.
    /// Namespaces that the objects name are created. `Err` holds the server's reasons, one line an object.
    pub(crate) fn dry_run_strict(&self, yaml: &str) -> Result<(), String> {
        self.client.dry_run_strict(yaml)
    }

    /// Creates or changes the objects of `yaml` (server-side apply), in `namespace` where they name none.
    pub(crate) fn apply(&self, namespace: &str, yaml: &str) -> Result<(), String> {
        self.client.apply(namespace, yaml)
    }

    fn wait(&self, program: &str, what: &str, ask: impl Fn() -> Option<()>) -> Result<(), String> {
        let deadline = Instant::now() + PATIENCE;
        while ask().is_none() {
            if Instant::now() > deadline {
                let said = self.programs.said(program);
                return Err(format!(
                    "{program} is not {what} after {} s; it said:\n{said}",
                    PATIENCE.as_secs()
                ));
            }
            sleep(Duration::from_millis(50));
        }
        Ok(())
    }
}

/// Asks until there is an answer; the words say what was waited for.
pub(crate) fn until<T>(what: &str, ask: impl Fn() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < deadline, "not within {} s: {what}", PATIENCE.as_secs());
        sleep(Duration::from_millis(50));
    }
}

fn node(zone: &str, capacity: &str, twin: u8) -> serde_json::Value {
    let taints = if capacity == "spot" {
        json!([{"key": "karpenter.sh/capacity-type", "value": "spot", "effect": "NoSchedule"}])
    } else {
        json!([])
    };
    let name = format!("{zone}-{capacity}-{twin}");
    json!({
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "labels": {
                "kubernetes.io/hostname": name,
                "topology.kubernetes.io/zone": format!("zone-{zone}"),
                "karpenter.sh/capacity-type": capacity,
            },
        },
        "spec": {"taints": taints},
        "status": {
            "capacity": {"cpu": "8", "memory": "32Gi", "pods": "110"},
            "allocatable": {"cpu": "8", "memory": "32Gi", "pods": "110"},
        },
    })
}
