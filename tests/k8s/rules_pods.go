package k8s

import (
	"regexp"
	"slices"

	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

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
