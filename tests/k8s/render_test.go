package k8s

import (
	"strings"
	"testing"

	"helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v3/pkg/lint/support"
)

func TestEveryValuesFileIsWithoutFaultAndRenders(t *testing.T) {
	for _, deployment := range Deployments() {
		t.Run(deployment.String(), func(t *testing.T) {
			values, err := deployment.Merged()
			if err != nil {
				t.Fatal(err)
			}
			lint := action.NewLint()
			lint.Strict, lint.Namespace = true, deployment.Namespace
			for _, message := range lint.Run([]string{deployment.Chart}, values).Messages {
				if message.Severity > support.InfoSev {
					t.Errorf("%s: %v", message.Path, message.Err)
				}
			}
			objects, err := deployment.Render()
			if err != nil {
				t.Fatal(err)
			}
			if len(objects) < 5 {
				t.Errorf("%d objects", len(objects))
			}
			seen := map[string]bool{}
			for _, object := range objects {
				name := strings.Join([]string{object.GetAPIVersion(), object.GetKind(), object.GetNamespace(), object.GetName()}, " ")
				if seen[name] {
					t.Errorf("%s is there twice", name)
				}
				seen[name] = true
			}
		})
	}
}
