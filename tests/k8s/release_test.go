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

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clientset "k8s.io/client-go/kubernetes"
)

// Images of builds: the one that is installed, a later one, and one whose containers end as soon as they are started.
const (
	later  = "sha256:dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd"
	broken = "sha256:cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"
)

// A journey is one cluster with a release in it, and the programs that whoever runs it uses.
type journey struct {
	cluster    *Cluster
	hand       *hand
	client     *clientset.Clientset
	deployment Deployment
	kubeconfig string
}

func begin(t *testing.T) *journey {
	t.Helper()
	for _, program := range []string{"helm", "kubectl", "kube-controller-manager", "kube-scheduler", "spin-operator", "kwok"} {
		brought(t, "bin/"+program)
	}
	cluster := startCluster(t)
	hand := newHand(t, cluster)
	hand.applyDefinitions(t)
	hand.applyNamespaces(t)
	cluster.startWorkloads(t, hand)
	client, err := clientset.NewForConfig(cluster.Config)
	if err != nil {
		t.Fatal(err)
	}
	return &journey{cluster, hand, client, whole, cluster.kubeconfig(t, "")}
}

// command is one that whoever runs the service would give, in the repository.
func (j *journey) command(program string, arguments ...string) *exec.Cmd {
	tools, _ := filepath.Abs(repository + "/.cache/k8s/bin")
	if !strings.Contains(program, "/") {
		program = filepath.Join(tools, program)
	}
	command := exec.Command(program, arguments...)
	command.Dir = repository
	command.Env = append(os.Environ(), "KUBECONFIG="+j.kubeconfig, "HOME="+j.cluster.Folder, "PATH="+tools+":"+os.Getenv("PATH"))
	return command
}

// run gives what a command said.
func (j *journey) run(program string, arguments ...string) (string, error) {
	said, err := j.command(program, arguments...).CombinedOutput()
	return string(said), err
}

// must is a command that succeeds.
func (j *journey) must(t *testing.T, program string, arguments ...string) string {
	t.Helper()
	began := time.Now()
	said, err := j.run(program, arguments...)
	t.Logf("%5.1f s %s %s", time.Since(began).Seconds(), program, strings.Join(arguments[:min(3, len(arguments))], " "))
	if err != nil {
		t.Fatalf("%s %s: %v:\n%s", program, strings.Join(arguments, " "), err, said)
	}
	return said
}

// upgrade is the command of docs/kubernetes.md, with more values.
func (j *journey) upgrade(more ...string) []string {
	arguments := []string{"upgrade", "--install", "perennial", "k8s/spinkube/perennial", "--namespace", j.deployment.Namespace,
		"--wait", "--wait-for-jobs", "--timeout", "15m"}
	for _, file := range j.deployment.Values {
		file, _ = filepath.Abs(file)
		arguments = append(arguments, "--values", file)
	}
	for _, value := range more {
		arguments = append(arguments, "--set", value)
	}
	return arguments
}

// rollout waits as docs/kubernetes.md says; of one that fails it tells what there is.
func (j *journey) rollout(seconds int) (string, error) {
	said, err := j.run("k8s/spinkube/rollout", j.deployment.Namespace, fmt.Sprint(seconds))
	if err != nil {
		there, _ := j.run("kubectl", "--namespace", j.deployment.Namespace, "get", "spinapps,deployments,replicasets,pods", "--output", "wide")
		said += there
	}
	return said, err
}

// secrets makes those that the chart names: ours by the script for it, the others as their issuers would.
func (j *journey) secrets(t *testing.T, namespace string) {
	t.Helper()
	j.must(t, "k8s/spinkube/secrets.sh", namespace, "postgres://perennial:password@perennial.postgres.database.azure.com:5432/perennial")
	j.must(t, "kubectl", "--namespace", namespace, "patch", "secret", "perennial", "--patch", `{"stringData":{"rate_limit_redis_url":"rediss://cache"}}`)
	generic := []string{"--namespace", namespace, "create", "secret", "generic"}
	j.must(t, "kubectl", append(slices.Clone(generic), "kafka", "--from-literal=username=u", "--from-literal=password=p", "--from-literal=ca=c")...)
	j.must(t, "kubectl", append(slices.Clone(generic), "statestore", "--from-literal=connectionString=c")...)
	j.must(t, "kubectl", append(slices.Clone(generic), "registry", "--type=kubernetes.io/dockerconfigjson", `--from-literal=.dockerconfigjson={"auths":{}}`)...)
}

// asKEDA does what KEDA would, which is not here: it gives each Deployment that a ScaledObject names the least replicas that it says.
func (j *journey) asKEDA(t *testing.T) {
	t.Helper()
	for _, object := range j.objects(t, "ScaledObject") {
		replicas := fmt.Sprint(object.Object["spec"].(map[string]any)["minReplicaCount"])
		name := text(object.Object, "spec", "scaleTargetRef", "name")
		j.must(t, "kubectl", "--namespace", j.deployment.Namespace, "scale", "deployment", name, "--replicas", replicas)
	}
}

// objects are those of a kind that the server has of the release, as it has them.
func (j *journey) objects(t *testing.T, kind string) []*object {
	t.Helper()
	rendered, err := j.deployment.Render()
	if err != nil {
		t.Fatal(err)
	}
	var all []*object
	for _, object := range (Set{Objects: rendered}).of(kind) {
		resource, err := j.hand.resource(object, j.deployment.Namespace)
		if err != nil {
			t.Fatal(err)
		}
		found, err := resource.Get(context.Background(), object.GetName(), metav1.GetOptions{})
		if err != nil {
			t.Fatalf("%s: %v", named(object), err)
		}
		all = append(all, found)
	}
	if len(all) == 0 {
		t.Fatalf("the release has no %s", kind)
	}
	return all
}

// apps are the Deployments of the SpinApps, by name.
func (j *journey) apps(t *testing.T) map[string]*appsv1.Deployment {
	t.Helper()
	list, err := j.client.AppsV1().Deployments(j.deployment.Namespace).List(context.Background(), metav1.ListOptions{LabelSelector: "core.spinkube.dev/app-name"})
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]*appsv1.Deployment{}
	for _, deployment := range list.Items {
		all[deployment.Name] = &deployment
	}
	return all
}

// pods are those of an application that are not about to end.
func (j *journey) pods(t *testing.T, app string) []corev1.Pod {
	t.Helper()
	list, err := j.client.CoreV1().Pods(j.deployment.Namespace).List(context.Background(), metav1.ListOptions{LabelSelector: "core.spinkube.dev/app-name=" + app})
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(list.Items, func(pod corev1.Pod) bool { return pod.DeletionTimestamp != nil })
}
