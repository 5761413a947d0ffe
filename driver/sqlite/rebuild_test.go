package sqlite_test

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/sealsql/sealsql/rewrite"
)

const rebuiltConfig = `version: 1
service: shop
product: orders
kms: {env: SEALSQL_TEST_KEY}
metastore: {sql: same}
tables:
  people:
    columns:
      name: {type: varchar(20), search: equality}
      nick: {search: equality}
`

// TestARebuiltTableMayLackAColumnAndKeepsItsTypes takes the steps of a migrator
// that copies a table into a new one, before a later migration has added one of
// the encrypted columns.
func TestARebuiltTableMayLackAColumnAndKeepsItsTypes(t *testing.T) {
	f := open(t, "", rebuiltConfig)
	f.exec("CREATE TABLE `people` (`id` integer PRIMARY KEY, `name` varchar(20), `nick` text, `age` integer)")
	f.exec("INSERT INTO people (id, name, nick, age) VALUES (1, ?, 'n', 30)", canary)
	f.exec("CREATE TABLE `people__temp` (`id` integer PRIMARY KEY, `name` varchar(20), `age` integer)")
	for _, text := range []string{
		"INSERT INTO `people__temp` (`id`, `name`, `age`) VALUES (2, 'x', 1)",
		"INSERT INTO `people__temp` (`id`, `age`) VALUES (2, 4711)",
		"UPDATE `people__temp` SET `age` = 4711",
	} {
		refused(t, f, text, rewrite.ReasonUnknownColumn, "nick")
	}
	f.exec("INSERT INTO `people__temp` (`id`, `name`, `age`) SELECT `id`, `name`, `age` FROM `people`")
	f.exec("DROP TABLE `people`")
	f.exec("ALTER TABLE `people__temp` RENAME TO `people`")
	f.exec("ALTER TABLE `people` ADD COLUMN `nick` text")
	got := all(t, f.db, context.Background(), "SELECT name, nick, age FROM people WHERE name = ?", canary)
	if want := [][]any{{canary, nil, int64(30)}}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	refused(t, f, "CREATE TABLE `people__temp` (`id` integer PRIMARY KEY, `name` text, `nick` text)", rewrite.ReasonDDL, "varchar(20)")
	refused(t, f, "CREATE TABLE `people__temp` (`id` integer PRIMARY KEY, `name` varchar(30), `nick` text)", rewrite.ReasonDDL, "varchar(20)")
	f.noCanary()
}

func refused(t *testing.T, f *fixture, text string, reason rewrite.Reason, hint string) {
	t.Helper()
	_, err := f.db.Exec(text)
	var u *rewrite.UnsupportedError
	if !errors.As(err, &u) || u.Reason != reason || !strings.Contains(u.Hint, hint) {
		t.Errorf("%s: %v", text, err)
	}
}
