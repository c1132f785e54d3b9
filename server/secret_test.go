package main

import (
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"vigie/store/storetest"
)

const (
	newSecret  = "fedcba9876543210fedcba9876543210"
	lostSecret = "89abcdef0123456701234567fedcba98"
)

// servesWith starts a server with secrets, and ends it once it listens.
func servesWith(t *testing.T, database, secrets string) {
	t.Helper()
	server := start(t, nil, nil, "serve", "--database-url", database, "--data", t.TempDir(), "--listen", "127.0.0.1:0", "--secret", secrets)
	server.listening(t)
	server.stops(t)
}

// adopted makes a database known the secret of tests, as a server's start does.
func adopted(t *testing.T, database string) string {
	t.Helper()
	if c := run(t, nil, "", "secret", "adopt", "--secret", testSecret, "--database-url", database); c.status != 0 {
		t.Fatal(c.err.String())
	}
	return database
}

// A command or server stops that brings secrets of which the database knows
// none, or does not know the first; and nothing has changed.
func TestUnknownSecretStops(t *testing.T) {
	commands := databaseCommands()
	delete(commands, "secret adopt") // it is the way out
	commands["serve"] = []string{"--listen", "127.0.0.1:0"}
	takes := leaves(t, "secret")
	for _, name := range takes {
		// What « token » signs is checked by the server, at once; « check » changes
		// nothing.
		if _, known := commands[name]; !known && name != "token" && name != "check" && name != "secret adopt" {
			t.Errorf("« %s » uses a secret: say in databaseCommands with what arguments", name)
		}
	}
	for kind, open := range storetest.Kinds() {
		t.Run(kind, func(t *testing.T) {
			database := open(t)
			servesWith(t, database, testSecret)
			before := contents(t, database)
			for name, args := range commands {
				if !slices.Contains(takes, name) {
					continue
				}
				args = slices.DeleteFunc(slices.Clone(args), func(arg string) bool { return arg == "--secret" || arg == testSecret })
				for secrets, says := range map[string]string{
					lostSecret:                    "vigie secret adopt",
					lostSecret + "," + newSecret:  "vigie secret adopt",
					lostSecret + "," + testSecret: "at the end of the list",
				} {
					c := run(t, nil, returned(t), slices.Concat(strings.Fields(name), args, []string{"--database-url", database, "--data", t.TempDir(), "--secret", secrets})...)
					if c.status == 0 || !strings.Contains(c.err.String(), says) {
						t.Errorf("%s with %s: status %d, says %s%s", name, secrets, c.status, c.out.String(), c.err.String())
					}
				}
			}
			if !slices.Equal(before, contents(t, database)) {
				t.Error("the database is not as it was")
			}
			if c := run(t, nil, "", "serve", "--database-url", database, "--data", t.TempDir(), "--listen", "127.0.0.1:0",
				"--oidc-issuer", "https://issuer.example", "--oidc-audience", "vigie"); c.status != 1 || !strings.Contains(c.err.String(), "VIGIE_SECRET") {
				t.Errorf("a server without any secret: %d %s", c.status, c.err.String())
			}
		})
	}
}

// With a mistyped secret no account is erased, so an import still recognises an
// address that had left.
func TestEraseWithMistypedSecret(t *testing.T) {
	for kind, open := range storetest.Kinds() {
		t.Run(kind, func(t *testing.T) {
			database, box := open(t), t.TempDir()
			env := map[string]string{
				"VIGIE_DATABASE_URL": database, "VIGIE_DATA": t.TempDir(), "VIGIE_SECRET": testSecret, "VIGIE_LISTEN": "127.0.0.1:0",
				"VIGIE_MAIL_URL": "outbox:" + box, "VIGIE_MAIL_FROM": "veille@vigie.example", "VIGIE_PUBLIC_URL": "https://vigie.example",
			}
			server := start(t, env, nil, "serve")
			base := server.listening(t)
			token, err := sign(testSecret, "ana", claims{Email: "ana@example.org", EmailVerified: true}, time.Now(), time.Hour)
			if err != nil {
				t.Fatal(err)
			}
			if a := ask(t, base, token, `mutation { createWatch(input: { name: "Voirie", criteria: {}, recipients: ["team@example.org"] }) { watch { id } } }`, nil); len(a.Errors) > 0 {
				t.Fatal(a.Errors)
			}
			server.stops(t)
			storetest.Exec(t, database, "UPDATE recipients SET left_at = '2026-01-01 00:00:00+00:00' WHERE email = 'team@example.org'")
			erase := []string{"account", "delete", "--subject", "ana", "--yes"}
			env["VIGIE_SECRET"] = lostSecret
			if c := run(t, env, "", erase...); c.status == 0 || strings.Contains(c.out.String(), "erased") {
				t.Errorf("with a mistyped secret: %d %s", c.status, c.out.String())
			}
			env["VIGIE_SECRET"] = testSecret
			if c := run(t, env, "", erase...); c.status != 0 {
				t.Fatal(c.err.String())
			}
			line := `{"externalId":"1","subject":"lee","email":"lee@example.org","name":"Voirie","recipients":[{"email":"team@example.org","confirmedAt":"2021-03-04"}]}`
			if c := run(t, env, line, "import", "watches", "-"); c.status != 0 {
				t.Fatal(c.err.String())
			}
			if c := run(t, env, "", "account", "export", "--subject", "lee"); !regexp.MustCompile(`"leftAt": "`).MatchString(c.out.String()) {
				t.Errorf("it is not known that the address left: %s %s", c.out.String(), c.err.String())
			}
		})
	}
}

// A secret is replaced in two steps, on one replica after the other, and each
// link that either sends leads somewhere on both until the old secret is taken
// away.
func TestRotateSecret(t *testing.T) {
	box := t.TempDir()
	env := map[string]string{
		"VIGIE_DATABASE_URL": storetest.Postgres(t), "VIGIE_LISTEN": "127.0.0.1:0", "VIGIE_MAIL_SPACING": "1ms",
		"VIGIE_MAIL_URL": "outbox:" + box, "VIGIE_MAIL_FROM": "veille@vigie.example", "VIGIE_PUBLIC_URL": "https://vigie.example",
	}
	type replica struct {
		*command
		base string
	}
	serve := func(data, secrets string) *replica {
		t.Helper()
		own := maps.Clone(env)
		own["VIGIE_DATA"], own["VIGIE_SECRET"] = data, secrets
		server := start(t, own, nil, "serve")
		return &replica{server, server.listening(t)}
	}
	folders := [2]string{t.TempDir(), t.TempDir()}
	restart := func(r *replica, i int, secrets string) *replica {
		t.Helper()
		r.stops(t)
		return serve(folders[i], secrets)
	}
	command := func(secrets string) (int, string) {
		t.Helper()
		own := maps.Clone(env)
		own["VIGIE_SECRET"] = secrets
		c := run(t, own, "[]", "import", "watches", "-")
		return c.status, c.err.String()
	}
	refused := func(secrets, says string) {
		t.Helper()
		own := maps.Clone(env)
		own["VIGIE_DATA"], own["VIGIE_SECRET"] = t.TempDir(), secrets
		if c := run(t, own, "", "serve"); c.status != 1 || !strings.Contains(c.err.String(), says) {
			t.Errorf("a server with %s: %d %s", secrets, c.status, c.err.String())
		}
		if status, said := command(secrets); status != 1 || !strings.Contains(said, says) {
			t.Errorf("a command with %s: %d %s", secrets, status, said)
		}
	}
	// asks has a replica ask a new address whether it may be written to, and
	// returns where the link leads.
	asked := 0
	asks := func(r *replica, secret string) string {
		t.Helper()
		asked++
		token, err := sign(secret, "ana", claims{Email: "ana@example.org", EmailVerified: true}, time.Now(), time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		a := ask(t, r.base, token, `mutation ($name: String!, $to: String!) { createWatch(input: { name: $name, criteria: {}, recipients: [$to] }) { watch { id } } }`,
			map[string]any{"name": fmt.Sprint("Veille ", asked), "to": fmt.Sprintf("team-%d@example.org", asked)})
		if len(a.Errors) > 0 {
			t.Fatal(a.Errors)
		}
		return regexp.MustCompile(`https://vigie\.example(/confirm/\w+)`).FindStringSubmatch(arrives(t, box, asked).text)[1]
	}
	opens := func(r *replica, path string) bool {
		t.Helper()
		response, err := http.Get(r.base + path)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		return response.StatusCode == http.StatusOK
	}
	both := testSecret + "," + newSecret
	swapped := newSecret + "," + testSecret

	a, b := serve(folders[0], testSecret), serve(folders[1], testSecret)
	links := []string{asks(a, testSecret)}
	check := func(step string) {
		t.Helper()
		for i, link := range links {
			if !opens(a, link) || !opens(b, link) {
				t.Errorf("%s: link %d leads nowhere on one replica", step, i)
			}
		}
	}
	refused(swapped, "at the end of the list")

	a = restart(a, 0, both)
	links = append(links, asks(b, testSecret))
	check("the first has both")
	b = restart(b, 1, both)
	check("each has both")

	b.stops(t)
	a = restart(a, 0, swapped)
	links = append(links, asks(a, newSecret)) // signed with the new one: no other sends
	refused(testSecret, "is missing from this list")
	b = serve(folders[1], both)
	check("the first signs with the new")
	if status, said := command(both); status != 0 {
		t.Errorf("a command of the first step: %s", said)
	}
	b = restart(b, 1, swapped)
	links = append(links, asks(b, testSecret)) // a token of the old secret is still good
	check("each signs with the new")
	refused(testSecret, "is missing from this list")

	a, b = restart(a, 0, newSecret), restart(b, 1, newSecret)
	for i, link := range links {
		if i >= 2 != opens(a, link) || i >= 2 != opens(b, link) {
			t.Errorf("the old secret was removed; link %d opens: %v, %v", i, opens(a, link), opens(b, link))
		}
	}
}

// An operator who lost the secret can go on with another, by a command that says
// what it means.
func TestAdoptSecret(t *testing.T) {
	for kind, open := range storetest.Kinds() {
		t.Run(kind, func(t *testing.T) {
			database := open(t)
			servesWith(t, database, testSecret)
			adopt := func(secret string) {
				t.Helper()
				c := run(t, nil, "", "secret", "adopt", "--secret", secret, "--database-url", database)
				if c.status != 0 || !strings.Contains(c.out.String(), "links") {
					t.Fatalf("%d %s%s", c.status, c.out.String(), c.err.String())
				}
			}
			adopt(newSecret)
			servesWith(t, database, newSecret)
			if c := run(t, nil, "", "serve", "--database-url", database, "--data", t.TempDir(), "--listen", "127.0.0.1:0", "--secret", testSecret); c.status != 1 {
				t.Errorf("the former secret: status %d", c.status)
			}
			for _, row := range storetest.Everything(t, database) {
				if strings.Contains(row, newSecret) || strings.Contains(row, testSecret) {
					t.Errorf("a secret is in the database: %s", row)
				}
			}
			adopt(testSecret) // it was found again
			servesWith(t, database, testSecret)
		})
	}
}
