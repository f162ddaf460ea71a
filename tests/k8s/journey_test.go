package k8s

import (
	"context"
	stderrors "errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestJourneyFromAnEmptyClusterToAnUpgradeAndBack(t *testing.T) {
	j := begin(t)
	failing := j.beginAnInstallWhoseMigrationFails(t)
	// A first step that fails leaves the others nothing to begin from.
	for _, step := range []struct {
		name string
		take func(*testing.T)
	}{
		{"what is installed becomes ready", j.whatIsInstalledBecomesReady},
		{"each application runs as its SpinApp says", j.eachApplicationRunsAsItsSpinAppSays},
		{"what names an application finds it", j.whatNamesAnApplicationFindsIt},
		{"one pod of an application is evicted at a time", j.onePodIsEvictedAtATime},
		{"a changed Secret rolls who reads it", j.aChangedSecretRollsWhoReadsIt},
		{"a later build is rolled out", j.aLaterBuildIsRolledOut},
		{"a migration that fails fails the install", failing},
		{"a migration that fails leaves the release as it is", j.aFailingMigrationLeavesTheReleaseAsItIs},
		{"an upgrade that is never ready is taken back", j.anUpgradeThatIsNeverReadyIsTakenBack},
		{"after an uninstall nothing is left but what is to be kept", j.anUninstallLeavesWhatIsToBeKept},
	} {
		began := time.Now()
		if !t.Run(step.name, step.take) {
			break
		}
		t.Logf("%s: %.0f s", step.name, time.Since(began).Seconds())
	}
}

// A Job is tried four times, with longer and longer waits: meanwhile, in another namespace, the journey goes on.
func (j *journey) beginAnInstallWhoseMigrationFails(t *testing.T) func(*testing.T) {
	t.Helper()
	other := *j
	other.deployment = Deployment{perennial, "perennial-dev", []string{valuesFile("dev"), valuesFile("kafka-strimzi"), "testdata/yours.yaml", "testdata/everything.yaml"}}
	other.secrets(t, other.deployment.Namespace)
	type ending struct {
		said string
		err  error
	}
	ended := make(chan ending, 1)
	go func() {
		said, err := other.run("helm", other.upgrade("nativeImage.digest="+broken)...)
		ended <- ending{said, err}
	}()
	return func(t *testing.T) {
		install := <-ended
		if install.err == nil || !strings.Contains(install.said, "job migrate failed: BackoffLimitExceeded") {
			t.Errorf("the install: %v: %s", install.err, install.said)
		}
		if apps := other.must(t, "kubectl", "--namespace", other.deployment.Namespace, "get", "spinapps", "--output", "name"); apps != "" {
			t.Errorf("applications are there: %s", apps)
		}
		// What is mended is installed by the same command.
		other.must(t, "helm", other.upgrade()...)
		if said, err := other.rollout(120); err != nil {
			t.Fatalf("rollout: %v: %s", err, said)
		}
	}
}

func (j *journey) whatIsInstalledBecomesReady(t *testing.T) {
	j.secrets(t, j.deployment.Namespace)
	j.must(t, "helm", j.upgrade()...)
	j.asKEDA(t)
	if said, err := j.rollout(120); err != nil {
		t.Fatalf("rollout: %v: %s", err, said)
	}
	// The hooks are done and gone, all but what the CronJob may have begun meanwhile.
	jobs := j.must(t, "kubectl", "--namespace", j.deployment.Namespace, "get", "jobs", "--output", "name")
	for _, job := range strings.Fields(jobs) {
		if !strings.HasPrefix(job, "job.batch/clock-") {
			t.Errorf("%s is left", job)
		}
	}
}

func (j *journey) onePodIsEvictedAtATime(t *testing.T) {
	watched := j.watch(t)
	pods := j.pods(t, "task-api")
	evict := func(pod corev1.Pod) error {
		return j.client.PolicyV1().Evictions(pod.Namespace).Evict(context.Background(), &policyv1.Eviction{ObjectMeta: metav1.ObjectMeta{Name: pod.Name, Namespace: pod.Namespace}})
	}
	if err := evict(pods[0]); err != nil {
		t.Fatal(err)
	}
	if err := evict(pods[1]); !errors.IsTooManyRequests(err) {
		t.Errorf("the second eviction: %v", err)
	}
	until(t, "another is there for it", patience, func() error {
		if ready := slices.DeleteFunc(j.pods(t, "task-api"), func(pod corev1.Pod) bool { return !isReady(&pod) }); len(ready) < len(pods) {
			return fmt.Errorf("%d of %d are ready", len(ready), len(pods))
		}
		return nil
	})
	// The watch that the rollouts are held against sees one that is away.
	if seen := watched(); seen.Least["task-api"] != len(pods)-1 || seen.Seen["task-api"] != len(pods)+1 {
		t.Errorf("the watch saw %+v", seen)
	}
}

// rolled upgrades under a watch, and tells who was replaced; all the while there are as many pods as each Deployment promises.
func (j *journey) rolled(t *testing.T, more ...string) (others []string) {
	t.Helper()
	before, deployments, watched := j.who(t), j.apps(t), j.watch(t)
	j.must(t, "helm", j.upgrade(more...)...)
	if said, err := j.rollout(240); err != nil {
		t.Fatalf("rollout: %v: %s", err, said)
	}
	j.nothingIsLeftOver(t)
	seen := watched()
	for name, deployment := range deployments {
		if least, promise := seen.Least[name], promised(t, deployment); least < promise {
			t.Errorf("%s: %d pods were ready at a moment, and %d are promised", name, least, promise)
		}
		if replicas := *j.apps(t)[name].Spec.Replicas; replicas != *deployment.Spec.Replicas {
			t.Errorf("%s: %d replicas, and there were %d", name, replicas, *deployment.Spec.Replicas)
		}
		if !maps.Equal(before[name], j.who(t)[name]) {
			others = append(others, name)
		}
	}
	t.Logf("replaced: %v; least ready: %v", slices.Sorted(slices.Values(others)), seen.Least)
	return slices.Sorted(slices.Values(others))
}

func (j *journey) aChangedSecretRollsWhoReadsIt(t *testing.T) {
	if others := j.rolled(t); len(others) > 0 {
		t.Errorf("nothing was changed, and these were replaced: %v", others)
	}
	j.must(t, "kubectl", "--namespace", j.deployment.Namespace, "patch", "secret", "app-api-token", "--patch", `{"stringData":{"token":"another"}}`)
	if others := j.rolled(t); !slices.Equal(others, []string{"audit", "notifier", "recurrence-scheduler", "task-api"}) {
		t.Errorf("replaced: %v", others)
	}
}

func (j *journey) aLaterBuildIsRolledOut(t *testing.T) {
	// With it another executor, as its telemetry goes elsewhere.
	if others := j.rolled(t, "image.digest="+later, "nativeImage.digest="+later, "otel.endpoint=http://elsewhere:4318"); len(others) != 5 {
		t.Errorf("replaced: %v", others)
	}
	j.deployment.Values = append(slices.Clone(j.deployment.Values), "testdata/journey/later.yaml")
	if others := j.rolled(t); len(others) != 5 {
		t.Errorf("replaced: %v", others)
	}
	j.eachApplicationRunsAsItsSpinAppSays(t)
	j.whatNamesAnApplicationFindsIt(t)
}

func (j *journey) aFailingMigrationLeavesTheReleaseAsItIs(t *testing.T) {
	before, pods := j.state(t), j.who(t)
	said, err := j.run("helm", j.upgrade("nativeImage.digest="+broken, "image.digest="+broken)...)
	if err == nil || !strings.Contains(said, "job migrate failed: BackoffLimitExceeded") {
		t.Errorf("the upgrade: %v: %s", err, said)
	}
	for _, found := range difference(before, j.state(t)) {
		t.Error(found)
	}
	if after := j.who(t); !reflect.DeepEqual(pods, after) {
		t.Errorf("pods were %v and are %v", pods, after)
	}
}

// Prometheus' part is played here: that these alerts fire where they are to is seen on a real one (make test-observability).
func (j *journey) anUpgradeThatIsNeverReadyIsTakenBack(t *testing.T) {
	began := time.Now().Unix()
	before, pods, deployments, watched := j.state(t), j.who(t), j.apps(t), j.watch(t)
	// What Helm says of it: it does not know SpinApps.
	j.must(t, "helm", j.upgrade("image.digest="+broken)...)
	if said, err := j.rollout(20); err == nil {
		t.Errorf("a rollout whose pods end as they are started is done: %s", said)
	}
	for name := range deployments {
		if failing := slices.DeleteFunc(j.pods(t, name), func(pod corev1.Pod) bool { return isReady(&pod) }); len(failing) == 0 {
			t.Errorf("%s: no pod of the failing build", name)
		}
	}
	prometheus := httptest.NewServer(http.HandlerFunc(func(answer http.ResponseWriter, request *http.Request) {
		series := `{"metric":{"alertname":"PerennialCrashLoop","namespace":"perennial-prod","rollback":"true"}}`
		if strings.Contains(request.FormValue("query"), " < ") {
			series = ""
		}
		fmt.Fprintf(answer, `{"status":"success","data":{"result":[%s]}}`, series)
	}))
	defer prometheus.Close()
	said, err := j.run("k8s/spinkube/rollback/rollback", "--release", "perennial", "--namespace", j.deployment.Namespace,
		"--prometheus", prometheus.URL, "--since", fmt.Sprint(began), "--duration", "60", "--every", "1")
	var exit *exec.ExitError
	if !stderrors.As(err, &exit) || exit.ExitCode() != 1 {
		t.Fatalf("rollback: %v: %s", err, said)
	}
	if said, err := j.rollout(240); err != nil {
		t.Fatalf("rollout: %v: %s", err, said)
	}
	j.nothingIsLeftOver(t)
	for _, found := range difference(before, j.state(t)) {
		t.Error(found)
	}
	if after := j.who(t); !reflect.DeepEqual(pods, after) {
		t.Errorf("pods were %v and are %v", pods, after)
	}
	seen := watched()
	for name, deployment := range deployments {
		if least, promise := seen.Least[name], promised(t, deployment); least < promise {
			t.Errorf("%s: %d pods were ready at a moment, and %d are promised", name, least, promise)
		}
	}
	t.Logf("least ready: %v; pods in all: %v", seen.Least, seen.Seen)
	j.eachApplicationRunsAsItsSpinAppSays(t)
}

func (j *journey) anUninstallLeavesWhatIsToBeKept(t *testing.T) {
	j.must(t, "helm", "uninstall", "perennial", "--namespace", j.deployment.Namespace, "--wait", "--timeout", "5m")
	var left []string
	until(t, "nothing runs any more", patience, func() error {
		if apps := j.apps(t); len(apps) > 0 {
			return fmt.Errorf("%v", slices.Sorted(maps.Keys(apps)))
		}
		return nil
	})
	for name := range j.state(t) {
		if !slices.ContainsFunc(kept, func(one string) bool { return strings.HasPrefix(name, one) }) {
			t.Errorf("%s is left", name)
		}
		left = append(left, name)
	}
	if len(left) < len(kept) {
		t.Errorf("of %v is left %v", kept, left)
	}
}

// What an uninstall leaves: what the release was given, the brokers with what they hold, and what hooks made (k8s/spinkube/README.md).
var kept = []string{
	"ConfigMap perennial-prod/kube-root-ca.crt", "ConfigMap perennial-prod-kafka/kube-root-ca.crt",
	"ServiceAccount perennial-prod/default", "ServiceAccount perennial-prod-kafka/default",
	"Secret perennial-prod/perennial", "Secret perennial-prod/dapr-api-token", "Secret perennial-prod/app-api-token",
	"Secret perennial-prod/kafka", "Secret perennial-prod/statestore", "Secret perennial-prod/registry",
	"Kafka perennial-prod-kafka/perennial", "KafkaNodePool perennial-prod-kafka/brokers", "KafkaTopic perennial-prod-kafka/", "KafkaUser perennial-prod-kafka/perennial",
	"SpinAppExecutor perennial-prod/perennial-", "Secret perennial-prod/spin-ca",
	"MutatingAdmissionPolicy /perennial-pods-perennial-prod-before", "MutatingAdmissionPolicyBinding /perennial-pods-perennial-prod-before",
}
