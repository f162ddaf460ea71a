package k8s

import (
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// A Pod is what an object has run: its own template, or what SpinKube and Dapr's injector make of a SpinApp.
type Pod struct {
	Of         *unstructured.Unstructured
	Labels     map[string]string
	Spec       map[string]any
	Containers []Container
	// The most there can be at once.
	Most int64
}

// A Container of a pod.
type Container struct {
	Name, Image     string
	Spec            map[string]any
	Requests, Limit map[string]string
	// Who says how it is run: a template that has a field for it, or somebody else.
	Templated bool
}

var templates = map[string][]string{
	"Pod":         nil,
	"Job":         {"spec", "template"},
	"Deployment":  {"spec", "template"},
	"StatefulSet": {"spec", "template"},
	"DaemonSet":   {"spec", "template"},
	"CronJob":     {"spec", "jobTemplate", "spec", "template"},
}

// Pods gives those that a set of objects has run.
func Pods(objects []*unstructured.Unstructured) []Pod {
	var pods []Pod
	for _, object := range objects {
		if object.GetKind() == "SpinApp" {
			pods = append(pods, spinAppPod(object, most(objects, object.GetName())))
			continue
		}
		path, ok := templates[object.GetKind()]
		if !ok {
			continue
		}
		labels, _, _ := unstructured.NestedStringMap(object.Object, append(slices.Clone(path), "metadata", "labels")...)
		spec, _, _ := unstructured.NestedMap(object.Object, append(slices.Clone(path), "spec")...)
		replicas, found, _ := unstructured.NestedInt64(object.Object, "spec", "replicas")
		if !found {
			replicas = 1
		}
		pod := Pod{Of: object, Labels: labels, Spec: spec, Most: replicas}
		for _, list := range []string{"initContainers", "containers"} {
			for _, container := range mapsOf(spec, list) {
				requests, _, _ := unstructured.NestedStringMap(container, "resources", "requests")
				limits, _, _ := unstructured.NestedStringMap(container, "resources", "limits")
				pod.Containers = append(pod.Containers, Container{text(container, "name"), text(container, "image"), container, requests, limits, true})
			}
		}
		pods = append(pods, pod)
	}
	return pods
}

func spinAppPod(app *unstructured.Unstructured, most int64) Pod {
	name := app.GetName()
	labels, _, _ := unstructured.NestedStringMap(app.Object, "spec", "podLabels")
	labels = maps.Clone(labels)
	if labels == nil {
		labels = map[string]string{}
	}
	labels["core.spinkube.dev/app-name"] = name
	requests, _, _ := unstructured.NestedStringMap(app.Object, "spec", "resources", "requests")
	limits, _, _ := unstructured.NestedStringMap(app.Object, "spec", "resources", "limits")
	spec, _, _ := unstructured.NestedMap(app.Object, "spec")
	pod := Pod{Of: app, Labels: labels, Spec: map[string]any{"volumes": spec["volumes"]}, Most: most}
	pod.Containers = append(pod.Containers, Container{Name: name, Image: text(spec, "image"), Requests: requests, Limit: limits})
	annotations, _, _ := unstructured.NestedStringMap(app.Object, "spec", "podAnnotations")
	if annotations["dapr.io/enabled"] == "true" {
		of := func(what string) map[string]string {
			amount := map[string]string{}
			for _, resource := range []string{"cpu", "memory"} {
				if value := annotations["dapr.io/sidecar-"+resource+"-"+what]; value != "" {
					amount[resource] = value
				}
			}
			return amount
		}
		pod.Containers = append(pod.Containers, Container{Name: "daprd", Requests: of("request"), Limit: of("limit")})
	}
	return pod
}

// How many replicas whatever scales an application may make.
func most(objects []*unstructured.Unstructured, name string) int64 {
	for _, object := range objects {
		target, _, _ := unstructured.NestedString(object.Object, "spec", "scaleTargetRef", "name")
		if target != name {
			continue
		}
		for _, field := range []string{"maxReplicas", "maxReplicaCount"} {
			if most, found, _ := unstructured.NestedInt64(object.Object, "spec", field); found {
				return most
			}
		}
	}
	return 1
}

func text(object map[string]any, path ...string) string {
	value, _, _ := unstructured.NestedString(object, path...)
	return value
}

// The maps in a list.
func mapsOf(object map[string]any, path ...string) []map[string]any {
	list, _, _ := unstructured.NestedSlice(object, path...)
	var found []map[string]any
	for _, one := range list {
		if one, ok := one.(map[string]any); ok {
			found = append(found, one)
		}
	}
	return found
}

func stringsOf(object map[string]any, path ...string) []string {
	list, _, _ := unstructured.NestedStringSlice(object, path...)
	return list
}

func named(object *unstructured.Unstructured) string {
	return strings.ToLower(object.GetKind()) + "/" + object.GetName()
}

type object = unstructured.Unstructured
