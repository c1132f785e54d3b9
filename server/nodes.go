package main

import (
	"github.com/prometheus/client_golang/prometheus"

	"vigie/feed"
	"vigie/search/nodes"
	"vigie/server/dependency"
)

// fedNodes are the nodes of a search engine that has several, as the indexer feeds them.
func (s *site) fedNodes() (list []feed.Node) {
	if s.nodes == nil {
		return nil
	}
	for _, n := range s.nodes.Nodes() {
		list = append(list, feed.Node{Engine: n, Name: n.Name})
	}
	return list
}

// nodeDependency begins the names of nodes among the dependencies.
const nodeDependency = "search "

// searchNodes watches each node of a search engine that has several. The engine is away once all of them are.
func (s *site) searchNodes() (list []*dependency.Dependency) {
	if s.nodes == nil {
		return nil
	}
	for _, n := range s.nodes.Nodes() {
		list = append(list, dependency.New(nodeDependency+n.Name, n.Ping, operatorMessage, s.log))
	}
	return list
}

// nodeMetrics show how the nodes of the search engine do. There are none where it has no nodes.
type nodeMetrics struct {
	nodes                              *nodes.Engine // nil where it has none
	up, fresh, behind, latency, hedges *prometheus.Desc
	reads                              *prometheus.Desc
}

func newNodeMetrics(engine *nodes.Engine) *nodeMetrics {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("vigie_search_node_"+name, help, append([]string{"node"}, labels...), nil)
	}
	return &nodeMetrics{
		nodes:   engine,
		up:      desc("up", "1 while a node of the search engine answers."),
		fresh:   desc("fresh", "1 while a node of the search engine is read: its copy of the index is whole, and not behind the others."),
		behind:  desc("behind", "Changes that the node's copy of the index lacks, of those that the freshest copy contains."),
		latency: desc("latency_seconds", "How long reads of the node take lately."),
		reads:   desc("reads_total", "Reads that the node was asked, by outcome: answered, failed, or stale, for its copy was behind or had lost data; the last two were asked of another node.", "outcome"),
		hedges:  desc("hedges_total", "Reads that the node was asked because another node was late."),
	}
}

// Describe implements [prometheus.Collector].
func (m *nodeMetrics) Describe(d chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{m.up, m.fresh, m.behind, m.latency, m.reads, m.hedges} {
		d <- desc
	}
}

// Collect implements [prometheus.Collector].
func (m *nodeMetrics) Collect(c chan<- prometheus.Metric) {
	if m.nodes == nil {
		return
	}
	for _, s := range m.nodes.States() {
		gauge := func(desc *prometheus.Desc, value float64) {
			c <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, s.Node)
		}
		count := func(desc *prometheus.Desc, value int64, labels ...string) {
			c <- prometheus.MustNewConstMetric(desc, prometheus.CounterValue, float64(value), append([]string{s.Node}, labels...)...)
		}
		gauge(m.up, oneIf(s.Up))
		gauge(m.fresh, oneIf(s.Fresh))
		gauge(m.behind, float64(s.Behind))
		gauge(m.latency, s.Latency.Seconds())
		count(m.reads, s.Answered, "answered")
		count(m.reads, s.Failed, "failed")
		count(m.reads, s.Stale, "stale")
		count(m.hedges, s.Hedges)
	}
}
