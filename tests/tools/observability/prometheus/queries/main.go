// Holds the queries of rules and dashboards against the list of metrics that there are: `queries METRICS FILE...`.
//
// Each query must parse with Prometheus' own parser, ask for metrics and labels of the list (or recorded by one of the rule files given) alone,
// and for one namespace. What is wrong is printed, one line each.
package main

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
	"go.yaml.in/yaml/v3"
)

// The list: labels that every series of a namespace may have, and of each metric its own.
type list struct {
	Target  []string `yaml:"target"`
	Sources []struct {
		From    string              `yaml:"from"`
		Metrics map[string][]string `yaml:"metrics"`
	} `yaml:"sources"`
}

// A query, where it stands, and how it must name its namespace.
type query struct {
	place, text, namespace string
}

type checker struct {
	known    map[string][]string
	target   []string
	problems []string
}

var queries = parser.NewParser(parser.Options{})

func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "queries METRICS FILE...")
		os.Exit(2)
	}
	check, err := read(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	var found []query
	for _, file := range os.Args[2:] {
		if strings.HasSuffix(file, ".json") {
			found = append(found, check.dashboard(file)...)
		} else {
			found = append(found, check.rules(file)...)
		}
	}
	for _, query := range found {
		check.query(query)
	}
	for _, problem := range check.problems {
		fmt.Println(problem)
	}
	if len(check.problems) > 0 {
		os.Exit(1)
	}
	fmt.Printf("%d queries\n", len(found))
}

func read(file string) (*checker, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var metrics list
	if err := yaml.Unmarshal(text, &metrics); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	check := &checker{known: map[string][]string{}, target: metrics.Target}
	for _, source := range metrics.Sources {
		maps.Copy(check.known, source.Metrics)
	}
	return check, nil
}

func (c *checker) problem(format string, values ...any) {
	c.problems = append(c.problems, fmt.Sprintf(format, values...))
}

// The queries of a rule file. What it records is known from here on.
func (c *checker) rules(file string) []query {
	groups, errs := rulefmt.ParseFile(file, false, model.UTF8Validation, queries, slog.New(slog.DiscardHandler))
	for _, err := range errs {
		c.problem("%v", err)
	}
	if groups == nil || len(errs) > 0 {
		return nil
	}
	var found []query
	for _, group := range groups.Groups {
		for _, rule := range group.Rules {
			if rule.Record != "" {
				c.known[rule.Record] = c.grouped(rule.Expr)
			}
			found = append(found, query{file + ": " + rule.Record + rule.Alert, rule.Expr, "perennial"})
		}
	}
	return found
}

// The labels that a recorded series can have: those it is grouped by.
func (c *checker) grouped(text string) []string {
	var names []string
	expr, err := queries.ParseExpr(text)
	if err != nil {
		return nil
	}
	parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
		switch node := node.(type) {
		case *parser.AggregateExpr:
			names = append(names, node.Grouping...)
		case *parser.VectorSelector:
			if strings.Contains(node.Name, ":") {
				names = append(names, c.known[node.Name]...)
			}
		}
		return nil
	})
	return names
}

// The queries of a dashboard: of its panels, and of its variables.
func (c *checker) dashboard(file string) []query {
	text, err := os.ReadFile(file)
	if err != nil {
		c.problem("%v", err)
		return nil
	}
	var board struct {
		Title  string `json:"title"`
		UID    string `json:"uid"`
		Panels []struct {
			Title   string `json:"title"`
			Targets []struct {
				Expr string `json:"expr"`
			} `json:"targets"`
		} `json:"panels"`
	}
	if err := json.Unmarshal(text, &board); err != nil {
		c.problem("%s: %v", file, err)
		return nil
	}
	if board.Title == "" || board.UID == "" || len(board.Panels) == 0 {
		c.problem("%s: a dashboard needs a title, a uid and panels", file)
	}
	var found []query
	for _, panel := range board.Panels {
		for _, target := range panel.Targets {
			if target.Expr == "" {
				c.problem("%s: %s: a target without a query", file, panel.Title)
				continue
			}
			// What Grafana puts in before it asks.
			asked := strings.NewReplacer("$__rate_interval", "5m", "$__range", "1h", "$__interval", "1m").Replace(target.Expr)
			found = append(found, query{file + ": " + panel.Title, asked, "$namespace"})
		}
	}
	return found
}

func (c *checker) query(query query) {
	expr, err := queries.ParseExpr(query.text)
	if err != nil {
		c.problem("%s: %v", query.place, err)
		return
	}
	allowed := slices.Clone(c.target)
	parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
		if selector, is := node.(*parser.VectorSelector); is {
			allowed = append(allowed, c.selector(query, selector)...)
		}
		return nil
	})
	parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
		if aggregate, is := node.(*parser.AggregateExpr); is {
			for _, label := range aggregate.Grouping {
				if !slices.Contains(allowed, label) {
					c.problem("%s: nothing here has the label %s", query.place, label)
				}
			}
		}
		return nil
	})
}

// What is asked for; the labels that it has.
func (c *checker) selector(query query, selector *parser.VectorSelector) []string {
	own, known := c.known[selector.Name]
	if !known {
		c.problem("%s: no metric is called %s", query.place, selector.Name)
		return nil
	}
	scoped := false
	for _, matcher := range selector.LabelMatchers {
		switch {
		case matcher.Name == labels.MetricName:
		case matcher.Name == "namespace":
			scoped = matcher.Type == labels.MatchEqual && matcher.Value == query.namespace
		case !slices.Contains(own, matcher.Name) && !slices.Contains(c.target, matcher.Name):
			c.problem("%s: %s has no label %s", query.place, selector.Name, matcher.Name)
		}
	}
	if !scoped {
		c.problem("%s: %s is not asked of the namespace %q", query.place, selector.Name, query.namespace)
	}
	return own
}
