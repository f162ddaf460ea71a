package k8s

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

var created = regexp.MustCompile(`rpk topic create (\S+) .*--partitions (\d+)`)

// The partitions of the topics, as they are declared with the rest, or else as the cloud's are.
func (s Set) partitions() map[string]int64 {
	partitions := map[string]int64{}
	for topic, sizes := range s.Application.Topics {
		partitions[topic] = sizes["cloud"]
	}
	for _, topic := range s.of("KafkaTopic") {
		partitions[topic.GetName()], _, _ = unstructured.NestedInt64(topic.Object, "spec", "partitions")
	}
	for _, job := range s.of("Job") {
		for _, container := range mapsOf(job.Object, "spec", "template", "spec", "containers") {
			for _, line := range created.FindAllStringSubmatch(strings.Join(stringsOf(container, "args"), "\n"), -1) {
				partitions[line[1]], _ = strconv.ParseInt(line[2], 10, 64)
			}
		}
	}
	return partitions
}

func replicasWithinPartitions(set Set) (found findings) {
	partitions := set.partitions()
	scaled := map[string]bool{}
	for _, object := range set.of("ScaledObject") {
		name := text(object.Object, "spec", "scaleTargetRef", "name")
		scaled[name] = true
		most, _, _ := unstructured.NestedInt64(object.Object, "spec", "maxReplicaCount")
		for _, trigger := range mapsOf(object.Object, "spec", "triggers") {
			topic, group := text(trigger, "metadata", "topic"), text(trigger, "metadata", "consumerGroup")
			if most == 0 || most > partitions[topic] {
				found.add("%s: up to %d replicas for the %d partitions of %s", named(object), most, partitions[topic], topic)
			}
			if group != name+"-tasks-v1" {
				found.add("%s: goes by the lag of %s, which is not its group", named(object), group)
			}
		}
	}
	for _, subscription := range set.of("Subscription") {
		for _, app := range stringsOf(subscription.Object, "scopes") {
			if !scaled[app] {
				found.add("%s: nothing says how many replicas of %s there may be", named(subscription), app)
			}
		}
	}
	return found
}

func topicsHaveRoutes(set Set) (found findings) {
	apps, heard := map[string][]string{}, map[string]bool{}
	for _, app := range set.of("SpinApp") {
		apps[app.GetName()] = stringsOf(app.Object, "spec", "components")
	}
	subscriptions := set.of("Subscription")
	for _, subscription := range subscriptions {
		heard[text(subscription.Object, "spec", "topic")] = true
	}
	for _, subscription := range subscriptions {
		of := named(subscription)
		topic, dead := text(subscription.Object, "spec", "topic"), text(subscription.Object, "spec", "deadLetterTopic")
		if set.Application.Topics[topic] == nil {
			found.add("%s: nobody declares the topic %s", of, topic)
		}
		if dead != "" && (set.Application.Topics[dead] == nil || !heard[dead]) {
			found.add("%s: nobody hears what goes to %s", of, dead)
		}
		route := text(subscription.Object, "spec", "routes", "default")
		scopes := stringsOf(subscription.Object, "scopes")
		if len(scopes) == 0 {
			found.add("%s: every application hears it", of)
		}
		for _, app := range scopes {
			// A route that is not there answers 404, which a sidecar takes for "drop it".
			if component := set.Application.Answers(route); !slices.Contains(apps[app], component) {
				found.add("%s: %s answers %s, and %s has only %v", of, component, route, app, apps[app])
			}
		}
	}
	return found
}

func httpAlone(set Set) (found findings) {
	for _, app := range set.of("SpinApp") {
		components := stringsOf(app.Object, "spec", "components")
		if len(components) == 0 {
			found.add("%s: all components, and SpinKube has no cron", named(app))
		}
		for _, component := range components {
			triggers := set.Application.Triggers[component]
			if len(triggers) == 0 || slices.ContainsFunc(triggers, func(kind string) bool { return kind != "http" }) {
				found.add("%s: %s has the triggers %v", named(app), component, triggers)
			}
		}
	}
	return found
}
