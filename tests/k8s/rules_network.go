package k8s

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

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
