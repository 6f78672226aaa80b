// What the VPA recommender does with a history when it starts, by its own packages: its Prometheus provider reads it, and
// its model takes the samples, as `InitFromHistoryProvider` of its cluster feeder does.
//
//	vpa-history serve CPU.json MEMORY.json    answers on loopback with these files, until its input ends; prints its address
//	vpa-history load ADDRESS                  loads from there; prints how many samples it took
//	vpa-history recommend                     what the model keeps of the series on its input, and recommends (state.go)
//	vpa-history buckets                       the buckets of its histograms
//
// Two processes for a load, so that what the server costs does not count. No pod has labels here: the model then adds up by container
// name, which is the least work it can have.
package main

import (
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/autoscaler/vertical-pod-autoscaler/pkg/recommender/input/history"
	"k8s.io/autoscaler/vertical-pod-autoscaler/pkg/recommender/model"
)

func main() {
	log.SetFlags(0)
	args := os.Args[1:]
	switch {
	case len(args) == 3 && args[0] == "serve":
		serve(args[1], args[2])
	case len(args) == 2 && args[0] == "load":
		load(args[1])
	case len(args) == 1 && args[0] == "recommend":
		recommend(os.Stdin)
	case len(args) == 1 && args[0] == "buckets":
		buckets()
	default:
		log.Fatal("usage: vpa-history serve CPU.json MEMORY.json | load ADDRESS | recommend | buckets")
	}
}

func serve(cpu, memory string) {
	http.HandleFunc("/api/v1/query_range", func(answer http.ResponseWriter, request *http.Request) {
		file := memory
		if strings.HasPrefix(request.FormValue("query"), "rate(") {
			file = cpu
		}
		answer.Header().Set("Content-Type", "application/json")
		http.ServeFile(answer, request, file)
	})
	http.HandleFunc("/api/v1/query", func(answer http.ResponseWriter, _ *http.Request) {
		answer.Header().Set("Content-Type", "application/json")
		fmt.Fprint(answer, `{"status":"success","data":{"resultType":"matrix","result":[]}}`)
	})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("http://%s\n", listener.Addr())
	go func() { log.Fatal(http.Serve(listener, nil)) }()
	io.Copy(io.Discard, os.Stdin)
}

func load(address string) {
	provider, err := history.NewPrometheusHistoryProvider(history.PrometheusHistoryProviderConfig{
		Address:             address,
		QueryTimeout:        5 * time.Minute,
		HistoryLength:       "14d",
		HistoryResolution:   "5m",
		PodLabelsMetricName: `up{job="kubernetes-pods"}[14d]`,
		PodNamespaceLabel:   "namespace",
		PodNameLabel:        "pod",
		CtrNamespaceLabel:   "namespace",
		CtrPodNameLabel:     "pod",
		CtrNameLabel:        "container",
		CPUMetricName:       "container_cpu_usage_seconds_total",
		MemoryMetricName:    "container_memory_working_set_bytes",
	})
	if err != nil {
		log.Fatal(err)
	}
	pods, err := provider.GetClusterHistory()
	if err != nil {
		log.Fatal(err)
	}
	cluster, taken := model.NewClusterState(time.Hour), 0
	for pod, of := range pods {
		cluster.AddOrUpdatePod(pod, of.LastLabels, corev1.PodUnknown)
		for name, samples := range of.Samples {
			container := model.ContainerID{PodID: pod, ContainerName: name}
			if err := cluster.AddOrUpdateContainer(container, nil); err != nil {
				log.Fatal(err)
			}
			for _, sample := range samples {
				key := &model.ContainerUsageSampleWithKey{ContainerUsageSample: sample, Container: container}
				if err := cluster.AddSample(key); err != nil {
					log.Fatal(err)
				}
				taken++
			}
		}
	}
	fmt.Printf("%d samples\n", taken)
}
