package alert_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"vigie"
	"vigie/alert/link"
	"vigie/alert/post"
	"vigie/database"
	"vigie/store"
	"vigie/store/storetest"
)

// eventful creates an account to which everything has happened: mails and deliveries of every kind and outcome, to
// addresses of every status. All its personal data contains « fictif ».
func eventful(w *world) {
	t := w.t
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	var err error
	w.account, err = w.store.SignIn(t.Context(), store.Claims{
		Issuer: "test", Subject: "sujet-fictif", Email: "camille.fictif@example.org", EmailVerified: true, Name: "Camille Fictif",
	})
	must(err)
	others := []string{"confirmed.fictif@example.org", "left.fictif@example.org", "lost.fictif@example.org", "asked.fictif@example.org", "removed.fictif@example.org"}
	roads := w.watch(w.account, "Voirie Fictif", vigie.Immediate, "voirie", others...)
	deleted := w.watch(w.account, "Fictif et fils", vigie.Daily, "fictif")
	must(w.store.DeleteWatch(t.Context(), w.account.ID, deleted.ID))
	w.watch(w.account, "Calme Fictif", vigie.Immediate, "fictif")
	w.work() // asks for consent
	for _, address := range others[:3] {
		w.consents(address)
	}
	_, err = w.store.UpdateWatch(t.Context(), w.account, roads.ID, func(*vigie.Watch) {}, nil, new(others[:4]))
	must(err)

	first := w.publish("new", "Voirie neuve")
	w.publish("ends", "Voirie qui ne se fera pas")
	w.after(time.Minute)
	w.publish("new-2", "Voirie neuve et belle", about(vigie.Correction, "new"))
	w.publish("ends-2", "Voirie qui ne se fera pas", about(vigie.Cancellation, "ends"))
	w.after(2 * time.Minute)
	w.after(39 * 24 * time.Hour) // closing soon, and quiet
	refuse := func(address string, kind post.Kind, reply string) {
		w.mailer.refuse = func(m post.Message) error {
			if m.To == address {
				return &post.Error{Kind: kind, Code: 554, Reply: reply + " <" + address + ">"}
			}
			return nil
		}
	}
	refuse("lost.fictif@example.org", post.ForAddress, "550 no such user")
	w.publish("3", "Voirie 3")
	w.after(2 * time.Minute)
	refuse("confirmed.fictif@example.org", post.ForMessage, "554 spam for")
	w.publish("4", "Voirie 4")
	w.after(2 * time.Minute)
	refuse("camille.fictif@example.org", post.Temporary, "451 later")
	w.publish("5", "Voirie 5")
	w.after(2 * time.Minute)
	w.change(w.account, roads.ID, func(v *vigie.Watch) { v.Active = false })
	w.after(time.Hour) // pending deliveries are dropped
	w.change(w.account, roads.ID, func(v *vigie.Watch) { v.Active = true })
	other := w.publish("6", "Voirie 6")
	w.after(2 * time.Minute) // and stays open
	all, err := w.store.Ledger().AllRecipients(t.Context(), w.account, roads.ID)
	must(err)
	for _, r := range all {
		if r.Email == "left.fictif@example.org" {
			who, err := w.store.Ledger().Subscriber(t.Context(), r.ID)
			must(err)
			must(w.store.Ledger().Leave(t.Context(), who.RecipientID, who.Email))
		}
	}
	calm := w.watch(w.account, "Toutes Fictif", vigie.Weekly, "fictif", "watch.fictif@example.org")
	tenders, err := w.store.Tenders(t.Context(), []int64{first.Notice.TenderID})
	must(err)
	w.change(w.account, calm.ID, func(v *vigie.Watch) {
		v.Criteria.ExcludedKeywords, v.Criteria.BuyerIDs, v.Criteria.Departments = []string{"sans fictif"}, []int64{tenders[first.Notice.TenderID].BuyerID}, []string{"01"}
		v.Criteria.Natures, v.Criteria.Procedures, v.Criteria.CPVCodes = []vigie.Nature{vigie.Works}, []vigie.Procedure{vigie.OpenProcedure}, []string{"45"}
	})
	w.consents("watch.fictif@example.org")
	all, err = w.store.Ledger().AllRecipients(t.Context(), w.account, calm.ID)
	must(err)
	must(w.store.Ledger().LeaveWatch(t.Context(), all[1].ID, all[1].Email))
	_, err = w.store.ImportWatches(t.Context(), "test", w.now, []*store.ImportedWatch{{
		ExternalID: "platform-id", Digest: "fictif", Subject: "sujet-fictif", Email: "camille.fictif@example.org",
		Watch: vigie.Watch{Name: "Import Fictif", Active: true, Frequency: vigie.Daily, CreatedAt: w.now, Criteria: vigie.Criteria{KeywordMode: vigie.AllKeywords}},
	}})
	must(err)
	_, err = w.store.CreateWatchCalled(t.Context(), w.account, "plateforme-fictif", vigie.Watch{
		Name: "Plateforme Fictif", NameKey: vigie.NameKey("Plateforme Fictif"), Frequency: vigie.Daily, Criteria: vigie.Criteria{
			KeywordMode: vigie.AllKeywords, DeadlineKinds: []vigie.DeadlineKind{vigie.ForInterest}, Techniques: vigie.Techniques(), MinValue: "40000", MaxValue: "90000",
		},
	}, false, nil)
	must(err)
	hook := &vigie.Webhook{AccountID: w.account.ID, WatchID: roads.ID, Host: "fictif.example", Format: vigie.StandardWebhook, Kinds: []vigie.DeliveryKind{vigie.DeliverNew}}
	must(w.store.AddWebhook(t.Context(), hook, func(string) string { return "fictif" }))
	_, err = w.store.Ledger().ChangeWebhook(t.Context(), w.account.ID, hook.ID, func(h *vigie.Webhook) {
		h.ConfirmedAt, h.PausedAt, h.SuspendedAt, h.EndedAt, h.RemovedAt, h.AcceptedAt, h.TriedAt, h.Error = &w.now, &w.now, &w.now, &w.now, &w.now, &w.now, &w.now, "STATUS 500"
	})
	must(err)
	// As if an endpoint had asked for what it accepted once more, and then to be left alone.
	for _, set := range []string{"webhooks SET replay_at = ?0, not_before = ?0", "mails SET replay_at = ?0, replays = 1, replayed_at = ?0"} {
		_, err = w.store.Database().NewRaw("UPDATE "+set, w.now).Exec(t.Context())
		must(err)
	}
	must(w.store.SetMark(t.Context(), w.account.ID, store.Seen, true, []int64{first.Notice.TenderID}))
	w.dismiss(w.account, first.Notice.TenderID)
	must(w.store.SetMark(t.Context(), w.account.ID, store.Interested, true, []int64{other.Notice.TenderID}))
	_, err = w.store.UpdateAccount(t.Context(), w.account.ID, vigie.AccountUpdate{ReminderDays: &[]int32{7, 2}})
	must(err)
	must(w.store.AddAuditEntry(t.Context(), "test", "desk", "account", []*vigie.Account{w.account}))
	must(w.store.AddAuditEntry(t.Context(), "test", "sujet-fictif", "account", nil)) // the person is a support agent too
}

// checkExport checks that an export has a value for each column that is listed as exported.
func checkExport(t *testing.T, held *store.Export) {
	t.Helper()
	text, err := json.Marshal(held)
	if err != nil {
		t.Fatal(err)
	}
	var export map[string]any
	if err := json.Unmarshal(text, &export); err != nil {
		t.Fatal(err)
	}
	for _, table := range database.PersonalTables() {
		for column, member := range table.Exported {
			name, field, _ := strings.Cut(member, ".")
			rows, many := export[name].([]any)
			if !many {
				rows = []any{export[name]}
			}
			if !slices.ContainsFunc(rows, func(row any) bool { return says(row.(map[string]any)[field]) }) {
				t.Errorf("the export has no %s, of %s.%s", member, table.Name, column)
			}
		}
	}
}

// says reports whether a member of an export has a value.
func says(value any) bool {
	list, isList := value.([]any)
	return value != nil && value != "" && (!isList || len(list) > 0)
}

// An account is exported, then erased: the database holds nothing of it but keyed hashes of the addresses that must
// not be mailed; nor does SQLite's file, even in unused pages.
func TestEraseLeavesNothing(t *testing.T) {
	onBothAt(t, func(t *testing.T, w *world, url string) {
		keys, err := link.New([]string{strings.Repeat("s", link.MinSecret)})
		if err != nil {
			t.Fatal(err)
		}
		w.store.Ledger().SetFingerprints(keys.Fingerprints)
		eventful(w)

		held := w.held()
		deliveryKinds, kinds, states := make(map[vigie.DeliveryKind]bool), make(map[vigie.MailKind]bool), make(map[vigie.MailState]bool)
		waiting := false
		for _, d := range held.Deliveries {
			deliveryKinds[d.Kind] = true
			waiting = waiting || d.MailID == nil && d.DroppedAt == nil
		}
		for _, m := range held.Mails {
			kinds[m.Kind], states[m.State] = true, true
		}
		if len(deliveryKinds) != 4 || len(kinds) != 3 || len(states) != 4 || !waiting {
			t.Fatalf("not everything happened: %v, %v, %v", slices.Collect(maps.Keys(deliveryKinds)), slices.Collect(maps.Keys(kinds)), slices.Collect(maps.Keys(states)))
		}
		if len(held.Watches) != 6 || len(held.Addresses) != 10 || len(held.Marks) != 2 || len(held.Accesses) != 1 {
			t.Errorf("the export: %d watches, %d addresses, %d marks, %d accesses", len(held.Watches), len(held.Addresses), len(held.Marks), len(held.Accesses))
		}
		named := func() (rows []string) {
			for _, row := range storetest.Everything(t, url) {
				if strings.Contains(strings.ToLower(row), "fictif") {
					rows = append(rows, row)
				}
			}
			return rows
		}
		if n := len(named()); n < 15 {
			t.Fatalf("the search finds %d rows before erasure", n)
		}

		checkExport(t, held)
		if err := w.store.Erase(t.Context(), w.account.ID); err != nil {
			t.Fatal(err)
		}

		for _, table := range database.PersonalTables() {
			if table.KeptBy == "" && table.Clear == "" {
				query := "SELECT * FROM " + table.Name + " WHERE " + strings.ReplaceAll(table.Rows, "?0", fmt.Sprint(w.account.ID))
				if rows := storetest.Rows(t, url, query); rows != "" {
					t.Errorf("not deleted from %s: %s", table.Name, rows)
				}
			}
		}
		for _, row := range named() {
			t.Errorf("not deleted: %s", row)
		}
		hashes := make(map[string]bool)
		for _, address := range []string{"camille", "confirmed", "left", "lost", "asked", "removed", "watch"} {
			hash := keys.Fingerprints(address + ".fictif@example.org")[0]
			hashes[hash] = true
		}
		kept := 0
		for _, row := range storetest.Everything(t, url) {
			if strings.HasPrefix(row, "forgotten_addresses[") {
				if kept++; !hashes[strings.Fields(strings.TrimPrefix(row, "forgotten_addresses["))[0]] {
					t.Errorf("not a hash of its addresses: %s", row)
				}
			}
		}
		if kept != 5 { // all but its own, which was never asked
			t.Errorf("%d hashes are kept", kept)
		}
		if got := w.after(100 * 24 * time.Hour); len(got) != 0 {
			t.Errorf("mails without recipient: %q", got)
		}

		path, file := strings.CutPrefix(url, "sqlite:")
		if !file {
			return
		}
		w.store.Close()
		names, err := filepath.Glob(path + "*")
		if err != nil || len(names) == 0 {
			t.Fatal(names, err)
		}
		for _, name := range names {
			content, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if at := bytes.Index(bytes.ToLower(content), []byte("fictif")); at >= 0 {
				t.Errorf("%s still holds %q", filepath.Base(name), content[max(0, at-20):at+30])
			}
		}
	})
}
