package k8s

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// Available is what a watch over the pods of a namespace saw: of each application the least that were ready at any moment and not about to
// end, and how many pods there were in all.
type Available struct {
	Least map[string]int
	Seen  map[string]int
}

const appName = "core.spinkube.dev/app-name"

// watch begins to look; what it gives ends it.
func (j *journey) watch(t *testing.T) func() Available {
	t.Helper()
	pods := j.client.CoreV1().Pods(j.deployment.Namespace)
	options := metav1.ListOptions{LabelSelector: appName}
	list, err := pods.List(context.Background(), options)
	if err != nil {
		t.Fatal(err)
	}
	options.ResourceVersion = list.ResourceVersion
	events, err := pods.Watch(context.Background(), options)
	if err != nil {
		t.Fatal(err)
	}
	known, seen := map[types.UID]*corev1.Pod{}, map[types.UID]string{}
	least := map[string]int{}
	look := func(pod *corev1.Pod, gone bool) {
		app := pod.Labels[appName]
		known[pod.UID], seen[pod.UID] = pod, app
		if gone {
			delete(known, pod.UID)
		}
		ready := 0
		for _, pod := range known {
			if pod.Labels[appName] == app && isReady(pod) {
				ready++
			}
		}
		if before, ok := least[app]; !ok || ready < before {
			least[app] = ready
		}
	}
	for _, pod := range list.Items {
		known[pod.UID], seen[pod.UID] = &pod, pod.Labels[appName]
	}
	for _, pod := range list.Items {
		look(&pod, false)
	}
	var ended sync.WaitGroup
	var stopped atomic.Bool
	ended.Go(func() {
		for event := range events.ResultChan() {
			if pod, ok := event.Object.(*corev1.Pod); ok {
				look(pod, event.Type == "DELETED")
			} else if !stopped.Load() {
				t.Errorf("the watch over pods: %v", event)
			}
		}
	})
	return func() Available {
		stopped.Store(true)
		events.Stop()
		ended.Wait()
		count := map[string]int{}
		for _, app := range seen {
			count[app]++
		}
		return Available{least, count}
	}
}

func isReady(pod *corev1.Pod) bool {
	return pod.DeletionTimestamp == nil && slices.ContainsFunc(pod.Status.Conditions, func(condition corev1.PodCondition) bool {
		return condition.Type == corev1.PodReady && condition.Status == corev1.ConditionTrue
	})
}

// What a Deployment promises to have at any moment of a rollout.
func promised(t *testing.T, deployment *appsv1.Deployment) int {
	t.Helper()
	replicas := int(*deployment.Spec.Replicas)
	away, err := intstr.GetScaledValueFromIntOrPercent(deployment.Spec.Strategy.RollingUpdate.MaxUnavailable, replicas, false)
	if err != nil {
		t.Fatal(err)
	}
	return replicas - away
}
