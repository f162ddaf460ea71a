package k8s

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/restmapper"
)

// A hand applies objects as a server-side apply does, and has the server refuse what it does not know.
type hand struct {
	client dynamic.Interface
	mapper *restmapper.DeferredDiscoveryRESTMapper
}

func newHand(t *testing.T, cluster *Cluster) *hand {
	t.Helper()
	client, err := dynamic.NewForConfig(cluster.Config)
	if err != nil {
		t.Fatal(err)
	}
	about, err := discovery.NewDiscoveryClientForConfig(cluster.Config)
	if err != nil {
		t.Fatal(err)
	}
	return &hand{client, restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(about))}
}

func (h *hand) resource(object *unstructured.Unstructured, namespace string) (dynamic.ResourceInterface, error) {
	kind := object.GroupVersionKind()
	mapping, err := h.mapper.RESTMapping(kind.GroupKind(), kind.Version)
	if err != nil {
		return nil, err
	}
	resource := h.client.Resource(mapping.Resource)
	if mapping.Scope.Name() == "root" {
		return resource, nil
	}
	if own := object.GetNamespace(); own != "" {
		namespace = own
	}
	return resource.Namespace(namespace), nil
}

func (h *hand) apply(object *unstructured.Unstructured, namespace string) (*unstructured.Unstructured, error) {
	resource, err := h.resource(object, namespace)
	if err != nil {
		return nil, err
	}
	body, err := json.Marshal(object)
	if err != nil {
		return nil, err
	}
	force := true
	return resource.Patch(context.Background(), object.GetName(), types.ApplyPatchType, body,
		metav1.PatchOptions{FieldManager: "helm", Force: &force, FieldValidation: metav1.FieldValidationStrict})
}

// What Helm deletes before it makes it anew, as a Job cannot be changed.
func (h *hand) deleteHook(object *unstructured.Unstructured, namespace string) error {
	if object.GetKind() != "Job" {
		return nil
	}
	resource, err := h.resource(object, namespace)
	if err != nil {
		return err
	}
	background := metav1.DeletePropagationBackground
	err = resource.Delete(context.Background(), object.GetName(), metav1.DeleteOptions{PropagationPolicy: &background})
	if errors.IsNotFound(err) {
		return nil
	}
	return err
}

// applyDefinitions brings the resources of SpinKube, Dapr, KEDA and all others that the chart has objects of.
func (h *hand) applyDefinitions(t *testing.T) {
	t.Helper()
	files, err := filepath.Glob(brought(t, "crds") + "/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no definitions: %v", err)
	}
	newer, err := filepath.Glob(spinKube() + "/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	files = append(files, newer...)
	var names []string
	for _, file := range files {
		objects, err := ParseFile(file)
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		for _, object := range objects {
			if object.GetKind() != "CustomResourceDefinition" {
				continue
			}
			// What a webhook converts, there is none here to convert.
			unstructured.RemoveNestedField(object.Object, "spec", "conversion")
			unstructured.RemoveNestedField(object.Object, "status")
			if group, _, _ := unstructured.NestedString(object.Object, "spec", "group"); group == "kafka.strimzi.io" {
				loosen(object.Object)
			}
			if _, err := h.apply(object, ""); err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			names = append(names, object.GetName())
		}
	}
	definitions := h.client.Resource(schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"})
	for _, name := range names {
		until(t, name+" is served", time.Minute, func() error {
			object, err := definitions.Get(context.Background(), name, metav1.GetOptions{})
			if err != nil {
				return err
			}
			for _, condition := range mapsOf(object.Object, "status", "conditions") {
				if condition["type"] == "Established" && condition["status"] == "True" {
					return nil
				}
			}
			return fmt.Errorf("%v", object.Object["status"])
		})
	}
	h.mapper.Reset()
	t.Logf("%d definitions of %d files", len(names), len(files))
}

// The folder of SpinKube's definitions, in the version that is deployed (0.6.1): SPINKUBE_CRDS. Without it there are those of 0.4.0, the last
// that is a Go module.
func spinKube() string { return os.Getenv("SPINKUBE_CRDS") }

// What SpinKube 0.4.0 does not know of a SpinApp.
var unknownToSpinKube04 = []string{"serviceAccountName"}

// What SpinApps have that an older operator does not know is listed, and the deployed one knows it.
func TestWhatAnOlderSpinKubeDoesNotKnowIsListed(t *testing.T) {
	fields := func(folder string) map[string]any {
		objects, err := ParseFile(folder + "/core.spinkube.dev_spinapps.yaml")
		if err != nil {
			t.Fatal(err)
		}
		version := mapsOf(objects[0].Object, "spec", "versions")[0]
		fields, _, _ := unstructured.NestedMap(version, "schema", "openAPIV3Schema", "properties", "spec", "properties")
		return fields
	}
	older := fields(brought(t, "crds"))
	objects, err := whole.Render()
	if err != nil {
		t.Fatal(err)
	}
	unknown := map[string]bool{}
	for _, app := range (Set{Objects: objects}).of("SpinApp") {
		for field := range app.Object["spec"].(map[string]any) {
			if older[field] == nil {
				unknown[field] = true
			}
			if spinKube() != "" && fields(spinKube())[field] == nil {
				t.Errorf("SpinKube does not know %s", field)
			}
		}
	}
	if found := slices.Sorted(maps.Keys(unknown)); !slices.Equal(found, unknownToSpinKube04) {
		t.Errorf("SpinKube 0.4.0 does not know %v, and %v is listed", found, unknownToSpinKube04)
	}
}

// Strimzi's definitions are made from the classes of its API, of which the maker does not see what a value of any kind is, nor what the kinds of
// a thing (a storage, an authentication) have beside their type. There anything is taken; all else is held against them.
func loosen(node any) {
	walk(node, func(_ string, schema map[string]any) {
		if schema["type"] != "object" {
			return
		}
		properties, closed := schema["properties"].(map[string]any)
		_, kinds := properties["type"]
		extra, isMap := schema["additionalProperties"].(map[string]any)
		switch {
		case isMap && extra["type"] == "object" && len(extra) == 1:
			schema["additionalProperties"] = map[string]any{"x-kubernetes-preserve-unknown-fields": true}
		case !isMap && (!closed || kinds):
			schema["x-kubernetes-preserve-unknown-fields"] = true
		}
	})
}

func (h *hand) applyNamespaces(t *testing.T) {
	t.Helper()
	objects, err := ParseFile(charts + "/namespaces.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, object := range objects {
		brokers := object.DeepCopy()
		brokers.SetName(object.GetName() + "-kafka")
		for _, namespace := range []*unstructured.Unstructured{object, brokers} {
			if _, err := h.apply(namespace, ""); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestARealAPIServerTakesAllThatIsInstalled(t *testing.T) {
	cluster := startCluster(t)
	hand := newHand(t, cluster)
	hand.applyDefinitions(t)
	hand.applyNamespaces(t)
	for _, deployment := range Deployments() {
		objects, err := deployment.Render()
		if err != nil {
			t.Fatal(err)
		}
		cluster.Warnings.all = nil
		kinds := map[string]bool{}
		for _, object := range objects {
			if object.GetKind() == "SpinApp" && spinKube() == "" {
				for _, field := range unknownToSpinKube04 {
					unstructured.RemoveNestedField(object.Object, "spec", field)
				}
			}
			err := hand.deleteHook(object, deployment.Namespace)
			if err == nil {
				_, err = hand.apply(object, deployment.Namespace)
			}
			if err != nil {
				t.Errorf("%s: %s: %v", deployment, named(object), err)
			}
			kinds[object.GetKind()] = true
		}
		// Among them what the namespace's level `restricted` of Pod Security would refuse.
		for _, warning := range cluster.Warnings.all {
			t.Errorf("%s: the server warns: %s", deployment, warning)
		}
		t.Logf("%s: %d objects of %d kinds", deployment, len(objects), len(kinds))
	}
	podsAreMadeAsThePolicySays(t, hand)
}

// What SpinApp has no field for: a pod that the operator would make, as the API server makes it.
func podsAreMadeAsThePolicySays(t *testing.T, hand *hand) {
	t.Helper()
	manifest := `
apiVersion: v1
kind: Pod
metadata: { generateName: notifier-, labels: { core.spinkube.dev/app-name: notifier } }
spec:
  containers:
    - { name: notifier, image: "x:1.0", resources: { requests: { cpu: 1m, memory: 1Mi }, limits: { cpu: 1m, memory: 1Mi } } }
`
	pods := func(namespace string) dynamic.ResourceInterface {
		return hand.client.Resource(schema.GroupVersionResource{Version: "v1", Resource: "pods"}).Namespace(namespace)
	}
	dry := metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}}
	until(t, "the policy is in force", time.Minute, func() error {
		pod, err := pods("perennial-prod").Create(context.Background(), parse(t, manifest)[0], dry)
		if err != nil {
			return err
		}
		container := mapsOf(pod.Object, "spec", "containers")[0]
		zones := []string{}
		for _, spread := range mapsOf(pod.Object, "spec", "topologySpreadConstraints") {
			zones = append(zones, text(spread, "topologyKey")+" of "+text(spread, "labelSelector", "matchLabels", "core.spinkube.dev/app-name"))
		}
		grace, _, _ := unstructured.NestedInt64(pod.Object, "spec", "terminationGracePeriodSeconds")
		sleep, _, _ := unstructured.NestedInt64(container, "lifecycle", "preStop", "sleep", "seconds")
		escalation, said, _ := unstructured.NestedBool(container, "securityContext", "allowPrivilegeEscalation")
		got := fmt.Sprintln(strings.Join(zones, ", "), grace, sleep, said && !escalation,
			stringsOf(container, "securityContext", "capabilities", "drop"), stringsOf(container, "securityContext", "capabilities", "add"),
			text(pod.Object, "spec", "securityContext", "seccompProfile", "type"))
		expected := fmt.Sprintln("topology.kubernetes.io/zone of notifier, kubernetes.io/hostname of notifier", 30, 10, true,
			[]string{"ALL"}, []string{"NET_BIND_SERVICE"}, "RuntimeDefault")
		if got != expected {
			return fmt.Errorf("got %sexpected %s", got, expected)
		}
		return nil
	})
	// Another namespace's pods are as they were.
	pod, err := pods("perennial-dev").Create(context.Background(), parse(t, manifest)[0], dry)
	if err != nil {
		t.Fatal(err)
	}
	if len(mapsOf(pod.Object, "spec", "topologySpreadConstraints")) > 0 {
		t.Error("the policy of one namespace is in force in another")
	}
}
