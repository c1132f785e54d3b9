package webhook_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"vigie"
	"vigie/alert/webhook"
	"vigie/query"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func samples() map[string]webhook.Alert {
	return map[string]webhook.Alert{"new": sampleNew(), "corrected": sampleCorrected(), "cancelled": sampleCancelled(), "bare": sampleBare(), "reminder": sampleReminder(), "marks": sampleWith(marks, 1)}
}

// marks is what chats take for formatting, links, mentions, dates and names of signs.
const marks = "*a* _b_ ~c~ `d` <!channel> <@U01> <https://example.org|here> [e](https://example.org) **f** # g & &amp; :tada: {{DATE(2026-12-01T10:00:00Z)}} <at>Ana</at> ${h} \\* > i"

func formats() []vigie.WebhookFormat {
	return []vigie.WebhookFormat{vigie.StandardWebhook, vigie.SlackWebhook, vigie.TeamsWebhook}
}

// The bodies of all formats. clients/webhooks.test.js compares those of chats with what Slack and Teams publish of theirs.
func TestBodies(t *testing.T) {
	for _, f := range formats() {
		for name, a := range samples() {
			body, err := webhook.Body(f, a, vigie.French)
			golden(t, strings.ToLower(string(f))+"-"+name, body, err)
		}
		body, err := webhook.TestBody(f, "webhook_1", "Veille de marchés", now(), vigie.French)
		golden(t, strings.ToLower(string(f))+"-test", body, err)
		body, err = webhook.Body(f, sampleCorrected(), vigie.English)
		golden(t, strings.ToLower(string(f))+"-english", body, err)
		if !f.Signed() {
			body, err = webhook.ConfirmationBody(f, "Veille de marchés", "https://watch.example/confirm/abc", vigie.French)
			golden(t, strings.ToLower(string(f))+"-confirmation", body, err)
		}
	}
	if _, err := webhook.ConfirmationBody(webhook.Standard, "", "", vigie.French); err == nil {
		t.Error("an endpoint that can be challenged is asked to click")
	}
	if _, err := webhook.Body("FAX", sampleNew(), vigie.French); err == nil {
		t.Error("a format that is not known")
	}
}

// golden compares a body, indented, with its golden file.
func golden(t *testing.T, name string, body []byte, err error) {
	t.Helper()
	var indented bytes.Buffer
	if err == nil {
		err = json.Indent(&indented, body, "", "  ")
	}
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	indented.WriteByte('\n')
	path := filepath.Join("testdata", name+".json")
	if *update {
		if err := os.WriteFile(path, indented.Bytes(), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), indented.String()); diff != "" {
		t.Errorf("%s -want +got:\n%s", path, diff)
	}
}

// schema compiles docs/webhook.schema.json. A strict one allows no field that it does not describe.
func schema(t testing.TB, strict bool) *jsonschema.Schema {
	t.Helper()
	text, err := os.ReadFile("../../docs/webhook.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if strict {
		seal(parsed)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("webhook.schema.json", parsed); err != nil {
		t.Fatal(err)
	}
	compiled, err := c.Compile("webhook.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return compiled
}

// seal closes all objects of a schema.
func seal(value any) {
	switch v := value.(type) {
	case map[string]any:
		for _, part := range v {
			seal(part)
		}
		if _, object := v["properties"].(map[string]any); object && v["type"] == "object" {
			v["additionalProperties"] = false
		}
	case []any:
		for _, part := range v {
			seal(part)
		}
	}
}

func validate(s *jsonschema.Schema, body []byte) error {
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil {
		return err
	}
	return s.Validate(value)
}

// Payloads are what the schema in docs/ describes, and have no field that it does not.
func TestSchema(t *testing.T) {
	strict := schema(t, true)
	for name, a := range samples() {
		for _, l := range []vigie.Locale{vigie.French, vigie.English, ""} {
			body, err := webhook.Body(webhook.Standard, a, l)
			if err != nil {
				t.Fatal(err)
			}
			if err := validate(strict, body); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	test, err := webhook.TestBody(webhook.Standard, "webhook_1", "", now(), vigie.French)
	if err := cmpErr(err, validate(strict, test)); err != nil {
		t.Error(err)
	}
	// It refuses what is not so.
	body, _ := webhook.Body(webhook.Standard, sampleNew(), vigie.French)
	for old, wrong := range map[string]string{
		`"status":"ONLINE"`: `"status":"OPEN"`, `"version":1`: `"version":2`, `"tender.new"`: `"tender.other"`, `"title"`: `"titel"`,
		`"amount":"320000"`: `"amount":320000`, `"publishedAt":"2026-11-30T15:00:00Z"`: `"publishedAt":"30/11/2026"`,
	} {
		if !bytes.Contains(body, []byte(old)) {
			t.Errorf("no %s in %s", old, body)
		}
		if validate(strict, bytes.Replace(body, []byte(old), []byte(wrong), 1)) == nil {
			t.Errorf("%s is valid", wrong)
		}
	}
	// A client that validates does not refuse what later versions add.
	if err := validate(schema(t, false), bytes.Replace(body, []byte(`"kind"`), []byte(`"later":true,"kind"`), 1)); err != nil {
		t.Error(err)
	}
}

func cmpErr(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// The schema has the values that the code has.
func TestSchemaEnums(t *testing.T) {
	text, err := os.ReadFile("../../docs/webhook.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	var s struct {
		Defs map[string]struct {
			Properties map[string]struct {
				Enum  []any
				Items struct{ Enum []any }
			}
		} `json:"$defs"`
	}
	if err := json.Unmarshal(text, &s); err != nil {
		t.Fatal(err)
	}
	kinds := []query.PlaceKind{query.InTitle, query.InReference, query.InLot, query.InCPV, query.InDescriptor, query.InDescription}
	tender, lot := s.Defs["tender"].Properties, s.Defs["lot"].Properties
	for name, test := range map[string]struct{ got, want []any }{
		"status":         {tender["status"].Enum, anys(vigie.Statuses())},
		"natures":        {tender["natures"].Items.Enum, anys(vigie.Natures())},
		"nature":         {lot["nature"].Enum, append(anys(vigie.Natures()), nil)},
		"procedure":      {tender["procedure"].Enum, append(anys(vigie.Procedures()), nil)},
		"technique":      {tender["technique"].Enum, append(anys(vigie.Techniques()), nil)},
		"deadlineKind":   {tender["deadlineKind"].Enum, append(anys(vigie.DeadlineKinds()), nil)},
		"unit":           {s.Defs["duration"].Properties["unit"].Enum, append(anys(vigie.DurationUnits()), nil)},
		"criterion kind": {s.Defs["awardCriterion"].Properties["kind"].Enum, append(anys([]vigie.AwardCriterionKind{vigie.PriceCriterion, vigie.CostCriterion, vigie.QualityCriterion}), nil)},
		"weight":         {s.Defs["awardCriterion"].Properties["unit"].Enum, append(anys([]vigie.WeightUnit{vigie.Percent, vigie.Points, vigie.Rank}), nil)},
		"place":          {s.Defs["found"].Properties["place"].Enum, anys(kinds)},
		"kind":           {s.Defs["alert"].Properties["kind"].Enum, anys([]vigie.DeliveryKind{vigie.DeliverNew, vigie.DeliverCorrected, vigie.DeliverCancelled, vigie.DeliverClosingSoon, vigie.DeliverReminder})},
		"language":       {s.Defs["alert"].Properties["language"].Enum, anys([]vigie.Locale{vigie.French, vigie.English})},
	} {
		if !slices.Equal(test.got, test.want) {
			t.Errorf("%s: %v, want %v", name, test.got, test.want)
		}
	}
}

func anys[T ~string](list []T) []any {
	var all []any
	for _, v := range list {
		all = append(all, string(v))
	}
	return all
}

// However much there is to say, a body keeps to the limits: those of Standard Webhooks, and those that Slack and Teams
// publish.
func TestLimits(t *testing.T) {
	strict := schema(t, true)
	for _, text := range []string{"a", strings.Repeat("voirie ", 400), strings.Repeat("é", 2000), strings.Repeat("👩‍🚒", 500), strings.Repeat("\x01\"\\", 400), strings.Repeat("{{", 1000)} {
		for _, many := range []int{1, 200} {
			a := sampleWith(text, many)
			standard, err := webhook.Body(webhook.Standard, a, vigie.French)
			if err != nil || len(standard) > webhook.MaxBody {
				t.Errorf("STANDARD: %d bytes, %v", len(standard), err)
			}
			var payload struct{ Data struct{ Truncated bool } }
			if err := json.Unmarshal(standard, &payload); err != nil || payload.Data.Truncated != (many > 1) {
				t.Errorf("STANDARD: truncated: %v, %v, of %d bytes %d times", payload.Data.Truncated, err, len(text), many)
			}
			if err := validate(strict, standard); err != nil {
				t.Errorf("STANDARD: %v", err)
			}
			slack, err := webhook.Body(webhook.Slack, a, vigie.French)
			if err != nil {
				t.Error(err)
			}
			checkSlack(t, slack)
			teams, err := webhook.Body(webhook.Teams, a, vigie.French)
			if err != nil || len(teams) > 28_000 {
				t.Errorf("TEAMS: %d bytes, %v", len(teams), err)
			}
		}
	}
}

// A long text alone is cut, and that is said; one that fits is not.
func TestTruncated(t *testing.T) {
	for length, want := range map[int]bool{200_000: false, 300_000: true} {
		a := sampleBare()
		a.Tender.Description = strings.Repeat("a", length)
		body, err := webhook.Body(webhook.Standard, a, vigie.French)
		if err != nil || len(body) > webhook.MaxBody || bytes.Contains(body, []byte(`"truncated":true`)) != want {
			t.Errorf("%d: %d bytes, %v", length, len(body), err)
		}
	}
}

// checkSlack compares a message with the limits of https://docs.slack.dev/reference/block-kit/blocks.
func checkSlack(t *testing.T, body []byte) {
	t.Helper()
	var message struct {
		Text   string
		Blocks []struct {
			Type     string
			Text     struct{ Text string }
			Elements []map[string]any
		}
	}
	if err := json.Unmarshal(body, &message); err != nil {
		t.Fatal(err)
	}
	all := 0
	for _, run := range texts(json.RawMessage(body)) {
		all += utf8.RuneCountInString(run)
		if run == "" {
			t.Error("an empty text")
		}
	}
	if all > 13_000 || len(message.Blocks) > 50 {
		t.Errorf("%d characters in %d blocks", all, len(message.Blocks))
	}
	for _, b := range message.Blocks {
		switch b.Type {
		case "header":
			if n := utf8.RuneCountInString(b.Text.Text); n == 0 || n > 150 {
				t.Errorf("a header of %d characters", n)
			}
		case "actions":
			if len(b.Elements) > 25 {
				t.Errorf("%d buttons", len(b.Elements))
			}
			for _, button := range b.Elements {
				label := button["text"].(map[string]any)["text"].(string)
				if utf8.RuneCountInString(label) > 75 || len(button["url"].(string)) > 3000 || len(button["action_id"].(string)) > 255 {
					t.Errorf("a button %v", button)
				}
			}
		}
	}
}

// texts are all values named "text" that are texts.
func texts(raw json.RawMessage) []string {
	var list []string
	var object map[string]json.RawMessage
	var array []json.RawMessage
	switch {
	case json.Unmarshal(raw, &object) == nil:
		for name, value := range object {
			var text string
			if name == "text" && json.Unmarshal(value, &text) == nil {
				list = append(list, text)
				continue
			}
			list = append(list, texts(value)...)
		}
	case json.Unmarshal(raw, &array) == nil:
		for _, value := range array {
			list = append(list, texts(value)...)
		}
	}
	return list
}

// The same alert gives the same body: what is sent again is what was signed before.
func TestBodyIsStable(t *testing.T) {
	for _, f := range formats() {
		first, _ := webhook.Body(f, sampleCorrected(), vigie.French)
		second, _ := webhook.Body(f, sampleCorrected(), vigie.French)
		if !bytes.Equal(first, second) {
			t.Errorf("%s differs", f)
		}
	}
}

// Buttons lead where one can act: neither documents nor bids once a tender is cancelled.
func TestButtons(t *testing.T) {
	for name, want := range map[string]int{"new": 4, "cancelled": 2, "bare": 0} {
		body, err := webhook.Body(webhook.Teams, samples()[name], vigie.French)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Count(string(body), `"Action.OpenUrl"`); got != want {
			t.Errorf("%s: %d buttons, want %d", name, got, want)
		}
	}
}
