package k8s

import (
	"context"
	"encoding/json"
	"testing"

	"k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/restmapper"
)

// A hand applies objects as a server-side apply does, and has the server refuse what it does not know.
type hand struct {
	client dynamic.Interface
	mapper *restmapper.DeferredDiscoveryRESTMapper
}

func newHand(t *testing.T, cluster *Cluster) *hand {
	t.Helper()
	client, err := dynamic.NewForConfig(cluster.Config)
	if err != nil {
		t.Fatal(err)
	}
	about, err := discovery.NewDiscoveryClientForConfig(cluster.Config)
	if err != nil {
		t.Fatal(err)
	}
	return &hand{client, restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(about))}
}

func (h *hand) resource(object *unstructured.Unstructured, namespace string) (dynamic.ResourceInterface, error) {
	kind := object.GroupVersionKind()
	mapping, err := h.mapper.RESTMapping(kind.GroupKind(), kind.Version)
	if err != nil {
		return nil, err
	}
	resource := h.client.Resource(mapping.Resource)
	if mapping.Scope.Name() == "root" {
		return resource, nil
	}
	if own := object.GetNamespace(); own != "" {
		namespace = own
	}
	return resource.Namespace(namespace), nil
}

func (h *hand) apply(object *unstructured.Unstructured, namespace string) (*unstructured.Unstructured, error) {
	resource, err := h.resource(object, namespace)
	if err != nil {
		return nil, err
	}
	body, err := json.Marshal(object)
	if err != nil {
		return nil, err
	}
	force := true
	return resource.Patch(context.Background(), object.GetName(), types.ApplyPatchType, body,
		metav1.PatchOptions{FieldManager: "helm", Force: &force, FieldValidation: metav1.FieldValidationStrict})
}

// What Helm deletes before it makes it anew, as a Job cannot be changed.
func (h *hand) deleteHook(object *unstructured.Unstructured, namespace string) error {
	if object.GetKind() != "Job" {
		return nil
	}
	resource, err := h.resource(object, namespace)
	if err != nil {
		return err
	}
	background := metav1.DeletePropagationBackground
	err = resource.Delete(context.Background(), object.GetName(), metav1.DeleteOptions{PropagationPolicy: &background})
	if errors.IsNotFound(err) {
		return nil
	}
	return err
}
