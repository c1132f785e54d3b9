package vigie_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	fencedBlocks   = regexp.MustCompile("(?sm)^```.*?^```$")
	indentedBlocks = regexp.MustCompile(`(?m)(?:^    .*\n)+`)
	codeSpans      = regexp.MustCompile("`[^`]+`")
	linkTargets    = regexp.MustCompile(`\]\(([^)]*)\)`)
	tableNames     = regexp.MustCompile(`(?m)^\| (` + "`" + `[^|]*) \|`)
)

// prose is a document without its blocks.
func prose(document string) string {
	return indentedBlocks.ReplaceAllString(fencedBlocks.ReplaceAllString(document, ""), "")
}

// A document in French has what the one in English has: the same examples and commands, in the same order, the same rows
// in its tables, and all that is named or linked.
func TestFrenchDocumentsAgree(t *testing.T) {
	headings := regexp.MustCompile(`(?m)^#+ `)
	for _, d := range []struct {
		english, french string
		same            map[string]*regexp.Regexp
	}{
		{"README.md", "README.fr.md", map[string]*regexp.Regexp{"examples": fencedBlocks, "commands": indentedBlocks, "headings": headings}},
		{"docs/reference.md", "docs/reference.fr.md", map[string]*regexp.Regexp{"rows": tableNames, "headings": headings}},
	} {
		english, french := readText(t, d.english), readText(t, d.french)
		for what, pattern := range d.same {
			one, other := pattern.FindAllString(english, -1), pattern.FindAllString(french, -1)
			if len(one) < 3 || !slices.Equal(one, other) {
				t.Errorf("the %s of %s and %s differ:\n%q\n%q", what, d.english, d.french, one, other)
			}
		}
		for what, pattern := range map[string]*regexp.Regexp{"names": codeSpans, "links to": linkTargets} {
			in := make(map[string]bool)
			for _, match := range pattern.FindAllString(prose(french), -1) {
				in[match] = true
			}
			for _, match := range pattern.FindAllString(prose(english), -1) {
				if !in[match] && !in[strings.TrimSuffix(match, ".md)")+".fr.md)"] && !strings.HasSuffix(match, ".fr.md)") {
					t.Errorf("%s never %s %s", d.french, what, match)
				}
			}
		}
	}
}

// The defaults of settings are the same in both languages.
func TestFrenchDefaultsAgree(t *testing.T) {
	row := regexp.MustCompile("(?m)^\\| (`VIGIE_[^|]*) \\| ([^|]*) \\|")
	defaults := make(map[string][]string)
	for _, match := range row.FindAllStringSubmatch(readText(t, "docs/reference.md"), -1) {
		defaults[match[1]] = codeSpans.FindAllString(match[2], -1)
	}
	if len(defaults) < 20 {
		t.Errorf("%d rows of settings", len(defaults))
	}
	for _, match := range row.FindAllStringSubmatch(readText(t, "docs/reference.fr.md"), -1) {
		if got := codeSpans.FindAllString(match[2], -1); !slices.Equal(got, defaults[match[1]]) {
			t.Errorf("the default of %s is %v, not %v", match[1], got, defaults[match[1]])
		}
	}
}

// inMarkdown finds the paragraphs of a document, without what is code in them, and without the targets of links.
func inMarkdown(t *testing.T, path string) (texts []frenchText) {
	t.Helper()
	for paragraph := range strings.SplitSeq(prose(readText(t, path)), "\n") {
		paragraph = linkTargets.ReplaceAllString(codeSpans.ReplaceAllString(paragraph, ""), "]")
		if strings.TrimSpace(paragraph) != "" {
			texts = append(texts, frenchText{path, paragraph})
		}
	}
	return texts
}
