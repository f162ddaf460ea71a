package k8s

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
)

// A Kubelet that runs nothing: it says of each pod that it is ready, of a job's that it has ended, and lets go of those that are deleted.
type kubelet struct {
	lock sync.Mutex
	// Jobs whose pods fail, by name.
	fails map[string]bool
	// The jobs whose pods have ended, in order.
	ran  []string
	seen map[types.UID]bool
}

func startKubelet(t *testing.T, client dynamic.Interface) *kubelet {
	t.Helper()
	kubelet := &kubelet{fails: map[string]bool{}, seen: map[types.UID]bool{}}
	pods := client.Resource(schema.GroupVersionResource{Version: "v1", Resource: "pods"})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			all, err := pods.List(ctx, metav1.ListOptions{})
			if err == nil {
				for _, pod := range all.Items {
					kubelet.look(ctx, pods.Namespace(pod.GetNamespace()), &pod)
				}
			}
			time.Sleep(100 * time.Millisecond)
		}
	}()
	t.Cleanup(func() { cancel(); <-done })
	return kubelet
}

func (k *kubelet) look(ctx context.Context, pods dynamic.ResourceInterface, pod *unstructured.Unstructured) {
	if pod.GetDeletionTimestamp() != nil {
		none := int64(0)
		_ = pods.Delete(ctx, pod.GetName(), metav1.DeleteOptions{GracePeriodSeconds: &none})
		return
	}
	if phase := text(pod.Object, "status", "phase"); phase != "" && phase != "Pending" {
		return
	}
	status := `{"status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}, {"type": "ContainersReady", "status": "True"}]}}`
	for _, owner := range pod.GetOwnerReferences() {
		if owner.Kind == "Job" {
			status = `{"status": {"phase": "` + k.end(owner.Name, pod.GetUID()) + `"}}`
		}
	}
	_, _ = pods.Patch(ctx, pod.GetName(), types.MergePatchType, []byte(status), metav1.PatchOptions{}, "status")
}

func (k *kubelet) end(job string, pod types.UID) string {
	k.lock.Lock()
	defer k.lock.Unlock()
	if !k.seen[pod] {
		k.seen[pod] = true
		k.ran = append(k.ran, job)
	}
	if k.fails[job] {
		return "Failed"
	}
	return "Succeeded"
}

// What has ended since this was asked last.
func (k *kubelet) ended() string {
	k.lock.Lock()
	defer k.lock.Unlock()
	ran := strings.Join(k.ran, " ")
	k.ran = nil
	return ran
}

func (k *kubelet) fail(job string, fails bool) {
	k.lock.Lock()
	defer k.lock.Unlock()
	k.fails[job] = fails
}
