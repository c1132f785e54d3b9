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

// The README in French has what the one in English has: the same commands, in the same order, the same commands and
// settings in its tables, and all that is named or linked.
func TestReadmesAgree(t *testing.T) {
	english, french := readText(t, "README.md"), readText(t, "README.fr.md")
	for what, pattern := range map[string]*regexp.Regexp{"examples": fencedBlocks, "commands": indentedBlocks, "rows": tableNames, "headings": regexp.MustCompile(`(?m)^#+ `)} {
		one, other := pattern.FindAllString(english, -1), pattern.FindAllString(french, -1)
		if len(one) < 4 || !slices.Equal(one, other) {
			t.Errorf("the %s differ:\n%q\n%q", what, one, other)
		}
	}
	for what, pattern := range map[string]*regexp.Regexp{"names": codeSpans, "links to": linkTargets} {
		in := make(map[string]bool)
		for _, match := range pattern.FindAllString(prose(french), -1) {
			in[match] = true
		}
		for _, match := range pattern.FindAllString(prose(english), -1) {
			if !in[match] && match != "](README.fr.md)" {
				t.Errorf("the French one never %s %s", what, match)
			}
		}
	}
	// The defaults of settings are the same.
	row := regexp.MustCompile("(?m)^\\| (`VIGIE_[^|]*) \\| ([^|]*) \\|")
	defaults := make(map[string][]string)
	for _, match := range row.FindAllStringSubmatch(english, -1) {
		defaults[match[1]] = codeSpans.FindAllString(match[2], -1)
	}
	for _, match := range row.FindAllStringSubmatch(french, -1) {
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
