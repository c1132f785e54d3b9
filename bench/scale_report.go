package main

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
)

// The names of figures in results.
const (
	importRate, importCPU           = "import_per_s", "import_cpu_s"
	rebuild, rebuildCPU             = "rebuild_s", "rebuild_cpu_s"
	listP50, listP95, listCPU       = "list_p50_s", "list_p95_s", "list_cpu_s"
	facetsP50, facetsP95, facetsCPU = "facets_p50_s", "facets_p95_s", "facets_cpu_s"
	typoP50, typoP95, typoCPU       = "typo_p50_s", "typo_p95_s", "typo_cpu_s"
	buyersP50, buyersP95, buyersCPU = "buyers_p50_s", "buyers_p95_s", "buyers_cpu_s"
	starting, startingCPU           = "start_s", "start_cpu_s"
	memory, memoryEngine            = "memory", "memory_engine"
	diskDatabase, diskIndex         = "disk_database", "disk_index"
	mailP50, mailP95, mailCPU       = "mail_p50_s", "mail_p95_s", "mail_cpu_s"
	watchRate                       = "watches_per_s"
	matchP50, matchP99              = "match_p50_s", "match_p99_s"
	recipients                      = "recipients"
)

// unit says how a figure is written.
type unit int

// The units.
const (
	perSecond unit = iota
	seconds
	octets
)

// axis is what a figure is measured over.
type axis int

// The axes.
const (
	tenders axis = iota
	watches
)

// panel is a group of figures that are plotted together: the same thing, over one axis.
type panel struct {
	title   string
	unit    unit
	over    axis
	figures []shown
}

// shown is a figure, and what it is called within its group.
type shown struct{ name, label string }

// panels are all figures, in the order in which they are shown.
func panels() []panel {
	quantiles := func(names ...string) []shown {
		list := []shown{{names[0], "p50"}, {names[1], "p95"}, {names[2], "processor time"}}
		return list
	}
	taking := func(wall, cpu string) []shown { return []shown{{wall, "time"}, {cpu, "processor time"}} }
	return []panel{
		{"List of a watch: a page of 20, with its total", seconds, tenders, quantiles(listP50, listP95, listCPU)},
		{"All facets of all tenders, with a page", seconds, tenders, quantiles(facetsP50, facetsP95, facetsCPU)},
		{"Free text, an error in each of two words", seconds, tenders, quantiles(typoP50, typoP95, typoCPU)},
		{"Buyers by one letter", seconds, tenders, quantiles(buyersP50, buyersP95, buyersCPU)},
		{"Import of tenders", perSecond, tenders, []shown{{importRate, "rate"}}},
		{"Import of a tender", seconds, tenders, []shown{{importCPU, "processor time"}}},
		{"Building the index", seconds, tenders, taking(rebuild, rebuildCPU)},
		{"Start, until ready", seconds, tenders, taking(starting, startingCPU)},
		{"Memory at rest", octets, tenders, []shown{{memory, "server"}, {memoryEngine, "Meilisearch"}}},
		{"Disk", octets, tenders, []shown{{diskDatabase, "database"}, {diskIndex, "index"}}},
		{"A tender against the watches", seconds, watches, []shown{{matchP50, "p50"}, {matchP99, "p99"}}},
		{"Publication to mail", seconds, watches, quantiles(mailP50, mailP95, mailCPU)},
		{"Import of watches", perSecond, watches, []shown{{watchRate, "rate"}}},
		{"Start, until ready", seconds, watches, taking(starting, startingCPU)},
		{"Memory at rest", octets, watches, []shown{{memory, "server"}}},
		{"Disk", octets, watches, []shown{{diskDatabase, "database"}}},
	}
}

// series is a figure at each size of its axis that was measured.
type series struct {
	pair   string
	points []point
	// beside is how many there were of the other axis.
	beside int
}

// point is a value at a size.
type point struct {
	size  int
	value float64
}

// seriesOf are the series of a figure, one for each pair of stores. Along one axis, of the other that size is taken at which
// most was measured, and of such sizes the smallest.
func seriesOf(all []*scaleResult, name string, over axis) (list []series) {
	for _, one := range everySeries(all, name, over) {
		at := slices.IndexFunc(list, func(s series) bool { return s.pair == one.pair })
		switch {
		case at < 0:
			list = append(list, one)
		case len(one.points) > len(list[at].points), len(one.points) == len(list[at].points) && one.beside < list[at].beside:
			list[at] = one
		}
	}
	return list
}

// everySeries are the series of a figure for each pair of stores and each size of the other axis.
func everySeries(all []*scaleResult, name string, over axis) (list []series) {
	for _, r := range all {
		value, measured := r.Figures[name]
		if !measured {
			continue
		}
		size, beside := r.Tenders, r.Watches
		if over == watches {
			size, beside = beside, size
		}
		at := slices.IndexFunc(list, func(s series) bool { return s.pair == r.Pair && s.beside == beside })
		if at < 0 {
			at, list = len(list), append(list, series{pair: r.Pair, beside: beside})
		}
		list[at].points = append(list[at].points, point{size, value})
	}
	for _, s := range list {
		slices.SortFunc(s.points, func(a, b point) int { return a.size - b.size })
	}
	return list
}

// exponent is the slope of the straight line through the points on logarithmic axes that fits them best: 1 where a figure
// grows as its axis does, 0 where it does not grow. It needs two points.
func (s series) exponent() (slope float64, ok bool) {
	var n, x, y, xx, xy float64
	for _, p := range s.points {
		if p.value <= 0 {
			continue
		}
		a, b := math.Log(float64(p.size)), math.Log(p.value)
		n, x, y, xx, xy = n+1, x+a, y+b, xx+a*a, xy+a*b
	}
	if n < 2 {
		return 0, false
	}
	return (n*xy - x*y) / (n*xx - x*x), true
}

// says is the exponent as text.
func (s series) says() string {
	slope, ok := s.exponent()
	if !ok {
		return "–"
	}
	return strings.Replace(fmt.Sprintf("%.2f", slope), "-", "−", 1)
}

// say writes a value with its unit.
func (u unit) say(value float64) string {
	switch {
	case u == perSecond:
		return grouped(int(math.Round(value))) + " /s"
	case u == octets && value >= 1e9:
		return digits(value/1e9) + " GB"
	case u == octets:
		return digits(value/1e6) + " MB"
	case value < 1e-3:
		return digits(value*1e6) + " µs"
	case value < 1:
		return digits(value*1e3) + " ms"
	case value < 600:
		return digits(value) + " s"
	}
	return digits(value/60) + " min"
}

// digits writes a number with two digits at least.
func digits(v float64) string {
	if v < 9.95 {
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	return strconv.FormatFloat(v, 'f', 0, 64)
}

// grouped writes a number with commas.
func grouped(n int) string {
	text := strconv.Itoa(n)
	for at := len(text) - 3; at > 0; at -= 3 {
		text = text[:at] + "," + text[at:]
	}
	return text
}

// printScale prints the table, in Markdown.
func printScale(w io.Writer, all []*scaleResult) error {
	var b strings.Builder
	for _, over := range []axis{tenders, watches} {
		sizes := sizesOf(all, over)
		fmt.Fprintf(&b, "| by %s | stores |", over.noun())
		for _, size := range sizes {
			fmt.Fprintf(&b, " %s |", grouped(size))
		}
		b.WriteString(" exponent |\n|---|---|" + strings.Repeat("---|", len(sizes)+1) + "\n")
		for _, p := range panels() {
			for _, f := range p.figures {
				for _, s := range seriesOf(all, f.name, p.over) {
					if p.over == over {
						b.WriteString(row(p, f, s, sizes))
					}
				}
			}
		}
		b.WriteByte('\n')
	}
	for _, r := range all {
		fmt.Fprintf(&b, "%s, %s tenders, %s watches: load %.1f\n", r.Pair, grouped(r.Tenders), grouped(r.Watches), r.Load)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func row(p panel, f shown, s series, sizes []int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "| %s: %s%s | %s |", p.title, f.label, s.besides(p.over), stores(s.pair))
	for _, size := range sizes {
		text := "–"
		if at := slices.IndexFunc(s.points, func(p point) bool { return p.size == size }); at >= 0 {
			text = p.unit.say(s.points[at].value)
		}
		fmt.Fprintf(&b, " %s |", text)
	}
	fmt.Fprintf(&b, " %s |\n", s.says())
	return b.String()
}

// besides says how many there were of the other axis.
func (s series) besides(over axis) string {
	if s.beside == 0 {
		return ""
	}
	return fmt.Sprintf(", with %s %s", grouped(s.beside), (1 - over).noun())
}

// sizesOf are the sizes that were measured along an axis.
func sizesOf(all []*scaleResult, over axis) (sizes []int) {
	for _, r := range all {
		size := r.Tenders
		if over == watches {
			size = r.Watches
		}
		if size > 0 {
			sizes = append(sizes, size)
		}
	}
	slices.Sort(sizes)
	return slices.Compact(sizes)
}

func (a axis) noun() string {
	if a == watches {
		return "watches"
	}
	return "tenders"
}

// stores names a pair of stores to people.
func stores(pair string) string {
	switch pair {
	case embedded:
		return "SQLite, Bleve"
	case production:
		return "PostgreSQL, Meilisearch"
	}
	return "in memory"
}
