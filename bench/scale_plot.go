package main

import (
	"cmp"
	"fmt"
	"html"
	"math"
	"slices"
	"strings"
)

// The sizes of the plot, in pixels.
const (
	plotColumns          = 3
	panelWide, panelTall = 340, 230
	plotTop              = 64
	// The area of a panel's lines, within it.
	left, right, top, bottom = 66, 44, 48, 30
)

// plotStyle has colours for light and dark: the plot paints its own ground, for a page may be light where the system is
// dark.
const plotStyle = `
	svg { --ground: #ffffff; --text: #1f2328; --faint: #59636e; --line: #d1d9e0; --a: #0b5cad; --b: #b3470d; --c: #3f6b2a; }
	@media (prefers-color-scheme: dark) { svg { --ground: #0d1117; --text: #f0f6fc; --faint: #9198a1; --line: #3d444d; --a: #6cb6ff; --b: #ff9d5c; --c: #8ccf7e; } }
	text { font: 12px system-ui, sans-serif; fill: var(--text); }
	.title { font-weight: 600; font-size: 13px; }
	.head { font-weight: 600; font-size: 16px; }
	.faint { fill: var(--faint); font-size: 11px; }
	.axis { stroke: var(--line); stroke-width: 1; fill: none; }
	.series { fill: none; stroke-width: 2; }
	.second { stroke-dasharray: 5 4; }
`

// colours of the pairs of stores.
func colour(pair string) string {
	switch pair {
	case embedded:
		return "var(--a)"
	case production:
		return "var(--b)"
	}
	return "var(--c)"
}

// plot draws all figures as SVG, each group by itself, on logarithmic axes: a line that goes up by one step for each step to
// the right grows as its axis does.
func plot(all []*scaleResult) []byte {
	var drawn []string
	for _, p := range panels() {
		if text := p.draw(all); text != "" {
			drawn = append(drawn, text)
		}
	}
	rows := (len(drawn) + plotColumns - 1) / plotColumns
	wide, tall := plotColumns*panelWide, plotTop+rows*panelTall
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img" aria-labelledby="t d">`+"\n", wide, tall, wide, tall)
	b.WriteString(`<title id="t">Growth of each figure with the number of tenders and of watches</title>` + "\n")
	b.WriteString(`<desc id="d">Small plots on logarithmic axes, a line for each pair of stores, with its exponent at its end. The table beside the plot has the values.</desc>` + "\n")
	fmt.Fprintf(&b, "<style>%s</style>\n"+`<rect width="%d" height="%d" fill="var(--ground)"/>`+"\n", plotStyle, wide, tall)
	b.WriteString(`<text class="head" x="16" y="26">How each figure grows (both axes logarithmic; at the end of each line its exponent)</text>` + "\n")
	x := 16
	for _, pair := range []string{embedded, production, inMemory} {
		fmt.Fprintf(&b, `<path class="series" stroke="%s" d="M%d 46h24"/><text x="%d" y="50">%s</text>`+"\n", colour(pair), x, x+30, stores(pair))
		x += 60 + 8*len(stores(pair))
	}
	for i, text := range drawn {
		fmt.Fprintf(&b, `<g transform="translate(%d %d)">%s</g>`+"\n", i%plotColumns*panelWide, plotTop+i/plotColumns*panelTall, text)
	}
	b.WriteString("</svg>\n")
	return []byte(b.String())
}

// plotted are the figures of a group that are drawn: at most two, of quantiles the highest.
func (p panel) plotted() []shown {
	return slices.DeleteFunc(slices.Clone(p.figures), func(f shown) bool { return f.label == "p50" })
}

// draw draws a group; "" where nothing of it was measured.
func (p panel) draw(all []*scaleResult) string {
	type line struct {
		series
		second bool
	}
	var lines []line
	for i, f := range p.plotted() {
		for _, s := range seriesOf(all, f.name, p.over) {
			lines = append(lines, line{s, i > 0})
		}
	}
	if len(lines) == 0 {
		return ""
	}
	scale := scaleOf(p.over, all)
	for _, l := range lines {
		scale.take(l.points)
	}
	var b strings.Builder
	heading := p.title
	if !slices.ContainsFunc(lines, func(l line) bool { return l.beside != lines[0].beside }) {
		heading += lines[0].besides(p.over)
	}
	fmt.Fprintf(&b, `<text class="title" x="16" y="16">%s</text>`, html.EscapeString(heading))
	b.WriteString(p.legend())
	scale.axes(&b, p.unit, p.over)
	var ends []exponentAt
	for _, l := range lines {
		class := "series"
		if l.second {
			class += " second"
		}
		var path strings.Builder
		var x, y float64
		for i, point := range l.points {
			x, y = scale.x(point.size), scale.y(point.value)
			fmt.Fprintf(&path, "%s%.1f %.1f", map[bool]string{true: "M", false: "L"}[i == 0], x, y)
			fmt.Fprintf(&b, `<circle cx="%.1f" cy="%.1f" r="3" fill="%s"/>`, x, y, colour(l.pair))
		}
		fmt.Fprintf(&b, `<path class="%s" stroke="%s" d="%s"/>`, class, colour(l.pair), &path)
		if len(l.points) > 1 {
			ends = append(ends, exponentAt{l.says(), colour(l.pair), x + 7, y + 4})
		}
	}
	writeApart(&b, ends)
	return b.String()
}

// exponentAt is an exponent and where its line ends.
type exponentAt struct {
	text, colour string
	x, y         float64
}

// writeApart writes exponents below one another where they would cover each other.
func writeApart(b *strings.Builder, ends []exponentAt) {
	const tall = 12
	slices.SortFunc(ends, func(a, b exponentAt) int { return cmp.Compare(a.y, b.y) })
	for i, e := range ends {
		if i > 0 {
			ends[i].y = max(e.y, ends[i-1].y+tall)
		}
		fmt.Fprintf(b, `<text class="faint" x="%.1f" y="%.1f" style="fill:%s">%s</text>`, e.x, ends[i].y, e.colour, e.text)
	}
}

// legend says which line is which figure.
func (p panel) legend() string {
	var b strings.Builder
	x := 16
	for i, f := range p.plotted() {
		class := map[bool]string{true: "axis second", false: "axis"}[i > 0]
		fmt.Fprintf(&b, `<path class="%s" style="stroke:var(--faint)" d="M%d 29h20"/><text class="faint" x="%d" y="33">%s</text>`, class, x, x+26, f.label)
		x += 44 + 7*len(f.label)
	}
	return b.String()
}

// axes are those of a panel: from which to which size, from which to which power of ten.
type axes struct {
	sizes     []int
	low, high int
	empty     bool
}

func scaleOf(over axis, all []*scaleResult) *axes {
	return &axes{sizes: sizesOf(all, over), empty: true}
}

// take makes room for points.
func (a *axes) take(points []point) {
	for _, p := range points {
		if p.value <= 0 {
			continue
		}
		low, high := int(math.Floor(math.Log10(p.value))), int(math.Ceil(math.Log10(p.value)))
		if a.empty {
			a.low, a.high, a.empty = low, high, false
		}
		a.low, a.high = min(a.low, low), max(a.high, high, a.low+1)
	}
}

func (a *axes) x(size int) float64 {
	const wide = panelWide - left - right
	first, last := math.Log(float64(a.sizes[0])), math.Log(float64(a.sizes[len(a.sizes)-1]))
	if first == last {
		return left + wide/2
	}
	return left + wide*(math.Log(float64(size))-first)/(last-first)
}

func (a *axes) y(value float64) float64 {
	const tall = panelTall - top - bottom
	share := 0.0
	if value > 0 {
		share = (math.Log10(value) - float64(a.low)) / float64(a.high-a.low)
	}
	return panelTall - bottom - tall*share
}

// axes draws both axes, with a line for each power of ten.
func (a *axes) axes(b *strings.Builder, u unit, over axis) {
	for power := a.low; power <= a.high; power++ {
		y := a.y(math.Pow10(power))
		fmt.Fprintf(b, `<path class="axis" d="M%d %.1fH%d"/><text class="faint" x="%d" y="%.1f" text-anchor="end">%s</text>`, left, y, panelWide-right, left-6, y+4, u.power(power))
	}
	for i, size := range a.sizes {
		text, anchor, x := grouped(size), "middle", a.x(size)
		if i == len(a.sizes)-1 {
			text, anchor, x = text+" "+over.noun(), "end", panelWide-6
		}
		fmt.Fprintf(b, `<text class="faint" x="%.1f" y="%d" text-anchor="%s">%s</text>`, x, panelTall-bottom+16, anchor, text)
	}
}

// power writes a power of ten of a unit.
func (u unit) power(of int) string {
	value := math.Pow10(of)
	switch {
	case u == perSecond:
		return grouped(int(value)) + " /s"
	case u == octets && of >= 9:
		return grouped(int(math.Pow10(of-9))) + " GB"
	case u == octets:
		return fmt.Sprintf("%g MB", math.Pow10(of-6))
	case of < -3:
		return fmt.Sprintf("%g µs", math.Pow10(of+6))
	case of < 0:
		return fmt.Sprintf("%g ms", math.Pow10(of+3))
	}
	return grouped(int(value)) + " s"
}
