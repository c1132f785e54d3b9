package main

import (
	"context"
	"log/slog"
	"time"

	"golang.org/x/time/rate"

	"vigie"
	"vigie/graph"
)

// logSettings say how the log is written.
type logSettings struct {
	LogFormat string `help:"How lines of the log are written: text or json." default:"text" type:"logformat" placeholder:"FORMAT"`
	LogLevel  string `help:"What is logged: error, warn (and errors), info (and those), debug (all)." default:"info" type:"loglevel" placeholder:"LEVEL"`
}

// handler writes lines for operators.
func (p *process) handler() slog.Handler {
	o := &slog.HandlerOptions{ReplaceAttr: withUnits}
	var level slog.Level
	if level.UnmarshalText([]byte(p.logging.LogLevel)) == nil { // else the settings were not read
		o.Level = level
	}
	if p.logging.LogFormat == "json" {
		return slog.NewJSONHandler(p.err, o)
	}
	return slog.NewTextHandler(p.err, o)
}

// withUnits has a duration written with its unit in JSON as in text, 1m30s, and not in nanoseconds.
func withUnits(_ []string, a slog.Attr) slog.Attr {
	if a.Value.Kind() == slog.KindDuration {
		a.Value = slog.StringValue(a.Value.Duration().String())
	}
	return a
}

// log writes lines for operators.
func (p *process) log() *slog.Logger {
	return slog.New(named{calm{p.handler(), p, &rate.Sometimes{Interval: 10 * time.Second}}})
}

// calm lowers the lines about what failed for want of a dependency to level DEBUG while a dependency is known to be
// away, for that was logged once. While none is, one such line is written in ten seconds.
type calm struct {
	slog.Handler
	process *process
	few     *rate.Sometimes
}

// Handle implements [slog.Handler].
func (c calm) Handle(ctx context.Context, r slog.Record) error {
	if r.Level > slog.LevelDebug && c.process.away != nil && unavailable(r) {
		known := true
		if !c.process.away() {
			c.few.Do(func() { known = false })
		}
		if known && !c.Enabled(ctx, slog.LevelDebug) {
			return nil
		}
		if known {
			r.Level = slog.LevelDebug
		}
	}
	return c.Handler.Handle(ctx, r)
}

// unavailable reports whether a line is about something that did not answer.
func unavailable(r slog.Record) (is bool) {
	r.Attrs(func(a slog.Attr) bool {
		err, ok := a.Value.Any().(error)
		is = a.Key == "error" && ok && vigie.CodeOf(err) == vigie.Unavailable
		return !is
	})
	return is
}

// WithAttrs implements [slog.Handler].
func (c calm) WithAttrs(attrs []slog.Attr) slog.Handler {
	return calm{c.Handler.WithAttrs(attrs), c.process, c.few}
}

// WithGroup implements [slog.Handler].
func (c calm) WithGroup(name string) slog.Handler {
	return calm{c.Handler.WithGroup(name), c.process, c.few}
}

// named has each line about a request name it.
type named struct{ slog.Handler }

// Handle implements [slog.Handler].
func (n named) Handle(ctx context.Context, r slog.Record) error {
	if id := graph.RequestOf(ctx); id != "" {
		r.AddAttrs(slog.String("request", id))
	}
	return n.Handler.Handle(ctx, r)
}

// WithAttrs implements [slog.Handler].
func (n named) WithAttrs(attrs []slog.Attr) slog.Handler { return named{n.Handler.WithAttrs(attrs)} }

// WithGroup implements [slog.Handler].
func (n named) WithGroup(name string) slog.Handler { return named{n.Handler.WithGroup(name)} }
