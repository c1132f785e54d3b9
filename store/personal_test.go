package store_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"vigie/database"
	"vigie/store/storetest"
)

// impersonal are the tables without data of people.
var impersonal = []string{
	"bun_migration_locks", "bun_migrations", "buyer_names", "buyer_refs", "buyers", "change_numbers", "consumers", "notices", "search_indexes", "source_days", "sources",
	"secrets", "settings", "sqlite_sequence", "tender_refs", "tenders",
}

// Each table, and each column of a table with data of people, is in the list of personal data.
func TestPersonalDataIsListed(t *testing.T) {
	for kind, open := range storetest.Kinds() {
		t.Run(kind, func(t *testing.T) {
			query := "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = current_schema()"
			if kind == "sqlite" {
				query = "SELECT t.name, c.name FROM sqlite_master AS t, pragma_table_info(t.name) AS c WHERE t.type = 'table'"
			}
			schema := make(map[string][]string)
			for line := range strings.Lines(storetest.Rows(t, open(t), query)) {
				fields := strings.Fields(line)
				if table := fields[0]; !slices.Contains(impersonal, table) {
					schema[table] = append(schema[table], fields[1])
				}
			}
			for _, table := range database.PersonalTables() {
				listed := slices.Sorted(slices.Values(slices.Concat(table.Internal, slices.Collect(maps.Keys(table.Exported)))))
				if got := slices.Sorted(slices.Values(schema[table.Name])); !slices.Equal(got, listed) {
					t.Errorf("%s has the columns\n\t%q, of which are listed\n\t%q", table.Name, got, listed)
				}
				delete(schema, table.Name)
			}
			for table := range schema {
				t.Errorf("whether %s has data of people is not said", table)
			}
		})
	}
}
