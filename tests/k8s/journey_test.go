package k8s

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
)

const home = "perennial-dev"

var (
	deployments = schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "deployments"}
	executors   = schema.GroupVersionResource{Group: "core.spinkube.dev", Version: "v1alpha1", Resource: "spinappexecutors"}
	secrets     = schema.GroupVersionResource{Version: "v1", Resource: "secrets"}
	handlers    = []string{"task-api", "recurrence-scheduler", "notifier", "audit", "live"}
)

// A journey is a cluster with Kubernetes' controllers, SpinKube's operator and a kubelet that runs nothing, and Helm.
type journey struct {
	*testing.T
	*hand
	*kubelet
	cluster    *Cluster
	kubeconfig string
}

func startJourney(t *testing.T) *journey {
	t.Helper()
	manager, operator := brought(t, "bin/kube-controller-manager"), brought(t, "bin/spin-operator")
	brought(t, "bin/helm")
	brought(t, "bin/kubectl")
	cluster := startCluster(t)
	hand := newHand(t, cluster)
	hand.applyDefinitions(t)
	hand.applyNamespaces(t)
	class := parse(t, "apiVersion: node.k8s.io/v1\nkind: RuntimeClass\nmetadata: { name: wasmtime-spin-v2 }\nhandler: spin\n")[0]
	if _, err := hand.apply(class, ""); err != nil {
		t.Fatal(err)
	}
	walk := &journey{t, hand, startKubelet(t, hand.client), cluster, filepath.Join(cluster.Folder, "kubeconfig")}
	config := fmt.Sprintf(`{"apiVersion": "v1", "kind": "Config", "current-context": "one",
		"clusters": [{"name": "one", "cluster": {"server": %q, "insecure-skip-tls-verify": true}}],
		"users": [{"name": "one", "user": {"token": %q}}], "contexts": [{"name": "one", "context": {"cluster": "one", "user": "one"}}]}`,
		cluster.Config.Host, cluster.Config.BearerToken)
	if err := os.WriteFile(walk.kubeconfig, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	ports := freePorts(t, 3)
	start(t, cluster.Folder, manager, "--kubeconfig="+walk.kubeconfig, "--leader-elect=false", "--bind-address=127.0.0.1",
		fmt.Sprintf("--secure-port=%d", ports[0]), "--cert-dir="+cluster.Folder, "--use-service-account-credentials=false",
		"--controllers=deployment-controller,replicaset-controller,statefulset-controller,job-controller,garbage-collector-controller,resourcequota-controller")
	start(t, cluster.Folder, operator, "--kubeconfig="+walk.kubeconfig, fmt.Sprintf("--metrics-bind-address=127.0.0.1:%d", ports[1]),
		fmt.Sprintf("--health-probe-bind-address=127.0.0.1:%d", ports[2]))
	return walk
}

func (w *journey) run(program string, arguments ...string) (string, error) {
	command := exec.Command(program, arguments...)
	bin, _ := filepath.Abs(filepath.Join(repository, ".cache/k8s/bin"))
	command.Env = append(os.Environ(), "KUBECONFIG="+w.kubeconfig, "PATH="+bin+":"+os.Getenv("PATH"),
		"HELM_CACHE_HOME="+w.cluster.Folder, "HELM_CONFIG_HOME="+w.cluster.Folder, "HELM_DATA_HOME="+w.cluster.Folder)
	said, err := command.CombinedOutput()
	if err != nil {
		return string(said), fmt.Errorf("%s %s: %w: %s", program, strings.Join(arguments, " "), err, said)
	}
	return string(said), nil
}

func (w *journey) helm(arguments ...string) error {
	program, _ := filepath.Abs(filepath.Join(repository, ".cache/k8s/bin/helm"))
	_, err := w.run(program, append(arguments, "--namespace="+home, "--wait", "--timeout=5m")...)
	return err
}

func (w *journey) upgrade(set ...string) error {
	arguments := []string{"upgrade", "--install", "perennial", perennial, "--values=" + valuesFile("local")}
	for _, one := range set {
		arguments = append(arguments, "--set="+one)
	}
	return w.helm(arguments...)
}

func (w *journey) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// rolled waits until each handler has its pods ready in one image, and gives the hash of its settings.
func (w *journey) rolled(tag string) map[string]string {
	w.Helper()
	settings := map[string]string{}
	for _, name := range handlers {
		until(w.T, name+" runs "+tag, time.Minute, func() error {
			deployment, err := w.client.Resource(deployments).Namespace(home).Get(context.Background(), name, metav1.GetOptions{})
			if err != nil {
				return err
			}
			template, _, _ := unstructured.NestedMap(deployment.Object, "spec", "template")
			container := mapsOf(template, "spec", "containers")[0]
			count := func(field string) int64 {
				number, _, _ := unstructured.NestedInt64(deployment.Object, "status", field)
				return number
			}
			observed := count("observedGeneration") == deployment.GetGeneration()
			if image := text(container, "image"); !strings.HasSuffix(image, ":"+tag) || !observed || count("readyReplicas") < 1 ||
				count("updatedReplicas") != count("replicas") || count("readyReplicas") != count("replicas") {
				return fmt.Errorf("%s: %v", image, deployment.Object["status"])
			}
			annotations, _, _ := unstructured.NestedStringMap(template, "metadata", "annotations")
			settings[name] = annotations["perennial/settings"]
			return nil
		})
	}
	return settings
}

func TestAReleaseIsInstalledUpgradedAndRolledBack(t *testing.T) {
	w := startJourney(t)

	// Without its Secrets it is not installed, and the sentence says which.
	err := w.upgrade()
	if err == nil || !strings.Contains(err.Error(), "secrets.database_url: there is no key database_url in a Secret perennial of the namespace "+home) {
		t.Fatalf("without Secrets: %v", err)
	}
	script, _ := filepath.Abs(charts + "/secrets.sh")
	for _, expected := range []string{"created", "is there already"} {
		said, err := w.run(script, home)
		w.must(err)
		if strings.Count(said, expected) != 3 {
			t.Fatalf("secrets.sh said %s", said)
		}
	}
	w.must(w.helm("upgrade", "--install", "backing", charts+"/backing-services"))

	w.must(w.upgrade())
	first := w.rolled("0.1.0")
	if ran := w.ended(); ran != "migrate topics begin-clock" && ran != "topics migrate begin-clock" {
		t.Errorf("the jobs of an install: %s", ran)
	}
	w.podsAreAsTheChartSays()

	// A Secret that was changed is read once the release is upgraded, and where nothing changed nobody is replaced.
	patch := []byte(`{"stringData": {"metrics_token": "another"}}`)
	_, err = w.client.Resource(secrets).Namespace(home).Patch(context.Background(), "perennial", types.MergePatchType, patch, metav1.PatchOptions{})
	w.must(err)
	w.must(w.upgrade())
	for name, settings := range w.rolled("0.1.0") {
		if settings == first[name] {
			t.Errorf("%s goes on with the Secret as it was", name)
		}
	}
	second := w.rolled("0.1.0")
	w.must(w.upgrade())
	for name, settings := range w.rolled("0.1.0") {
		if settings != second[name] {
			t.Errorf("%s was replaced though nothing changed", name)
		}
	}

	w.ended()
	w.must(w.upgrade("image.tag=0.2.0", "nativeImage.tag=0.2.0"))
	w.rolled("0.2.0")
	if ran := w.ended(); !strings.Contains(ran, "migrate") || !strings.HasSuffix(ran, "begin-clock") {
		t.Errorf("the jobs of an upgrade: %s", ran)
	}

	// Where the migration fails, what runs goes on.
	w.fail("migrate", true)
	if err := w.helm("upgrade", "perennial", perennial, "--values="+valuesFile("local"), "--set=image.tag=0.3.0"); err == nil {
		t.Error("an upgrade went on without its migration")
	}
	w.fail("migrate", false)
	w.rolled("0.2.0")

	// Back to the release before the last one that went well: the fourth is 0.2.0, the first three are 0.1.0.
	w.must(w.helm("rollback", "perennial", "3"))
	w.rolled("0.1.0")

	// Pods that are to be run otherwise have another executor; the one that is in use is not touched.
	before := w.executors()
	w.must(w.upgrade("otel.endpoint=http://collector:4318", "otel.peers[0].podSelector.matchLabels.a=b"))
	w.rolled("0.1.0")
	if after := w.executors(); len(before) != 1 || len(after) != 2 || !slices.Contains(after, before[0]) {
		t.Errorf("executors: %v, then %v", before, after)
	}
}

func (w *journey) executors() (names []string) {
	w.Helper()
	list, err := w.client.Resource(executors).Namespace(home).List(context.Background(), metav1.ListOptions{})
	w.must(err)
	for _, executor := range list.Items {
		names = append(names, executor.GetName())
	}
	return names
}

// What the operator makes of the SpinApps.
func (w *journey) podsAreAsTheChartSays() {
	w.Helper()
	for _, name := range handlers {
		deployment, err := w.client.Resource(deployments).Namespace(home).Get(context.Background(), name, metav1.GetOptions{})
		w.must(err)
		template, _, _ := unstructured.NestedMap(deployment.Object, "spec", "template")
		container := mapsOf(template, "spec", "containers")[0]
		environment := map[string]string{}
		for _, variable := range mapsOf(container, "env") {
			environment[text(variable, "name")] = text(variable, "value") + text(variable, "valueFrom", "secretKeyRef", "key")
		}
		for variable, expected := range map[string]string{
			"SPIN_COMPONENTS_TO_RETAIN": name, "SPIN_VARIABLE_STORE": "postgres", "SPIN_VARIABLE_BUS": "dapr",
			"SPIN_VARIABLE_DATABASE_URL": "database_url", "SPIN_VARIABLE_DATABASE_HOST": "postgres://postgresql:5432",
		} {
			if environment[variable] != expected {
				w.Errorf("%s: %s is %q", name, variable, environment[variable])
			}
		}
		if class := text(template, "spec", "runtimeClassName"); class != "wasmtime-spin-v2" {
			w.Errorf("%s is run as %s", name, class)
		}
		mounted := false
		for _, mount := range mapsOf(container, "volumeMounts") {
			mounted = mounted || text(mount, "mountPath") == "/runtime-config.toml"
		}
		if !mounted {
			w.Errorf("%s has no runtime configuration", name)
		}
		annotations, _, _ := unstructured.NestedStringMap(template, "metadata", "annotations")
		if beside := annotations["dapr.io/enabled"] == "true"; beside != (name != "live") {
			w.Errorf("%s: a sidecar: %v", name, beside)
		}
	}
}
