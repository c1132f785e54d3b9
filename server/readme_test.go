package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"vigie/server/samples"
)

// blocks are the commands and files that a document shows, as it has them: what is indented by four spaces.
func blocks(document string) []string {
	var found []string
	document = regexp.MustCompile("(?sm)^```.*?^```$").ReplaceAllString(document, "")
	for _, match := range regexp.MustCompile(`(?m)(?:^    .*\n)+`).FindAllString(document, -1) {
		found = append(found, regexp.MustCompile(`(?m)^    `).ReplaceAllString(match, ""))
	}
	return found
}

// readme is a folder in which somebody does what the README says, and the demo that they started.
type readme struct {
	t             *testing.T
	folder, base  string
	env           []string
	text, program string
}

// newReadme makes the folder. In it `go run ./server` and the container are the program that was built of this source,
// and `make` says what it would do.
func newReadme(t *testing.T) *readme {
	t.Helper()
	source, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	r := &readme{t: t, folder: t.TempDir(), text: string(text), program: filepath.Join(t.TempDir(), "vigie")}
	output(t, source, []string{"CGO_ENABLED=0"}, "go", "build", "-trimpath", "-buildvcs=false", "-o", r.program, "./server")
	r.write("bin/make", "#!/bin/sh\nexec "+mustFind(t, "make")+" -C "+source+" --no-print-directory -n \"$@\"\n")
	r.write("bin/go", "#!/bin/sh\n[ \"$1 $2\" = \"run ./server\" ] || exit 2\nshift 2\nexec "+r.program+" \"$@\"\n")
	r.write("bin/docker", "#!/bin/sh\n[ \"$*\" = \"compose up --detach --wait\" ] && exit\n[ \"$1 $2 $3 $4 $5\" = \"compose run --rm -T server\" ] || exit 2\nshift 5\n"+
		"VIGIE_DATA=production VIGIE_SECRET="+testSecret+" exec "+r.program+" \"$@\"\n")
	if err := os.Symlink(filepath.Join(source, "clients"), filepath.Join(r.folder, "clients")); err != nil {
		t.Fatal(err)
	}
	notices, err := io.ReadAll(samples.NoticesAt(time.Now()))
	if err != nil {
		t.Fatal(err)
	}
	call, err := os.ReadFile("../ingest/ted/testdata/call.xml")
	if err != nil {
		t.Fatal(err)
	}
	correction, err := os.ReadFile("../ingest/ted/testdata/correction.xml")
	if err != nil {
		t.Fatal(err)
	}
	r.write("notices.json", string(notices))
	r.write("123456-2026.xml", string(call))
	r.write("20261127_229.tar.gz", string(packedNotices(t, map[string][]byte{"00710002_2026.xml": correction})))
	r.write("watches.jsonl", regexp.MustCompile("(?s)```json\n(\\{\"externalId.*?)```").FindStringSubmatch(r.text)[1])
	r.write("production/.keep", "")
	adopted(t, migrated(t, "sqlite:"+filepath.Join(r.folder, "production", "vigie.db")))

	environment, _ := theServices(t)
	r.env = append(os.Environ(), "PATH="+filepath.Join(r.folder, "bin")+":"+os.Getenv("PATH"))
	for name, value := range environment {
		r.env = append(r.env, name+"="+value)
	}
	r.base = r.demo()
	return r
}

// migrated makes a database.
func migrated(t *testing.T, url string) string {
	t.Helper()
	if c := run(t, nil, "", "migrate", "--database-url", url); c.status != 0 {
		t.Fatal(c.err.String())
	}
	return url
}

func mustFind(t *testing.T, program string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func (r *readme) write(name, text string) {
	r.t.Helper()
	path := filepath.Join(r.folder, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		r.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o700); err != nil {
		r.t.Fatal(err)
	}
}

// demo starts the demo, with its data where it puts them by itself.
func (r *readme) demo() (base string) {
	r.t.Helper()
	var said safeBuffer
	c := exec.Command(r.program, "demo", "--listen", "127.0.0.1:0")
	c.Dir, c.Stdout, c.Stderr = r.folder, &said, &said
	if err := c.Start(); err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = c.Process.Signal(syscall.SIGTERM); _ = c.Wait() })
	address := regexp.MustCompile(`http://(127\.0\.0\.1:\d+)/`)
	awaits(r.t, func() (bool, string) { return address.MatchString(said.String()), "the demo says " + said.String() })
	base = "http://" + address.FindStringSubmatch(said.String())[1]
	ready(r.t, base)
	return base
}

// script is a block as it is run: the demo listens at another port here.
func (r *readme) script(ctx context.Context, block string) *exec.Cmd {
	block = strings.ReplaceAll(block, "http://127.0.0.1:8080", r.base)
	c := exec.CommandContext(ctx, "bash", "-e", "-u", "-o", "pipefail", "-c", block)
	c.Dir, c.Env = r.folder, r.env
	return c
}

// run runs a block, and returns what it prints.
func (r *readme) run(block string) string {
	r.t.Helper()
	out, err := r.script(r.t.Context(), block).CombinedOutput()
	if err != nil {
		r.t.Errorf("%s\nfails: %v: %s", block, err, out)
	}
	return string(out)
}

// prints runs a block, which is to print something.
func prints(pattern string) func(*readme, string) {
	return func(r *readme, block string) {
		r.t.Helper()
		if out := r.run(block); !regexp.MustCompile(pattern).MatchString(out) {
			r.t.Errorf("%s\nprints %s", block, out)
		}
	}
}

// firstAlert publishes the notice of the README, and waits for the mail about it.
func firstAlert(r *readme, block string) {
	prints(`"outcome":"CREATED"`)(r, block)
	awaits(r.t, func() (bool, string) {
		letters := outbox(r.t, filepath.Join(r.folder, "vigie-data", "outbox"))
		about := slices.ContainsFunc(letters, func(l letterFile) bool { return strings.Contains(l.text, "Réfection de la voirie communale") })
		return about, fmt.Sprintf("%d mails, of which none is about the notice", len(letters))
	})
}

// follows has a subscription told of a notice that is published in that time.
func follows(r *readme, block string) {
	ctx, cancel := context.WithCancel(r.t.Context())
	defer cancel()
	c := r.script(ctx, block)
	var out safeBuffer
	c.Stdout, c.WaitDelay = &out, 10*time.Second
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c.Cancel = func() error { return syscall.Kill(-c.Process.Pid, syscall.SIGKILL) }
	if err := c.Start(); err != nil {
		r.t.Fatal(err)
	}
	n := 0
	awaits(r.t, func() (bool, string) {
		n++
		a := ask(r.t, r.base, "", `mutation ($ref: String!, $at: DateTime!) { publishNotices(input: [{ source: "demo", sourceRef: $ref, title: "Voirie", buyerName: "Commune", publishedAt: $at }]) { results { outcome } } }`,
			map[string]any{"ref": fmt.Sprintf("followed-%d", n), "at": time.Now().UTC().Format(time.RFC3339)})
		if len(a.Errors) > 0 {
			r.t.Fatal(a.Errors)
		}
		return strings.Contains(out.String(), `"matchedBy":[{"watch":{"name":"Voirie"}}]`), "the subscription says " + out.String()
	})
	cancel()
	_ = c.Wait()
}

// saves saves a block as a file.
func saves(name string) func(*readme, string) {
	return func(r *readme, block string) { r.write(name, block) }
}

// publishes runs the example client twice, which prints what the README says.
func publishes(r *readme, block string) {
	for _, want := range []string{`\{"CREATED":3,"WITHDRAWN":1\}`, `\{"UNCHANGED":2,"CREATED":1,"WITHDRAWN":1\}`} {
		prints(want+"\n$")(r, block)
	}
	if !strings.Contains(r.text, "`{\"CREATED\":3,\"WITHDRAWN\":1}`") {
		r.t.Error("the README does not say what the client prints")
	}
}

// savesSpreadsheet saves a list as a spreadsheet.
func savesSpreadsheet(r *readme, block string) {
	r.run(block)
	files, err := filepath.Glob(filepath.Join(r.folder, "*.xlsx"))
	if err != nil || len(files) != 1 {
		r.t.Fatalf("files %v, %v", files, err)
	}
	if text, err := os.ReadFile(files[0]); err != nil || !bytes.HasPrefix(text, []byte("PK")) {
		r.t.Errorf("%s is no spreadsheet: %v", files[0], err)
	}
}

// Everything that the README tells people to run is run, in its order, as it stands there.
func TestReadmeCommands(t *testing.T) {
	t.Parallel()
	r := newReadme(t)
	var done []string
	for _, block := range blocks(r.text) {
		is := func(begins string, does func(*readme, string)) bool {
			if !strings.HasPrefix(block, begins) {
				return false
			}
			began := time.Now()
			does(r, block)
			t.Logf("%s: %v", strings.TrimSpace(begins), time.Since(began))
			done = append(done, begins)
			return true
		}
		switch {
		case is("make demo\n", prints(`bin/vigie demo`)),
			is("make demo ARGS=\"--live\"\n", prints(`bin/vigie demo --live`)),
			is("make test\n", prints(`install-test-tools`)),
			is("curl http://127.0.0.1:8080/graphql", firstAlert),
			is("curl -N ", follows),
			is("curl -OJ ", savesSpreadsheet),
			is("go run ./server sync ", prints(`boamp: 2 notices read: 2 new`)),
			is("go run ./server import boamp ", prints(`(?m)^\d+ notices read: .* 0 refused\.$`)),
			is("go run ./server import ted ", prints(`(?m)^2 notices read: 2 new .* 0 refused\.$`)),
			is("{\"buyer\"", saves("lines.jsonl")),
			is("VIGIE_URL=", publishes),
			is("VIGIE_POSTGRES_PASSWORD=", saves(".env")),
			is("docker compose up ", prints(`(?m)^300 notices read: 300 new .* 0 refused\.$`)),
			is("docker compose run ", prints(`(?m)^1 watch read, .* 1 new,`)):
		default:
			t.Errorf("nothing runs this:\n%s", block)
		}
	}
	if len(done) < 14 {
		t.Errorf("the README has only %q", done)
	}
	for _, span := range regexp.MustCompile("`(vigie [^`]+)`").FindAllStringSubmatch(r.text, -1) {
		r.command(span[1])
	}
}

// command runs a command that stands within a sentence.
func (r *readme) command(line string) {
	r.t.Helper()
	words := strings.Fields(strings.NewReplacer("ADDRESS", "ana@example.org", "NAME", "portal").Replace(line))[1:]
	if words[0] == "COMMAND" || !slices.Contains([]string{"token", "serve", "settings", "check", "help", "version"}, words[0]) {
		r.t.Errorf("nothing runs `%s`", line)
		return
	}
	if c := run(r.t, whole(r.t), "", words...); c.status != 0 {
		r.t.Errorf("`%s`: status %d: %s", line, c.status, c.err.String())
	}
}
