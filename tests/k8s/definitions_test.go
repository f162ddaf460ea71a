package k8s

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

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

// A folder of SpinKube's definitions other than those of the operator that is deployed: SPINKUBE_CRDS.
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
	older, deployed := fields(brought(t, "older")), fields(brought(t, "crds"))
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
			if deployed[field] == nil || spinKube() != "" && fields(spinKube())[field] == nil {
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
