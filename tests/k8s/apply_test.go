package k8s

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
)

func TestARealAPIServerTakesAllThatIsInstalled(t *testing.T) {
	// Nobody is there who makes the accounts that pods have by default.
	cluster := startCluster(t, "--disable-admission-plugins=ServiceAccount")
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
	whatIsMisspeltIsRefused(t, hand)
	podsAreMadeAsThePolicySays(t, hand)
}

// One object of each kind, with a field that there is not.
func whatIsMisspeltIsRefused(t *testing.T, hand *hand) {
	t.Helper()
	objects, err := whole.Render()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, object := range objects {
		// Of a Secret and an account there is no spec, and what a topic's configuration holds is anybody's.
		if spec, ok := object.Object["spec"].(map[string]any); ok && !seen[object.GetKind()] {
			seen[object.GetKind()] = true
			spec["misspelt"] = true
			if _, err := hand.apply(object, whole.Namespace); err == nil || !strings.Contains(err.Error(), "misspelt") {
				t.Errorf("%s with a field misspelt: %v", named(object), err)
			}
		}
	}
	t.Logf("a misspelt field is refused in each of %d kinds", len(seen))
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
