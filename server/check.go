package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"vigie"
	"vigie/alert/link"
	"vigie/alert/post"
	"vigie/database"
	"vigie/search/bleve"
	"vigie/search/meili"
	"vigie/store"
)

// check is the command that tries what the settings of a server name.
type check struct{ serverSettings }

// tryFor is how long each thing may take that is tried.
const tryFor = 10 * time.Second

// Run runs the command.
func (c *check) Run(ctx context.Context, p *process) error {
	var r report
	for _, problem := range p.problems {
		r.add("settings", "", problem)
	}
	if len(p.problems) > 0 { // the rest would be tried with what nobody set
		return r.print(p.out)
	}
	plan, err := c.plan(p.now)
	for _, problem := range each(err) {
		r.add("settings", "", problem)
	}
	if err == nil {
		r.add("settings", "", nil)
		defer plan.mailing.close()
	}
	c.tryDatabase(ctx, &r)
	c.trySearch(ctx, &r)
	c.tryIssuer(ctx, &r)
	c.tryMail(ctx, &r, plan.mailing)
	c.tryCollector(ctx, &r)
	c.tryFolders(&r)
	return r.print(p.out)
}

// each are the errors that were joined into one, also in several steps.
func each(err error) (all []error) {
	if err == nil {
		return nil
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if status, exits := errors.AsType[exit](err); exits && !ok {
		return each(status.error)
	}
	if !ok {
		return []error{err}
	}
	for _, one := range joined.Unwrap() {
		all = append(all, each(one)...)
	}
	return all
}

func (c *check) tryDatabase(ctx context.Context, r *report) {
	ctx, cancel := context.WithTimeout(ctx, tryFor)
	defer cancel()
	version, err := database.Probe(ctx, c.url())
	if errors.Is(err, os.ErrNotExist) && c.Migrate {
		version, err = "a new SQLite file will be made", nil
	}
	r.add("database", version+": "+database.Name(c.url()), err)
	if err == nil {
		c.tryTables(ctx, r)
	}
}

// tryTables compares the tables with those of this version, and the secrets with
// those that the database was used with.
func (c *check) tryTables(ctx context.Context, r *report) {
	db, err := database.Open(ctx, c.url(), time.Now)
	switch code := vigie.CodeOf(err); {
	case code == database.Empty && c.Migrate:
		r.add("tables", "the server will make them", nil)
		return
	case code == database.Older && c.Migrate:
		r.add("tables", "of an older version: the server will migrate them", nil)
		return
	}
	r.add("tables", "of this version", err)
	if err != nil {
		return
	}
	defer db.Close()
	s, err := store.New(ctx, db)
	if err != nil {
		r.add("secrets", "", err)
		return
	}
	keys, err := link.New(c.Secret)
	if err != nil { // the settings say why
		return
	}
	if err = s.CheckSecrets(ctx, keys.Secrets()); vigie.CodeOf(err) == store.NoSecret {
		err = nil
	}
	r.add("secrets", "those that the database is used with", err)
}

func (c *check) trySearch(ctx context.Context, r *report) {
	folder, embedded := c.searchSettings.folder(c.Data)
	if embedded {
		r.add("search engine", "Bleve in "+folder, bleve.Check(folder))
		if _, _, sqlite := c.sqlite(); !sqlite {
			r.warn("search engine", "its index is this machine's alone: a second server on the same database needs a Meilisearch that both share (VIGIE_SEARCH_URL)")
		}
		return
	}
	servers, err := c.searchSettings.servers()
	if err != nil { // the settings say why
		return
	}
	for _, server := range servers {
		what, name := "search engine", "Meilisearch"
		if len(servers) > 1 {
			what, name = "search node", server.name+": Meilisearch"
		}
		version, err := server.try(ctx)
		if err != nil && len(servers) > 1 {
			err = fmt.Errorf("%s: %w", server.name, err)
		}
		r.add(what, strings.TrimSpace(name+" "+version)+" answers, and takes the key", err)
	}
}

// try asks the server with its key, and returns its version, where the key may ask for that.
func (s searchServer) try(ctx context.Context) (version string, err error) {
	ctx, cancel := context.WithTimeout(ctx, tryFor)
	defer cancel()
	engine, err := meili.Open(s.url, s.key, meili.Options{Patience: -1})
	if err != nil {
		return "", err
	}
	defer engine.Close()
	if err := engine.Ping(ctx); err != nil {
		return "", err
	}
	return engine.Version(ctx)
}

// tryIssuer finds the issuer's keys as the first token would have them found.
func (c *check) tryIssuer(ctx context.Context, r *report) {
	if c.OIDCIssuer == "" || c.JWKSFile != "" {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, tryFor)
	defer cancel()
	keys, err := newIssuerKeys(c.OIDCIssuer, http.DefaultTransport, time.Now).fetch(ctx)
	if len(keys) > 0 && err != nil { // the server uses those that it can read
		r.warn("issuer", operatorMessage(err))
		err = nil
	}
	r.add("issuer", count(len(keys), "key of ", "keys of ")+c.OIDCIssuer, err)
	if strings.HasPrefix(c.OIDCIssuer, "http:") {
		r.warn("issuer", "its keys come without TLS: an attacker on the network can replace them")
	}
}

func (c *check) tryMail(ctx context.Context, r *report, mailing *mailing) {
	switch {
	case c.MailURL == "":
		r.warn("mail", "nobody is mailed: VIGIE_MAIL_URL is not set")
		return
	case mailing == nil: // the settings say why
		return
	}
	ctx, cancel := context.WithTimeout(ctx, tryFor)
	defer cancel()
	r.add("mail", "it takes us, and was sent nothing", post.Check(ctx, mailing.mailer))
}

// tryCollector sends the collector no spans, which it takes like any others.
func (c *check) tryCollector(ctx context.Context, r *report) {
	if c.OTLPURL == "" {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, tryFor)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, spansURL(c.OTLPURL), http.NoBody)
	if err != nil {
		r.add("collector", "", err)
		return
	}
	request.Header.Set("Content-Type", "application/x-protobuf")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		r.add("collector", "", err)
		return
	}
	defer answer.Body.Close()
	switch {
	case answer.StatusCode == http.StatusOK:
		r.add("collector", "it takes spans", nil)
	case answer.StatusCode == http.StatusUnauthorized, answer.StatusCode == http.StatusForbidden: // OpenTelemetry's own variables may hold a password
		r.warn("collector", "it answers "+answer.Status+" to who sends no password")
	default:
		r.add("collector", "", errors.New("it answers "+answer.Status+": is VIGIE_OTLP_URL (--otlp-url) the address of a collector that takes OTLP over HTTP?"))
	}
}

// tryFolders looks at the folders that a server writes to, and who else may.
func (c *check) tryFolders(r *report) {
	var folders []string
	index, embedded := c.searchSettings.folder(c.Data)
	if embedded {
		folders = append(folders, index)
	}
	if folder, file, ok := c.sqlite(); ok {
		folders = append(folders, filepath.Dir(file))
		r.private(file)
		if folder != "" {
			r.private(folder)
		}
	}
	if box, ok := strings.CutPrefix(c.MailURL, "outbox:"); ok {
		folders = append(folders, box)
		r.private(box)
	}
	for _, folder := range slices.Compact(folders) {
		detail, err := writable(folder)
		if e, ok := errors.AsType[*fs.PathError](err); ok { // of a file that nobody asked for
			err = fmt.Errorf("%s: nothing can be written to it, or it cannot be made: %w", folder, e.Err)
		}
		r.add("folder", folder+": "+detail, err)
	}
}

// writable reports whether files can be made in a folder, which may not be there
// yet.
func writable(folder string) (detail string, err error) {
	there, detail := folder, "it can be written to"
	for {
		_, err := os.Stat(there)
		if err == nil {
			break
		}
		if !errors.Is(err, fs.ErrNotExist) || there == filepath.Dir(there) {
			return "", err
		}
		there, detail = filepath.Dir(there), "it will be made"
	}
	file, err := os.CreateTemp(there, ".vigie-check-*")
	if err != nil {
		return "", err
	}
	file.Close()
	return detail, os.Remove(file.Name())
}

// report is what was tried, and what came of it.
type report struct {
	rows         [][3]string
	tried, wrong int
}

// add notes what came of something: what there is to say of it, or what is
// wrong.
func (r *report) add(what, detail string, err error) {
	r.tried++
	result := "ok"
	if err != nil {
		r.wrong++
		result, detail = "wrong", operatorMessage(err)
	}
	r.rows = append(r.rows, [3]string{what, result, detail})
}

// warn notes what is no mistake, and perhaps not meant.
func (r *report) warn(what, detail string) {
	r.rows = append(r.rows, [3]string{what, "warning", detail})
}

// private warns of what others on this machine may read.
func (r *report) private(path string) {
	info, err := os.Stat(path)
	if err == nil && info.Mode().Perm()&0o077 != 0 {
		r.warn("folder", fmt.Sprintf("%s: others on this machine may read it (%s)", path, info.Mode().Perm()))
	}
}

// print prints the table; something that is wrong is an error.
func (r *report) print(w io.Writer) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, row := range r.rows {
		fmt.Fprintf(table, "%s\t%s\t%s\n", row[0], row[1], strings.Join(strings.Fields(row[2]), " "))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if r.wrong > 0 {
		return fmt.Errorf("%d of %s failed", r.wrong, count(r.tried, "check", "checks"))
	}
	return nil
}
