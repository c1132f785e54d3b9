package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"vigie/alert/link"
	"vigie/database"
	"vigie/store/storetest"
)

// databaseCommands are the commands that use a database and do not migrate it,
// with arguments that are right but for the database.
func databaseCommands() map[string][]string {
	return map[string][]string{
		"import boamp":   {"-"},
		"import ted":     {"-"},
		"import ocds":    {"-"},
		"import decp":    {"-"},
		"sync":           {"boamp"},
		"import watches": {"--secret", testSecret, "-"},
		"account export": {"--subject", "42"},
		"account delete": {"--subject", "42", "--secret", testSecret, "--yes"},
		"audit":          {},
		"restored":       {},
		"reindex":        {},
		"bounce":         {"--secret", testSecret},
		"secret adopt":   {"--secret", testSecret},

		"quarantine list":  {},
		"quarantine retry": {},
	}
}

// returned is a mail that came back, which an address of bob's would have been sent.
func returned(t *testing.T) string {
	t.Helper()
	keys, err := link.New([]string{testSecret})
	if err != nil {
		t.Fatal(err)
	}
	sample, err := os.ReadFile(filepath.Join("..", "alert", "post", "testdata", "bounces", "postfix-unknown.eml"))
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(string(sample), "k3j5x7q2", keys.Token(link.Bounce, 1, "bob@example.org"))
}

// leaves are the commands that have a flag.
func leaves(t *testing.T, flag string) []string {
	t.Helper()
	parser, err := kong.New(new(commands), kong.Name("vigie"), kong.Vars(limitVars()))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, leaf := range parser.Model.Leaves(false) {
		if slices.ContainsFunc(leaf.Flags, func(f *kong.Flag) bool { return f.Name == flag }) {
			names = append(names, strings.TrimPrefix(leaf.FullPath(), "vigie "))
		}
	}
	return names
}

// schema is a state of a database that is not what this version knows.
type schema struct {
	// alter is done to a migrated database; "" leaves it without tables.
	alter string
	// says is what commands say of the way out.
	says string
}

func schemas() map[string]schema {
	return map[string]schema{
		"empty": {"", "run “vigie migrate” first"},
		"older": {"DELETE FROM bun_migrations WHERE name = '20261126000002'", "run “vigie migrate” first"},
		"newer": {"INSERT INTO bun_migrations (name, group_id) VALUES ('29990101000000', 99)", "use the version that migrated it"},
	}
}

// Only serve, demo and migrate bring a database up to date. Every other command
// stops on one that is not as this version knows it, says what to do, and
// changes nothing.
func TestCommandsDoNotMigrate(t *testing.T) {
	commands := databaseCommands()
	for _, name := range leaves(t, "data") {
		if _, known := commands[name]; !known && !slices.Contains([]string{"serve", "demo", "migrate", "check"}, name) {
			t.Errorf("« %s » uses a database: say here with what arguments", name)
		}
	}
	commands["serve"] = []string{"--no-migrate", "--listen", "127.0.0.1:0", "--secret", testSecret}
	for kind, open := range storetest.Empty() {
		for state, schema := range schemas() {
			t.Run(kind+"/"+state, func(t *testing.T) {
				database := open(t)
				if schema.alter != "" {
					alterSchema(t, database, schema.alter)
				}
				before := contents(t, database)
				for name, args := range commands {
					c := run(t, nil, returned(t), slices.Concat(strings.Fields(name), args, []string{"--database-url", database, "--data", t.TempDir()})...)
					if c.status == 0 || !strings.Contains(c.err.String(), schema.says) {
						t.Errorf("%s: status %d, says %s%s", name, c.status, c.out.String(), c.err.String())
					}
				}
				if !slices.Equal(before, contents(t, database)) {
					t.Error("the database is not as it was")
				}
			})
		}
	}
}

// A database that is newer is nothing for serve, demo and migrate either.
func TestNewerDatabaseStopsServers(t *testing.T) {
	newer := schemas()["newer"]
	for kind, open := range storetest.Empty() {
		t.Run(kind, func(t *testing.T) {
			database := open(t)
			alterSchema(t, database, newer.alter)
			before := contents(t, database)
			commands := [][]string{
				{"migrate", "--database-url", database},
				{"serve", "--database-url", database, "--data", t.TempDir(), "--listen", "127.0.0.1:0", "--secret", testSecret},
			}
			if file, ok := strings.CutPrefix(database, "sqlite:"); ok {
				commands = append(commands, []string{"demo", "--data", filepath.Dir(file), "--listen", "127.0.0.1:0"})
			}
			for _, args := range commands {
				if c := run(t, nil, "", args...); c.status != 1 || !strings.Contains(c.err.String(), newer.says) {
					t.Errorf("%s: status %d, says %s", args[0], c.status, c.err.String())
				}
			}
			if !slices.Equal(before, contents(t, database)) {
				t.Error("the database is not as it was")
			}
		})
	}
}

// A command that finds no database makes none, and no folder for it, and says where it looked.
func TestCommandsMakeNoFolder(t *testing.T) {
	for name, args := range databaseCommands() {
		data := filepath.Join(t.TempDir(), "data")
		c := run(t, nil, returned(t), slices.Concat(strings.Fields(name), args, []string{"--data", data})...)
		if said := c.err.String(); c.status == 0 || !strings.Contains(said, schemas()["empty"].says) || !strings.Contains(said, "no database file "+filepath.Join(data, "vigie.db")) {
			t.Errorf("%s: status %d, says %s", name, c.status, said)
		}
		if _, err := os.Stat(data); !os.IsNotExist(err) {
			t.Errorf("%s: the folder: %v", name, err)
		}
	}
}

// Commands say which database they use.
func TestCommandsNameTheirDatabase(t *testing.T) {
	for kind, open := range storetest.Kinds() {
		t.Run(kind, func(t *testing.T) {
			url := open(t)
			commands := databaseCommands()
			commands["migrate"] = nil
			delete(commands, "sync") // which would ask the real services
			for name, args := range commands {
				c := run(t, nil, returned(t), slices.Concat(strings.Fields(name), args, []string{"--database-url", url})...)
				if !strings.HasPrefix(c.err.String(), "vigie: database "+database.Name(url)+"\n") {
					t.Errorf("%s says %s", name, c.err.String())
				}
			}
		})
	}
}

// The command that makes and migrates databases says what it did.
func TestMigrateSaysWhatItDid(t *testing.T) {
	for kind, open := range storetest.Empty() {
		t.Run(kind, func(t *testing.T) {
			url := open(t)
			says := func(want string) {
				t.Helper()
				if c := run(t, nil, "", "migrate", "--database-url", url); c.status != 0 || !strings.Contains(c.out.String(), want) {
					t.Errorf("status %d, says %s%s", c.status, c.out.String(), c.err.String())
				}
			}
			says("was made")
			says("is up to date")
		})
	}
}

// alterSchema migrates a database, and alters it.
func alterSchema(t *testing.T, database, statement string) {
	t.Helper()
	if c := run(t, nil, "", "migrate", "--database-url", database); c.status != 0 {
		t.Fatal(c.err.String())
	}
	storetest.Exec(t, database, statement)
}

// contents are all rows of a database; nil for a missing file.
func contents(t *testing.T, database string) []string {
	t.Helper()
	if file, ok := strings.CutPrefix(database, "sqlite:"); ok {
		if _, err := os.Stat(file); os.IsNotExist(err) {
			return nil
		}
	}
	return append([]string{}, storetest.Everything(t, database)...)
}
