// Read, never built: the CRDs and the scaler schema lie in these modules' folders.
module trimtab.dev/tools/crds

go 1.26.0

require (
	github.com/argoproj/argo-rollouts v1.9.0
	github.com/kedacore/keda/v2 v2.21.0
	k8s.io/autoscaler/vertical-pod-autoscaler v1.8.1
)
