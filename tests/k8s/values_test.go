package k8s

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
)

// A deployment with all that is asked for.
var whole = Deployment{perennial, "perennial-prod", []string{valuesFile("prod"), valuesFile("kafka-strimzi"), "testdata/yours.yaml", "testdata/everything.yaml"}}

// What is taken away or set wrongly, and how the sentence begins that the install fails with.
var wrong = []struct{ value, sentence string }{
	{`image.repository=""`, "image.repository is missing: "},
	{`image={"tag":"","digest":""}`, "image.digest is missing: "},
	{`nativeImage.repository=""`, "nativeImage.repository is missing: "},
	{`nativeImage={"tag":"","digest":""}`, "nativeImage.digest is missing: "},
	{`database.host=""`, "database.host is missing: "},
	{`database.peers=[]`, "database.peers is missing: "},
	{`secrets.database_url.name=""`, "secrets.database_url.name is missing: "},
	{`secrets.metrics_token.name=""`, "secrets.metrics_token.name is missing: "},
	{`secrets.dapr_api_token.name=""`, "secrets.dapr_api_token.name is missing: "},
	{`secrets.app_api_token.name=""`, "secrets.app_api_token.name is missing: "},
	{`secrets.app_api_token.key="other"`, "secrets.app_api_token.key must be token: "},
	{`kafka.bootstrap="",kafka.topics.by="job"`, "kafka.bootstrap is missing: "},
	{`kafka.peers=[],kafka.topics.by="job"`, "kafka.peers is missing: "},
	{`kafka.auth.secret=""`, "kafka.auth.secret is missing: "},
	{`kafka.auth.mechanism="PLAIN"`, "kafka.auth.mechanism must be SCRAM-SHA-512: "},
	{`kafka.topics.minInsyncReplicas=4`, "kafka.topics.minInsyncReplicas is more than kafka.topics.replicas: "},
	{`kafka.topics.partitions={"reminders":2}`, "applications.notifier.replicas.max is 3, and the topic reminders has 2 partitions: "},
	{`secretStore.kind="none"`, "secretStore.kind is none: "},
	{`secretStore.peers=[]`, "secretStore.peers is missing: "},
	{`secretStore={"kind":"azureKeyVault","azureKeyVault":{"name":""}}`, "secretStore.azureKeyVault.name is missing: "},
	{`secretStore={"kind":"azureKeyVault","azureKeyVault":{"name":"vault"}}`, "workloadIdentity.clientId is missing: "},
	{`state={"kind":"redis","redis":{"host":""}}`, "state.redis.host is missing: "},
	{`state.peers=[]`, "state.peers is missing: "},
	{`jwt.audience=""`, "jwt.audience is missing: "},
	{`jwt.jwksUrl=""`, "jwt.jwksUrl is missing: "},
	{`jwt.peers=[]`, "jwt.peers is missing: "},
	{`rateLimit.redisHost=""`, "rateLimit.redisHost is missing: "},
	{`rateLimit.peers=[]`, "rateLimit.peers is missing: "},
	{`secrets.rate_limit_redis_url.name=""`, "secrets.rate_limit_redis_url.name is missing: "},
	{`secrets.audit_key.name=""`, "secrets.audit_key.name is missing: "},
	{`audit.peers=[]`, "audit.peers is missing: "},
	{`edge.host=""`, "edge.host is missing: "},
	{`edge.issuer.name=""`, "edge.issuer.name is missing: "},
	{`otel.peers=[]`, "otel.peers is missing: "},
	{`applications.live.replicas={"min":3,"max":2}`, "applications.live.replicas.max is less than its min"},
	{`applications.audit.replicas.max=25`, "applications.audit.replicas.max is 25, and the topic task-events has 24 partitions: "},
}

func TestAMissingValueFailsTheInstallWithASentenceThatNamesIt(t *testing.T) {
	if _, err := whole.Render(); err != nil {
		t.Fatalf("with all that is asked for: %v", err)
	}
	for _, one := range wrong {
		_, err := whole.Render(one.value)
		if err == nil || !strings.Contains(err.Error(), "\n- "+one.sentence) {
			t.Errorf("%s: expected %q, got: %v", one.value, one.sentence, err)
		}
	}
	// All that is missing is said at once.
	nothing := Deployment{perennial, "perennial-prod", nil}
	if _, err := nothing.Render(); err == nil || strings.Count(err.Error(), "\n- ") < 8 {
		t.Errorf("without values: %v", err)
	}
}

// What the schema refuses, and what its message names.
var refused = []struct{ value, name string }{
	{`databse.host="x"`, "databse"},
	{`kafka.topics.partitions={"task-event":3}`, "task-event"},
	{`variables={"databse_url":"x"}`, "databse_url"},
	{`variables={"database_url":"postgres://u:p@h/d"}`, "database_url"},
	{`image.tag="latest"`, "/image/tag"},
	{`image.digest="sha256:12"`, "/image/digest"},
	{`kafka.bootstrap="one:9092,two:9092"`, "/kafka/bootstrap"},
	{`applications.notifier.resources={"requests":{"cpu":1,"memory":"1Gi"}}`, "/applications/notifier/resources"},
	{`database.peers=[{}]`, "/database/peers"},
	{`database.peers=[{"ipBlock":{"cidr":"anywhere"}}]`, "/database/peers"},
	{`edge.kind="openresty"`, "/edge/kind"},
	{`observability={"trace":{"to":"otlp"}}`, "trace"},
	{`observability={"traces":{"to":"jaeger"}}`, "/observability/traces/to"},
	{`observability={"collector":{"image":"otel/opentelemetry-collector-contrib:latest"}}`, "/observability/collector/image"},
	{`quota={"requests":{"cpu":"4","memory":"8Gi"}}`, "/quota"},
}

func TestTheSchemaRefusesWhatItDoesNotKnow(t *testing.T) {
	for _, one := range refused {
		if _, err := whole.Render(one.value); err == nil || !strings.Contains(err.Error(), one.name) {
			t.Errorf("%s: expected it to be refused by name (%s), got: %v", one.value, one.name, err)
		}
	}
}

// Every object that the schema describes is closed, but for what others fill.
func TestTheSchemaIsStrict(t *testing.T) {
	open := []string{"/properties/global", "/$defs/labels/properties/matchLabels"}
	for _, chart := range []string{perennial, charts + "/backing-services"} {
		text, err := os.ReadFile(chart + "/values.schema.json")
		if err != nil {
			t.Fatal(err)
		}
		var schema any
		if err := json.Unmarshal(text, &schema); err != nil {
			t.Fatal(err)
		}
		var walk func(string, any)
		walk = func(path string, node any) {
			switch node := node.(type) {
			case map[string]any:
				_, closed := node["additionalProperties"]
				if node["type"] == "object" && !closed && node["maxProperties"] == nil && !slices.Contains(open, path) {
					t.Errorf("%s: %s takes what it does not know", chart, path)
				}
				for name, child := range node {
					walk(path+"/"+name, child)
				}
			case []any:
				for _, child := range node {
					walk(path, child)
				}
			}
		}
		walk("", schema)
	}
}
