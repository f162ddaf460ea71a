package k8s

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Secret values as a Secret would have them.
func secretValue(variable, host string) string {
	switch variable {
	case "database_url":
		return strings.Replace(host, "://", "://perennial:password@", 1) + "/perennial"
	case "rate_limit_redis_url":
		return "rediss://cache.example.com:6380"
	}
	return strings.Repeat("0123456789abcdef", 3)
}

// The embedded host reads spin.toml, variables and the runtime configuration as Spin does, and refuses what does not go together.
func TestEachApplicationStartsWithTheSettingsOfItsSpinApp(t *testing.T) {
	program, err := filepath.Abs(repository + "/target/release/perennial")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(program); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("the application is not built: run `make build`")
		}
		t.Skip("SKIPPED: the application is not built; `make build` builds it")
	}
	for _, deployment := range []Deployment{{perennial, "perennial-dev", []string{valuesFile("local")}}, whole} {
		objects, err := deployment.Render()
		if err != nil {
			t.Fatal(err)
		}
		configurations := map[string]string{}
		for _, secret := range (Set{Objects: objects}).of("Secret") {
			configurations[secret.GetName()] = text(secret.Object, "stringData", "runtime-config.toml")
		}
		for _, app := range (Set{Objects: objects}).of("SpinApp") {
			folder := t.TempDir()
			config := filepath.Join(folder, "runtime-config.toml")
			content := configurations[text(app.Object, "spec", "runtimeConfig", "loadFromSecret")]
			if err := os.WriteFile(config, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
			arguments := []string{"up", "-f", repository + "/spin.toml", "--listen", "127.0.0.1:0", "--state-dir", folder + "/state",
				"--cache-dir", repository + "/target/compiled", "--runtime-config-file", config}
			for _, component := range stringsOf(app.Object, "spec", "components") {
				arguments = append(arguments, "-c", component)
			}
			command := exec.CommandContext(context.Background(), program, arguments...)
			command.Env = os.Environ()
			given := map[string]string{}
			for _, variable := range mapsOf(app.Object, "spec", "variables") {
				given[text(variable, "name")] = text(variable, "value")
			}
			for _, variable := range mapsOf(app.Object, "spec", "variables") {
				name, value := text(variable, "name"), text(variable, "value")
				if variable["valueFrom"] != nil {
					value = secretValue(name, given["database_host"])
				}
				command.Env = append(command.Env, "SPIN_VARIABLE_"+strings.ToUpper(name)+"="+value)
			}
			starts(t, deployment.String()+" "+app.GetName(), command)
		}
	}
}

// starts runs a program until it says where it serves, and has it end.
func starts(t *testing.T, name string, command *exec.Cmd) {
	t.Helper()
	log, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	command.Stdout, command.Stderr = log, log
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- command.Wait() }()
	said := func() string { text, _ := os.ReadFile(log.Name()); return string(text) }
	for deadline := time.Now().Add(patience); !strings.Contains(said(), "Serving http://"); time.Sleep(50 * time.Millisecond) {
		select {
		case err := <-ended:
			t.Errorf("%s: %v: %s", name, err, said())
			return
		default:
		}
		if time.Now().After(deadline) {
			t.Errorf("%s does not start: %s", name, said())
			break
		}
	}
	_ = command.Process.Signal(syscall.SIGTERM)
	if err := <-ended; err != nil {
		t.Errorf("%s ended with %v: %s", name, err, said())
	}
}
