package store_test

import (
	"fmt"
	"testing"
	"time"

	"vigie"
	"vigie/store"
	"vigie/store/storetest"
)

// What is stored by prepared statements is what Bun would store: texts with signs that mean something to databases, what
// is not given, lists and details.
func TestInsertedAsByBun(t *testing.T) {
	eachURL(t, func(t *testing.T, s *store.Store, url string) {
		var notices []*vigie.Notice
		for i, text := range []string{`L'« école » \ "x"`, `? $1 ?0 {a,b} \N NULL`, "ligne\nautre\tœuvre\u2028", `\u0041 \\' %s`, ""} {
			notices = append(notices, storetest.Notice(fmt.Sprint(i), i, buyer("Ville "+text, "", "01"), func(n *vigie.Notice) {
				n.Content.Title, n.Content.Description, n.Content.Labels = "T "+text, text, []string{text, "b"}
				n.Content.Lots = []vigie.Lot{{Number: "1", Title: text}}
				n.Content.Details.Value, n.Content.Details.Languages = vigie.Money{Amount: "12.5", Currency: vigie.Euro}, []string{"FR"}
				n.Links, n.Buyer.Ref, n.Identifier = []string{text + "link"}, fmt.Sprint("r", i), fmt.Sprint("x-", i)
				if i%2 == 0 {
					n.Content.Deadline, n.Content.OnlineUntil = nil, new(storetest.Noon().Add(1234567*time.Microsecond))
				}
			}))
		}
		storetest.Publish(t, s, notices...)
		notices[0].Content.Title = "Another"
		storetest.Publish(t, s, notices[0])
		for table, rows := range map[string]any{"notices": new([]*vigie.Notice), "tenders": new([]*vigie.Tender), "buyers": new([]*vigie.Buyer)} {
			if err := s.Database().NewSelect().Model(rows).Scan(t.Context()); err != nil {
				t.Fatal(err)
			}
			storetest.Exec(t, url, fmt.Sprintf("CREATE TABLE copied_%[1]s AS SELECT * FROM %[1]s WHERE FALSE", table))
			if _, err := s.Database().NewInsert().Model(rows).ModelTableExpr("copied_" + table).Exec(t.Context()); err != nil {
				t.Fatal(err)
			}
			const compared = "SELECT count(*), (SELECT count(*) FROM (SELECT * FROM %[1]s EXCEPT SELECT * FROM copied_%[1]s) AS others) FROM %[1]s"
			var count, others int
			if _, err := fmt.Sscan(storetest.Rows(t, url, fmt.Sprintf(compared, table)), &count, &others); err != nil || count < len(notices) || others != 0 {
				t.Errorf("%d of %d rows of %s are not as Bun stores them, %v", others, count, table, err)
			}
		}
	})
}
