package k8s

import (
	"fmt"
	"reflect"
	"slices"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// What a cluster may say otherwise than the files that the cloud test bed runs as they are, by resource: fields, and entries of metadata.
var differs = map[string][]string{
	"component/pubsub": {
		"scopes", "auth", "version", "compression",
		"authType", "saslMechanism", "saslUsername", "saslPassword", "disableTls", "caCert",
	},
	"component/statestore":    {"enableTLS", "connectionString"},
	"configuration/perennial": {"spec.accessControl", "spec.tracing"},
}

// In a cluster of one machine, which has the same broker and state store as the test bed.
var differsLocally = map[string][]string{
	"component/pubsub":        {"scopes"},
	"configuration/perennial": {"spec.accessControl"},
}

func TestTheChartHasTheResourcesThatTheTestBedRuns(t *testing.T) {
	files := map[string]*unstructured.Unstructured{}
	for _, file := range []string{"configuration", "pubsub", "resiliency", "subscriptions", "statestore"} {
		objects, err := ParseFile(perennial + "/files/dapr/" + file + ".yaml")
		if err != nil {
			t.Fatal(err)
		}
		for _, object := range objects {
			files[named(object)] = object
		}
	}
	inPostgres, err := ParseFile(perennial + "/files/dapr/cloud/statestore-postgresql.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, deployment := range Deployments() {
		objects, err := deployment.Render()
		if err != nil {
			t.Fatal(err)
		}
		seen := 0
		for _, object := range objects {
			file := files[named(object)]
			if object.GroupVersionKind().Group != "dapr.io" || object.GetName() == "secrets" {
				continue
			}
			if text(object.Object, "spec", "type") == "state.postgresql" {
				file = inPostgres[0]
			}
			if file == nil {
				t.Errorf("%s: no file has %s", deployment, named(object))
				continue
			}
			seen++
			allowed := differs[named(object)]
			if slices.Contains(deployment.Values, valuesFile("local")) {
				allowed = differsLocally[named(object)]
			}
			for _, difference := range differences(file, object) {
				if !slices.Contains(allowed, difference) {
					t.Errorf("%s: %s differs from its file in %s", deployment, named(object), difference)
				}
			}
		}
		if deployment.Chart == perennial && seen < len(files)-1 {
			t.Errorf("%s: %d of %d resources", deployment, seen, len(files))
		}
	}
}

// The fields, and the entries of metadata, in which two resources differ.
func differences(one, other *unstructured.Unstructured) (found []string) {
	fields := func(object *unstructured.Unstructured) map[string]any {
		flat := map[string]any{}
		for name, value := range object.Object {
			if name != "spec" && name != "metadata" {
				flat[name] = value
			}
		}
		spec, _ := object.Object["spec"].(map[string]any)
		for name, value := range spec {
			if name != "metadata" {
				flat["spec."+name] = value
			}
		}
		for _, entry := range mapsOf(object.Object, "spec", "metadata") {
			flat[fmt.Sprint(entry["name"])] = entry
		}
		return flat
	}
	ours, theirs := fields(one), fields(other)
	for name := range ours {
		if !reflect.DeepEqual(ours[name], theirs[name]) {
			found = append(found, name)
		}
	}
	for name := range theirs {
		if _, there := ours[name]; !there {
			found = append(found, name)
		}
	}
	return found
}
