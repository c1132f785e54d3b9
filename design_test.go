package vigie_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestChangeGuide checks the section of docs/design.md that tells a new engineer
// where things are: each path, function, type and make target that it names
// exists.
func TestChangeGuide(t *testing.T) {
	design, makefile, code := readText(t, "docs/design.md"), readText(t, "Makefile"), allCode(t)
	_, section, found := strings.Cut(design, "\n## To change something, look here\n")
	if !found {
		t.Fatal("there is no such section")
	}
	section, _, _ = strings.Cut(section, "\n## ")
	names := regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(section, -1)
	if len(names) < 40 {
		t.Errorf("only %d names", len(names))
	}
	for _, match := range names {
		name := match[1]
		target, isTarget := strings.CutPrefix(name, "make ")
		function, isFunction := strings.CutSuffix(name, "()")
		var exists bool
		switch {
		case isTarget:
			exists = strings.Contains(makefile, "\n"+target+":")
		case isFunction:
			exists = regexp.MustCompile(`(?m)^func (\([^)]*\) )?` + function + `[\[(]`).MatchString(code)
		case strings.ContainsAny(name, "./"):
			_, err := os.Stat(name)
			exists = err == nil
		case name == strings.ToLower(name): // a word of Go, such as a tag's name
			exists = strings.Contains(code, name+":\"")
		default: // a type, or a field
			exists = regexp.MustCompile(`(?m)^(type |\t)` + name + ` `).MatchString(code)
		}
		if !exists {
			t.Errorf("%s does not exist", name)
		}
	}
}

// TestLongTestsAreNamed checks that the Makefile names each test with a short form,
// or over real notices, of the packages that the race detector runs: `make test`
// runs them whole only by that list.
func TestLongTestsAreNamed(t *testing.T) {
	makefile := readText(t, "Makefile")
	packages := regexp.MustCompile(`(?m)^RACE += (.*)$`).FindStringSubmatch(makefile)
	named := regexp.MustCompile(`(?m)^LONG += (.*)$`).FindStringSubmatch(makefile)
	if packages == nil || named == nil {
		t.Fatal("the Makefile has no RACE or no LONG")
	}
	var long []string
	for _, dir := range strings.Fields(packages[1]) {
		long = append(long, shortened(t, strings.TrimSuffix(dir, "/..."))...)
	}
	slices.Sort(long)
	if got := strings.Join(long, "|"); got != named[1] {
		t.Errorf("LONG is to be %s", got)
	}
}

// shortened returns the tests below dir that -short shortens, or that read real
// notices, themselves or by a helper.
func shortened(t *testing.T, dir string) []string {
	t.Helper()
	bodies := make(map[string]string)
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		for _, function := range strings.Split(readText(t, path), "\nfunc ")[1:] {
			name, body, _ := strings.Cut(function, "(")
			body, _, _ = strings.Cut(body, "\n}\n")
			bodies[name] = body
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	var tests []string
	for sought := []string{`testing\.Short\(\)`, `os\.Getenv\("VIGIE_TEST_DATA"\)`}; len(sought) > 0; sought = sought[1:] {
		for name, body := range bodies {
			if regexp.MustCompile(`\b` + sought[0]).MatchString(body) {
				delete(bodies, name)
				sought = append(sought, name+`\b`)
				if strings.HasPrefix(name, "Test") {
					tests = append(tests, name)
				}
			}
		}
	}
	return tests
}

// allCode is every Go file of the module in one text.
func allCode(t *testing.T) string {
	t.Helper()
	var code strings.Builder
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && entry.Name() == "node_modules":
			return filepath.SkipDir
		case filepath.Ext(path) == ".go":
			code.WriteString(readText(t, path))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return code.String()
}

func readText(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
