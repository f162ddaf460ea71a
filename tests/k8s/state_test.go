package k8s

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
)

// Kinds that say what happens and not what is asked for, or that are made anew all the time.
var passing = []string{"Event", "Pod", "Endpoints", "EndpointSlice", "Lease", "Job", "ReplicaSet", "ControllerRevision", "PodMetrics"}

// state is all that the server has of the release: of each object in its namespaces, and of those without one that bear its name, what is
// asked for. What Helm keeps of its releases is left out.
func (j *journey) state(t *testing.T) map[string]string {
	t.Helper()
	about, err := discovery.NewDiscoveryClientForConfig(j.cluster.Config)
	if err != nil {
		t.Fatal(err)
	}
	lists, err := about.ServerPreferredResources()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, list := range lists {
		version, err := schema.ParseGroupVersion(list.GroupVersion)
		if err != nil {
			t.Fatal(err)
		}
		for _, resource := range list.APIResources {
			if !slices.Contains(resource.Verbs, "list") || slices.Contains(passing, resource.Kind) {
				continue
			}
			found, err := j.hand.client.Resource(version.WithResource(resource.Name)).List(context.Background(), metav1.ListOptions{})
			if err != nil {
				t.Fatalf("%s: %v", resource.Name, err)
			}
			for _, object := range found.Items {
				ours := strings.HasPrefix(object.GetNamespace(), j.deployment.Namespace)
				if object.GetNamespace() == "" {
					ours = object.GetLabels()["app.kubernetes.io/instance"] == "perennial"
				}
				if ours && !strings.HasPrefix(object.GetName(), "sh.helm.release.") {
					all[resource.Kind+" "+object.GetNamespace()+"/"+object.GetName()] = asked(t, object)
				}
			}
		}
	}
	return all
}

// What is asked for by an object: without what the server and the controllers add to tell how far they are.
func asked(t *testing.T, object unstructured.Unstructured) string {
	t.Helper()
	delete(object.Object, "status")
	for _, field := range []string{"resourceVersion", "generation", "managedFields", "creationTimestamp", "uid", "ownerReferences"} {
		unstructured.RemoveNestedField(object.Object, "metadata", field)
	}
	unstructured.RemoveNestedField(object.Object, "metadata", "annotations", "deployment.kubernetes.io/revision")
	encoded, err := json.Marshal(object.Object)
	if err != nil {
		t.Fatal(err)
	}
	return string(encoded)
}

// difference says what two states have each and the other has not, or has otherwise.
func difference(before, after map[string]string) []string {
	var found []string
	for name, was := range before {
		if is, there := after[name]; !there {
			found = append(found, name+" is gone")
		} else if is != was {
			found = append(found, name+" was "+was+"\n and is "+is)
		}
	}
	for name := range after {
		if _, there := before[name]; !there {
			found = append(found, name+" is new")
		}
	}
	return slices.Sorted(slices.Values(found))
}

// Of each application one ReplicaSet has pods, and no pod is of anything else.
func (j *journey) nothingIsLeftOver(t *testing.T) {
	t.Helper()
	sets, err := j.client.AppsV1().ReplicaSets(j.deployment.Namespace).List(context.Background(), metav1.ListOptions{LabelSelector: appName})
	if err != nil {
		t.Fatal(err)
	}
	alive := map[string]int{}
	for _, set := range sets.Items {
		if *set.Spec.Replicas > 0 {
			alive[set.Labels[appName]]++
		}
	}
	for name, deployment := range j.apps(t) {
		if alive[name] != 1 {
			t.Errorf("%s: %d ReplicaSets have pods", name, alive[name])
		}
		until(t, name+" has no pod too many", patience, func() error {
			if pods := j.pods(t, name); len(pods) != int(*deployment.Spec.Replicas) {
				return fmt.Errorf("%d pods of %d", len(pods), *deployment.Spec.Replicas)
			}
			return nil
		})
	}
}
