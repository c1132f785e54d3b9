package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/jackc/pgx/v5"
	vegeta "github.com/tsenart/vegeta/v12/lib"

	"vigie/bench/live"
)

// comparedConnections is how many ask at once where two servers are compared.
const comparedConnections = 50

// read is one question, as each of the two puts it.
type read struct {
	name, ours, theirs string
	// variables are those of the i-th asking, of ours and theirs.
	variables func(i int) (p person, ours, theirs map[string]any)
}

func (s *site) reads() []read {
	return []read{{
		name:   "one's watches with their criteria",
		ours:   mineQuery,
		theirs: `query Mine($id: BigInt!) { accountByRowId(rowId: $id) { watchesByAccountId(first: 50) { nodes { id name active frequency keywords keywordMode departments natures cpvCodes } } } }`,
		variables: func(i int) (person, map[string]any, map[string]any) {
			p := s.people[i%len(s.people)]
			return p, nil, map[string]any{"id": fmt.Sprint(p.id)}
		},
	}, {
		name:   "a tender with its buyer and notices",
		ours:   oneQuery,
		theirs: `query One($id: BigInt!) { tenderByRowId(rowId: $id) { id title deadline buyerByBuyerId { name } noticesByTenderId { nodes { id kind sourceRef publishedAt } } } }`,
		variables: func(i int) (person, map[string]any, map[string]any) {
			i = i * 7919 % len(s.tenders) // all over
			return s.people[i%len(s.people)], map[string]any{"id": s.tenders[i]}, map[string]any{"id": fmt.Sprint(s.numbers[i])}
		},
	}}
}

// compare asks the same of PostGraphile, on the same database and machine, in
// turns. It does less: it signs nobody in, and lets anyone read anything.
func (s *site) compare(ctx context.Context) error {
	if _, err := exec.LookPath("wrk"); err != nil {
		return fmt.Errorf("install wrk, which Debian has: %w", err)
	}
	db, err := pgx.Connect(ctx, s.database)
	if err != nil {
		return err
	}
	defer db.Close(context.WithoutCancel(ctx))
	// PostGraphile leads from an account to its watches only along an index.
	if _, err := db.Exec(ctx, "CREATE INDEX ON watches (account_id)"); err != nil {
		return err
	}
	if _, err := db.Exec(ctx, "ANALYZE"); err != nil {
		return err
	}
	postmaster := live.Parent(int(db.PgConn().PID()))
	theirs, err := startPostgraphile(ctx, s.database)
	if err != nil {
		return err
	}
	defer theirs.stop()
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(table, "\nreads a second, %d connections\tVigie\tPostGraphile\tratio\t\n", comparedConnections)
	costs := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(costs, "\nCPU of a read, µs\tVigie\tPostgreSQL\tPostGraphile\tPostgreSQL\tratio\t\n")
	product := 1.0
	for _, r := range s.reads() {
		if err := s.agree(r, theirs.at); err != nil {
			return err
		}
		ours := func(t *vegeta.Target, i int) error {
			p, variables, _ := r.variables(i)
			return s.ask(t, p, r.ours, variables)
		}
		other := func(t *vegeta.Target, i int) error {
			_, _, variables := r.variables(i)
			err := s.ask(t, person{}, r.theirs, variables)
			t.URL = theirs.at
			return err
		}
		var a, b side
		for range 3 {
			if err := errors.Join(a.measure(ctx, s, ours, s.server.PID, postmaster), b.measure(ctx, s, other, theirs.pid, postmaster)); err != nil {
				return fmt.Errorf("%s: %w", r.name, err)
			}
		}
		ratio := slices.Max(a.rates) / slices.Max(b.rates)
		product *= ratio
		fmt.Fprintf(table, "%s\t%.0f\t%.0f\t%.2f\t\n", r.name, slices.Max(a.rates), slices.Max(b.rates), ratio)
		fmt.Fprintf(costs, "%s\t%d\t%d\t%d\t%d\t%.2f\t\n", r.name, a.each(a.server), a.each(a.database), b.each(b.server), b.each(b.database),
			float64(b.each(b.server)+b.each(b.database))/float64(a.each(a.server)+a.each(a.database)))
	}
	fmt.Fprintf(table, "geometric mean\t\t\t%.2f\t\n", math.Sqrt(product))
	return errors.Join(table.Flush(), costs.Flush())
}

// side is how one of the two did.
type side struct {
	rates []float64
	reads int
	// server and database are the CPU time that the reads took.
	server, database time.Duration
}

// each is the part of a time that one read took, in microseconds.
func (s *side) each(d time.Duration) int64 { return d.Microseconds() / int64(max(s.reads, 1)) }

// measure has as many as ask at once ask for a while.
func (s *side) measure(ctx context.Context, tool *site, ask func(*vegeta.Target, int) error, server, database int) error {
	serverBefore, databaseBefore := live.CPU(server), live.CPU(database)
	answered, rate, err := tool.throughput(ctx, ask)
	s.server += live.CPU(server) - serverBefore
	s.database += live.CPU(database) - databaseBefore
	s.reads += answered
	s.rates = append(s.rates, rate)
	return err
}

// script has wrk ask the prepared questions in turn, and look into each answer.
const script = `
local i = 0
answered, failed, failure = 0, 0, ""
function request()
	i = i % #questions + 1
	return questions[i]
end
function response(status, headers, body)
	answered = answered + 1
	if status ~= 200 or body:find('"errors":', 1, true) then
		failed = failed + 1
		failure = status .. " " .. body:sub(1, 300)
	end
end
local threads = {}
function setup(thread) table.insert(threads, thread) end
function done(summary)
	local e = summary.errors
	local all, wrong, why = 0, e.connect + e.read + e.write + e.timeout, ""
	for _, thread in ipairs(threads) do
		all, wrong, why = all + thread:get("answered"), wrong + thread:get("failed"), why .. thread:get("failure")
	end
	print("result", all, summary.duration, wrong, why)
end
`

// throughput is how much is answered, and how much of it in a second, by as many
// as ask at once. The tool here is wrk, which takes a tenth of what vegeta does:
// it runs on the same cores as what it measures.
func (s *site) throughput(ctx context.Context, ask func(*vegeta.Target, int) error) (answered int, rate float64, err error) {
	const long, questions = 5 * time.Second, 2000
	var lua strings.Builder
	var at *url.URL
	lua.WriteString("local questions = {\n")
	for i := range questions {
		var t vegeta.Target
		if err := ask(&t, i); err != nil {
			return 0, 0, err
		}
		request, err := t.Request()
		if err != nil {
			return 0, 0, err
		}
		var text bytes.Buffer
		if err := request.Write(&text); err != nil {
			return 0, 0, err
		}
		at = request.URL
		fmt.Fprintf(&lua, "%s,\n", luaString(text.Bytes()))
	}
	lua.WriteString("}\n" + script)
	path := filepath.Join(s.dir, "questions.lua")
	if err := os.WriteFile(path, []byte(lua.String()), 0o600); err != nil {
		return 0, 0, err
	}
	said, err := exec.CommandContext(ctx, "wrk", "--threads", "2", "--connections", fmt.Sprint(comparedConnections),
		"--duration", long.String(), "--script", path, at.Scheme+"://"+at.Host).Output()
	if err != nil {
		return 0, 0, fmt.Errorf("wrk: %w", err)
	}
	_, result, _ := strings.Cut(string(said), "result\t")
	var microseconds float64
	var failed int
	if _, err := fmt.Sscan(result, &answered, &microseconds, &failed); err != nil || failed > 0 || answered == 0 {
		return 0, 0, fmt.Errorf("wrk says %s", said)
	}
	return answered, float64(answered) / (microseconds / 1e6), nil
}

// luaString is a text as Lua reads it.
func luaString(text []byte) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, c := range text {
		fmt.Fprintf(&b, "\\%03d", c)
	}
	b.WriteByte('"')
	return b.String()
}

// agree checks that both give the same names and titles.
func (s *site) agree(r read, theirs string) error {
	for i := range 20 {
		p, ours, others := r.variables(i)
		var one, other vegeta.Target
		if err := errors.Join(s.ask(&one, p, r.ours, ours), s.ask(&other, person{}, r.theirs, others)); err != nil {
			return err
		}
		other.URL = theirs
		a, err := texts(one)
		if err != nil {
			return err
		}
		b, err := texts(other)
		if err != nil {
			return err
		}
		if len(a) == 0 || !slices.Equal(a, b) {
			return fmt.Errorf("%s: Vigie says %q, PostGraphile %q", r.name, a, b)
		}
	}
	return nil
}

// texts asks, and gathers the names and titles of the answer.
func texts(t vegeta.Target) ([]string, error) {
	request, err := t.Request()
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	if failed(body) {
		return nil, fmt.Errorf("%s: %.500s", t.URL, body)
	}
	var answer any
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, err
	}
	var found []string
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			for name, value := range v {
				if text, ok := value.(string); ok && (name == "name" || name == "title" || name == "sourceRef") {
					found = append(found, text)
				}
				walk(value)
			}
		case []any:
			for _, item := range v {
				walk(item)
			}
		}
	}
	walk(answer)
	slices.Sort(found)
	return found, nil
}

// postgraphile is the other server.
type postgraphile struct {
	at   string
	pid  int
	stop func()
}

// startPostgraphile installs and starts the other server.
func startPostgraphile(ctx context.Context, database string) (*postgraphile, error) {
	const dir = "bench/load/postgraphile"
	install := exec.CommandContext(ctx, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent")
	install.Dir = dir
	if said, err := install.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("npm ci: %w\n%s", err, said)
	}
	node := "node"
	if newer, err := filepath.Glob(dir + "/node_modules/node-linux-*/bin/node"); err == nil && len(newer) > 0 {
		if node, err = filepath.Abs(newer[0]); err != nil {
			return nil, err
		}
	}
	server := exec.CommandContext(ctx, node, "server.js")
	server.Dir = dir
	server.Env = append(os.Environ(), "DATABASE_URL="+database, "NODE_ENV=production", "GRAPHILE_ENV=production")
	var complaints bytes.Buffer
	server.Stderr = &complaints
	said, err := server.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := server.Start(); err != nil {
		return nil, err
	}
	stop := func() {
		_ = server.Process.Signal(os.Interrupt) // it may have ended
		_ = server.Wait()
	}
	lines := bufio.NewScanner(said)
	for lines.Scan() {
		if port, ok := strings.CutPrefix(lines.Text(), "port="); ok {
			go func() { _, _ = io.Copy(io.Discard, said) }() // until it ends
			return &postgraphile{"http://127.0.0.1:" + port + "/graphql", server.Process.Pid, stop}, nil
		}
	}
	stop()
	return nil, fmt.Errorf("PostGraphile does not start: %s", complaints.String())
}
