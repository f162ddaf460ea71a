package k8s

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// What the operator makes of each SpinApp is what the chart asks for, and its pods run as the policy says.
func (j *journey) eachApplicationRunsAsItsSpinAppSays(t *testing.T) {
	deployments := j.apps(t)
	for _, app := range j.objects(t, "SpinApp") {
		name := app.GetName()
		deployment := deployments[name]
		if deployment == nil {
			t.Errorf("%s: no Deployment", name)
			continue
		}
		if !slices.ContainsFunc(deployment.OwnerReferences, func(owner metav1.OwnerReference) bool { return owner.UID == app.GetUID() }) {
			t.Errorf("%s: its Deployment is not its own: %v", name, deployment.OwnerReferences)
		}
		j.templateIs(t, app, deployment.Spec.Template)
		pods := j.pods(t, name)
		if len(pods) != int(*deployment.Spec.Replicas) {
			t.Errorf("%s: %d pods of %d", name, len(pods), *deployment.Spec.Replicas)
		}
		zones := map[string]bool{}
		for _, pod := range pods {
			zones[j.podRuns(t, name, pod)] = true
		}
		if len(zones) != len(pods) {
			t.Errorf("%s: %d pods in %d zones", name, len(pods), len(zones))
		}
	}
	if len(deployments) != len(j.objects(t, "SpinApp")) {
		t.Errorf("Deployments of no SpinApp: %v", slices.Sorted(maps.Keys(deployments)))
	}
}

// What is asked for, and what the template has of it, each as text.
func (j *journey) templateIs(t *testing.T, app *object, template corev1.PodTemplateSpec) {
	t.Helper()
	name := app.GetName()
	spec := app.Object["spec"].(map[string]any)
	container := template.Spec.Containers[0]
	made, err := runtime.DefaultUnstructuredConverter.ToUnstructured(&container)
	if err != nil {
		t.Fatal(err)
	}
	is := func(what string, got, expected any) {
		t.Helper()
		if got, expected := fmt.Sprint(got), fmt.Sprint(expected); got != expected {
			t.Errorf("%s: %s:\n got %s\nexpected %s", name, what, got, expected)
		}
	}
	is("containers", len(template.Spec.Containers), 1)
	is("name", container.Name, name)
	is("image", container.Image, spec["image"])
	is("service account", template.Spec.ServiceAccountName, spec["serviceAccountName"])
	is("runtime class", *template.Spec.RuntimeClassName, "wasmtime-spin-v2")
	is("resources", made["resources"], spec["resources"])
	is("annotations", template.Annotations, spec["podAnnotations"])
	labels := maps.Clone(template.Labels)
	maps.DeleteFunc(labels, func(label, _ string) bool { return strings.HasPrefix(label, "core.spinkube.dev/") })
	is("labels", labels, spec["podLabels"])
	var pull []any
	for _, secret := range template.Spec.ImagePullSecrets {
		pull = append(pull, map[string]any{"name": secret.Name})
	}
	is("pull secrets", pull, spec["imagePullSecrets"])

	environment := map[string]any{}
	for _, variable := range mapsOf(made, "env") {
		environment[text(variable, "name")] = firstOf(variable["valueFrom"], variable["value"])
	}
	expected := map[string]any{"SPIN_COMPONENTS_TO_RETAIN": name, "SPIN_HTTP_LISTEN_ADDR": "0.0.0.0:80", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://perennial-collector:4318"}
	for _, variable := range mapsOf(spec, "variables") {
		expected["SPIN_VARIABLE_"+strings.ToUpper(text(variable, "name"))] = firstOf(variable["valueFrom"], variable["value"])
	}
	is("environment", environment, expected)

	for kind, probe := range map[string]*corev1.Probe{"readiness": container.ReadinessProbe, "liveness": container.LivenessProbe} {
		check := spec["checks"].(map[string]any)[kind].(map[string]any)
		if probe == nil || probe.HTTPGet == nil {
			t.Errorf("%s: no %s probe", name, kind)
			continue
		}
		is(kind, []any{probe.HTTPGet.Path, probe.HTTPGet.Port.IntValue(), probe.InitialDelaySeconds, probe.PeriodSeconds, probe.TimeoutSeconds},
			[]any{text(check, "httpGet", "path"), 80, check["initialDelaySeconds"], check["periodSeconds"], check["timeoutSeconds"]})
	}
	var mounted []string
	for _, volume := range template.Spec.Volumes {
		if volume.Secret != nil {
			mounted = append(mounted, volume.Secret.SecretName)
		}
	}
	is("mounted Secrets", slices.Sorted(slices.Values(mounted)), slices.Sorted(slices.Values([]string{name + "-runtime-config", "spin-ca"})))
}

func firstOf(values ...any) any {
	for _, value := range values {
		if value != nil {
			return value
		}
	}
	return ""
}

// podRuns holds a pod against the policy and what it names, and gives the zone that it is in.
func (j *journey) podRuns(t *testing.T, app string, pod corev1.Pod) string {
	t.Helper()
	container := pod.Spec.Containers[0]
	var wrong []string
	expect := func(holds bool, what string) {
		if !holds {
			wrong = append(wrong, what)
		}
	}
	expect(isReady(&pod), "it is not ready")
	expect(pod.Spec.ServiceAccountName == app, "its service account is "+pod.Spec.ServiceAccountName)
	expect(pod.Spec.TerminationGracePeriodSeconds != nil && *pod.Spec.TerminationGracePeriodSeconds == 30, "no grace of 30 s")
	expect(pod.Spec.SecurityContext != nil && pod.Spec.SecurityContext.SeccompProfile != nil, "no seccomp profile")
	expect(len(pod.Spec.TopologySpreadConstraints) == 2, "no spread")
	expect(container.Lifecycle != nil && container.Lifecycle.PreStop != nil && container.Lifecycle.PreStop.Sleep != nil, "it does not wait before it ends")
	security := container.SecurityContext
	expect(security != nil && security.Capabilities != nil && slices.Equal(security.Capabilities.Drop, []corev1.Capability{"ALL"}) &&
		security.AllowPrivilegeEscalation != nil && !*security.AllowPrivilegeEscalation, "it may do more than listen")
	for _, variable := range container.Env {
		if variable.ValueFrom == nil || variable.ValueFrom.SecretKeyRef == nil {
			continue
		}
		from := variable.ValueFrom.SecretKeyRef
		secret, err := j.client.CoreV1().Secrets(pod.Namespace).Get(context.Background(), from.Name, metav1.GetOptions{})
		expect(err == nil && len(secret.Data[from.Key]) > 0, fmt.Sprintf("%s: no %s in Secret %s", variable.Name, from.Key, from.Name))
	}
	node, err := j.client.CoreV1().Nodes().Get(context.Background(), pod.Spec.NodeName, metav1.GetOptions{})
	if err != nil {
		t.Fatalf("%s: %v", pod.Name, err)
	}
	expect(node.Labels["perennial.dev/wasm"] == "true", "it is on a node without the shim: "+node.Name)
	for _, one := range wrong {
		t.Errorf("%s: %s", pod.Name, one)
	}
	return node.Labels["topology.kubernetes.io/zone"]
}

// Who names a Service or a Deployment that the operator makes finds it: the edge, the clock, the autoscalers, the budgets.
func (j *journey) whatNamesAnApplicationFindsIt(t *testing.T) {
	ctx, namespace := context.Background(), j.deployment.Namespace
	for _, route := range j.objects(t, "HTTPRoute") {
		for _, rule := range mapsOf(route.Object, "spec", "rules") {
			for _, backend := range mapsOf(rule, "backendRefs") {
				j.isServed(t, named(route), text(backend, "name"), backend["port"])
			}
		}
	}
	j.isServed(t, "the clock", "recurrence-scheduler", int64(80))
	deployments := j.apps(t)
	for _, object := range j.objects(t, "ScaledObject") {
		if deployments[text(object.Object, "spec", "scaleTargetRef", "name")] == nil {
			t.Errorf("%s scales what is not there", named(object))
		}
	}
	for _, object := range j.objects(t, "HorizontalPodAutoscaler") {
		until(t, named(object)+" scales", patience, func() error {
			scaler, err := j.client.AutoscalingV2().HorizontalPodAutoscalers(namespace).Get(ctx, object.GetName(), metav1.GetOptions{})
			if err != nil {
				return err
			}
			for _, condition := range scaler.Status.Conditions {
				if condition.Type == "AbleToScale" && condition.Status == "True" && scaler.Status.CurrentReplicas >= *scaler.Spec.MinReplicas {
					return nil
				}
			}
			return fmt.Errorf("%+v", scaler.Status)
		})
	}
	for _, object := range j.objects(t, "PodDisruptionBudget") {
		replicas := *deployments[object.GetName()].Spec.Replicas
		until(t, named(object)+" counts its pods", patience, func() error {
			budget, err := j.client.PolicyV1().PodDisruptionBudgets(namespace).Get(ctx, object.GetName(), metav1.GetOptions{})
			if err == nil && (budget.Status.ExpectedPods != replicas || budget.Status.CurrentHealthy != replicas || budget.Status.DisruptionsAllowed != 1) {
				err = fmt.Errorf("%+v", budget.Status)
			}
			return err
		})
	}
}

// A Service of that name and port has the addresses of ready pods behind it.
func (j *journey) isServed(t *testing.T, by, name string, port any) {
	t.Helper()
	service, err := j.client.CoreV1().Services(j.deployment.Namespace).Get(context.Background(), name, metav1.GetOptions{})
	if err != nil {
		t.Errorf("%s: %v", by, err)
		return
	}
	if !slices.ContainsFunc(service.Spec.Ports, func(own corev1.ServicePort) bool { return fmt.Sprint(own.Port) == fmt.Sprint(port) }) {
		t.Errorf("%s: service/%s has no port %v", by, name, port)
	}
	until(t, "service/"+name+" has addresses", patience, func() error {
		slices, err := j.client.DiscoveryV1().EndpointSlices(j.deployment.Namespace).List(context.Background(),
			metav1.ListOptions{LabelSelector: discoveryv1.LabelServiceName + "=" + name})
		if err != nil {
			return err
		}
		for _, slice := range slices.Items {
			for _, endpoint := range slice.Endpoints {
				if endpoint.Conditions.Ready != nil && *endpoint.Conditions.Ready {
					return nil
				}
			}
		}
		return fmt.Errorf("none")
	})
}

// The pods of each application, by uid, to tell whether they are others.
func (j *journey) who(t *testing.T) map[string]map[string]bool {
	t.Helper()
	all := map[string]map[string]bool{}
	for name := range j.apps(t) {
		all[name] = map[string]bool{}
		for _, pod := range j.pods(t, name) {
			all[name][string(pod.UID)] = true
		}
	}
	return all
}
