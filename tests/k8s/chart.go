// Package k8s tests the charts in k8s/spinkube: what they render, what they refuse, and what a real API server says of it.
package k8s

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/cli/values"
	"helm.sh/helm/v3/pkg/getter"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/json"
	"k8s.io/apimachinery/pkg/util/yaml"
)

// The repository, and the folder that the charts are in.
const (
	repository = "../.."
	charts     = repository + "/k8s/spinkube"
	perennial  = charts + "/perennial"
)

// What the charts are rendered for, and tested on.
const kubernetes = "v1.36.1"

// A Deployment is one way in which a chart is installed.
type Deployment struct {
	Chart, Namespace string
	// Values files.
	Values []string
}

func (d Deployment) String() string {
	names := []string{filepath.Base(d.Chart)}
	for _, file := range d.Values {
		names = append(names, strings.TrimSuffix(filepath.Base(file), ".yaml"))
	}
	return strings.Join(names, "+")
}

func valuesFile(name string) string { return filepath.Join(perennial, "values", name+".yaml") }

// Deployments are all that the values files are there for: each environment, on each kind of broker, and each way in.
func Deployments() []Deployment {
	all := []Deployment{
		{charts + "/backing-services", "perennial-dev", nil},
		{perennial, "perennial-dev", []string{valuesFile("local")}},
	}
	brokers, err := filepath.Glob(valuesFile("kafka-*"))
	if err != nil || len(brokers) == 0 {
		panic("no values files of brokers")
	}
	for _, environment := range []string{"dev", "staging", "prod"} {
		for _, broker := range brokers {
			files := []string{valuesFile(environment), broker, "testdata/yours.yaml"}
			all = append(all, Deployment{perennial, "perennial-" + environment, files})
		}
	}
	strimzi := []string{valuesFile("prod"), valuesFile("kafka-strimzi"), "testdata/yours.yaml"}
	for _, more := range []string{"testdata/nginx.yaml", "testdata/everything.yaml", "testdata/key-vault.yaml"} {
		all = append(all, Deployment{perennial, "perennial-prod", append(slices.Clone(strimzi), more)})
	}
	return all
}

// Merged are the values of a deployment's files, with more of them as on Helm's command line (`--set-json`).
func (d Deployment) Merged(more ...string) (map[string]any, error) {
	options := values.Options{ValueFiles: d.Values, JSONValues: more}
	return options.MergeValues(getter.Providers{})
}

// Render gives what would be installed, hooks included.
func (d Deployment) Render(more ...string) ([]*unstructured.Unstructured, error) {
	merged, err := d.Merged(more...)
	if err != nil {
		return nil, err
	}
	chart, err := loader.Load(d.Chart)
	if err != nil {
		return nil, err
	}
	version, err := chartutil.ParseKubeVersion(kubernetes)
	if err != nil {
		return nil, err
	}
	install := action.NewInstall(&action.Configuration{Log: func(string, ...any) {}})
	install.ClientOnly, install.DryRun, install.ReleaseName, install.Namespace = true, true, "perennial", d.Namespace
	install.KubeVersion = version
	install.APIVersions = chartutil.VersionSet{"admissionregistration.k8s.io/v1/MutatingAdmissionPolicy"}
	release, err := install.Run(chart, merged)
	if err != nil {
		return nil, err
	}
	objects, err := Parse([]byte(release.Manifest))
	for _, hook := range release.Hooks {
		more, e := Parse([]byte(hook.Manifest))
		objects, err = append(objects, more...), errors.Join(err, e)
	}
	return objects, err
}

// Parse reads documents of YAML.
func Parse(text []byte) ([]*unstructured.Unstructured, error) {
	var objects []*unstructured.Unstructured
	reader := yaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(text)))
	for {
		document, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return objects, nil
		} else if err != nil {
			return nil, err
		}
		converted, err := yaml.ToJSON(document)
		if err != nil {
			return nil, err
		}
		object := map[string]any{}
		if err := json.Unmarshal(converted, &object); err != nil {
			return nil, err
		}
		if len(object) > 0 {
			objects = append(objects, &unstructured.Unstructured{Object: object})
		}
	}
}

// ParseFile reads the documents of a file.
func ParseFile(path string) ([]*unstructured.Unstructured, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return Parse(text)
}
