package k8s

import (
	"encoding/json"
	"os"
	"strings"

	"github.com/BurntSushi/toml"
)

// An Application is what spin.toml and the files of the chart say, as far as manifests are held against it.
type Application struct {
	// The component that answers at a route.
	Routes map[string]string
	// The kinds of triggers of a component.
	Triggers map[string][]string
	// The variables, and whether they are secrets; those that each component reads.
	Variables  map[string]bool
	Components map[string]map[string]bool
	// The partitions of each topic: local and cloud.
	Topics map[string]map[string]int64
}

// ReadApplication reads it.
func ReadApplication() (*Application, error) {
	var manifest struct {
		Variables map[string]struct {
			Secret bool
		}
		Trigger map[string]any
		// Of a component, only its variables.
		Component map[string]struct {
			Variables map[string]string
		}
	}
	if _, err := toml.DecodeFile(repository+"/spin.toml", &manifest); err != nil {
		return nil, err
	}
	app := &Application{map[string]string{}, map[string][]string{}, map[string]bool{}, map[string]map[string]bool{}, map[string]map[string]int64{}}
	for kind, triggers := range manifest.Trigger {
		for _, trigger := range triggers.([]map[string]any) {
			component := trigger["component"].(string)
			app.Triggers[component] = append(app.Triggers[component], kind)
			if route, ok := trigger["route"].(string); ok {
				app.Routes[route] = component
			}
		}
	}
	for name, variable := range manifest.Variables {
		app.Variables[name] = variable.Secret
	}
	for name, component := range manifest.Component {
		app.Components[name] = map[string]bool{}
		for variable := range component.Variables {
			app.Components[name][variable] = true
		}
	}
	text, err := os.ReadFile(perennial + "/files/topics.json")
	if err != nil {
		return nil, err
	}
	var topics []struct {
		Name       string
		Partitions map[string]int64
	}
	if err := json.Unmarshal(text, &topics); err != nil {
		return nil, err
	}
	for _, topic := range topics {
		app.Topics[topic.Name] = topic.Partitions
	}
	return app, nil
}

// Answers gives the component that answers a path: the longest route that fits, as Spin has it.
func (a *Application) Answers(path string) string {
	best, component := -1, ""
	for route, answers := range a.Routes {
		prefix, wild := strings.CutSuffix(route, "/...")
		fits := path == route || wild && (path == prefix || strings.HasPrefix(path, prefix+"/"))
		// An address of its own comes before what is under it.
		length := 2 * len(prefix)
		if !wild {
			length++
		}
		if fits && length > best {
			best, component = length, answers
		}
	}
	return component
}
