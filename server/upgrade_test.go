package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"

	"vigie/server/samples"
	"vigie/store/storetest"
)

// While a server of the last release runs, this version migrates its database.
// That server goes on, with all that its API offers; so do one that starts then,
// beside a server of this version where the database allows two, and the
// release's commands. This version then finds what they wrote.
func TestUpgrade(t *testing.T) {
	t.Parallel()
	release := buildRelease(t)
	for kind, open := range storetest.Empty() {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			l := newLife(t, open(t))
			serve := func() (*command, string) {
				t.Helper()
				server := release.start(t, l.env, nil, "serve")
				t.Cleanup(func() { complains(t, server) })
				base := server.listening(t)
				ready(t, base)
				return server, base
			}
			old, base := serve()
			l.live(base, "before")
			given := l.asOld("before")
			if c := run(t, l.env, "", "migrate"); c.status != 0 {
				t.Fatal(c.err.String())
			}
			l.live(base, "during")
			l.knowsMutations(filepath.Join(release.source, "schema.graphqls"))
			old.stops(t)

			// A release that refuses a newer database does not start here: then this
			// part is taken out.
			old, base = serve()
			if kind == "postgres" {
				env := maps.Clone(l.env)
				env["VIGIE_DATA"] = t.TempDir()
				beside := start(t, env, nil, "serve")
				// The leader, which is the other server, feeds its own index alone: this one is
				// never ready. Both send mails; the last release does not know the links of this
				// version.
				l.links = beside.listening(t)
				l.live(base, "beside")
				l.links = ""
				beside.stops(t)
			}
			l.live(base, "after")
			l.command(release, base)
			old.stops(t)

			server := start(t, l.env, nil, "serve")
			base, l.private = server.listening(t), server.private(t)
			ready(t, base)
			l.acceptsOld(base, "before", given)
			l.live(base, "with the new server")
			for _, round := range []string{"before", "during", "after"} {
				l.lists(base, round, 4)
			}
		})
	}
}

// A server goes on when its tables get columns that it does not know: so the
// next version may add them.
func TestUnknownColumns(t *testing.T) {
	t.Parallel()
	for kind, open := range storetest.Kinds() {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			l := newLife(t, open(t))
			server := start(t, l.env, nil, "serve")
			defer complains(t, server)
			base := server.listening(t)
			l.private = server.private(t)
			ready(t, base)
			l.live(base, "before")
			for table := range tables(t, l.env["VIGIE_DATABASE_URL"]) {
				if table != "bun_migrations" && table != "sqlite_sequence" { // Bun's, and SQLite's
					storetest.Exec(t, l.env["VIGIE_DATABASE_URL"], "ALTER TABLE "+table+" ADD COLUMN colour TEXT DEFAULT 'blue'")
				}
			}
			l.live(base, "during")
			server.stops(t)
		})
	}
}

// complains reports what a server could not do.
func complains(t *testing.T, server *command) {
	t.Helper()
	for line := range strings.Lines(server.err.String()) {
		if strings.Contains(line, "level=ERROR") {
			t.Errorf("the server says: %s", line)
		}
	}
}

// Migrations that were released are never changed.
func TestReleasedMigrations(t *testing.T) {
	release := unpackRelease(t)
	const folder, then = "database/migrations", "store/migrations"
	files, err := os.ReadDir(filepath.Join(release.source, then))
	if err != nil || len(files) < 6 {
		t.Fatalf("%d migrations: %v", len(files), err)
	}
	for _, file := range files {
		was, err := os.ReadFile(filepath.Join(release.source, then, file.Name()))
		if err != nil {
			t.Fatal(err)
		}
		if is, err := os.ReadFile(filepath.Join("..", folder, file.Name())); err != nil || !bytes.Equal(was, is) {
			t.Errorf("%s is not as it was released: %v", file.Name(), err)
		}
	}
}

// life is what people, publishers and operators do with a server.
type life struct {
	t   *testing.T
	env map[string]string
	box string
	// private is the private address of the server, "" where the public one says
	// how far it has come, as the last release's does.
	private string
	// links is the server that answers links of mails; "" for the one that is asked.
	links string
	// asked are the documents that were run.
	asked strings.Builder
	// answers are what was answered.
	answers strings.Builder
}

func newLife(t *testing.T, database string) *life {
	box := t.TempDir()
	return &life{t: t, box: box, env: map[string]string{
		"VIGIE_DATABASE_URL": database, "VIGIE_DATA": t.TempDir(), "VIGIE_SECRET": testSecret, "VIGIE_LISTEN": "127.0.0.1:0",
		"VIGIE_MAIL_URL": "outbox:" + box, "VIGIE_MAIL_FROM": "veille@vigie.example", "VIGIE_MAIL_BOUNCES": "bounces@vigie.example",
		"VIGIE_PUBLIC_URL": "https://vigie.example", "VIGIE_MAIL_SPACING": "1ms", "VIGIE_RATE_ACCOUNT": "100000",
	}}
}

// asOld are the ids of things that a server of the last release gave out in a
// round.
func (l *life) asOld(round string) []string {
	l.t.Helper()
	ids := regexp.MustCompile(`"((?:watch|buyer|recipient|tender|notice|delivery)_\d+)"`).FindAllStringSubmatch(l.answers.String(), -1)
	var given []string
	for _, id := range ids {
		if !slices.Contains(given, id[1]) {
			given = append(given, id[1])
		}
	}
	if len(given) < 3 {
		l.t.Fatalf("%s: the last release gave out only %v", round, given)
	}
	return given
}

// acceptsOld checks that a server of this version knows what has those ids, and
// gives it others.
func (l *life) acceptsOld(base, round string, ids []string) {
	l.t.Helper()
	p := &part{life: l, base: base, round: round, word: word(round)}
	token, known := p.token("ana", ""), 0
	for _, id := range ids {
		answer := p.ask(token, `query ($id: ID!) { node(id: $id) { id } }`, map[string]any{"id": id})
		if strings.Contains(answer, `"`+id+`"`) {
			l.t.Errorf("%s is given out: %s", id, answer)
		}
		if !strings.Contains(answer, "null") { // some were deleted in that round
			known++
		}
	}
	if known < 3 {
		l.t.Errorf("of %v, %d are accepted", ids, known)
	}
}

// part is one round of a life, with people, buyers and tenders of its own.
type part struct {
	*life
	base, round, word string
	ana               string
	watch             string
}

// live does once all that the API offers.
func (l *life) live(base, round string) {
	l.t.Helper()
	p := &part{life: l, base: base, round: round, word: word(round)}
	p.ana = p.token("ana", publishScope)
	p.watches()
	p.notices()
	p.interruptions()
	p.consent()
	p.account()
	idle(l.t, cmp.Or(l.private, base))
	for entry, n := range p.entries() {
		if n > 1 && strings.HasSuffix(entry, p.word+" 1") {
			l.t.Errorf("%s: mailed %d times: %s", round, n, entry)
		}
	}
}

// word is a keyword that is a round's own.
func word(round string) string { return "chantier" + strings.ReplaceAll(round, " ", "") }

func (p *part) address(name string) string { return name + "." + p.word + "@example.org" }

func (p *part) token(name, scope string) string {
	p.t.Helper()
	c := claims{Email: p.address(name), EmailVerified: true, Scope: scope, Sources: []string{p.word}}
	signed, err := sign(testSecret, c.Email, c, time.Now(), time.Hour)
	if err != nil {
		p.t.Fatal(err)
	}
	return signed
}

// ask asks for what must be answered without any error, and returns the JSON.
func (p *part) ask(token, query string, variables map[string]any) string {
	p.t.Helper()
	p.asked.WriteString(query)
	a := ask(p.t, p.base, token, query, variables)
	text, err := json.Marshal(a.Data)
	if err != nil || len(a.Errors) > 0 || strings.Contains(string(text), `"userErrors":[{`) {
		p.t.Fatalf("%s: %s\n%s %v", p.round, query, text, a.Errors)
	}
	p.answers.Write(text)
	return string(text)
}

// id finds an id of a kind in an answer.
func (p *part) id(kind, answer string) string {
	p.t.Helper()
	m := regexp.MustCompile(`"(` + kind + `_\w+)"`).FindStringSubmatch(answer)
	if m == nil {
		p.t.Fatalf("%s: no %s in %s", p.round, kind, answer)
	}
	return m[1]
}

// entries counts the entries of all mails: "to HEADING title".
func (p *part) entries() map[string]int {
	all := make(map[string]int)
	for _, letter := range outbox(p.t, p.box) {
		heading := ""
		for line := range strings.Lines(letter.text) {
			if m := headings.FindString(line); m != "" {
				heading = m
			}
			if title, ok := strings.CutPrefix(strings.TrimSpace(line), "- "); ok {
				all[strings.Trim(letter.Get("To"), "<>")+" "+heading+" "+title]++
			}
		}
	}
	return all
}

// gets waits until people have a mail with a tender under a heading.
func (p *part) gets(heading, title string, names ...string) {
	p.t.Helper()
	for _, name := range names {
		awaits(p.t, func() (bool, string) {
			all := p.entries()
			for entry := range all {
				if strings.HasPrefix(entry, p.address(name)+" "+heading+" "+title) {
					return true, ""
				}
			}
			return false, fmt.Sprintf("%s: %s has no mail with %s under %s; there are %v", p.round, name, title, heading, all)
		})
	}
}

// link waits for a link in a mail to a person.
func (p *part) link(name, pattern string) string {
	p.t.Helper()
	link := ""
	awaits(p.t, func() (bool, string) {
		for _, letter := range outbox(p.t, p.box) {
			if m := regexp.MustCompile(pattern).FindString(letter.text); m != "" && strings.Contains(letter.Get("To"), p.address(name)) {
				link = m
			}
		}
		return link != "", fmt.Sprintf("%s: %s has no mail with %s", p.round, name, pattern)
	})
	return strings.TrimPrefix(link, "https://vigie.example")
}

// lists waits until ana's list of matches has n tenders of a round.
func (l *life) lists(base, round string, n int) {
	l.t.Helper()
	p := &part{life: l, base: base, round: round, word: word(round)}
	token := p.token("ana", "")
	awaits(l.t, func() (bool, string) {
		found := p.ask(token, `{ matchingTenders(first: 100) { totalCount nodes { title matchedBy { keywords } } } }`, nil)
		return strings.Count(found, p.word+" ") >= n, fmt.Sprintf("%s: %d tenders are not in %s", round, n, found)
	})
}

// watches makes a buyer and watches of every kind; an address agrees.
func (p *part) watches() {
	p.t.Helper()
	buyer := p.id("buyer", p.ask(p.ana, `mutation ($source: String!, $name: String!) { upsertBuyers(input: [
		{ source: $source, ref: "1", name: $name, city: "Bourg", departmentCode: "01", formerNames: ["Ancienne commune"], formerRefs: ["0"] }
	]) { results { outcome buyer { id } } userErrors { message } } }`, map[string]any{"source": p.word, "name": "Commune " + p.word}))
	p.watch = p.id("watch", p.ask(p.ana, `mutation ($input: CreateWatchInput!) { createWatch(input: $input) { watch { id } userErrors { message } warnings { code } } }`,
		map[string]any{"input": map[string]any{
			"name": "Chantiers", "frequency": "IMMEDIATE", "recipients": []string{p.address("team")},
			"criteria": map[string]any{
				"keywords": []string{p.word, "autre"}, "keywordMode": "ANY", "excludedKeywords": []string{"piscine"}, "buyerIds": []string{buyer},
				"departmentCodes": []string{"01"}, "natures": []string{"WORKS", "SUPPLIES", "SERVICES"}, "cpvCodes": []string{"45"},
			},
		}}))
	for _, frequency := range []string{"DAILY", "WEEKLY"} {
		p.ask(p.ana, `mutation ($name: String!, $frequency: AlertFrequency!, $late: String!) { createWatch(input: {
			name: $name, frequency: $frequency, recipients: [$late], criteria: { keywordsText: "nettoyage \"eau potable\"", keywordMode: ALL, includeNationwide: false }
		}) { watch { id } userErrors { message } } }`, map[string]any{"name": frequency, "frequency": frequency, "late": p.address("late")})
	}
	press(p.t, cmp.Or(p.links, p.base), p.link("team", `https://vigie\.example/confirm/\w+`))
}

// publish publishes notices.
func (p *part) publish(notices ...map[string]any) {
	p.t.Helper()
	for i, n := range notices {
		all := map[string]any{
			"source": p.word, "title": p.word + " " + fmt.Sprint(n["sourceRef"]), "buyerName": "Commune " + p.word, "buyerRef": "1", "departmentCodes": []string{"01"},
			"natures": []string{"WORKS"}, "cpvCodes": []string{"45233140"}, "publishedAt": time.Now().Add(time.Duration(i-1000) * time.Millisecond).UTC().Format(time.RFC3339Nano),
			"deadline": time.Now().AddDate(0, 0, 30).UTC().Format(time.RFC3339),
		}
		maps.Copy(all, n)
		notices[i] = all
	}
	p.ask(p.ana, `mutation ($input: [NoticeInput!]!) { publishNotices(input: $input) { results { outcome notice { id tender { id } } } userErrors { message } } }`,
		map[string]any{"input": notices})
}

// notices publishes notices of every kind, and waits for the mails.
func (p *part) notices() {
	p.t.Helper()
	p.publish(
		map[string]any{"sourceRef": "1", "natures": []string{"WORKS"}, "procedure": "OPEN", "lots": []any{map[string]any{"number": "1", "title": "Gros œuvre"}}},
		map[string]any{"sourceRef": "2", "natures": []string{"SUPPLIES"}, "procedure": "ADAPTED", "reference": "2026-2"},
		map[string]any{"sourceRef": "3", "natures": []string{"SERVICES"}, "procedure": "NEGOTIATED", "description": "Une description."},
	)
	for _, ref := range []string{"1", "2", "3"} {
		p.gets("NOUVEAUX", p.word+" "+ref, "ana", "team")
	}
	p.lists(p.base, p.round, 3)
	p.publish(
		map[string]any{"sourceRef": "1bis", "previousRef": "1", "kind": "CORRECTION", "title": p.word + " 1, corrigé"},
		map[string]any{"sourceRef": "2bis", "previousRef": "2", "kind": "CANCELLATION", "title": p.word + " 2"},
		map[string]any{"sourceRef": "3bis", "previousRef": "3", "kind": "AWARD", "title": p.word + " 3"},
	)
	p.gets("RECTIFIÉS", p.word+" 1, corrigé", "ana", "team")
	p.gets("ANNULÉS", p.word+" 2", "ana", "team")
	p.publish(map[string]any{"sourceRef": "error"})
	p.gets("NOUVEAUX", p.word+" error", "ana", "team")
	p.ask(p.ana, `mutation ($source: String!) { withdrawTender(source: $source, sourceRef: "error") { withdrawnTenderId userErrors { message } } }`, map[string]any{"source": p.word})
	tender := p.id("tender", p.ask(p.ana, `query ($source: String!) { tenderBySourceRef(source: $source, sourceRef: "1") { id status notices { kind changes { field } } } }`, map[string]any{"source": p.word}))
	p.ask(p.ana, `mutation ($id: ID!) { markTendersSeen(tenderIds: [$id]) { userErrors { message } } dismissTender(tenderId: $id) { userErrors { message } } }`, map[string]any{"id": tender})
	p.ask(p.ana, `mutation ($id: ID!) { dismissTender(tenderId: $id, dismissed: false) { userErrors { message } } }`, map[string]any{"id": tender})
	p.ask(p.ana, `query ($watch: ID!, $tender: ID!) { explainMatch(watchId: $watch, tenderId: $tender) { matches } watch(id: $watch) { explainAlert(tenderId: $tender) { alerted reasons { code } } } }`,
		map[string]any{"watch": p.watch, "tender": tender})
}

// interruptions pauses and deletes a watch, which then catches up.
func (p *part) interruptions() {
	p.t.Helper()
	update := func(input map[string]any) {
		p.t.Helper()
		p.ask(p.ana, `mutation ($id: ID!, $input: UpdateWatchInput!) { updateWatch(id: $id, input: $input) { watch { active } userErrors { message } } }`, map[string]any{"id": p.watch, "input": input})
	}
	update(map[string]any{"active": false})
	p.publish(map[string]any{"sourceRef": "4"})
	update(map[string]any{"active": true, "catchUp": true})
	p.gets("NOUVEAUX", p.word+" 4", "ana", "team")
	p.ask(p.ana, `mutation ($id: ID!) { deleteWatch(id: $id) { userErrors { message } } }`, map[string]any{"id": p.watch})
	p.publish(map[string]any{"sourceRef": "5"})
	p.ask(p.ana, `mutation ($id: ID!) { restoreWatch(id: $id) { watch { id } userErrors { message } } }`, map[string]any{"id": p.watch})
	p.gets("NOUVEAUX", p.word+" 5", "ana", "team")
}

// consent has people leave and come back.
func (p *part) consent() {
	p.t.Helper()
	recipient := func(name, want string) string {
		p.t.Helper()
		all := p.ask(p.ana, `{ watches { nodes { recipients { id email status } } } }`, nil)
		m := regexp.MustCompile(`\{"email":"` + p.address(name) + `","id":"(\w+)","status":"` + want + `"`).FindStringSubmatch(all)
		if m == nil {
			p.t.Fatalf("%s: %s is not %s in %s", p.round, name, want, all)
		}
		return m[1]
	}
	press(p.t, cmp.Or(p.links, p.base), p.link("ana", `https://vigie\.example/leave/\w+`))
	p.ask(p.ana, `mutation ($id: ID!) { resubscribe(recipientId: $id) { recipient { status } userErrors { message } } }`, map[string]any{"id": recipient("ana", "UNSUBSCRIBED")})
	recipient("ana", "CONFIRMED")
	const again = `mutation ($id: ID!) { resendConfirmation(recipientId: $id) { recipient { status } userErrors { code } } }`
	p.asked.WriteString(again)
	if a := ask(p.t, p.base, p.ana, again, map[string]any{"id": recipient("late", "PENDING")}); len(a.Errors) > 0 {
		p.t.Errorf("%s: asked once more: %v", p.round, a.Errors)
	}
}

// account changes an account, shows it to support, and erases another.
func (p *part) account() {
	p.t.Helper()
	p.ask(p.ana, `mutation { updateAccount(input: { locale: EN, timeZone: "Europe/Paris", digestHour: 7, digestDay: TUESDAY, quietNotes: false }) { account { id } userErrors { message } } }`, nil)
	if data := p.ask(p.ana, `mutation { exportAccount { data userErrors { message } } }`, nil); !strings.Contains(data, p.address("team")) {
		p.t.Errorf("%s: the export: %s", p.round, data)
	}
	desk := p.token("desk", supportScope)
	if found := p.ask(desk, `query ($email: String!) { account(email: $email) { email watches { nodes { name health { lastMailAt } deliveries(first: 20) { nodes { kind status sentAt } } } } } }`,
		map[string]any{"email": p.address("ana")}); !strings.Contains(found, `"status":"SENT"`) {
		p.t.Errorf("%s: support sees %s", p.round, found)
	}
	kim := p.token("kim", "")
	p.ask(kim, `mutation { createWatch(input: { name: "Tout", criteria: {}, frequency: IMMEDIATE }) { watch { id } userErrors { message } } }`, nil)
	p.publish(map[string]any{"sourceRef": "6"})
	p.gets("NOUVEAUX", p.word+" 6", "kim")
	press(p.t, cmp.Or(p.links, p.base), p.link("kim", `https://vigie\.example/leave/\w+`))
	p.ask(kim, `mutation ($email: String!) { deleteAccount(confirmEmail: $email) { deletedAccountId userErrors { message } } }`, map[string]any{"email": p.address("kim")})
}

// knowsMutations checks that a schema has no mutation that was not used.
func (l *life) knowsMutations(schema string) {
	l.t.Helper()
	text, err := os.ReadFile(schema)
	if err != nil {
		l.t.Fatal(err)
	}
	document, err := parser.ParseSchema(&ast.Source{Input: string(text)})
	if err != nil {
		l.t.Fatal(err)
	}
	for _, field := range document.Definitions.ForName("Mutation").Fields {
		if !regexp.MustCompile(`\b` + field.Name + `\b[ (]`).MatchString(l.asked.String()) {
			l.t.Errorf("the last release has a mutation %s: use it here", field.Name)
		}
	}
}

// command runs the release's commands beside its server at base.
func (l *life) command(r release, base string) {
	l.t.Helper()
	does := func(in, says string, args ...string) {
		l.t.Helper()
		c := r.start(l.t, l.env, strings.NewReader(in), args...)
		if <-c.ended; c.status != 0 || !strings.Contains(c.out.String(), says) {
			l.t.Errorf("the release's %s: %d %s%s", args[0], c.status, c.out.String(), c.err.String())
		}
	}
	notices, err := io.ReadAll(samples.NoticesAt(time.Now()))
	if err != nil {
		l.t.Fatal(err)
	}
	p := &part{life: l, base: base, round: "after", word: word("after")}
	does(string(notices), " 0 refused.", "import", "boamp", "--quiet", "-")
	does(`{"externalId": "1", "subject": "lee", "email": "lee@example.org", "name": "Voirie", "keywordsText": "voirie", "buyers": ["Commune d'Exemple"], "recipients": [{"email": "lee@example.org", "confirmedAt": "2021-03-04"}]}`,
		" 1 new,", "import", "watches", "-")
	does("", "lee@example.org", "account", "export", "--subject", "lee")
	does("", "erased", "account", "delete", "--subject", "lee")
	does("", p.address("desk"), "audit")
	does("", "builds", "reindex")
	does("", "ready", "health", "--listen", strings.TrimPrefix(base, "http://"))
	does("", "", "migrate")
	for _, letter := range outbox(l.t, l.box) {
		if to := letter.Get("To"); strings.Contains(to, p.address("team")) {
			tag := regexp.MustCompile(`\+(\w+)@`).FindStringSubmatch(letter.Get("Return-Path"))
			sample, err := os.ReadFile(filepath.Join("..", "alert", "post", "testdata", "bounces", "postfix-unknown.eml"))
			if err != nil {
				l.t.Fatal(err)
			}
			does(strings.ReplaceAll(string(sample), "k3j5x7q2", tag[1]), "nobody is at its address", "bounce")
			break
		}
	}
	if all := p.ask(p.token("ana", ""), `{ watches { nodes { recipients { email status } } } }`, nil); !strings.Contains(all, p.address("team")+`","status":"BOUNCED"`) {
		l.t.Errorf("the address that bounced: %s", all)
	}
}
