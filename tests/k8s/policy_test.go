package k8s

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func application(t *testing.T) *Application {
	t.Helper()
	app, err := ReadApplication()
	if err != nil {
		t.Fatal(err)
	}
	return app
}

func TestWhatIsInstalledKeepsEveryRule(t *testing.T) {
	app := application(t)
	for _, deployment := range Deployments() {
		objects, err := deployment.Render()
		if err != nil {
			t.Fatal(err)
		}
		if deployment.Chart != perennial {
			// What denies everything comes with the application.
			objects = append(objects, denial(t)...)
		}
		for _, rule := range Rules {
			for _, broken := range rule.Check(Set{objects, app}) {
				t.Errorf("%s: %s: %s", deployment, rule.Name, broken)
			}
		}
	}
}

// Each file in testdata/broken is named for a rule, breaks it in each of its documents by itself, and says after `# broken:` what is found.
// What stands before the first `# broken:` is there in each case.
func TestWhatBreaksARuleIsCaught(t *testing.T) {
	app := application(t)
	for _, rule := range Rules {
		text, err := os.ReadFile(filepath.Join("testdata/broken", rule.Name+".yaml"))
		if err != nil {
			t.Errorf("no manifest breaks the rule: %v", err)
			continue
		}
		cases := strings.Split(string(text), "# broken: ")
		if len(cases) < 2 {
			t.Errorf("%s: nothing in it is broken", rule.Name)
		}
		if found := rule.Check(Set{parse(t, cases[0]), app}); len(found) > 0 {
			t.Errorf("%s: what is there in each case: %v", rule.Name, found)
		}
		for _, one := range cases[1:] {
			finding, manifest, _ := strings.Cut(one, "\n")
			found := rule.Check(Set{parse(t, cases[0]+"\n---\n"+manifest), app})
			if !strings.Contains(strings.Join(found, "\n"), finding) {
				t.Errorf("%s: expected %q, found %q", rule.Name, finding, found)
			}
		}
	}
}

func parse(t *testing.T, text string) []*object {
	t.Helper()
	objects, err := Parse([]byte(text))
	if err != nil {
		t.Fatalf("%v in:\n%s", err, text)
	}
	return objects
}

func denial(t *testing.T) []*object {
	return parse(t, `
kind: NetworkPolicy
metadata: { name: default-deny }
spec: { podSelector: {}, policyTypes: [Ingress, Egress] }
`)
}
