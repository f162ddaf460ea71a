package k8s

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// A Set is what is installed together.
type Set struct {
	Objects     []*unstructured.Unstructured
	Application *Application
}

func (s Set) of(kind string) []*unstructured.Unstructured {
	return slices.DeleteFunc(slices.Clone(s.Objects), func(o *unstructured.Unstructured) bool { return o.GetKind() != kind })
}

// A Rule is what must hold for a set. Check says what breaks it.
type Rule struct {
	Name  string
	Check func(Set) findings
}

// Rules are named as the files in testdata/broken, each of which breaks the one of its name.
var Rules = []Rule{
	{"no-privileges", noPrivileges},
	{"no-secret-values", noSecretValues},
	{"images-pinned", imagesPinned},
	{"requests-and-limits", requestsAndLimits},
	{"named-peers", namedPeers},
	{"pods-isolated", podsIsolated},
	{"replicas-within-partitions", replicasWithinPartitions},
	{"topics-have-routes", topicsHaveRoutes},
	{"within-quota", withinQuota},
	{"http-alone", httpAlone},
	{"tokens-on-both-sides", tokensOnBothSides},
	{"secrets-it-reads", secretsItReads},
	{"public-routes", publicRoutes},
}

type findings []string

func (f *findings) add(format string, values ...any) { *f = append(*f, fmt.Sprintf(format, values...)) }

func noPrivileges(set Set) (found findings) {
	for _, pod := range Pods(set.Objects) {
		of := named(pod.Of)
		for _, field := range []string{"hostNetwork", "hostPID", "hostIPC"} {
			if on, _, _ := unstructured.NestedBool(pod.Spec, field); on {
				found.add("%s has %s", of, field)
			}
		}
		for _, volume := range mapsOf(pod.Spec, "volumes") {
			if volume["hostPath"] != nil {
				found.add("%s mounts a folder of its machine", of)
			}
		}
		for _, container := range pod.Containers {
			if !container.Templated {
				continue
			}
			flag := func(name string) (bool, bool) {
				value, there, _ := unstructured.NestedBool(container.Spec, "securityContext", name)
				return value, there
			}
			if on, _ := flag("privileged"); on {
				found.add("%s: %s runs privileged", of, container.Name)
			}
			if more, said := flag("allowPrivilegeEscalation"); more || !said {
				found.add("%s: %s may gain privileges", of, container.Name)
			}
			if !slices.Contains(stringsOf(container.Spec, "securityContext", "capabilities", "drop"), "ALL") {
				found.add("%s: %s keeps capabilities", of, container.Name)
			}
			if len(stringsOf(container.Spec, "securityContext", "capabilities", "add")) > 0 {
				found.add("%s: %s is given capabilities", of, container.Name)
			}
			ours, _ := flag("runAsNonRoot")
			pods, _, _ := unstructured.NestedBool(pod.Spec, "securityContext", "runAsNonRoot")
			if !ours && !pods {
				found.add("%s: %s may run as root", of, container.Name)
			}
		}
		// Who asks the API server has an account of its own.
		account := text(pod.Spec, "serviceAccountName")
		mounted, said, _ := unstructured.NestedBool(pod.Spec, "automountServiceAccountToken")
		if pod.Of.GetKind() != "SpinApp" && (account == "" || account == "default") && (mounted || !said) {
			found.add("%s has a token of the API server's", of)
		}
	}
	return found
}

var (
	secretName = regexp.MustCompile(`(?i)(password|passwd|token|secret|connectionstring|credential|api_?key|audit_key|_url$)`)
	// user:password@host
	credentials = regexp.MustCompile(`://[^/@\s"]*:[^/@\s"$]+@`)
)

func noSecretValues(set Set) (found findings) {
	isSecret := func(name string) bool {
		name = strings.ToLower(strings.TrimPrefix(name, "SPIN_VARIABLE_"))
		if secret, declared := set.Application.Variables[name]; declared {
			return secret
		}
		return secretName.MatchString(name)
	}
	for _, object := range set.Objects {
		of := named(object)
		if object.GetKind() == "Secret" {
			for _, field := range []string{"data", "stringData"} {
				content, _, _ := unstructured.NestedStringMap(object.Object, field)
				for key, value := range content {
					// SpinKube reads settings from a Secret: these two, and no others.
					kept := regexp.MustCompile(`(?m)^(max_instance_memory = \d+|\[outbound_networking\]|block_networks = \[[^\]]*\]|#.*|\s*)$`)
					if field == "data" || key != "runtime-config.toml" || strings.TrimSpace(kept.ReplaceAllString(value, "")) != "" {
						found.add("%s: the value of %s", of, key)
					}
				}
			}
		}
		walk(object.Object, func(path string, node map[string]any) {
			name, _ := node["name"].(string)
			if value, _ := node["value"].(string); value != "" && name != "" && isSecret(name) {
				found.add("%s: the value of %s", of, name)
			}
			for key, value := range node {
				if value, ok := value.(string); ok && credentials.MatchString(value) {
					found.add("%s: a password in %s/%s", of, path, key)
				}
			}
		})
	}
	return found
}

// walk visits every map in a value.
func walk(node any, visit func(path string, node map[string]any)) {
	var step func(string, any)
	step = func(path string, node any) {
		switch node := node.(type) {
		case map[string]any:
			visit(path, node)
			for key, child := range node {
				step(path+"/"+key, child)
			}
		case []any:
			for index, child := range node {
				step(fmt.Sprintf("%s/%d", path, index), child)
			}
		}
	}
	step("", node)
}

var pinned = regexp.MustCompile(`^[^:@\s]+(:[0-9]+/[^:@\s]+)?(@sha256:[0-9a-f]{64}|:v?[0-9]+(\.[0-9]+)+([-.+][0-9A-Za-z.-]+)?|:sha-[0-9a-f]{7,40})$`)

func imagesPinned(set Set) (found findings) {
	for _, pod := range Pods(set.Objects) {
		for _, container := range pod.Containers {
			if container.Image != "" && !pinned.MatchString(container.Image) {
				found.add("%s: %s may be another image tomorrow", named(pod.Of), container.Image)
			}
			if container.Templated && container.Image == "" {
				found.add("%s: %s has no image", named(pod.Of), container.Name)
			}
		}
	}
	return found
}

func requestsAndLimits(set Set) (found findings) {
	for _, pod := range Pods(set.Objects) {
		for _, container := range pod.Containers {
			for what, amount := range map[string]map[string]string{"requests": container.Requests, "limits": container.Limit} {
				for _, kind := range []string{"cpu", "memory"} {
					if amount[kind] == "" {
						found.add("%s: %s has no %s of %s", named(pod.Of), container.Name, what, kind)
					}
				}
			}
		}
	}
	return found
}

// What is no address of the public internet, of which those who may reach all of it reach nothing.
var inside = []string{"10.1.2.3", "172.16.1.2", "192.168.1.2", "169.254.169.254", "100.64.0.1", "127.0.0.1", "fd00::1", "fe80::1", "::1", "64:ff9b::a01:203", "2002:a01:203::1"}

func namedPeers(set Set) (found findings) {
	denied := map[string]bool{}
	for _, policy := range set.of("NetworkPolicy") {
		of := named(policy)
		types := stringsOf(policy.Object, "spec", "policyTypes")
		for _, direction := range [][3]string{{"ingress", "from", "Ingress"}, {"egress", "to", "Egress"}} {
			rules := mapsOf(policy.Object, "spec", direction[0])
			if !slices.Contains(types, direction[2]) && len(rules) > 0 {
				found.add("%s: its rules of %s are not in force", of, direction[0])
			}
			selector, _, _ := unstructured.NestedMap(policy.Object, "spec", "podSelector")
			if len(selector) == 0 && len(rules) == 0 && slices.Contains(types, direction[2]) {
				denied[direction[2]] = true
			}
			for _, rule := range rules {
				peers := mapsOf(rule, direction[1])
				if len(peers) == 0 {
					found.add("%s: %s of anybody", of, direction[0])
				}
				ports := mapsOf(rule, "ports")
				if len(ports) == 0 {
					found.add("%s: %s on any port", of, direction[0])
				}
				for _, peer := range peers {
					if why := unnamed(peer, ports, policy.GetName() == "notifier" && direction[0] == "egress"); why != "" {
						found.add("%s: %s of %s", of, direction[0], why)
					}
				}
			}
		}
	}
	for _, direction := range []string{"Ingress", "Egress"} {
		if !denied[direction] {
			found.add("nothing denies %s to pods that no policy names", direction)
		}
	}
	return found
}

// Why a peer is not one that is named; empty where it is.
func unnamed(peer map[string]any, ports []map[string]any, webhooks bool) string {
	if block, ok := peer["ipBlock"].(map[string]any); ok {
		network, err := netip.ParsePrefix(text(block, "cidr"))
		if err != nil {
			return "no network: " + text(block, "cidr")
		}
		if network.Bits() >= 8 && network.Addr().Is4() || network.Bits() >= 32 {
			return ""
		}
		if !webhooks || len(ports) != 1 || fmt.Sprint(ports[0]["port"]) != "443" {
			return "everybody: " + network.String()
		}
		for _, address := range inside {
			address := netip.MustParseAddr(address)
			if !network.Contains(address) || address.IsLoopback() && address.Is4() {
				continue
			}
			if !slices.ContainsFunc(stringsOf(block, "except"), func(except string) bool {
				prefix, err := netip.ParsePrefix(except)
				return err == nil && prefix.Contains(address)
			}) {
				return "an address that is not public: " + address.String()
			}
		}
		return ""
	}
	for _, kind := range []string{"namespaceSelector", "podSelector"} {
		selector, there := peer[kind].(map[string]any)
		if there && len(selector) == 0 {
			return "any of a " + strings.TrimSuffix(kind, "Selector")
		}
	}
	if peer["namespaceSelector"] == nil && peer["podSelector"] == nil {
		return "nobody in particular"
	}
	return ""
}

// Each pod has a policy of its own in each direction, beside those that are for all.
func podsIsolated(set Set) (found findings) {
	for _, pod := range Pods(set.Objects) {
		own := false
		for _, policy := range set.of("NetworkPolicy") {
			labels, _, _ := unstructured.NestedStringMap(policy.Object, "spec", "podSelector", "matchLabels")
			fits := len(labels) > 0
			for key, value := range labels {
				fits = fits && pod.Labels[key] == value
			}
			types := stringsOf(policy.Object, "spec", "policyTypes")
			own = own || fits && slices.Contains(types, "Ingress") && slices.Contains(types, "Egress")
		}
		if !own {
			found.add("%s: no policy is for its pods", named(pod.Of))
		}
	}
	return found
}

var created = regexp.MustCompile(`rpk topic create (\S+) .*--partitions (\d+)`)

// The partitions of the topics, as they are declared with the rest, or else as the cloud's are.
func (s Set) partitions() map[string]int64 {
	partitions := map[string]int64{}
	for topic, sizes := range s.Application.Topics {
		partitions[topic] = sizes["cloud"]
	}
	for _, topic := range s.of("KafkaTopic") {
		partitions[topic.GetName()], _, _ = unstructured.NestedInt64(topic.Object, "spec", "partitions")
	}
	for _, job := range s.of("Job") {
		for _, container := range mapsOf(job.Object, "spec", "template", "spec", "containers") {
			for _, line := range created.FindAllStringSubmatch(strings.Join(stringsOf(container, "args"), "\n"), -1) {
				partitions[line[1]], _ = strconv.ParseInt(line[2], 10, 64)
			}
		}
	}
	return partitions
}

func replicasWithinPartitions(set Set) (found findings) {
	partitions := set.partitions()
	scaled := map[string]bool{}
	for _, object := range set.of("ScaledObject") {
		name := text(object.Object, "spec", "scaleTargetRef", "name")
		scaled[name] = true
		most, _, _ := unstructured.NestedInt64(object.Object, "spec", "maxReplicaCount")
		for _, trigger := range mapsOf(object.Object, "spec", "triggers") {
			topic, group := text(trigger, "metadata", "topic"), text(trigger, "metadata", "consumerGroup")
			if most == 0 || most > partitions[topic] {
				found.add("%s: up to %d replicas for the %d partitions of %s", named(object), most, partitions[topic], topic)
			}
			if group != name+"-tasks-v1" {
				found.add("%s: goes by the lag of %s, which is not its group", named(object), group)
			}
		}
	}
	for _, subscription := range set.of("Subscription") {
		for _, app := range stringsOf(subscription.Object, "scopes") {
			if !scaled[app] {
				found.add("%s: nothing says how many replicas of %s there may be", named(subscription), app)
			}
		}
	}
	return found
}

func topicsHaveRoutes(set Set) (found findings) {
	apps, heard := map[string][]string{}, map[string]bool{}
	for _, app := range set.of("SpinApp") {
		apps[app.GetName()] = stringsOf(app.Object, "spec", "components")
	}
	subscriptions := set.of("Subscription")
	for _, subscription := range subscriptions {
		heard[text(subscription.Object, "spec", "topic")] = true
	}
	for _, subscription := range subscriptions {
		of := named(subscription)
		topic, dead := text(subscription.Object, "spec", "topic"), text(subscription.Object, "spec", "deadLetterTopic")
		if set.Application.Topics[topic] == nil {
			found.add("%s: nobody declares the topic %s", of, topic)
		}
		if dead != "" && (set.Application.Topics[dead] == nil || !heard[dead]) {
			found.add("%s: nobody hears what goes to %s", of, dead)
		}
		route := text(subscription.Object, "spec", "routes", "default")
		scopes := stringsOf(subscription.Object, "scopes")
		if len(scopes) == 0 {
			found.add("%s: every application hears it", of)
		}
		for _, app := range scopes {
			// A route that is not there answers 404, which a sidecar takes for "drop it".
			if component := set.Application.Answers(route); !slices.Contains(apps[app], component) {
				found.add("%s: %s answers %s, and %s has only %v", of, component, route, app, apps[app])
			}
		}
	}
	return found
}

func withinQuota(set Set) (found findings) {
	for _, quota := range set.of("ResourceQuota") {
		sums := map[string]*resource.Quantity{}
		for _, pod := range Pods(set.Objects) {
			if pod.Of.GetNamespace() != quota.GetNamespace() {
				continue
			}
			// A Deployment that is rolled has a quarter more for a while.
			times := pod.Most
			if pod.Of.GetKind() == "SpinApp" {
				times += (times + 3) / 4
			}
			for _, container := range pod.Containers {
				for what, amount := range map[string]map[string]string{"requests.": container.Requests, "limits.": container.Limit} {
					for kind, value := range amount {
						if sums[what+kind] == nil {
							sums[what+kind] = &resource.Quantity{}
						}
						quantity := resource.MustParse(value)
						for range times {
							sums[what+kind].Add(quantity)
						}
					}
				}
			}
		}
		hard, _, _ := unstructured.NestedStringMap(quota.Object, "spec", "hard")
		for kind, sum := range sums {
			if most, err := resource.ParseQuantity(hard[kind]); err != nil || sum.Cmp(most) > 0 {
				found.add("%s: %s may come to %s, and has %s", named(quota), kind, sum, hard[kind])
			}
		}
	}
	return found
}

func httpAlone(set Set) (found findings) {
	for _, app := range set.of("SpinApp") {
		components := stringsOf(app.Object, "spec", "components")
		if len(components) == 0 {
			found.add("%s: all components, and SpinKube has no cron", named(app))
		}
		for _, component := range components {
			triggers := set.Application.Triggers[component]
			if len(triggers) == 0 || slices.ContainsFunc(triggers, func(kind string) bool { return kind != "http" }) {
				found.add("%s: %s has the triggers %v", named(app), component, triggers)
			}
		}
	}
	return found
}

// The variables of a SpinApp, and the Secret of each that comes from one.
func variables(app *unstructured.Unstructured) map[string]string {
	all := map[string]string{}
	for _, variable := range mapsOf(app.Object, "spec", "variables") {
		all[text(variable, "name")] = text(variable, "valueFrom", "secretKeyRef", "name")
	}
	return all
}

func tokensOnBothSides(set Set) (found findings) {
	for _, app := range set.of("SpinApp") {
		annotations, _, _ := unstructured.NestedStringMap(app.Object, "spec", "podAnnotations")
		if annotations["dapr.io/enabled"] != "true" {
			continue
		}
		variables := variables(app)
		for annotation, variable := range map[string]string{"dapr.io/api-token-secret": "dapr_api_token", "dapr.io/app-token-secret": "app_api_token"} {
			if sidecars := annotations[annotation]; sidecars == "" || sidecars != variables[variable] {
				found.add("%s: its sidecar has %s from %q, it has %s from %q", named(app), annotation, sidecars, variable, variables[variable])
			}
		}
		if annotations["dapr.io/app-id"] != app.GetName() {
			found.add("%s: its sidecar is called %s", named(app), annotations["dapr.io/app-id"])
		}
		if annotations["dapr.io/enable-app-health-check"] == "true" {
			found.add("%s: daprd 1.16 loses its subscriptions where it checks the application's health", named(app))
		}
	}
	return found
}

func secretsItReads(set Set) (found findings) {
	for _, app := range set.of("SpinApp") {
		for variable, secret := range variables(app) {
			read := false
			for _, component := range stringsOf(app.Object, "spec", "components") {
				read = read || set.Application.Components[component][variable]
			}
			if _, declared := set.Application.Variables[variable]; !declared {
				found.add("%s: spin.toml declares no %s", named(app), variable)
			} else if secret != "" && !read {
				found.add("%s: is given %s, and reads it nowhere", named(app), variable)
			}
		}
	}
	return found
}

// What comes from outside reaches the component that spin.toml has for it, and no callback.
func publicRoutes(set Set) (found findings) {
	apps := map[string][]string{}
	for _, app := range set.of("SpinApp") {
		apps[app.GetName()] = stringsOf(app.Object, "spec", "components")
	}
	check := func(of, path, app string) {
		for _, inner := range []string{"/internal", "/events", "/job", "/metrics"} {
			if path == "/" || path == inner || strings.HasPrefix(path, inner+"/") {
				found.add("%s: %s is for nobody outside", of, path)
			}
		}
		if component := set.Application.Answers(path); !slices.Contains(apps[app], component) {
			found.add("%s: %s answers %s, and it goes to %s", of, component, path, app)
		}
	}
	for _, route := range set.of("HTTPRoute") {
		for _, rule := range mapsOf(route.Object, "spec", "rules") {
			for _, backend := range mapsOf(rule, "backendRefs") {
				for _, match := range mapsOf(rule, "matches") {
					check(named(route), text(match, "path", "value"), text(backend, "name"))
				}
			}
		}
	}
	for _, ingress := range set.of("Ingress") {
		for _, rule := range mapsOf(ingress.Object, "spec", "rules") {
			for _, path := range mapsOf(rule, "http", "paths") {
				check(named(ingress), text(path, "path"), text(path, "backend", "service", "name"))
			}
		}
	}
	return found
}
