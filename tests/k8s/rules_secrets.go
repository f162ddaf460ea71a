package k8s

import (
	"fmt"
	"regexp"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

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
