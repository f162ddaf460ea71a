package k8s

import (
	"fmt"
	"slices"

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
