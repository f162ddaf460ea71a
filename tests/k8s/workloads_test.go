package k8s

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Where the operator's webhooks are: it cannot be told another place.
const webhooks = "127.0.0.1:9443"

// startWorkloads starts what makes pods of what is applied: the controllers of Kubernetes, its scheduler, the SpinKube operator with the
// rights and webhooks that it has in a cluster, and kwok, which plays the kubelet of nodes that there are not (testdata/journey).
func (c *Cluster) startWorkloads(t *testing.T, hand *hand) {
	t.Helper()
	programs := map[string]string{}
	for _, name := range []string{"kube-controller-manager", "kube-scheduler", "spin-operator", "kwok"} {
		programs[name] = brought(t, "bin/"+name)
	}
	admin := c.kubeconfig(t, "")
	ports := freePorts(t, 3)
	start(t, c.Folder, programs["kube-controller-manager"], "--kubeconfig="+admin, "--leader-elect=false", "--bind-address=127.0.0.1",
		fmt.Sprintf("--secure-port=%d", ports[0]), "--cert-dir="+c.Folder+"/controllers", "--root-ca-file="+c.Folder+"/apiserver.crt",
		"--service-account-private-key-file="+c.Folder+"/accounts.pem", "--horizontal-pod-autoscaler-sync-period=2s")
	start(t, c.Folder, programs["kube-scheduler"], "--kubeconfig="+admin, "--leader-elect=false", "--bind-address=127.0.0.1",
		fmt.Sprintf("--secure-port=%d", ports[1]), "--cert-dir="+c.Folder+"/scheduler")
	stages, err := filepath.Abs("testdata/journey/kubelet.yaml")
	if err != nil {
		t.Fatal(err)
	}
	start(t, c.Folder, programs["kwok"], "--kubeconfig="+admin, "--config="+stages, "--manage-all-nodes=true",
		"--node-lease-duration-seconds=40", "--cidr=10.1.0.0/16")
	c.applyAll(t, hand, "testdata/journey/platform.yaml")
	c.applyAll(t, hand, brought(t, "spin-operator/role.yaml"))
	for _, node := range nodes(t) {
		if _, err := hand.apply(node, ""); err != nil {
			t.Fatal(err)
		}
	}
	until(t, "nobody else is at "+webhooks, patience, func() error {
		listener, err := net.Listen("tcp", webhooks)
		if err == nil {
			listener.Close()
		}
		return err
	})
	authority := c.webhookCertificate(t)
	start(t, c.Folder, programs["spin-operator"], "--kubeconfig="+c.kubeconfig(t, "system:serviceaccount:spin-operator:controller-manager"),
		"--enable-webhooks", "--zap-log-level=error", "--metrics-bind-address=0", fmt.Sprintf("--health-probe-bind-address=127.0.0.1:%d", ports[2]))
	until(t, "the operator's webhooks answer", patience, func() error {
		connection, err := net.DialTimeout("tcp", webhooks, time.Second)
		if err == nil {
			connection.Close()
		}
		return err
	})
	hooks, err := ParseFile(brought(t, "spin-operator/webhooks.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, object := range hooks {
		for _, hook := range object.Object["webhooks"].([]any) {
			hook := hook.(map[string]any)
			path := text(hook, "clientConfig", "service", "path")
			hook["clientConfig"] = map[string]any{"url": "https://" + webhooks + path, "caBundle": authority}
		}
		if _, err := hand.apply(object, ""); err != nil {
			t.Fatal(err)
		}
	}
}

func (c *Cluster) applyAll(t *testing.T, hand *hand, file string) {
	t.Helper()
	objects, err := ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, object := range objects {
		if _, err := hand.apply(object, ""); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
	}
}

// Three machines for guests and two for others, in three zones, as large as those that prod begins with.
func nodes(t *testing.T) []*unstructured.Unstructured {
	t.Helper()
	var all []*unstructured.Unstructured
	for number, labels := range []string{`"perennial.dev/wasm": "true", `, `"perennial.dev/wasm": "true", `, `"perennial.dev/wasm": "true", `, "", ""} {
		all = append(all, parse(t, fmt.Sprintf(`
apiVersion: v1
kind: Node
metadata:
  name: node-%d
  labels: { %s"kubernetes.io/hostname": node-%[1]d, "kubernetes.io/os": linux, "topology.kubernetes.io/zone": zone-%[3]d }
status: { allocatable: { cpu: "7", memory: 28Gi, pods: "100" }, capacity: { cpu: "8", memory: 32Gi, pods: "110" } }
`, number, labels, number%3))...)
	}
	return all
}

// kubeconfig writes a file by which a program speaks to the server: as an administrator, or as somebody else.
func (c *Cluster) kubeconfig(t *testing.T, as string) string {
	t.Helper()
	user := map[string]any{"token": c.Config.BearerToken}
	if as != "" {
		user["as"] = as
	}
	content, err := json.Marshal(map[string]any{
		"apiVersion": "v1", "kind": "Config", "current-context": "test",
		"clusters": []any{map[string]any{"name": "test", "cluster": map[string]any{"server": c.Config.Host, "insecure-skip-tls-verify": true}}},
		"users":    []any{map[string]any{"name": "test", "user": user}},
		"contexts": []any{map[string]any{"name": "test", "context": map[string]any{"cluster": "test", "user": "test"}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(c.Folder, "kubeconfig"+filepath.Base(as))
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// webhookCertificate puts one where the operator looks for it, and gives what the API server is to trust.
func (c *Cluster) webhookCertificate(t *testing.T) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	about := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	certificate, err := x509.CreateCertificate(rand.Reader, about, about, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(c.Folder, "k8s-webhook-server/serving-certs")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	public := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate})
	for name, content := range map[string][]byte{"tls.crt": public, "tls.key": pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})} {
		if err := os.WriteFile(filepath.Join(folder, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return base64.StdEncoding.EncodeToString(public)
}
