package letter

import (
	"embed"
	"errors"
	"fmt"
	htmltemplate "html/template"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	texttemplate "text/template"
	"time"

	"vigie"
	"vigie/clip"
)

//go:embed templates
var embedded embed.FS

// Templates write letters. They are safe for concurrent use.
type Templates struct{ french, english language }

// language has the templates in the words of one language.
type language struct {
	html *htmltemplate.Template
	text *texttemplate.Template
}

// in returns the templates in a language.
func (t *Templates) in(l vigie.Locale) language {
	if l == vigie.English {
		return t.english
	}
	return t.french
}

// Load reads the templates: those that are built in, each replaced by the file
// of its name at the top of overrides, which may be nil. They are
//
//	digest.html        digest.txt
//	quiet.html         quiet.txt
//	confirmation.html  confirmation.txt
//	webhook.html       webhook.txt
//	layout.html        layout.txt    what surrounds them all
//	entry.html         entry.txt     what is said of a tender, below its title; in feeds and calendars too
//
// They are those of html/template and text/template; what they can say is in
// page. Words in both languages, {{.In "français" "English"}}, are chosen as they
// are loaded. Plain text is wrapped afterwards.
//
// A file that is not a template of a letter, that cannot be parsed, or that names
// what letters do not have, is an error that says which one and where.
func Load(overrides fs.FS) (*Templates, error) {
	files, err := readTemplates(overrides)
	if err != nil {
		return nil, err
	}
	t := &Templates{}
	if t.french, err = parsed(files, vigie.French); err != nil {
		return nil, err
	}
	if t.english, err = parsed(files, vigie.English); err != nil {
		return nil, err
	}
	if err := t.try(); err != nil {
		return nil, err
	}
	return t, nil
}

// parsed parses templates, by the names of their files, in the words of a language.
func parsed(files map[string]string, l vigie.Locale) (t language, err error) {
	t = language{
		html: htmltemplate.New("letter").Funcs(htmltemplate.FuncMap{"upper": strings.ToUpper}),
		text: texttemplate.New("letter").Funcs(texttemplate.FuncMap{"upper": strings.ToUpper}),
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		content := files[name]
		if path.Ext(name) == ".html" {
			_, err = t.html.New(name).Parse(content)
		} else {
			_, err = t.text.New(name).Parse(content)
		}
		if err != nil {
			return t, fmt.Errorf("letter: %w", err)
		}
	}
	for _, one := range t.html.Templates() {
		if one.Tree != nil {
			choose(one.Tree.Root, l, htmltemplate.HTMLEscapeString)
		}
	}
	for _, one := range t.text.Templates() {
		choose(one.Root, l, func(words string) string { return words })
	}
	return t, nil
}

func readTemplates(overrides fs.FS) (map[string]string, error) {
	builtIn, err := fs.Sub(embedded, "templates")
	if err != nil {
		return nil, err
	}
	files := make(map[string]string)
	err = eachTemplate(builtIn, func(name, content string) error {
		files[name] = content
		return nil
	})
	if err != nil || overrides == nil {
		return files, err
	}
	err = eachTemplate(overrides, func(name, content string) error {
		if _, known := files[name]; !known {
			return fmt.Errorf("letter: %s replaces no template", name)
		}
		files[name] = content
		return nil
	})
	return files, err
}

// eachTemplate reads the templates at the top of a folder; it ignores other files.
func eachTemplate(folder fs.FS, visit func(name, content string) error) error {
	entries, err := fs.ReadDir(folder, ".")
	if err != nil {
		return fmt.Errorf("letter: the folder of templates: %w", err)
	}
	for _, entry := range entries {
		name := entry.Name()
		if entry.IsDir() || !slices.Contains([]string{".html", ".txt"}, path.Ext(name)) {
			continue
		}
		content, err := fs.ReadFile(folder, name)
		if err != nil {
			return fmt.Errorf("letter: template %s: %w", name, err)
		}
		if err := visit(name, string(content)); err != nil {
			return err
		}
	}
	return nil
}

// try writes a letter of each kind in each language, so that a broken template is found when it is loaded.
func (t *Templates) try() error {
	at := time.Date(2026, 11, 9, 16, 0, 0, 0, time.UTC)
	section := Section{Total: 2, Tenders: []Tender{{
		Title: "Title", Buyer: "Buyer", Reference: "1", Departments: []string{"01"}, Deadline: &at, URL: "https://example.org/",
		Reasons:  []Reason{{"Watch", "https://example.org/watch", []string{"keyword"}, []vigie.Text{vigie.Same("title")}}},
		Excerpts: []Excerpt{{vigie.Same("title"), "a keyword", []clip.Span{{Start: 2, End: 9}}}},
		At:       at, PageURL: "https://example.org/page", DismissURL: "https://example.org/dismiss",
		Lots:        []vigie.Lot{{Number: "1", Title: "Lot"}},
		Details:     vigie.Details{Technique: vigie.FrameworkAgreement, QuestionsUntil: &at},
		Corrections: []string{"correction"}, Publications: []vigie.Publication{{Source: "source", SourceRef: "1", URL: "https://example.org/1"}},
		Changes: []vigie.Change{{Label: vigie.Same("Label"), Before: vigie.Same("before"), After: vigie.Same("after")}},
	}}}
	brand := Brand{"Brand", vigie.Same("Footer"), "contact@example.org"}
	watches := []Watch{{"Watch", "https://example.org/edit", "https://example.org/leave"}}
	for _, l := range []vigie.Locale{vigie.French, vigie.English} {
		_, digest := t.Digest(Digest{
			Brand: brand, Language: l, Watches: watches, MoreURL: "https://example.org/", LeaveURL: "https://example.org/", StopRemindersURL: "https://example.org/",
			Reminders: section, New: section, Corrected: section, Cancelled: section, ClosingSoon: section,
		})
		_, quiet := t.Quiet(Quiet{brand, l, watches, 30, []Source{{"Source", at}}, "https://example.org/"})
		_, confirmation := t.Confirmation(Confirmation{brand, l, "ana@example.org", "https://example.org/"})
		_, note := t.WebhookNote(WebhookNote{brand, l, []StoppedWebhook{{"Watch", "example.org", true}}})
		if err := errors.Join(digest, quiet, confirmation, note); err != nil {
			return err
		}
	}
	return nil
}

// Digest writes a digest. It fails if there are no tenders, or if a replaced template fails.
func (t *Templates) Digest(d Digest) (Letter, error) {
	p, err := d.page()
	if err != nil {
		return Letter{}, err
	}
	return t.write("digest", p)
}

// Quiet writes a quiet note. It fails only if a replaced template does.
func (t *Templates) Quiet(q Quiet) (Letter, error) { return t.write("quiet", q.page()) }

// Confirmation writes a request to confirm. It fails if there is no link, or if a replaced template fails.
func (t *Templates) Confirmation(c Confirmation) (Letter, error) {
	p, err := c.page()
	if err != nil {
		return Letter{}, err
	}
	return t.write("confirmation", p)
}

// WebhookNote writes the note that webhooks get nothing any more. It fails only if a replaced template does.
func (t *Templates) WebhookNote(n WebhookNote) (Letter, error) { return t.write("webhook", n.page()) }

func (t *Templates) write(name string, p page) (Letter, error) {
	templates := t.in(p.language)
	html, err := written(templates.html.ExecuteTemplate, name+".html", &p, usualHTML)
	if err != nil {
		return Letter{}, err
	}
	text, err := written(templates.text.ExecuteTemplate, name+".txt", &p, usualText)
	if err != nil {
		return Letter{}, err
	}
	return Letter{Subject: p.Subject, Text: wrap(text, textWidth), HTML: html}, nil
}

const (
	// textWidth is the usual width of plain text mail, which leaves room for quoting.
	textWidth = 72
	// usualHTML and usualText are enough, in bytes, for most letters.
	usualHTML, usualText = 8 << 10, 1 << 10
)

func written(execute func(io.Writer, string, any) error, name string, data any, usual int) (string, error) {
	var b strings.Builder
	b.Grow(usual)
	if err := execute(&b, name, data); err != nil {
		return "", fmt.Errorf("letter: %w", err)
	}
	return b.String(), nil
}
