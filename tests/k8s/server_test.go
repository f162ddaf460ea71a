package k8s

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"k8s.io/client-go/rest"
)

// How long a server may take to start on a busy machine.
const patience = 3 * time.Minute

// brought gives a file or folder that `make k8s-tools` brings. Where it is not there the test is skipped, with the reason; where CI is set it
// fails.
func brought(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join(repository, ".cache/k8s", name))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("%s is not there: run `make k8s-tools`", path)
		}
		t.Skipf("SKIPPED: no %s here; `make k8s-tools` gets it", name)
	}
	return path
}

// A process that ends with the test, and whose log is told where the test fails.
func start(t *testing.T, folder, program string, arguments ...string) {
	t.Helper()
	name := filepath.Base(program)
	log, err := os.Create(filepath.Join(folder, name+".log"))
	if err != nil {
		t.Fatal(err)
	}
	command := exec.Command(program, arguments...)
	command.Stdout, command.Stderr, command.Dir = log, log, folder
	command.Env = append(os.Environ(), "TMPDIR="+folder)
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = command.Process.Kill()
		_ = command.Wait()
		if t.Failed() {
			text, _ := os.ReadFile(log.Name())
			if at := bytes.Index(text, []byte("panic")); at >= 0 {
				t.Logf("%s panicked:\n%s", name, text[at:min(len(text), at+4000)])
			}
			t.Logf("the end of what %s said:\n%s", name, text[max(0, len(text)-2000):])
		}
	})
}

// until asks until it is so.
func until(t *testing.T, what string, limit time.Duration, ask func() error) {
	t.Helper()
	end := time.Now().Add(limit)
	for {
		err := ask()
		if err == nil {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%s: %v", what, err)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

func freePorts(t *testing.T, count int) []int {
	t.Helper()
	var ports []int
	for range count {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer listener.Close()
		ports = append(ports, listener.Addr().(*net.TCPAddr).Port)
	}
	return ports
}

// A Cluster is a Kubernetes API server, over etcd; and more of one, where startWorkloads was called.
type Cluster struct {
	Config   *rest.Config
	Folder   string
	Warnings *warnings
}

type warnings struct{ all []string }

func (w *warnings) HandleWarningHeader(_ int, _, text string) { w.all = append(w.all, text) }

// startCluster starts one on this machine, whose server has more options.
func startCluster(t *testing.T, options ...string) *Cluster {
	t.Helper()
	etcd, server := brought(t, "bin/etcd"), brought(t, "bin/kube-apiserver")
	folder := t.TempDir()
	ports := freePorts(t, 3)
	store := fmt.Sprintf("http://127.0.0.1:%d", ports[0])
	peer := fmt.Sprintf("http://127.0.0.1:%d", ports[1])
	start(t, folder, etcd, "--name=one", "--data-dir="+folder+"/etcd", "--listen-client-urls="+store, "--advertise-client-urls="+store,
		"--listen-peer-urls="+peer, "--initial-advertise-peer-urls="+peer, "--initial-cluster=one="+peer, "--unsafe-no-fsync")
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	encoded := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
	token := rand.Text()
	for name, content := range map[string][]byte{"accounts.pem": encoded, "tokens.csv": []byte(token + ",admin,admin,system:masters\n")} {
		if err := os.WriteFile(filepath.Join(folder, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	start(t, folder, server, append([]string{"--etcd-servers=" + store, "--bind-address=127.0.0.1", fmt.Sprintf("--secure-port=%d", ports[2]),
		"--cert-dir=" + folder, "--token-auth-file=" + folder + "/tokens.csv", "--authorization-mode=RBAC", "--service-cluster-ip-range=10.0.0.0/24",
		"--service-account-issuer=https://kubernetes.default.svc", "--service-account-key-file=" + folder + "/accounts.pem",
		"--service-account-signing-key-file=" + folder + "/accounts.pem",
		// Which an older etcd (Debian 12's) cannot do; who asks for it all the same waits half a minute before asking otherwise.
		"--feature-gates=WatchList=false"}, options...)...)
	cluster := &Cluster{Folder: folder, Warnings: &warnings{}}
	cluster.Config = &rest.Config{
		Host: fmt.Sprintf("https://127.0.0.1:%d", ports[2]), BearerToken: token, TLSClientConfig: rest.TLSClientConfig{Insecure: true},
		QPS: -1, WarningHandler: cluster.Warnings,
	}
	client, err := rest.HTTPClientFor(cluster.Config)
	if err != nil {
		t.Fatal(err)
	}
	until(t, "the API server is ready", patience, func() error {
		request, _ := http.NewRequestWithContext(context.Background(), http.MethodGet, cluster.Config.Host+"/readyz", nil)
		answer, err := client.Do(request)
		if err != nil {
			return err
		}
		defer answer.Body.Close()
		if answer.StatusCode != http.StatusOK {
			return fmt.Errorf("%s", answer.Status)
		}
		return nil
	})
	return cluster
}
