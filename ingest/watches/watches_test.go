package watches

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"vigie"
)

func packed(text string) []byte {
	var b bytes.Buffer
	zip := gzip.NewWriter(&b)
	_, _ = zip.Write([]byte(text))
	zip.Close()
	return b.Bytes()
}

func TestRead(t *testing.T) {
	const one, two = `{"externalId":"1","name":"a"}`, `{"externalId":2,"name":"b"}`
	long := `{"name":"` + strings.Repeat("x", maxLine) + `"}`
	whole := packed(strings.Repeat(one+"\n", 3))
	for name, test := range map[string]struct {
		file string
		want string // lines, with the external id, or why there is none
	}{
		"lines":                {one + "\n" + two + "\n", "1:1 2:2"},
		"no last line break":   {one + "\r\n" + two, "1:1 2:2"},
		"empty lines":          {"\n" + one + "\n \r\n\n" + two + "\n\n", "2:1 5:2"},
		"a mark":               {"\xef\xbb\xbf" + one, "1:1"},
		"packed":               {string(packed(one + "\n" + two)), "1:1 2:2"},
		"cut short":            {string(whole[:len(whole)-9]), "1:1 2:1 3:1 4:!UNAVAILABLE"},
		"not packed after all": {"\x1f\x8bxyz", "1:!UNAVAILABLE"},
		"nothing":              {"", ""},
		"a long line":          {long + "\n" + one, "1:!TOO_LONG 2:1"},
		"a list":               {"[" + one + "]", "1:1"},
		"a list of lines":      {"[\n" + one + ",\n" + two + "\n]\n", "2:1 3:2"},
		"a list from its line": {"[" + one + ",\n" + two + "]", "1:1 2:2"},
		"a list on one line":   {"\xef\xbb\xbf[" + one + ", " + two + "]", "1:1 1:2"},
		"a list, one refused":  {"[\n" + `{"externalId":7,"keyword":"x"}` + ",\n" + two + "]", "2:7!INVALID 3:2"},
		"a list cut short":     {"[" + one + ",\n" + `{"externalId":`, "1:1 1:!INVALID"},
		"a list without end":   {"[" + one, "1:1 1:!INVALID"},
		"a list of nothing":    {"[]", ""},
		"a flag and a text":    {`{"externalId":"1","active":1,"recipients":"a@example.org;b@example.org"}`, "1:1"},
		"a number in parts":    {`{"externalId":1.5}`, "1:1.5!INVALID"},
		"two on a line":        {one + two, "1:!INVALID"},
		"an unknown field":     {`{"externalId":7,"keyword":"x"}` + "\n" + one, "1:7!INVALID 2:1"},
		"within a buyer":       {`{"externalId":7,"buyers":[{"nom":"x"}]}`, "1:7!INVALID"},
		"within a recipient":   {`{"externalId":7,"recipients":[{"mail":"x"}]}`, "1:7!INVALID"},
		"a year too far":       {`{"externalId":7,"createdAt":"9999-12-31T23:00:00-02:00"}`, "1:7!INVALID"},
		"a broken one":         {`{"externalId":7,` + "\n" + one, "1:!INVALID 2:1"},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for r := range Read(strings.NewReader(test.file)) {
				s := fmt.Sprint(r.Line, ":", r.ExternalID)
				if r.Err != nil {
					s += "!" + string(vigie.CodeOf(r.Err))
				} else if string(r.Watch.ExternalID) != r.ExternalID {
					t.Error(r.Watch)
				}
				got = append(got, s)
			}
			if strings.Join(got, " ") != test.want {
				t.Errorf("%q, want %q", got, test.want)
			}
		})
	}
	for r := range Read(strings.NewReader(one + "\n" + two)) {
		if r.Line != 1 {
			t.Error("it reads on when nobody wants more")
		}
		break
	}
}

func TestFields(t *testing.T) {
	day := &Time{time.Date(2021, 3, 4, 0, 0, 0, 0, time.UTC)}
	moment := &Time{time.Date(2021, 3, 4, 9, 0, 0, 123456000, time.UTC)}
	for r := range Read(strings.NewReader(`{"externalId":null,"subject":42,"buyers":["732 829 320 00074","Commune d'Exemple",{"name":"x","department":"01"}],` +
		`"recipients":["a@example.org",{"email":"b@example.org","confirmedAt":"2021-03-04"},{"email":"c@example.org","confirmedAt":null}],"createdAt":"2021-03-04T10:00:00.1234567+01:00","active":false}`)) {
		want := &Watch{
			Subject: "42", Buyers: []Buyer{{SIRET: "73282932000074"}, {Name: "Commune d'Exemple"}, {Name: "x", Department: "01"}},
			Recipients: &[]Recipient{{Email: "a@example.org"}, {Email: "b@example.org", ConfirmedAt: day}, {Email: "c@example.org"}}, CreatedAt: moment, Active: new(bool),
		}
		if diff := cmp.Diff(want, r.Watch); diff != "" || r.Err != nil {
			t.Error(diff, r.Err)
		}
	}
}

// Whatever a file holds is read to its end, and a watch that is read and
// written again is the same: by that an import knows that nothing changed.
func FuzzRead(f *testing.F) {
	f.Add([]byte(`{"externalId":"1","subject":2,"email":"a@example.org","name":"a","buyers":["x",{"siret":"1"}],"recipients":["b",{"email":"c","confirmedAt":"2021-03-04"}]}`))
	f.Add([]byte("{}\n\xef\xbb\xbf\n{\"createdAt\":\"2021-03-04T10:00:00+01:00\"}"))
	f.Add(packed("{}"))
	f.Fuzz(func(t *testing.T, file []byte) {
		last := 0
		for r := range Read(bytes.NewReader(file)) {
			// Several elements of a list may be on one line.
			if r.Line < last || (r.Watch == nil) == (r.Err == nil) {
				t.Fatalf("after line %d: %+v", last, r)
			}
			last = r.Line
			if r.Err != nil {
				continue
			}
			text, err := json.Marshal(r.Watch)
			if err != nil {
				t.Fatal(err)
			}
			again := new(Watch)
			if err := strictly(text, again); err != nil {
				t.Fatalf("%s: %v", text, err)
			}
			if second, err := json.Marshal(again); err != nil || string(second) != string(text) {
				t.Errorf("%s becomes %s, %v", text, second, err)
			}
		}
	})
}

func TestLenient(t *testing.T) {
	for r := range Read(strings.NewReader(`{"externalId":"1","active":1,"recipients":"a@example.org; b@example.org","frequency":"monthly"}`)) {
		if r.Err != nil {
			t.Fatal(r.Err)
		}
		w := r.Watch
		if w.Active == nil || !*w.Active || w.Frequency != "WEEKLY" || len(r.Notes) != 1 || w.Recipients == nil ||
			len(*w.Recipients) != 2 || (*w.Recipients)[1].Email != "b@example.org" {
			t.Errorf("%+v, notes %v", w, r.Notes)
		}
	}
}

// TestReasons: why a line is refused is said in a person's words.
func TestReasons(t *testing.T) {
	for line, want := range map[string]string{
		`{"externalId":"1","createdAt":"2021-03-04 10:00:00"}`: "“2021-03-04 10:00:00” is not a time. Write 2021-03-04T10:00:00Z or 2021-03-04.",
		`{"externalId":"1","keyword":["voirie"]}`:              "The field “keyword” is unknown. Check its name: a misspelt criterion would be lost.",
		`{"externalId":"1","keywords":"voirie"}`:               "The field “keywords” does not have the expected form.",
		`{"externalId":"1","active":"peut-être"}`:              "The field “active” does not have the expected form.",
		`{"externalId":`: "This line is not a watch in JSON: it was not read.",
	} {
		for r := range Read(strings.NewReader(line)) {
			e, ok := errors.AsType[*vigie.Error](r.Err)
			if !ok || e.Text.EN != want || e.Err != nil {
				t.Errorf("%s\n got %v\nwant %s", line, r.Err, want)
			}
		}
	}
}
