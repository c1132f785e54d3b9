package store_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"vigie"
	"vigie/store"
	"vigie/store/storetest"
)

const migrations = "../database/migrations/*.sql"

// knownColumns returns the columns with a constraint on names of values, with the names in the code.
func knownColumns() map[string][]string {
	return map[string][]string{
		"accounts.locale":         texts(vigie.French, vigie.English),
		"accounts.digest_day":     texts(vigie.Monday, vigie.Tuesday, vigie.Wednesday, vigie.Thursday, vigie.Friday, vigie.Saturday, vigie.Sunday),
		"watches.keyword_mode":    texts(vigie.KeywordModes()...),
		"watches.frequency":       texts(vigie.Frequencies()...),
		"watches.natures":         texts(vigie.Natures()...),
		"tenders.natures":         texts(vigie.Natures()...),
		"tenders.procedure":       texts(append(vigie.Procedures(), "")...),
		"tenders.outcome":         texts(vigie.Undecided, vigie.Planned, vigie.Cancelled, vigie.Awarded, vigie.Withdrawn),
		"notices.kind":            texts(vigie.ContractNotice, vigie.Correction, vigie.Cancellation, vigie.Award, vigie.Planning),
		"deliveries.kind":         texts(vigie.DeliverNew, vigie.DeliverCorrected, vigie.DeliverCancelled, vigie.DeliverClosingSoon, vigie.DeliverReminder),
		"delivery_holds.reason":   texts(vigie.HoldWatchInactive, vigie.HoldWatchDeleted, vigie.HoldUnconfirmed, vigie.HoldWebhookInactive),
		"mails.kind":              texts(vigie.DigestMail, vigie.QuietMail, vigie.ConfirmationMail, vigie.WebhookNoteMail, vigie.WebhookMessage),
		"mails.state":             texts(vigie.MailOpen, vigie.MailSent, vigie.MailDropped, vigie.MailFailed, vigie.MailAside),
		"recipients.channel":      texts(vigie.MailChannel, vigie.WebhookChannel),
		"webhooks.format":         texts(vigie.StandardWebhook, vigie.SlackWebhook, vigie.TeamsWebhook),
		"webhooks.kinds":          texts(vigie.DeliverNew, vigie.DeliverCorrected, vigie.DeliverCancelled, vigie.DeliverClosingSoon, vigie.DeliverReminder),
		"recipients.confirmed_by": texts(vigie.ByLink, vigie.ByImport), // the issuer's verification is not stored there
	}
}

func texts[T ~string](names ...T) []string {
	list := make([]string, len(names))
	for i, name := range names {
		list[i] = string(name)
	}
	slices.Sort(list)
	return list
}

// The database accepts exactly the names in the code.
func TestKnownValues(t *testing.T) {
	files, err := filepath.Glob(migrations)
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for _, file := range files { // in their order: a later one replaces a constraint
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		text.Write(content)
	}
	found := make(map[string][]string)
	for _, m := range regexp.MustCompile(`ALTER TABLE (\w+) ADD CONSTRAINT (\w+)_known CHECK (.*);`).FindAllStringSubmatch(text.String(), -1) {
		column := strings.TrimPrefix(m[2], m[1]+"_")
		found[m[1]+"."+column] = nil
		names := regexp.MustCompile(`'"?([A-Z_]*)"?'`)
		for _, name := range names.FindAllStringSubmatch(m[3], -1) {
			if name[1] != "" || column == "procedure" || column == "outcome" {
				found[m[1]+"."+column] = append(found[m[1]+"."+column], name[1])
			}
		}
		slices.Sort(found[m[1]+"."+column])
	}
	for column, want := range knownColumns() {
		if !slices.Equal(found[column], want) {
			t.Errorf("%s accepts %q, and the code has %q", column, found[column], want)
		}
	}
	if len(found) != len(knownColumns()) {
		t.Errorf("%d columns are constrained, and %d are listed here", len(found), len(knownColumns()))
	}
}

// Values that an earlier version stored in another case are repaired, and their tenders folded again; after that the
// database refuses such values.
func TestMend(t *testing.T) {
	for kind, open := range storetest.Kinds() {
		t.Run(kind, func(t *testing.T) {
			url := open(t)
			s, err := store.Open(t.Context(), url, func() time.Time { return storetest.Noon() })
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { s.Close() })
			who := storetest.Account(t, s, "a")
			w, err := s.CreateWatch(t.Context(), who, vigie.Watch{
				Name: "Voirie", NameKey: "voirie", Active: true, Frequency: vigie.Daily, Criteria: vigie.Criteria{KeywordMode: vigie.AllKeywords},
			}, true, nil)
			if err != nil {
				t.Fatal(err)
			}
			published := storetest.Publish(t, s, storetest.Notice("1", 0), storetest.Notice("2", 1, func(n *vigie.Notice) { n.Kind, n.Links = vigie.Award, []string{"1"} }))
			tender := published[0].Notice.TenderID

			unconstrain(t, url)
			for _, statement := range []string{
				`UPDATE watches SET keyword_mode = 'any', frequency = 'Immediate', natures = '["works","WORKS","services"]'`,
				"UPDATE accounts SET digest_day = 'tuesday', locale = 'en'",
				"UPDATE notices SET kind = 'cancellation' WHERE source_ref = '2'",
				"UPDATE tenders SET outcome = '', procedure = 'open'",
			} {
				storetest.Exec(t, url, statement)
			}
			for range 2 {
				if err := store.Migrate(t.Context(), url); err != nil {
					t.Fatal(err)
				}
			}
			watches, err := s.Watches(t.Context(), who.ID, store.WatchFilter{})
			if err != nil {
				t.Fatal(err)
			}
			got := watches[0]
			if got.Criteria.KeywordMode != vigie.AnyKeyword || got.Frequency != vigie.Immediate || !slices.Equal(got.Criteria.Natures, []vigie.Nature{vigie.Works, vigie.Services}) {
				t.Errorf("the watch is %+v", got)
			}
			tenders, err := s.Tenders(t.Context(), []int64{tender})
			if err != nil {
				t.Fatal(err)
			}
			if got := tenders[tender]; got.Outcome != vigie.Cancelled || got.Procedure != "" && got.Procedure != vigie.OpenProcedure {
				t.Errorf("the tender is %+v", got)
			}
			for _, wrong := range []string{"keyword_mode = 'any'", "frequency = 'never'", `natures = '["works"]'`} {
				if err := storetest.TryExec(t, url, fmt.Sprintf("UPDATE watches SET %s WHERE id = %d", wrong, w.ID)); err == nil {
					t.Errorf("the database accepts %s", wrong)
				}
			}
		})
	}
}

// unconstrain removes the constraints from a database.
func unconstrain(t *testing.T, url string) {
	t.Helper()
	for column := range knownColumns() {
		table, name, _ := strings.Cut(column, ".")
		storetest.Exec(t, url, fmt.Sprintf("ALTER TABLE %s DROP CONSTRAINT %s_%s_known", table, table, name))
	}
	storetest.Exec(t, url, "DELETE FROM bun_migrations WHERE name = '20261128000400'")
}
