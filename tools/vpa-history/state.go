package main

import (
	"bufio"
	"fmt"
	"io"
	"log"
	"math"
	"os"
	"reflect"
	"sort"
	"strconv"
	"strings"
	"time"

	"k8s.io/autoscaler/vertical-pod-autoscaler/pkg/recommender/logic"
	"k8s.io/autoscaler/vertical-pod-autoscaler/pkg/recommender/model"
	"k8s.io/autoscaler/vertical-pod-autoscaler/pkg/recommender/util"
)

// What the model keeps of series, and what the recommender makes of that. In, series by series:
//
//	= WORKLOAD CONTAINER POD cpu|memory
//	MILLISECONDS CORES|BYTES
//
// Out, a line for each container:
//
//	WORKLOAD CONTAINER cpu TARGET LOWER UPPER STATE memory TARGET LOWER UPPER STATE
//
// in millicores and bytes, where STATE is `reference:total:first bucket:weight,…`, floats by their bits. Pods of a workload
// have the same labels here, so that they share what the model keeps.
func recommend(input io.Reader) {
	type pod struct{ workload, container, name string }
	states := map[string]model.ContainerNameToAggregateStateMap{}
	pods := map[pod]*model.ContainerState{}
	var container *model.ContainerState
	var resource model.ResourceName
	lines := bufio.NewScanner(input)
	lines.Buffer(make([]byte, 1<<20), 1<<20)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) == 5 && fields[0] == "=" {
			of := pod{fields[1], fields[2], fields[3]}
			resource = model.ResourceName(fields[4])
			if states[of.workload] == nil {
				states[of.workload] = model.ContainerNameToAggregateStateMap{}
			}
			if states[of.workload][of.container] == nil {
				states[of.workload][of.container] = model.NewAggregateContainerState()
			}
			if pods[of] == nil {
				pods[of] = model.NewContainerState(nil, states[of.workload][of.container])
			}
			container = pods[of]
			continue
		}
		if len(fields) != 2 {
			log.Fatalf("no sample: %s", lines.Text())
		}
		at, err := strconv.ParseInt(fields[0], 10, 64)
		if err != nil {
			log.Fatal(err)
		}
		value, err := strconv.ParseFloat(fields[1], 64)
		if err != nil {
			log.Fatal(err)
		}
		// as the history provider does it
		amount := model.MemoryAmountFromBytes(value)
		if resource == model.ResourceCPU {
			amount = model.CPUAmountFromCores(value)
		}
		container.AddSample(&model.ContainerUsageSample{MeasureStart: time.UnixMilli(at), Usage: amount, Resource: resource})
	}
	if err := lines.Err(); err != nil {
		log.Fatal(err)
	}
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	// the defaults of config.DefaultRecommenderConfig, whose package draws in half of Kubernetes
	recommender := logic.CreatePodResourceRecommender(logic.RecommendationConfig{
		SafetyMarginFraction:       0.15,
		PodMinCPUMillicores:        25,
		PodMinMemoryMb:             250,
		TargetCPUPercentile:        0.9,
		LowerBoundCPUPercentile:    0.5,
		UpperBoundCPUPercentile:    0.95,
		ConfidenceIntervalCPU:      24 * time.Hour,
		TargetMemoryPercentile:     0.9,
		LowerBoundMemoryPercentile: 0.5,
		UpperBoundMemoryPercentile: 0.95,
		ConfidenceIntervalMemory:   24 * time.Hour,
	})
	for _, workload := range sorted(states) {
		recommended := recommender.GetRecommendedPodResources(states[workload])
		for _, name := range sorted(states[workload]) {
			state, of := states[workload][name], recommended[name]
			fmt.Fprintf(out, "%s %s", workload, name)
			write(out, model.ResourceCPU, of, state.AggregateCPUUsage)
			write(out, model.ResourceMemory, of, state.AggregateMemoryPeaks)
			fmt.Fprintln(out)
		}
	}
}

func write(out io.Writer, resource model.ResourceName, of logic.RecommendedContainerResources, histogram util.Histogram) {
	fmt.Fprintf(out, " %s %d %d %d %s", resource, of.Target[resource], of.LowerBound[resource], of.UpperBound[resource], kept(histogram))
}

// What a histogram holds, read past the package's doors.
func kept(histogram util.Histogram) string {
	decaying := reflect.ValueOf(histogram).Elem()
	plain := decaying.FieldByName("histogram")
	weights := plain.FieldByName("bucketWeight")
	first, last := int(plain.FieldByName("minBucket").Int()), int(plain.FieldByName("maxBucket").Int())
	// the fields of a time are private too: what the histogram says of itself begins with it
	said := strings.SplitN(strings.TrimPrefix(histogram.String(), "referenceTimestamp: "), ", halfLife", 2)[0]
	reference, err := time.Parse("2006-01-02 15:04:05 -0700 MST", said)
	if err != nil {
		log.Fatal(err)
	}
	var text strings.Builder
	fmt.Fprintf(&text, "%d:%016x:%d:", reference.Unix(), math.Float64bits(plain.FieldByName("totalWeight").Float()), first)
	for bucket := first; bucket <= last; bucket++ {
		if bucket > first {
			text.WriteByte(',')
		}
		fmt.Fprintf(&text, "%016x", math.Float64bits(weights.Index(bucket).Float()))
	}
	return text.String()
}

// The buckets of both resources: a line for each, with the least millicores and bytes that fall into it, and where it
// starts in cores and bytes, by the bits of these.
func buckets() {
	of := model.GetAggregationsConfig()
	millicores := func(amount int64) float64 { return model.CoresFromCPUAmount(model.ResourceAmount(amount)) }
	bytes := func(amount int64) float64 { return model.BytesFromMemoryAmount(model.ResourceAmount(amount)) }
	for bucket := range of.CPUHistogramOptions.NumBuckets() {
		fmt.Println(
			least(of.CPUHistogramOptions, bucket, millicores),
			least(of.MemoryHistogramOptions, bucket, bytes),
			math.Float64bits(of.CPUHistogramOptions.GetBucketStart(bucket)),
			math.Float64bits(of.MemoryHistogramOptions.GetBucketStart(bucket)),
		)
	}
}

func least(options util.HistogramOptions, bucket int, value func(int64) float64) int64 {
	const beyond = int64(2e12)
	return int64(sort.Search(int(beyond), func(amount int) bool { return options.FindBucket(value(int64(amount))) >= bucket }))
}

func sorted[V any](of map[string]V) []string {
	names := make([]string, 0, len(of))
	for name := range of {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}
